//! Purging a deleted user: `POST /v1/users/{id}/purge`. What was personal is gone for good; what must stay (the log, what
//! they decided for others) refers to a row that says nothing of anybody.

use parapet::model::{User, UserState};
use serde_json::Map;
use uuid::Uuid;

use super::person::Person;
use super::user_state::conflict;
use crate::administration::{Actor, Plan, RowChange, State, commit, if_match, key, row_answer, select_one};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// What is a user's alone goes: `?1` is the tenant, `?2` the user.
const REMOVE: &[&str] = &[
    "DELETE FROM user_session WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM password_reset WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM one_time_link WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM former_password WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM lone_password WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM terms_acceptance WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM login_flow WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM known_device WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM mfa_device WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM federated_identity WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM user_notification WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM notification_preference WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM message_suppression WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM api_key WHERE tenant_id = ?1 AND user_id = ?2",
    "DELETE FROM decision_log WHERE tenant_id = ?1 AND principal_id = ?2",
    "UPDATE user SET password_hash = NULL WHERE tenant_id = ?1 AND id = ?2",
    "UPDATE access_request SET justification = NULL WHERE tenant_id = ?1 AND requester_id = ?2",
    // Answers and deliveries that hold the row as it was shown.
    "DELETE FROM idempotency_key WHERE tenant_id = ?1 AND instr(body, ?2) > 0",
    "DELETE FROM webhook_delivery WHERE tenant_id = ?1 AND instr(payload, ?2) > 0",
    "UPDATE outbox SET payload = json_set(payload, '$.object', json_object('id', json_extract(payload, '$.object.id')))
     WHERE tenant_id = ?1
       AND (?2 IN (json_extract(payload, '$.object.user_id'), json_extract(payload, '$.object.requester_id'))
        OR (json_extract(payload, '$.resource.type') = 'user' AND json_extract(payload, '$.resource.id') = ?2))",
];

/// Who tried to sign in, under this user's id, or under the e-mail `?3` while it was theirs, until `?4`.
const BLANK_ATTEMPTS: &str = "
    UPDATE login_attempt SET email_attempted = ?5, ip_address = NULL, user_agent = NULL
    WHERE tenant_id = ?1 AND (user_id = ?2 OR (email_attempted = ?3 AND attempted_at <= ?4))";

/// Destroys the key of what the log says of the user. Where there is none, none is made any more.
const DESTROY_KEY: &str = "
    INSERT INTO audit_subject (id, tenant_id, subject_key, created_at, destroyed_at) VALUES (?2, ?1, NULL, ?3, ?3)
    ON CONFLICT (id) DO UPDATE SET subject_key = NULL, destroyed_at = excluded.destroyed_at
    WHERE audit_subject.tenant_id = ?1 AND audit_subject.destroyed_at IS NULL";

/// The route.
pub fn routes() -> Vec<Route> {
    let access = Access::Permission("user.purge", |app, call, actor| Box::pin(purge(app, call, actor)));
    vec![Route { method: "POST", path: "/v1/users/{id}/purge", access }]
}

async fn purge(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let mut reads = vec![select_one::<User>(actor.tenant, &key::<User>(call)?)];
    reads.extend(Person::statements(actor.tenant, call.row_id()?));
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<User>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        if before.state != UserState::Deleted {
            return Err(conflict(&before, "only a deleted user is purged"));
        }
        if is_purged(&before) {
            return Err(conflict(&before, "the user was purged already"));
        }
        let after = blank(&before, state);
        let mut plan = Plan::new(state, row_answer(&after)?);
        Person::read(state, 1)?.touch(state, &before, &mut plan);
        plan.change(RowChange::update(&before, &after, "purged").without_personal());
        for sql in REMOVE {
            plan.also(Statement::new(*sql).bind(state.tenant).bind(before.id));
        }
        let attempts = Statement::new(BLANK_ATTEMPTS).bind(state.tenant).bind(before.id).bind(before.email.as_str());
        plan.also(attempts.bind(before.deleted_at).bind(after.email.as_str()));
        plan.also(Statement::new(DESTROY_KEY).bind(state.tenant).bind(before.id).bind(state.now));
        Ok(plan)
    })
    .await
}

/// The row without anything personal.
fn blank(user: &User, state: &State<'_>) -> User {
    User {
        email: address(user.id),
        username: None,
        first_name: None,
        last_name: None,
        phone: None,
        avatar_url: None,
        custom_attributes: Map::new(),
        external_id: None,
        scim_attributes: None,
        email_verified: false,
        phone_verified: false,
        force_password_change: false,
        password_changed_at: None,
        last_login_at: None,
        updated_at: state.now,
        ..user.clone()
    }
}

/// Whether nothing personal is left of the user.
pub fn is_purged(user: &User) -> bool {
    user.email == address(user.id)
}

/// An address under which nobody is (RFC 2606, section 2).
fn address(id: Uuid) -> String {
    format!("{id}@purged.invalid")
}
