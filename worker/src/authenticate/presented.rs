//! What a request brings to show who calls, and the statement that says all of it.

use parapet::api_key::ApiKeyToken;
use parapet::model::Timestamp;
use parapet::opaque_token::{OpaqueToken, TokenKind};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::access_token::{self, For};
use super::external::External;
use super::{Host, Standing, ended};
use crate::app::App;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::{Row, Statement};
use crate::request::Request;

const READ_KEY: &str = "
    SELECT k.id, k.tenant_id, k.user_id, k.service_account_id, k.scopes, k.expires_at, k.last_used_at, k.is_active,
           t.status AS tenant_status, t.slug AS tenant_slug,
           (SELECT h.id FROM tenant h WHERE h.domain = ?2) AS host_tenant_id,
           (SELECT o.setting_value FROM tenant_setting o WHERE o.tenant_id = k.tenant_id AND o.category = 'security'
            AND o.setting_key = 'cors_origins') AS cors_origins,
           u.is_active AS user_is_active, u.state AS user_state, u.deleted_at AS user_deleted_at,
           a.is_active AS service_account_is_active,
           e.policy_version, e.directory_version, s.content_hash,
           c.id AS candidate_id, c.content_hash AS candidate_hash, c.expires_at AS candidate_expires_at
    FROM api_key k
    JOIN tenant t ON t.id = k.tenant_id
    LEFT JOIN user u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
    LEFT JOIN service_account a ON a.tenant_id = k.tenant_id AND a.id = k.service_account_id
    LEFT JOIN tenant_epoch e ON e.tenant_id = k.tenant_id
    LEFT JOIN snapshot s ON s.tenant_id = k.tenant_id AND s.policy_version = e.policy_version
    LEFT JOIN snapshot_candidate c ON c.tenant_id = k.tenant_id AND c.base_version = e.policy_version
    WHERE k.key_hash = ?1";

const READ_SESSION: &str = "
    SELECT s.id, s.tenant_id, s.user_id, s.auth_time, s.amr, s.expires_at, s.created_at,
           s.last_accessed_at AS last_used_at,
           coalesce((SELECT o.setting_value FROM tenant_setting o WHERE o.tenant_id = s.tenant_id
                     AND o.category = 'security' AND o.setting_key = 'session_idle_minutes'),
                    json_extract(t.settings, '$.security.session_idle_minutes')) AS idle_minutes,
           t.status AS tenant_status, t.slug AS tenant_slug,
           (SELECT h.id FROM tenant h WHERE h.domain = ?2) AS host_tenant_id,
           u.is_active AS user_is_active, u.state AS user_state, u.deleted_at AS user_deleted_at,
           e.policy_version, e.directory_version, n.content_hash,
           c.id AS candidate_id, c.content_hash AS candidate_hash, c.expires_at AS candidate_expires_at
    FROM user_session s
    JOIN tenant t ON t.id = s.tenant_id
    JOIN user u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    LEFT JOIN tenant_epoch e ON e.tenant_id = s.tenant_id
    LEFT JOIN snapshot n ON n.tenant_id = s.tenant_id AND n.policy_version = e.policy_version
    LEFT JOIN snapshot_candidate c ON c.tenant_id = s.tenant_id AND c.base_version = e.policy_version
    WHERE s.session_token = ?1
       OR s.id = (SELECT a.session_id FROM session_host a WHERE a.token_hash = ?1 AND a.host = ?2)";

/// The statement that says all of a key by its id.
pub(super) fn read_key(key: Uuid, host: &Host) -> Statement {
    Statement::new(READ_KEY.replace("k.key_hash = ?1", "k.id = ?1")).bind(key).bind(host.name())
}

/// What a request brings to show who calls.
pub(super) enum Presented<'a> {
    ApiKey(ApiKeyToken),
    Session(OpaqueToken),
    AccessToken(&'a str),
    /// A token of another issuer, with its text.
    External(&'a str, Box<External<'a>>),
    /// The certificate of the connection, by its thumbprint, as it may be a key of this tenant.
    Certificate {
        tenant: Uuid,
        thumbprint: String,
    },
}

