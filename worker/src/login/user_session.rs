//! The sessions of a tenant's users, for who administers: `/v1/users/{id}/sessions`.

use parapet::model::{User, UserSession};
use serde_json::json;
use uuid::Uuid;

use super::own_session::{newest_first, of, shown};
use crate::administration::{Actor, Plan, RowChange, commit};
use crate::app::App;
use crate::directory::person::Person;
use crate::document::select;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// The list of a user's, and ending one. All of them end by `POST /v1/users/{id}/end-sessions`.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/users/{id}/sessions",
            access: Access::Permission("user.read", |app, call, actor| Box::pin(list(app, call, actor))),
        },
        Route {
            method: "DELETE",
            path: "/v1/users/{id}/sessions/{session_id}",
            access: Access::Permission("user.support", |app, call, actor| Box::pin(end(app, call, actor))),
        },
    ]
}

fn user(tenant: Uuid, id: Uuid) -> Statement {
    select::<User>("tenant_id = ?1 AND id = ?2", tenant).bind(id)
}

async fn list(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = call.row_id()?;
    let reads = vec![user(actor.tenant, id), of(actor.tenant, id, app.clock.now())];
    let answers = app.db.batch(reads).await.map_err(ApiError::database)?;
    let mut answers = answers.into_iter();
    if answers.next().unwrap_or_default().is_empty() {
        return Err(ApiError::NotFound);
    }
    let sessions = newest_first(answers.next().unwrap_or_default())?;
    Response::json(&json!({ "items": sessions.iter().map(|session| shown(session, None)).collect::<Vec<_>>() }))
}

async fn end(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let (id, session) = (call.row_id()?, call.id_at("session_id")?);
    let condition = "tenant_id = ?1 AND user_id = ?2 AND id = ?3";
    let mut reads = vec![select::<UserSession>(condition, actor.tenant).bind(id).bind(session)];
    reads.extend(Person::statements(actor.tenant, id));
    commit(app, call, actor, reads, |state| {
        let session = state.rows::<UserSession>(0)?.pop().ok_or(ApiError::NotFound)?;
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan.facts().touches_owner = Person::read(state, 1)?.is_owner(state);
        plan.change(RowChange::remove_beside(&session, "ended"));
        Ok(plan)
    })
    .await
}
