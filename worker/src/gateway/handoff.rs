//! People with a browser: sent to where their tenant's people sign in, and brought back with a session of the application's
//! own host.
//!
//! 1. The application's host remembers a random state in a cookie and sends the browser to `/handoff` with its hash.
//! 2. The tenant's host, once somebody is signed in, writes a code for that session, host and state, good once and for a
//!    minute, and sends the browser back with it.
//! 3. `/.parapet/callback` at the application's host takes code and state together, and sets a cookie with a token that
//!    counts at this host alone. It ends when the session does.
//!
//! So nobody comes by another's session: a code is worth nothing without the state in the browser that asked for it, and a
//! token of one host opens no other.

use parapet::model::Timestamp;
use parapet::opaque_token::{OpaqueToken, TokenKind};

use super::Application;
use crate::administration::fresh_id;
use crate::app::App;
use crate::authenticate::caller_now;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::token::issuer;
use crate::pages::own_path;
use crate::platform::db::Statement;
use crate::platform::random;
use crate::request::Request;
use crate::response::Response;

/// Where a tenant's host hands a session over.
const HANDOFF: &str = "/handoff";

/// Where an application's host takes it.
const CALLBACK: &str = "/.parapet/callback";

/// Where one leaves an application.
const SIGN_OUT: &str = "/.parapet/sign-out";

/// Under this nothing of an application's own is asked for.
const OURS: &str = "/.parapet/";

/// So long, in seconds, one may take to sign in.
const STATE_SECONDS: i64 = 600;

/// So long, in milliseconds, a code is good.
const CODE_LIFE: i64 = 60_000;

/// A code for an application of the tenant; there is none for another's.
const GIVE: &str = "
    INSERT INTO session_host (id, tenant_id, session_id, host, code_hash, state_hash, code_expires_at, token_hash, created_at)
    SELECT ?2, ?1, ?3, g.host, ?5, ?6, ?7, NULL, ?8 FROM gateway_host g
    WHERE g.tenant_id = ?1 AND g.host = ?4 AND g.is_active = 1
    ON CONFLICT (tenant_id, session_id, host) DO UPDATE
    SET code_hash = excluded.code_hash, state_hash = excluded.state_hash, code_expires_at = excluded.code_expires_at
    RETURNING host";

const TAKE: &str = "
    UPDATE session_host SET code_hash = NULL, state_hash = NULL, code_expires_at = NULL, token_hash = ?6
    WHERE tenant_id = ?1 AND host = ?2 AND code_hash = ?3 AND state_hash = ?4 AND code_expires_at > ?5
    RETURNING id";

const LEAVE: &str = "DELETE FROM session_host WHERE tenant_id = ?1 AND host = ?2 AND token_hash = ?3";

/// At a tenant's own host.
pub fn routes() -> Vec<Route> {
    vec![Route { method: "GET", path: HANDOFF, access: Access::Public(|app, call| Box::pin(hand_over(app, call))) }]
}

/// Whether a path is ours at an application's host.
pub fn is_ours(path: &str) -> bool {
    path.starts_with(OURS)
}

/// What is ours at an application's host.
pub async fn answer(app: &App, application: &Application, call: &Call) -> Result<Response, ApiError> {
    match (call.request.method.as_str(), call.request.path.as_str()) {
        ("GET", CALLBACK) => take(app, application, call).await,
        ("POST", SIGN_OUT) => leave(app, application, call).await,
        _ => Err(ApiError::NotFound),
    }
}

/// Where a browser goes instead of being refused: to prove who it is, or to prove it again. Nothing where what
/// was sent would be lost.
pub fn instead(app: &App, application: &Application, call: &Call, error: &ApiError) -> Option<Response> {
    let again = match error {
        ApiError::Unauthenticated { .. } => false,
        ApiError::NotAllowed { helps: true, .. } => true,
        _ => return None,
    };
    let request = &call.request;
    if !["GET", "HEAD"].contains(&request.method.as_str()) {
        return None;
    }
    let origin = tenants_origin(app, application, request)?;
    let state = OpaqueToken::from_random(TokenKind::Form, random::bytes().ok()?);
    let wanted =
        if request.query.is_empty() { request.path.clone() } else { format!("{}?{}", request.path, request.query) };
    let query = form(&[("host", &application.host), ("state", &state.hash()), ("return_to", &wanted)]);
    let handoff = format!("{HANDOFF}?{query}");
    let location = if again {
        format!("{origin}/sign-in/again?{}", form(&[("return_to", &handoff)]))
    } else {
        format!("{origin}{handoff}")
    };
    let response = Response { status: 303, ..Response::default() }.with("location", location);
    Some(response.with("set-cookie", cookie::set_step(state.expose(), STATE_SECONDS)))
}

