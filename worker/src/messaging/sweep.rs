//! The sweep: whatever got lost between the rows and the queues is told to the queues again.

use parapet::model::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Message, notification, unavailable};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};

/// What is younger, in milliseconds, is still on its way.
const ON_ITS_WAY: i64 = 60_000;

/// So many notifications are sent on their way by one sweep.
const MOST_NOTIFICATIONS: i64 = 1000;

/// Whose events wait, among the thousand that wait the longest.
const READ_TENANTS: &str = "
    SELECT DISTINCT tenant_id FROM (
        SELECT tenant_id FROM outbox WHERE published_at IS NULL AND created_at <= ?1 ORDER BY created_at, id LIMIT 1000
    )";

/// What is overdue, that for the longest first.
const READ_DELIVERIES: &str = "
    SELECT tenant_id, id FROM webhook_delivery WHERE next_attempt_at <= ?1 ORDER BY next_attempt_at, id LIMIT 5000";

/// Tells the queues of events that nobody fanned out and of deliveries that nobody made, within a minute of when they
/// should; and of notifications that are due. What is left over waits for the next time. Answers how many messages that
/// were.
pub async fn sweep(app: &App, now: Timestamp) -> Result<usize, ApiError> {
    let before = now.plus_millis(-ON_ITS_WAY);
    let reads = vec![Statement::new(READ_TENANTS).bind(before), Statement::new(READ_DELIVERIES).bind(before)];
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
    let tenants = answers.next().unwrap_or_default();
    let tenants: Vec<Value> = tenants
        .iter()
        .filter_map(|row| id(row, "tenant_id"))
        .map(|tenant| Message::FanOut { tenant }.to_value())
        .collect();
    app.queue.send_all(&tenants, 0).await.map_err(unavailable)?;
    let deliveries = answers.next().unwrap_or_default();
    let deliveries = deliveries.iter().filter_map(|row| Some((id(row, "tenant_id")?, id(row, "id")?)));
    let deliveries: Vec<Value> =
        deliveries.map(|(tenant, delivery)| Message::Deliver { tenant, delivery }.to_value()).collect();
    app.deliveries.send_all(&deliveries, 0).await.map_err(unavailable)?;
    let notifications = notification::due(app, MOST_NOTIFICATIONS).await?;
    app.deliveries.send_all(&notifications, 0).await.map_err(unavailable)?;
    Ok(tenants.len() + deliveries.len() + notifications.len())
}

fn id(row: &SqlRow, name: &str) -> Option<Uuid> {
    row.get(name)?.as_str()?.parse().ok()
}
