//! From state to state: `POST /v1/users/{id}/lock`, `unlock`, `suspend`, `reactivate`, `restore` and `end-sessions`.

use parapet::Finding;
use parapet::model::{User, UserState};

use super::person::{Person, end_sessions};
use crate::administration::{Actor, Plan, RowChange, State, commit, if_match, key, row_answer, select_one};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// The routes of what is done with a user.
pub fn routes() -> Vec<Route> {
    let route = |path, access| Route { method: "POST", path, access };
    vec![
        route(
            "/v1/users/{id}/lock",
            Access::Permission("user.support", |app, call, actor| Box::pin(step(app, call, actor, &LOCK))),
        ),
        route(
            "/v1/users/{id}/unlock",
            Access::Permission("user.support", |app, call, actor| Box::pin(step(app, call, actor, &UNLOCK))),
        ),
        route(
            "/v1/users/{id}/suspend",
            Access::Permission("user.support", |app, call, actor| Box::pin(step(app, call, actor, &SUSPEND))),
        ),
        route(
            "/v1/users/{id}/reactivate",
            Access::Permission("user.support", |app, call, actor| Box::pin(step(app, call, actor, &REACTIVATE))),
        ),
        route(
            "/v1/users/{id}/restore",
            Access::Permission("user.write", |app, call, actor| Box::pin(step(app, call, actor, &RESTORE))),
        ),
        route(
            "/v1/users/{id}/end-sessions",
            Access::Permission("user.support", |app, call, actor| Box::pin(sign_out(app, call, actor))),
        ),
    ]
}

/// A way from states to a state.
pub struct Step {
    from: &'static [UserState],
    to: UserState,
    event: &'static str,
}

impl Step {
    /// Whether a user in this state can go it.
    pub fn begins_at(&self, state: UserState) -> bool {
        self.from.contains(&state)
    }

    /// Plans that a user goes it; the user as they will be.
    pub fn plan(&self, state: &State<'_>, before: &User, person: &Person, plan: &mut Plan) -> User {
        let after = User { state: self.to, deleted_at: None, updated_at: state.now, ..before.clone() };
        person.touch(state, before, plan);
        if self.to != UserState::Active {
            person.stop(state, before, plan);
        }
        plan.change(RowChange::update(before, &after, self.event));
        after
    }
}

const LOCK: Step = Step { from: &[UserState::Active], to: UserState::Locked, event: "locked" };

const UNLOCK: Step = Step { from: &[UserState::Locked], to: UserState::Active, event: "unlocked" };

/// Keeps a user out.
pub const SUSPEND: Step =
    Step { from: &[UserState::Active, UserState::Locked], to: UserState::Suspended, event: "suspended" };

/// Lets a suspended user in again.
pub const REACTIVATE: Step = Step { from: &[UserState::Suspended], to: UserState::Active, event: "reactivated" };

/// Who comes back is let in by somebody's second thought: why they were deleted, or what they were before, nobody knows.
const RESTORE: Step = Step { from: &[UserState::Deleted], to: UserState::Suspended, event: "restored" };

async fn step(app: &App, call: &Call, actor: Actor, step: &'static Step) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let mut reads = vec![select_one::<User>(actor.tenant, &key::<User>(call)?)];
    reads.extend(Person::statements(actor.tenant, call.row_id()?));
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<User>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        if !step.begins_at(before.state) {
            return Err(conflict(&before, &format!("`{}` does not become `{}` by this", before.state, step.to)));
        }
        if super::user_purge::is_purged(&before) {
            return Err(conflict(&before, "the user was purged, and nothing is left of them"));
        }
        let mut plan = Plan::new(state, Response::default());
        let person = Person::read(state, 1)?;
        let after = step.plan(state, &before, &person, &mut plan);
        plan.answer(row_answer(&after)?);
        super::membership::reevaluate(state, Some(&before), Some(&after), &person.memberships, &mut plan)?;
        Ok(plan)
    })
    .await
}

/// Ends a user's sessions, perhaps one's own.
async fn sign_out(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let mut reads = vec![select_one::<User>(actor.tenant, &key::<User>(call)?)];
    reads.extend(Person::statements(actor.tenant, call.row_id()?));
    commit(app, call, actor, reads, |state| {
        let user = state.rows::<User>(0)?.pop().ok_or(ApiError::NotFound)?;
        if user.state == UserState::Deleted {
            return Err(conflict(&user, "a deleted user has no sessions"));
        }
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan.facts().touches_owner = Person::read(state, 1)?.is_owner(state);
        plan.change(RowChange::update(&user, &user, "sessions_ended"));
        plan.also(end_sessions(state.tenant, user.id));
        Ok(plan)
    })
    .await
}

/// The user is in a state in which this is not done.
pub fn conflict(user: &User, message: &str) -> ApiError {
    let finding = Finding::error("user", "user.state", message).row(user.id).field("state");
    ApiError::Conflict { code: "user.state", detail: message.to_owned(), findings: vec![finding] }
}
