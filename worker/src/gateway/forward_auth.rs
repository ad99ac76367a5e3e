//! `/forward-auth`: another server asks, before it passes a request on itself (nginx's `auth_request`, Traefik, Caddy, and
//! Envoy's HTTP `ext_authz`).
//!
//! It shows a key of its own, a PEP's, in `X-Parapet-Key`; everything else is the request's own and is judged as at the
//! gateway. What the request was it says in one of three ways:
//!
//! - `X-Original-URL` and `X-Original-Method`, as nginx is told to. It takes nothing but 2xx, 401 and 403, so a way to sign
//!   in comes as 401 with `X-Parapet-Location`.
//! - `X-Forwarded-Proto`, `-Host`, `-Uri` and `-Method`, as Traefik and Caddy send them.
//! - Envoy asks with the request's own host and method, at `/forward-auth` and the request's path behind it.
//!
//! Those headers are the server's to write: a configuration that passes a caller's own on lets the caller choose what is
//! asked. The ones in `fixtures/forward-auth` overwrite them all.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use parapet::model::DecisionCaller;

use super::{Application, forward, judge, may_be, refusal};
use crate::access::evaluation::SCOPE;
use crate::app::App;
use crate::authenticate::{Caller, Owner, caller};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::request::{Body, Request};
use crate::response::Response;

/// Where it is asked.
const PATH: &str = "/forward-auth";

/// In which a server shows its key.
const KEY: &str = "x-parapet-key";

/// Where a browser is to go, for servers that can hand on no redirect.
const LOCATION: &str = "x-parapet-location";

const METHODS: [&str; 7] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"];

/// At the service's own host and at a tenant's, whatever the method.
pub fn routes() -> Vec<Route> {
    let route = |method, path| Route { method, path, access: Access::Public(|app, call| Box::pin(answer(app, call))) };
    METHODS.iter().flat_map(|method| [route(method, PATH), route(method, "/forward-auth/{*path}")]).collect()
}

/// Whether a request at an application's own host is such a question.
pub fn is_asked(request: &Request) -> bool {
    request.headers.contains_key(KEY)
        && request.path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// 2xx where the request may be passed on, with who asks; else what the gateway would say.
pub async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let pep = pep(app, call).await?;
    let (asked, way) = asked(&call.request)?;
    let asked = Call { id: call.id.clone(), parameters: Vec::new(), request: asked, caller: OnceCell::new() };
    let host = may_be(&asked.request, app.config()?).ok_or_else(unknown)?;
    let application = Application::of(app, &asked.request, &host).await?.ok_or_else(unknown)?;
    if application.tenant != pep.standing.tenant {
        return Err(unknown());
    }
    let identity = match judge::judge(app, &application, &asked, DecisionCaller::ForwardAuth).await {
        Ok(passed) => forward::identity(app, &application, &asked, &passed).await?,
        Err(error) => return Ok(as_taken(refusal::refused(app, &application, &asked, &error), way)),
    };
    let response = Response { status: 200, ..Response::default() };
    // Where nobody is known it says so: else a caller's own header would be handed on.
    Ok(response.with(forward::IDENTITY_HEADER, identity.unwrap_or_default()))
}

/// The server that asks.
async fn pep(app: &App, call: &Call) -> Result<Caller, ApiError> {
    let key = call.request.headers.get(KEY).ok_or(ApiError::Unauthenticated {
        code: "key.missing",
        detail: "the server that asks shows a key of its own in `X-Parapet-Key`",
    })?;
    let mut request = Request { body: Body::default(), ..call.request.clone() };
    request.headers.insert("authorization".to_owned(), format!("Bearer {key}"));
    let by_key = Call { id: call.id.clone(), parameters: Vec::new(), request, caller: OnceCell::new() };
    let caller = caller(app, &by_key).await?;
    if !caller.has_scope(SCOPE) || caller.standing.owner != Owner::Tenant {
        return Err(ApiError::MissingScope { scope: SCOPE });
    }
    Ok(caller)
}

/// By which headers a request is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Original,
    Forwarded,
    Own,
}

/// The request that is asked about.
fn asked(request: &Request) -> Result<(Request, Way), ApiError> {
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let malformed = |detail: &str| ApiError::malformed("forward_auth.malformed", detail);
    let (way, method, origin, target) = match (header("x-original-url"), header("x-forwarded-uri")) {
        (Some(_), Some(_)) => return Err(malformed("expected `X-Original-URL` or `X-Forwarded-Uri`, not both")),
        (Some(url), None) => {
            let method = header("x-original-method").ok_or_else(|| malformed("`X-Original-Method` is missing"))?;
            let (scheme, rest) = url.split_once("://").ok_or_else(|| malformed("`X-Original-URL` is no URL"))?;
            let at = rest.find('/').unwrap_or(rest.len());
            let (authority, target) = rest.split_at_checked(at).unwrap_or((rest, ""));
            (Way::Original, method, format!("{scheme}://{authority}"), target)
        }
        (None, Some(uri)) => {
            let part = |name: &str| header(name).ok_or_else(|| malformed(&format!("`{name}` is missing")));
            let origin = format!("{}://{}", part("x-forwarded-proto")?, part("x-forwarded-host")?);
            (Way::Forwarded, part("x-forwarded-method")?, origin, uri)
        }
        (None, None) => {
            let path = request.path.strip_prefix(PATH).unwrap_or_default();
            (Way::Own, request.method.as_str(), request.origin.clone(), path)
        }
    };
    let (path, query) = match way {
        Way::Own => (target, request.query.as_str()),
        Way::Original | Way::Forwarded => target.split_once('?').unwrap_or((target, "")),
    };
    // What is said of the connection (`:…`) is of the one to the server that asks, its certificate too.
    let is_ours = |name: &str| {
        name == KEY
            || name == "cf-connecting-ip"
            || name.starts_with(':')
            || name.starts_with("x-forwarded-")
            || name.starts_with("x-original-")
    };
    let mut headers: BTreeMap<String, String> = request
        .headers
        .iter()
        .filter(|(name, _)| !is_ours(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // The server's own word, one address: a list begins with what a caller said.
    let address = header("x-forwarded-for").and_then(|address| address.trim().parse::<IpAddr>().ok());
    headers.extend(address.map(|address| ("cf-connecting-ip".to_owned(), address.to_string())));
    let path = if path.is_empty() { "/" } else { path };
    let asked = Request {
        method: method.to_owned(),
        origin,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        // It stays with the server that asks.
        body: Body::default(),
    };
    Ok((asked, way))
}

/// An answer in the form that the server takes.
fn as_taken(response: Response, way: Way) -> Response {
    if way != Way::Original || ![302, 303].contains(&response.status) {
        return response;
    }
    let location = response.header("location").unwrap_or_default().to_owned();
    let headers = response.headers.into_iter().filter(|(name, _)| *name != "location").collect();
    Response { status: 401, headers, ..Response::default() }.with(LOCATION, location)
}

fn unknown() -> ApiError {
    ApiError::malformed("forward_auth.unknown_host", "the host is no application of the key's tenant")
}
