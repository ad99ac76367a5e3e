//! The factors of a tenant's users, for who administers: `/v1/users/{id}/factors`.

use parapet::model::{MfaDevice, User};
use serde_json::json;

use super::device;
use crate::administration::{Actor, Plan, RowChange, commit, key, select_one};
use crate::app::App;
use crate::directory::person::Person;
use crate::document::select;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::new_password;
use crate::response::Response;

/// The list of a user's, and removing one: whoever has lost theirs adds another after that.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/users/{id}/factors",
            access: Access::Permission("user.read", |app, call, actor| Box::pin(list(app, call, actor))),
        },
        Route {
            method: "DELETE",
            path: "/v1/users/{id}/factors/{factor_id}",
            access: Access::Permission("user.support", |app, call, actor| Box::pin(remove(app, call, actor))),
        },
    ]
}

async fn list(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = call.row_id()?;
    let user = select::<User>("tenant_id = ?1 AND id = ?2", actor.tenant).bind(id);
    let reads = vec![user, device::of_user(actor.tenant, id)];
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
    if answers.next().unwrap_or_default().is_empty() {
        return Err(ApiError::NotFound);
    }
    Response::json(&device::list(app, answers.next().unwrap_or_default())?)
}

async fn remove(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let (id, factor) = (call.row_id()?, call.id_at("factor_id")?);
    let mut reads = vec![
        select::<MfaDevice>("tenant_id = ?1 AND user_id = ?2", actor.tenant).bind(id),
        select_one::<User>(actor.tenant, &key::<User>(call)?),
        new_password::read_short(actor.tenant, id),
    ];
    reads.extend(Person::statements(actor.tenant, id));
    commit(app, call, actor, reads, |state| {
        let devices = state.rows::<MfaDevice>(0)?;
        let device = devices.iter().find(|device| device.id == factor).ok_or(ApiError::NotFound)?;
        let user = state.rows::<User>(1)?.pop().ok_or(ApiError::NotFound)?;
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan.facts().touches_owner = Person::read(state, 3)?.is_owner(state);
        plan.change(RowChange::remove_beside(device, "removed"));
        let is_last = !devices.iter().any(|other| other.is_verified && other.id != factor);
        let is_short = !state.sql_rows(2).is_empty();
        if let Some(after) = new_password::without_factor(&user, is_short, is_last, state.now) {
            plan.change(RowChange::update(&user, &after, "updated").because(json!({ "mfa_device": device.id })));
        }
        Ok(plan)
    })
    .await
}
