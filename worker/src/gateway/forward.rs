//! What the application is sent: the request as it came, without what only we may say and what is about the connection.

use std::rc::Rc;
use std::time::Duration;

use parapet::model::Timestamp;
use parapet::token::{Identity, SubjectType};

use super::Application;
use super::judge::Passed;
use crate::app::App;
use crate::authenticate::Owner;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::token::{issuer, key};
use crate::platform::Signer;
use crate::response::Response;

/// The header in which the application reads who asks, signed.
pub const IDENTITY_HEADER: &str = "x-parapet-identity";

/// So long, in milliseconds, an application may take what it was told for true.
const IDENTITY_LIFE: i64 = 60_000;

/// So long, in milliseconds, a key that signs is known: what follows it is published ten minutes before it signs.
const KEY_KNOWN_FOR: i64 = 60_000;

/// About the connection, and of no concern to whoever is behind it (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// What others say of where a request came from or what it really is. Whoever believes it is told by us alone.
const SPOOFED: [&str; 16] = [
    "cf-connecting-ip",
    "client-ip",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "remote-user",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-rewrite-url",
];

/// Beginnings of such names.
const SPOOFED_BEGINNINGS: [&str; 5] = ["cf-", "x-forwarded-", "x-original-", "x-parapet-", "x-remote-"];

/// A request on its way to an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Where to, whole.
    pub url: String,
    /// The headers, all of them.
    pub headers: Vec<(String, String)>,
    /// The body where it was read; else it goes on as it comes.
    pub body: Option<Vec<u8>>,
    /// Whether it asks for a WebSocket (RFC 6455), which is asked about again from time to time.
    pub is_socket: bool,
    /// How often.
    pub again: Duration,
    /// Whether it was decided by what was known before, since the database does not answer.
    pub stale: bool,
    /// The request's id.
    pub id: String,
}

/// The answer that passes the request on.
pub async fn forward(
    app: &App,
    application: &Application,
    origin: &str,
    call: &Call,
    passed: Passed,
) -> Result<Response, ApiError> {
    let request = &call.request;
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let is_socket = request.method == "GET"
        && request.headers.get("upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"));
    let mut headers = kept(call, passed.principal.as_ref().is_some_and(|principal| principal.caller.is_some()));
    if is_socket {
        headers.push(("upgrade".to_owned(), "websocket".to_owned()));
    }
    let (scheme, _) = request.origin.split_once("://").unwrap_or(("https", ""));
    let address = request.address().map(|address| ("x-forwarded-for".to_owned(), address.to_string()));
    headers.extend(address);
    headers.push(("x-forwarded-host".to_owned(), application.host.clone()));
    headers.push(("x-forwarded-proto".to_owned(), scheme.to_owned()));
    headers.push(("x-request-id".to_owned(), call.id.clone()));
    if let Some(identity) = identity(app, application, call, &passed).await? {
        headers.push((IDENTITY_HEADER.to_owned(), identity));
    }
    let forward = Forward {
        url: format!("{origin}{}{query}", passed.path),
        headers,
        body: passed.body,
        is_socket,
        // What a right is known by is then as old again, so it ends in time.
        stale: application.stale
            || passed.principal.as_ref().and_then(|its| its.caller.as_ref()).is_some_and(|caller| caller.stale),
        again: Duration::from_millis(u64::try_from(app.config()?.freshness / 2).unwrap_or(0).max(500)),
        id: call.id.clone(),
    };
    Ok(Response { status: 200, forward: Some(Box::new(forward)), ..Response::default() })
}

/// The headers that go on.
fn kept(call: &Call, is_known: bool) -> Vec<(String, String)> {
    let headers = &call.request.headers;
    let named = headers.get("connection").map(String::as_str).unwrap_or_default();
    let is_of_connection = |name: &str| {
        HOP_BY_HOP.contains(&name)
            || name == "upgrade"
            || named.split(',').any(|its| its.trim().eq_ignore_ascii_case(name))
    };
    // Servers that hand headers on as variables take `_` and `-` for one.
    let is_spoofed = |name: &str| {
        let name = name.to_ascii_lowercase().replace('_', "-");
        SPOOFED.contains(&name.as_str()) || SPOOFED_BEGINNINGS.iter().any(|begins| name.starts_with(begins))
    };
    let goes_on = |name: &str| !name.starts_with(':') && !is_of_connection(name) && !is_spoofed(name);
    let kept = headers.iter().filter(|(name, _)| goes_on(name)).filter_map(|(name, value)| match name.as_str() {
        // What shows here who somebody is shows it nobody else.
        "authorization" if is_known => None,
        "cookie" => cookie::without_ours(value).map(|value| (name.clone(), value)),
        _ => Some((name.clone(), value.clone())),
    });
    kept.collect()
}

/// Who asks, for the application: signed with the tenant's own key, for its host alone.
pub async fn identity(
    app: &App,
    application: &Application,
    call: &Call,
    passed: &Passed,
) -> Result<Option<String>, ApiError> {
    let Some(principal) = &passed.principal else { return Ok(None) };
    let now = app.clock.now();
    let key = signing_key(app, application, now).await?;
    let standing = principal.caller.as_ref().map(|caller| &caller.standing);
    let domain = application.tenant_domain.as_deref();
    let identity = Identity {
        issuer: issuer(app.config()?, &call.request, &application.tenant_slug, domain),
        subject: principal.record.id.clone(),
        subject_type: match standing.map(|standing| standing.owner) {
            Some(Owner::ServiceAccount(_)) => SubjectType::ServiceAccount,
            _ => SubjectType::User,
        },
        audience: application.host.clone(),
        issued_at: now,
        expires_at: now.plus_millis(IDENTITY_LIFE),
        tenant: application.tenant,
        decision: passed.decision,
        policy_version: passed.policy_version,
        session: standing.and_then(|standing| standing.credential.session()),
    };
    let unsigned = identity.unsigned(key.public()).map_err(ApiError::internal)?;
    let signature = key.signature(unsigned.as_str()).await.map_err(ApiError::internal)?;
    Ok(Some(unsigned.with(&signature)))
}

/// The key that signs now, remembered for a while: its successor is published long before it signs.
async fn signing_key(app: &App, application: &Application, now: Timestamp) -> Result<Rc<Signer>, ApiError> {
    let known_for = |limit| app.memory.signing_key(application.tenant, now, limit);
    if let Some(key) = known_for(KEY_KNOWN_FOR) {
        return Ok(key);
    }
    let found = match app.db.all(key::read_signing(application.tenant, now)).await {
        Ok(found) => found,
        // Whether the request may be passed on was known without it, and it stays published for longer than this.
        Err(error) => {
            return known_for(KEY_KNOWN_FOR + app.config()?.max_stale).ok_or_else(|| ApiError::database(error));
        }
    };
    let key = key::signing(app, application.tenant, found, now).await?;
    let key = Rc::new(Signer::new(key).await.map_err(ApiError::internal)?);
    app.memory.keep_signing_key(application.tenant, now, key.clone());
    Ok(key)
}