impl<'a> Presented<'a> {
    /// What stands in `Authorization`; without that header, the session of the cookie.
    pub(super) fn by(request: &'a Request) -> Result<Self, ApiError> {
        let missing = || ApiError::Unauthenticated {
            code: "key.missing",
            detail: "an API key, a session or an access token is needed, as a bearer token",
        };
        let Some(header) = request.header("authorization") else {
            let token = cookie::session(request).ok_or_else(missing)?;
            cookie::is_meant(request, &token)?;
            return Ok(Self::Session(token));
        };
        let (scheme, credential) = header.split_once(' ').ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        let credential = credential.trim();
        ApiKeyToken::parse(credential)
            .map(Self::ApiKey)
            .or_else(|| OpaqueToken::parse(TokenKind::Session, credential).map(Self::Session))
            .or_else(|| access_token::could_be(credential).then_some(Self::AccessToken(credential)))
            .ok_or(ApiError::Unauthenticated { code: "key.malformed", detail: "this is no credential of ours" })
    }

    /// The same at an application of this tenant, whose own tokens have this issuer: a token that says that somebody else
    /// issued it is meant as such; and where a request says nothing of who calls, the certificate of its connection does.
    pub(super) fn at(request: &'a Request, tenant: Uuid, issuer: &str) -> Result<Self, ApiError> {
        match Self::by(request) {
            Ok(Self::AccessToken(text)) => Ok(match External::read(text, tenant, issuer) {
                Some(external) => Self::External(text, Box::new(external)),
                None => Self::AccessToken(text),
            }),
            Err(error @ ApiError::Unauthenticated { code: "key.missing", .. }) => {
                let says_nothing = request.header("authorization").is_none();
                let thumbprint = request.certificate().filter(|_| says_nothing).ok_or(error)?;
                Ok(Self::Certificate { tenant, thumbprint })
            }
            other => other,
        }
    }

    /// What it is remembered by: none of them has the other's form.
    pub(super) fn hash(&self) -> String {
        match self {
            Self::ApiKey(token) => token.hash(),
            Self::Session(token) => token.hash(),
            Self::AccessToken(text) => hex::encode(Sha256::digest(text)),
            // Known at one tenant's, with what it says of the issuer.
            Self::External(text, _) => format!("external {}", hex::encode(Sha256::digest(text))),
            Self::Certificate { thumbprint, .. } => format!("certificate {thumbprint}"),
        }
    }

    /// The statement that says all of it; nothing where it cannot be one.
    pub(super) fn read(&self, hash: &str, host: &Host, now: Timestamp) -> Option<Statement> {
        match self {
            Self::ApiKey(_) => Some(Statement::new(READ_KEY).bind(hash).bind(host.name())),
            Self::Session(_) => Some(Statement::new(READ_SESSION).bind(hash).bind(host.name())),
            Self::AccessToken(text) => access_token::read(text, host.name(), now),
            Self::External(_, external) => Some(external.statement()),
            Self::Certificate { tenant, thumbprint } => Some(
                Statement::new(
                    READ_KEY.replace("k.key_hash = ?1", "k.tenant_id = ?1 AND k.certificate_thumbprint = ?3"),
                )
                .bind(*tenant)
                .bind(host.name())
                .bind(thumbprint.as_str()),
            ),
        }
    }

    /// What the statement said; nothing where the credential is not what it says.
    pub(super) async fn standing(
        &self,
        app: &App,
        call: &Call,
        row: Row,
        now: Timestamp,
    ) -> Result<Option<Standing>, ApiError> {
        match self {
            Self::ApiKey(_) | Self::Session(_) | Self::Certificate { .. } => Standing::read(row, now).map(Some),
            Self::AccessToken(text) => {
                let found = access_token::standing(app, &call.request, text, row, For::Us, now)?;
                Ok(found.map(|(_, standing)| standing))
            }
            Self::External(_, external) => external.standing(app, &call.id, row, now).await,
        }
    }

    pub(super) fn unknown(&self) -> ApiError {
        match self {
            Self::ApiKey(_) => ApiError::Unauthenticated { code: "key.unknown", detail: "the key is not known" },
            Self::Session(_) => ended(),
            Self::AccessToken(_) | Self::External(..) => access_token::refused(),
            Self::Certificate { .. } => {
                ApiError::Unauthenticated { code: "certificate.unknown", detail: "the certificate is not known" }
            }
        }
    }
}
