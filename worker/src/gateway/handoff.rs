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
use serde_json::json;

use super::Application;
use crate::administration::fresh_id;
use crate::app::App;
use crate::authenticate::caller_now;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::token::issuer;
use crate::pages::{Language, Look, own_path, style};
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

/// For browsers that do not go on by themselves.
const GO_ON: &str = r#"<p><a class="button" href="{{page.location}}">{{t "handoff.go_on"}}</a></p>"#;

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
        ("GET" | "HEAD", path) if path.starts_with(Look::AT_APPLICATIONS) => {
            style::sheet_at(path.strip_prefix(Look::AT_APPLICATIONS).unwrap_or_default())
        }
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
    let wanted =
        if request.query.is_empty() { request.path.clone() } else { format!("{}?{}", request.path, request.query) };
    let (location, cookie) = way(app, application, request, &wanted, again)?;
    let response = Response { status: 303, ..Response::default() }.with("location", location);
    Some(response.with("set-cookie", cookie))
}

/// The way to where one proves who one is, perhaps `again`, and from there to a path of the application; and the cookie with
/// the state that belongs to it. Nothing where the tenant's people have no place of their own.
pub fn way(
    app: &App,
    application: &Application,
    request: &Request,
    wanted: &str,
    again: bool,
) -> Option<(String, String)> {
    let origin = tenants_origin(app, application, request)?;
    let state = OpaqueToken::from_random(TokenKind::Form, random::bytes().ok()?);
    let query = form(&[("host", &application.host), ("state", &state.hash()), ("return_to", wanted)]);
    let handoff = format!("{HANDOFF}?{query}");
    let location = if again {
        format!("{origin}/sign-in/again?{}", form(&[("return_to", &handoff)]))
    } else {
        format!("{origin}{handoff}")
    };
    Some((location, cookie::set_step(state.expose(), STATE_SECONDS)))
}

/// Where the tenant's people sign in; nothing where they have no place of their own.
pub fn tenants_origin(app: &App, application: &Application, request: &Request) -> Option<String> {
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
    if call.request.header("sec-fetch-site") == Some("same-origin") {
        return go_on(call, location);
    }
    Ok(Response { status: 303, ..Response::default() }.with("location", location))
}

/// A page that leads on by itself. Browsers hold what a form brought about to the places that its page may send to, through
/// all redirects (CSP's `form-action`), and ours may send nowhere else: so whoever has just signed in goes on from a page.
fn go_on(call: &Call, location: String) -> Result<Response, ApiError> {
    let language = Language::of(call.request.header("accept-language"), None);
    let values = json!({
        "title": language.say("handoff.title", &[]),
        "menu": [],
        "failed": [],
        "notice": null,
        "page": { "location": location },
    });
    let page = Look::default().page(language, "handoff", GO_ON, false, values)?;
    Ok(page.with("refresh", format!("0; url={location}")))
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
