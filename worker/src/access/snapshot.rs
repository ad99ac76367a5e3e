//! What is published, for applications: `/v1/snapshots` and the keys that verify it.
//!
//! What leaves the service is signed with ES256: whoever can verify it cannot forge it. The whole of the rules goes to
//! an application's servers; a browser gets what concerns one principal, and that as a hint: the server decides.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parapet::Finding;
use parapet::authzen::principal_type;
use parapet::compile_for;
use parapet::model::SnapshotVersion;
use parapet::snapshot::{SectionKind, SnapshotBuilder, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::principal;
use crate::administration::{ListOf, list};
use crate::app::App;
use crate::authenticate::{Caller, Owner};
use crate::document;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::publish;
use crate::response::Response;

/// Needed to fetch snapshots with a key alone.
pub const SCOPE: &str = "access:snapshot";

impl ListOf for SnapshotVersion {
    const PATH: &'static str = "/v1/snapshots";
    const READ: &'static str = "snapshot.read";
    const NEWEST_FIRST: bool = true;
    const KEY: &'static [&'static str] = &["policy_version"];
    const FILTERS: &'static [&'static str] = &["content_hash"];
    const SORTS: &'static [&'static str] = &["policy_version"];
}

/// The versions, the newest one, one principal's part of it, and the public keys.
pub fn routes() -> Vec<Route> {
    type Version = SnapshotVersion;
    let read = Version::READ;
    vec![
        Route {
            method: "GET",
            path: Version::PATH,
            access: Access::Permission(read, |app, call, actor| Box::pin(list::<Version>(app, call, actor))),
        },
        Route {
            method: "GET",
            path: "/v1/snapshots/current",
            access: Access::ScopeOrPermission(SCOPE, read, |app, call, caller| Box::pin(current(app, call, caller))),
        },
        Route {
            method: "GET",
            path: "/v1/snapshots/me",
            access: Access::Scope(SCOPE, |app, call, caller| Box::pin(me(app, call, caller))),
        },
        Route {
            method: "GET",
            path: "/.well-known/parapet-keys",
            access: Access::Public(|app, _| Box::pin(keys(app))),
        },
    ]
}

/// The newest snapshot as it is decided by here, under a signature for others.
async fn current(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let key = app.config()?.publish_key()?;
    let published = publish::current(app, caller.newest(), &call.id).await?;
    let etag = format!("\"{}-{}\"", published.content_hash, published.version);
    if is_known(call, &etag) {
        return Ok(answer(&caller, 304, Vec::new(), etag));
    }
    let snapshot = published.engine.snapshot();
    let sections = SectionKind::ALL.into_iter().filter_map(|kind| Some((kind, snapshot.section(kind)?)));
    let builder =
        sections.fold(SnapshotBuilder::new(snapshot.tenant()), |builder, (kind, bytes)| builder.section(kind, bytes));
    let bytes = builder.build(snapshot.policy_version(), snapshot.created(), key);
    Ok(answer(&caller, 200, bytes, etag))
}

/// What the rules say to one principal: the key's own, or the one that an enforcement point asks for.
async fn me(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let (kind, id) = subject(call, &caller)?;
    let key = app.config()?.publish_key()?;
    let published = publish::current(app, caller.newest(), &call.id).await?;
    let record = principal::find(app, caller.newest(), kind, &id, &call.id).await?.ok_or(ApiError::NotFound)?;
    let versions = caller.standing.versions;
    // It follows from the rules, and from the principal as of the directory's version.
    let identity =
        [&published.content_hash, &versions.policy.to_string(), &versions.directory.to_string(), kind, &record.id]
            .map(str::to_owned)
            .join(" ");
    let etag: String = hex::encode(Sha256::digest(identity)).chars().take(32).collect();
    let etag = format!("\"{etag}\"");
    if is_known(call, &etag) {
        return Ok(answer(&caller, 304, Vec::new(), etag));
    }
    let moved = || ApiError::unavailable("snapshot.moved", "the rules changed in between", versions.policy);
    let document = document::at(app, caller.standing.tenant, versions.policy).await?.ok_or_else(moved)?;
    let compiled = compile_for(&document, &record).map_err(|findings| ApiError::DoesNotCompile { findings })?;
    let bytes = compiled.snapshot(versions.policy, app.clock.now(), key);
    Ok(answer(&caller, 200, bytes, etag))
}

/// Whom it is about.
fn subject(call: &Call, caller: &Caller) -> Result<(&'static str, String), ApiError> {
    let own = match caller.standing.owner {
        Owner::Tenant => None,
        Owner::User(id) => Some(("User", id.to_string())),
        Owner::ServiceAccount(id) => Some(("ServiceAccount", id.to_string())),
    };
    let mut findings = Vec::new();
    let mut finding =
        |field: &str, code: &str, message: &str| findings.push(Finding::error("query", code, message).field(field));
    let (mut kind, mut id) = (None, None);
    let mut seen = Vec::new();
    for (name, value) in call.query() {
        match name.as_str() {
            known if seen.iter().any(|its| its == known) => {
                finding(&name, "query.twice", &format!("`{name}` is there twice"));
            }
            "subject_type" | "subject_id" if own.is_some() => {
                finding(&name, "query.own", "a key that acts for somebody fetches its own part alone");
            }
            "subject_type" => match principal_type(&value) {
                Some(known) => kind = Some(known),
                None => finding(&name, "query.value", "expected `user` or `service_account`"),
            },
            "subject_id" => id = Some(value),
            _ => finding(&name, "query.unknown", &format!("there is no parameter `{name}`")),
        }
        seen.push(name);
    }
    if own.is_none() {
        for (name, missing) in [("subject_type", kind.is_none()), ("subject_id", id.is_none())] {
            if missing {
                finding(name, "query.missing", "an enforcement point's key says whose part it wants");
            }
        }
    }
    match own.or_else(|| kind.zip(id)) {
        Some(subject) if findings.is_empty() => Ok(subject),
        _ => {
            let detail = "the query is not valid".to_owned();
            Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings })
        }
    }
}

/// The public keys as a JWK set (RFC 7517), the one that signs first; empty where nothing is given out.
async fn keys(app: &App) -> Result<Response, ApiError> {
    let jwk = |key: VerifyingKey| {
        let point = key.sec1()?;
        let coordinate = |from, to| Some(BASE64_URL_SAFE_NO_PAD.encode(point.get(from..to)?));
        Some(json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key.id(),
            "x": coordinate(1, 33)?, "y": coordinate(33, 65)?,
        }))
    };
    let keys: Vec<Value> = app.config()?.published_keys().into_iter().filter_map(jwk).collect();
    Ok(Response::json(&json!({ "keys": keys }))?.with("cache-control", "public, max-age=300"))
}

/// Whether whoever asks has what this tag stands for (RFC 9110, section 13.1.2).
pub fn is_known(call: &Call, etag: &str) -> bool {
    let Some(known) = call.request.header("if-none-match") else { return false };
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.split(',').any(|tag| tag.trim() == "*" || plain(tag) == etag)
}

fn answer(caller: &Caller, status: u16, body: Vec<u8>, etag: String) -> Response {
    let mut response = Response { status, body, ..Response::default() }
        .with("etag", etag)
        // It may be kept, and is asked for again before it is used.
        .with("cache-control", "private, no-cache");
    if status == 200 {
        response = response.with("content-type", "application/octet-stream");
    }
    if caller.stale { response.with("x-parapet-stale", "true") } else { response }
}
