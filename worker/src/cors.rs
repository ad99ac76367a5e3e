//! Browsers of other origins (the Fetch standard, section 3.3): a tenant's setting `security/cors_origins` names the ones
//! whose pages may call, each exactly. There is no wildcard, and no cookie is ever asked for: a page sends its key.
//!
//! A preflight has no key and so no tenant. It is answered for an origin that any tenant names; the answer that counts has
//! the header only where the key's own tenant names the origin.

use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Call, Route};
use crate::platform::db::Statement;
use crate::rate;
use crate::request::Request;
use crate::response::Response;

const IS_NAMED: &str = "
    SELECT 1 AS named FROM tenant_setting s JOIN tenant t ON t.id = s.tenant_id, json_each(s.setting_value) o
    WHERE s.category = 'security' AND s.setting_key = 'cors_origins' AND t.status = 'active' AND o.value = ?1 LIMIT 1";

const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id";

const RESPONSE_HEADERS: &str = "etag, idempotency-replayed, link, location, retry-after, x-parapet-stale, x-request-id";

/// For so many seconds a browser need not ask again.
const MAX_AGE: &str = "600";

/// The origin of the page that calls, where it is one that could be named.
fn origin(request: &Request) -> Option<&str> {
    request.header("origin").filter(|origin| origin.starts_with("https://") || origin.starts_with("http://"))
}

/// Whether a browser asks beforehand.
pub fn is_preflight(request: &Request) -> bool {
    request.method == "OPTIONS"
        && request.header("access-control-request-method").is_some()
        && origin(request).is_some()
}

/// Answers a browser that asks beforehand, about a path with these routes.
pub async fn preflight(app: &App, request: &Request, routes: &[Route]) -> Result<Response, ApiError> {
    let response = Response { status: 204, ..Response::default() }.with("vary", "origin");
    let Some(origin) = origin(request) else { return Ok(response) };
    rate::stranger(app, request)?;
    let named = app.db.first(Statement::new(IS_NAMED).bind(origin)).await.map_err(ApiError::database)?;
    if named.is_none() {
        return Ok(response);
    }
    let methods: Vec<&str> = routes.iter().map(|route| route.method).collect();
    Ok(response
        .with("access-control-allow-origin", origin)
        .with("access-control-allow-methods", methods.join(", "))
        .with("access-control-allow-headers", REQUEST_HEADERS)
        .with("access-control-max-age", MAX_AGE))
}

/// Lets the page read the answer, if the caller's tenant names its origin.
pub fn allow(call: &Call, mut response: Response) -> Response {
    let Some(origin) = origin(&call.request) else { return response };
    response = response.with("vary", "origin");
    let named = call.caller.get().is_some_and(|standing| standing.origins.iter().any(|its| its == origin));
    if !named {
        return response;
    }
    response.with("access-control-allow-origin", origin).with("access-control-expose-headers", RESPONSE_HEADERS)
}
