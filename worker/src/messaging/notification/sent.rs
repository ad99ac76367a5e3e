//! What was sent to whom: `/v1/user-notifications`. A link or a code is in none of them.

use parapet::model::UserNotification;

use crate::administration::{Actor, ListOf, key, list, row_answer, select_one};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

impl ListOf for UserNotification {
    const PATH: &'static str = "/v1/user-notifications";
    const READ: &'static str = "user_notification.read";
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [&'static str] = &["user_id", "status"];
    const SELECTIVE: &'static [&'static str] = &["user_id"];
}

/// The list, and one of it.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: UserNotification::PATH,
            access: Access::Permission(UserNotification::READ, |app, call, actor| {
                Box::pin(list::<UserNotification>(app, call, actor))
            }),
        },
        Route {
            method: "GET",
            path: "/v1/user-notifications/{id}",
            access: Access::Permission(UserNotification::READ, |app, call, actor| Box::pin(get(app, call, actor))),
        },
    ]
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let statement = select_one::<UserNotification>(actor.tenant, &key::<UserNotification>(call)?);
    let mut found = rows::<UserNotification>(app.db.all(statement).await.map_err(ApiError::database)?)?;
    row_answer(&found.pop().ok_or(ApiError::NotFound)?)
}
