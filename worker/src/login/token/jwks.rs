//! `GET /.well-known/jwks.json`: the public keys that verify a tenant's access tokens (RFC 7517, section 5).

use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::authenticate::Host;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::rate;
use crate::response::Response;

const OF_SLUG: &str = "SELECT id FROM tenant WHERE slug = ?1 AND status = 'active'";

const OF_DOMAIN: &str = "SELECT id FROM tenant WHERE domain = ?1 AND status = 'active'";

/// Those that sign, will sign, or have signed what still counts.
const READ: &str = "
    SELECT public_key FROM token_key WHERE tenant_id = ?1 AND (retires_at IS NULL OR retires_at > ?2)
    ORDER BY signs_from DESC, id DESC";

/// For the tenant whose host it is, and for one tenant of a host that serves several.
pub fn routes() -> Vec<Route> {
    let route = |path, access| Route { method: "GET", path, access };
    vec![
        route("/.well-known/jwks.json", Access::Public(|app, call| Box::pin(of_host(app, call)))),
        route("/.well-known/jwks.json/{slug}", Access::Public(|app, call| Box::pin(of_slug(app, call)))),
    ]
}

async fn of_host(app: &App, call: &Call) -> Result<Response, ApiError> {
    match Host::of(&call.request, app.config()?.base_domain.as_deref()) {
        Host::Service => Err(ApiError::NotFound),
        Host::Slug(slug) => of_tenant(app, call, OF_SLUG, &slug).await,
        Host::Named(name) => of_tenant(app, call, OF_DOMAIN, &name).await,
    }
}

async fn of_slug(app: &App, call: &Call) -> Result<Response, ApiError> {
    of_tenant(app, call, OF_SLUG, call.parameter("slug")).await
}

async fn of_tenant(app: &App, call: &Call, find: &'static str, name: &str) -> Result<Response, ApiError> {
    rate::stranger(app, &call.request)?;
    let found = app.db.first(Statement::new(find).bind(name)).await.map_err(ApiError::database)?;
    let id = found.and_then(|row| row.get("id")?.as_str()?.parse::<Uuid>().ok()).ok_or(ApiError::NotFound)?;
    let read = Statement::new(READ).bind(id).bind(app.clock.now());
    let rows = app.db.all(read).await.map_err(ApiError::database)?;
    let jwk = |text: &str| serde_json::from_str::<Value>(text).map_err(ApiError::internal);
    let texts = rows.iter().filter_map(|row| row.get("public_key")?.as_str());
    let keys = texts.map(jwk).collect::<Result<Vec<_>, _>>()?;
    let mut answer = Response::json(&json!({ "keys": keys }))?.with("cache-control", "public, max-age=300");
    answer.headers.retain(|(name, _)| *name != "content-type");
    Ok(answer.with("content-type", "application/jwk-set+json"))
}
