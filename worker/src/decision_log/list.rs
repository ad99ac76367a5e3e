//! Reading the log of decisions: `/v1/decisions`, for whoever may read what was done.

use parapet::model::{AuditLog, DecisionLog};
use uuid::Uuid;

use crate::administration::{Actor, ListOf, list, row_answer, select_one};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

impl ListOf for DecisionLog {
    const PATH: &'static str = "/v1/decisions";
    const READ: &'static str = AuditLog::READ;
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &["principal_id", "resource_type", "resource_id", "outcome"];
}

/// `GET /v1/decisions` and `/v1/decisions/{id}`.
pub fn routes() -> Vec<Route> {
    let read = DecisionLog::READ;
    vec![
        Route {
            method: "GET",
            path: DecisionLog::PATH,
            access: Access::Permission(read, |app, call, actor| Box::pin(list::<DecisionLog>(app, call, actor))),
        },
        Route {
            method: "GET",
            path: "/v1/decisions/{id}",
            access: Access::Permission(read, |app, call, actor| Box::pin(get(app, call, actor))),
        },
    ]
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    row_answer(&one(app, actor.tenant, call.row_id()?).await?)
}

/// A logged decision of a tenant; 404 where it was not logged, or is kept no longer.
pub async fn one(app: &App, tenant: Uuid, id: Uuid) -> Result<DecisionLog, ApiError> {
    let read = select_one::<DecisionLog>(tenant, &[id.to_string()]);
    let found = app.db.all(read).await.map_err(ApiError::database)?;
    rows::<DecisionLog>(found)?.pop().ok_or(ApiError::NotLogged)
}
