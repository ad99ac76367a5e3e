//! Fanning out: from an event to a delivery for each webhook that wants to know of it.
//!
//! One batch an event, which does nothing that is there already: two consumers may do it at once, and one may die at any
//! place. What was not yet marked as published is done again.

use parapet::event;
use parapet::model::{Outbox, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Message, consequence, deliver, send, unavailable};
use crate::administration::fresh_id;
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};

/// So many events are fanned out by one message; those that are left get another. With what each may bring with it, that
/// stays below the 1,000 statements that D1 takes of one invocation.
const MOST_EVENTS: usize = 20;

const READ_EVENTS: &str = "
    SELECT * FROM outbox WHERE tenant_id = ?1 AND published_at IS NULL ORDER BY created_at, id LIMIT ?2";

const READ_EVENT: &str = "SELECT * FROM outbox WHERE tenant_id = ?1 AND id = ?2";

const READ_WEBHOOKS: &str = "SELECT id, event_types FROM webhook WHERE tenant_id = ?1 AND is_active = 1";

/// What is sent is written here, from the row as it is in this instant: a purge in between leaves nothing personal in it.
/// A webhook that was switched off or removed meanwhile gets none. `?2` is the event, `?4` pairs of ids.
const INSERT_DELIVERIES: &str = "
    INSERT INTO webhook_delivery (id, tenant_id, webhook_id, event_id, event_type, payload, response_status,
                                  response_body, attempt_count, next_attempt_at, delivered_at, created_at)
    SELECT j.value ->> 0, w.tenant_id, w.id, o.id, o.event_type,
           json_object('type', o.event_type, 'timestamp', o.created_at, 'id', o.id, 'tenant_id', o.tenant_id,
                       'data', json(o.payload)),
           NULL, NULL, 0, ?3, NULL, ?3
    FROM json_each(?4) j JOIN webhook w ON w.id = j.value ->> 1 JOIN outbox o ON o.id = ?2
    WHERE w.tenant_id = ?1 AND o.tenant_id = ?1 AND w.is_active = 1
    ON CONFLICT (webhook_id, event_id) DO NOTHING
    RETURNING id";

/// What the event itself put on its way: a test, or deliveries again.
const READ_DUE: &str = "
    SELECT id FROM webhook_delivery WHERE tenant_id = ?1 AND webhook_id = ?2 AND next_attempt_at <= ?3
    ORDER BY next_attempt_at LIMIT 1000";

const MARK_PUBLISHED: &str =
    "UPDATE outbox SET published_at = ?3 WHERE tenant_id = ?1 AND id = ?2 AND published_at IS NULL";

/// Fans out the events of a tenant that wait, the oldest first.
pub async fn fan_out(app: &App, tenant: Uuid) -> Result<(), ApiError> {
    let most = i64::try_from(MOST_EVENTS).map_err(ApiError::internal)?.saturating_add(1);
    let reads = vec![Statement::new(READ_EVENTS).bind(tenant).bind(most), Statement::new(READ_WEBHOOKS).bind(tenant)];
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
    let events = rows::<Outbox>(answers.next().unwrap_or_default())?;
    let webhooks: Vec<(Uuid, Vec<String>)> =
        answers.next().unwrap_or_default().iter().filter_map(subscription).collect();
    // One that cannot be fanned out keeps no other from it.
    let (mut failed, mut done) = (None, 0);
    for event in events.iter().take(MOST_EVENTS) {
        match publish(app, event, &webhooks, app.clock.now()).await {
            Ok(()) => done += 1,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    // Where none could, the sweep tries again, and not at once.
    if events.len() > MOST_EVENTS && done > 0 {
        let again = Message::FanOut { tenant }.to_value();
        app.queue.send(&again).await.map_err(unavailable)?;
    }
    failed.map_or(Ok(()), Err)
}

async fn publish(app: &App, event: &Outbox, webhooks: &[(Uuid, Vec<String>)], now: Timestamp) -> Result<(), ApiError> {
    let wanted =
        webhooks.iter().filter(|(_, types)| types.iter().any(|filter| event::matches(filter, &event.event_type)));
    let pairs: Vec<Value> =
        wanted.map(|(webhook, _)| Ok(json!([fresh_id(now)?, webhook]))).collect::<Result<_, ApiError>>()?;
    let of_event = |sql: &'static str| Statement::new(sql).bind(event.tenant_id).bind(event.id).bind(now);
    let mut batch = vec![of_event(INSERT_DELIVERIES).bind(Value::Array(pairs).to_string())];
    let due = due(event);
    batch.extend(due.map(|webhook| Statement::new(READ_DUE).bind(event.tenant_id).bind(webhook).bind(now)));
    let reads = batch.len();
    let (notices, next) = consequence::of(app, event, Uuid::nil()).await?;
    tell_more(app, event, next).await?;
    batch.extend(notices.statements);
    batch.push(of_event(MARK_PUBLISHED));
    let mut answers = app.db.batch(batch).await.map_err(ApiError::database)?;
    answers.truncate(reads);
    deliver(app, event.tenant_id, answers.iter().flatten().filter_map(id), 0).await;
    send(app, &notices.messages).await;
    Ok(())
}

/// Tells the people who come after those that were told of an event already.
pub async fn tell(app: &App, tenant: Uuid, event: Uuid, after: Uuid) -> Result<(), ApiError> {
    let found = app.db.all(Statement::new(READ_EVENT).bind(tenant).bind(event)).await.map_err(ApiError::database)?;
    let Some(event) = rows::<Outbox>(found)?.pop() else { return Ok(()) };
    let (notices, next) = consequence::of(app, &event, after).await?;
    tell_more(app, &event, next).await?;
    app.db.batch(notices.statements).await.map_err(ApiError::database)?;
    send(app, &notices.messages).await;
    Ok(())
}

/// Puts whoever is left to be told into the queue; before what is written, so that whoever dies in between loses nobody.
async fn tell_more(app: &App, event: &Outbox, after: Option<Uuid>) -> Result<(), ApiError> {
    let Some(after) = after else { return Ok(()) };
    let message = Message::Tell { tenant: event.tenant_id, event: event.id, after };
    app.queue.send(&message.to_value()).await.map_err(unavailable)
}

/// The webhook whose deliveries an event says are due.
fn due(event: &Outbox) -> Option<Uuid> {
    let member = match event.event_type.as_str() {
        "webhook.tested" | "webhook.redelivered" => "id",
        "webhook_delivery.redelivered" => "webhook_id",
        _ => return None,
    };
    event.payload.get("object")?.get(member)?.as_str()?.parse().ok()
}

fn subscription(row: &SqlRow) -> Option<(Uuid, Vec<String>)> {
    Some((id(row)?, serde_json::from_str(row.get("event_types")?.as_str()?).ok()?))
}

fn id(row: &SqlRow) -> Option<Uuid> {
    row.get("id")?.as_str()?.parse().ok()
}
