//! What giving somebody something has in common, be it a role or a place in a group: when it ends, and to whom it goes.

use parapet::Finding;
use parapet::model::{Row, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::administration::State;
use crate::platform::db::Statement;

const READ_DELETED: &str = "SELECT id FROM user WHERE tenant_id = ?1 AND id = ?2 AND deleted_at IS NOT NULL";

/// Whether what ends then has not ended yet.
pub fn lives(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|end| now < end)
}

/// Refuses what would have ended before it begins.
pub fn ends_later<R: Row>(expires_at: Option<Timestamp>, now: Timestamp, findings: &mut Vec<Finding>) {
    if !lives(expires_at, now) {
        findings.push(Finding::error(R::TABLE, "row.past", "it would have ended already").field("expires_at"));
    }
}

/// Reads whether the user of a body is deleted, for [`to_somebody`].
pub fn read_user(tenant: Uuid, body: &Map<String, Value>) -> Statement {
    Statement::new(READ_DELETED).bind(tenant).bind(body.get("user_id").and_then(Value::as_str))
}

/// Refuses to give a deleted user anything: deleting took everything, and whoever is restored begins with nothing.
pub fn to_somebody<R: Row>(state: &State<'_>, answer: usize, findings: &mut Vec<Finding>) {
    if !state.sql_rows(answer).is_empty() {
        findings.push(Finding::error(R::TABLE, "user.deleted", "the user is deleted").field("user_id"));
    }
}
