//! The Policy Decision Point metadata (section 9), published under [`WELL_KNOWN_PATH`].

use serde::Serialize;
use thiserror::Error;

/// Where the metadata is (9.2), followed by the path of the PDP's identifier where that has one.
pub const WELL_KNOWN_PATH: &str = "/.well-known/authzen-configuration";

/// The metadata document: who we are, and where our endpoints are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Our identifier. A PEP compares it with the one that it asked (9.2.3), letter by letter.
    pub policy_decision_point: String,
    /// The Access Evaluation API.
    pub access_evaluation_endpoint: String,
    /// The Access Evaluations API.
    pub access_evaluations_endpoint: String,
    /// The Subject Search API.
    pub search_subject_endpoint: String,
    /// The Resource Search API.
    pub search_resource_endpoint: String,
    /// The Action Search API.
    pub search_action_endpoint: String,
}

impl Metadata {
    /// The metadata of the tenant that the host belongs to, at [`WELL_KNOWN_PATH`]. A `/` at the end of the base URL is
    /// dropped.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`]: the base must be `https` and hold neither query nor fragment (9.1.1); `http` is taken for
    /// this machine itself only, for development.
    pub fn new(base: &str) -> Result<Self, InvalidBaseUrl> {
        let base = checked(base)?;
        let at = |path: &str| format!("{base}/access/v1/{path}");
        Ok(Self {
            policy_decision_point: base.to_owned(),
            access_evaluation_endpoint: at("evaluation"),
            access_evaluations_endpoint: at("evaluations"),
            search_subject_endpoint: at("search/subject"),
            search_resource_endpoint: at("search/resource"),
            search_action_endpoint: at("search/action"),
        })
    }

    /// The metadata of one tenant among several of a host, at [`WELL_KNOWN_PATH`]`/<slug>`: its identifier is the base
    /// with the slug behind it, its endpoints are the host's, which find the tenant by the credential.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`], for a slug too that is not of `[a-z0-9-]`.
    pub fn of_tenant(base: &str, slug: &str) -> Result<Self, InvalidBaseUrl> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if slug.is_empty() || !slug.bytes().all(allowed) {
            return Err(InvalidBaseUrl);
        }
        let host = Self::new(base)?;
        Ok(Self { policy_decision_point: format!("{}/{slug}", host.policy_decision_point), ..host })
    }
}

/// A base URL that no PDP can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the base URL must be `https` and have neither query nor fragment")]
pub struct InvalidBaseUrl;

impl InvalidBaseUrl {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        "authzen.invalid_base_url"
    }
}

fn checked(base: &str) -> Result<&str, InvalidBaseUrl> {
    let base = base.strip_suffix('/').unwrap_or(base);
    let (scheme, rest) = base.split_once("://").ok_or(InvalidBaseUrl)?;
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _port)| host);
    let secure = scheme == "https" || scheme == "http" && matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let foreign = |byte: u8| matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\') || !byte.is_ascii_graphic();
    if !secure || host.is_empty() || rest.bytes().any(foreign) {
        return Err(InvalidBaseUrl);
    }
    Ok(base)
}