/// Where the tenant's people sign in; nothing where they have no place of their own.
fn tenants_origin(app: &App, application: &Application, request: &Request) -> Option<String> {
    let config = app.config().ok()?;
    let domain = application.tenant_domain.as_deref();
    (domain.is_some() || config.base_domain.is_some())
        .then(|| issuer(config, request, &application.tenant_slug, domain))
}

/// Hands the session over that a browser has here; who has none signs in first.
async fn hand_over(app: &App, call: &Call) -> Result<Response, ApiError> {
    let query = call.query();
    let get = |name: &str| query.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str());
    let malformed = || ApiError::malformed("handoff.malformed", "this is no way to an application");
    let (host, state) = get("host").zip(get("state")).ok_or_else(malformed)?;
    let is_hash = state.len() == 64 && state.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_hash {
        return Err(malformed());
    }
    // A browser's own session, and no key that a program sends along. Who has none is sent to sign in, and comes back.
    let caller = caller_now(app, call).await?;
    let session = caller.standing.credential.session().ok_or_else(malformed)?;
    let (now, tenant) = (app.clock.now(), caller.standing.tenant);
    let code = OpaqueToken::from_random(TokenKind::Link, random::bytes().map_err(ApiError::internal)?);
    let give = Statement::new(GIVE)
        .bind(tenant)
        .bind(fresh_id(now)?)
        .bind(session)
        .bind(host)
        .bind(code.hash())
        .bind(state)
        .bind(now.plus_millis(CODE_LIFE))
        .bind(now);
    app.db.first(give).await.map_err(ApiError::database)?.ok_or(ApiError::NotFound)?;
    let query = form(&[("code", code.expose()), ("return_to", own_path(get("return_to")).unwrap_or("/"))]);
    let location = format!("{}{CALLBACK}?{query}", call.request.origin_at(host));
    Ok(Response { status: 303, ..Response::default() }.with("location", location))
}

/// Takes a code and the state that it was given for.
async fn take(app: &App, application: &Application, call: &Call) -> Result<Response, ApiError> {
    let query = call.query();
    let get = |name: &str| query.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str());
    let refused = || ApiError::malformed("handoff.refused", "this way here has been used, or is of another browser");
    let code = get("code").and_then(|code| OpaqueToken::parse(TokenKind::Link, code)).ok_or_else(refused)?;
    let state = cookie::step(&call.request).and_then(|state| OpaqueToken::parse(TokenKind::Form, state));
    let state = state.ok_or_else(refused)?;
    let token = OpaqueToken::from_random(TokenKind::Session, random::bytes().map_err(ApiError::internal)?);
    let now: Timestamp = app.clock.now();
    let take = Statement::new(TAKE)
        .bind(application.tenant)
        .bind(application.host.as_str())
        .bind(code.hash())
        .bind(state.hash())
        .bind(now)
        .bind(token.hash());
    app.db.first(take).await.map_err(ApiError::database)?.ok_or_else(refused)?;
    let location = own_path(get("return_to")).unwrap_or("/").to_owned();
    let response = Response { status: 303, ..Response::default() }.with("location", location);
    Ok(response.with("set-cookie", cookie::set_session(&token)).with("set-cookie", cookie::clear_step()))
}

/// Leaves the application; where the tenant's people sign in one is asked whether to leave everything.
async fn leave(app: &App, application: &Application, call: &Call) -> Result<Response, ApiError> {
    if let Some(token) = cookie::session(&call.request) {
        cookie::is_meant(&call.request, &token)?;
        let leave = Statement::new(LEAVE).bind(application.tenant).bind(application.host.as_str()).bind(token.hash());
        app.db.all(leave).await.map_err(ApiError::database)?;
    }
    let origin = tenants_origin(app, application, &call.request).ok_or(ApiError::NotFound)?;
    let response = Response { status: 303, ..Response::default() }.with("location", format!("{origin}/sign-out"));
    Ok(response.with("set-cookie", cookie::clear_session()))
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
