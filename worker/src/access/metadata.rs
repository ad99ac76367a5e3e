//! `GET /.well-known/authzen-configuration`: where the API is (AuthZEN 1.0, section 9). Needs no credential.

use parapet::authzen::Metadata;

use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::rate;
use crate::response::Response;

const FIND_TENANT: &str = "SELECT id FROM tenant WHERE slug = ?1 AND status = 'active'";

/// For the host, and for one tenant of a host that serves several.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/.well-known/authzen-configuration",
            access: Access::Public(|app, call| Box::pin(of_host(app, call))),
        },
        Route {
            method: "GET",
            path: "/.well-known/authzen-configuration/{slug}",
            access: Access::Public(|app, call| Box::pin(of_tenant(app, call))),
        },
    ]
}

/// The endpoints are those of the host; the credential tells the tenant.
async fn of_host(_app: &App, call: &Call) -> Result<Response, ApiError> {
    Response::json(&Metadata::new(&call.request.origin).map_err(|_| ApiError::NotFound)?)
}

async fn of_tenant(app: &App, call: &Call) -> Result<Response, ApiError> {
    let slug = call.parameter("slug");
    let metadata = Metadata::of_tenant(&call.request.origin, slug).map_err(|_| ApiError::NotFound)?;
    rate::stranger(app, &call.request)?;
    let unavailable = |error| ApiError::unavailable("database.unavailable", "the database does not answer", error);
    match app.db.first(Statement::new(FIND_TENANT).bind(slug)).await.map_err(unavailable)? {
        Some(_) => Response::json(&metadata),
        None => Err(ApiError::NotFound),
    }
}
