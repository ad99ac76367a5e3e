//! The events of a notification: the next system has it, or it was given up.
//!
//! They are written with the outcome, and only where a webhook wants to know of it: nobody else is told, and a row of the
//! outbox with its fan-out costs about as much as sending does. They change nothing that is administered, so they stand
//! in no log; and no notification follows from them ([`super::event`]), so one that fails brings no other about.

use parapet::model::{NotificationStatus, Timestamp, UserNotification};
use serde_json::Value;

use super::notify::once;
use crate::administration::{RowChange, event_by_service};
use crate::platform::db::Statement;

/// The event, if the outcome `?7` was written and is wanted; once, since a notification has one outcome and the event's id
/// follows from it. What a filter of a webhook lets through is what SQLite's `GLOB` does: it ends with `*` or has none.
const INSERT: &str = "
    INSERT INTO outbox (id, tenant_id, event_type, payload, created_at)
    SELECT ?2, ?1, ?3, ?4, ?5 FROM user_notification n
    WHERE n.tenant_id = ?1 AND n.id = ?6 AND n.status = ?7 AND EXISTS (
        SELECT 1 FROM webhook w JOIN json_each(w.event_types) f
        WHERE w.tenant_id = ?1 AND w.is_active = 1 AND ?3 GLOB f.value
    )
    ON CONFLICT (id) DO NOTHING RETURNING id";

/// What writes the event of an outcome; nothing where there is none yet. It gives a row where the event was written.
pub fn event(before: &UserNotification, after: &UserNotification, now: Timestamp) -> Option<Statement> {
    let happened = match after.status {
        NotificationStatus::Sent => "sent",
        NotificationStatus::Failed => "failed",
        NotificationStatus::Pending | NotificationStatus::Delivered => return None,
    };
    let change = RowChange::noted(Some(before), Some(after), happened);
    let mut event = event_by_service(once(after.id, happened), after.tenant_id, now, &change);
    // What it says is its user's to read, and long.
    if let Some(object) = event.payload.get_mut("object").and_then(Value::as_object_mut) {
        object.retain(|column, _| !["subject", "content"].contains(&column.as_str()));
    }
    let insert = Statement::new(INSERT)
        .bind(event.tenant_id)
        .bind(event.id)
        .bind(event.event_type)
        .bind(Value::Object(event.payload).to_string())
        .bind(now)
        .bind(after.id)
        .bind(after.status.as_str());
    Some(insert)
}
