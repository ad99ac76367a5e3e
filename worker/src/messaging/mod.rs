//! Messages out: events that leave the service, to webhooks and to people.
//!
//! A change writes its event into the outbox, in its own batch. After the answer a *nudge* tells the first queue that a
//! tenant has events waiting; its consumer fans each out in one batch ([`outbox`]) and puts one message a delivery into
//! the second queue, whose consumer makes one attempt ([`delivery`]). Whatever is lost on the way is found in the rows by
//! the sweep ([`sweep`]). So everything may happen twice, and nothing gets lost.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::guard::Route;
use crate::platform::log;
use crate::platform::queue::{Handled, QueueError};

pub mod channel;
mod consequence;
mod delivery;
pub mod notification;
mod outbox;
pub mod peer;
mod sweep;
pub mod text;
pub mod webhook;
mod webhook_delivery;

pub use peer::{Leads, leads};
pub use sweep::sweep;
pub use webhook::{LONGEST_OVERLAP, MOST_REDELIVERED};

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [webhook::routes(), webhook_delivery::routes(), notification::routes()].into_iter().flatten().collect()
}

/// What a queue carries: where to look. What counts stands in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// A tenant has events that nobody fanned out yet.
    FanOut {
        /// Whose.
        tenant: Uuid,
    },
    /// There are more people to tell of an event than were told at once.
    Tell {
        /// Whose event.
        tenant: Uuid,
        /// Which.
        event: Uuid,
        /// The last user who was told: those after them are next, by their ids.
        after: Uuid,
    },
    /// A delivery is due.
    Deliver {
        /// Whose.
        tenant: Uuid,
        /// Which.
        delivery: Uuid,
    },
    /// A notification is due.
    Notify {
        /// Whose tenant's.
        tenant: Uuid,
        /// Which.
        notification: Uuid,
    },
}

impl Message {
    fn to_value(self) -> Value {
        match self {
            Self::FanOut { tenant } => json!({ "fan_out": { "tenant": tenant } }),
            Self::Tell { tenant, event, after } => {
                json!({ "tell": { "tenant": tenant, "event": event, "after": after } })
            }
            Self::Deliver { tenant, delivery } => json!({ "deliver": { "tenant": tenant, "delivery": delivery } }),
            Self::Notify { tenant, notification } => {
                json!({ "notify": { "tenant": tenant, "notification": notification } })
            }
        }
    }
}

/// Tells the queue of the tenants that got events since. Where it does not take that, the sweep will find them.
pub async fn nudge(app: &App) {
    let tenants = app.waiting.take();
    if tenants.is_empty() {
        return;
    }
    let messages: Vec<Value> = tenants.into_iter().map(|tenant| Message::FanOut { tenant }.to_value()).collect();
    if let Err(error) = app.queue.send_all(&messages, 0).await {
        log::error("-", "queue.unavailable", &error.to_string());
    }
}

/// Handles one message of either queue.
pub async fn consume(app: &App, text: &str) -> Handled {
    let handled = match serde_json::from_str(text) {
        Ok(Message::FanOut { tenant }) => outbox::fan_out(app, tenant).await,
        Ok(Message::Tell { tenant, event, after }) => outbox::tell(app, tenant, event, after).await,
        Ok(Message::Deliver { tenant, delivery }) => delivery::attempt(app, tenant, delivery).await,
        Ok(Message::Notify { tenant, notification }) => notification::send::send(app, tenant, notification).await,
        Err(error) => {
            // It will not become readable by coming again.
            log::error("-", "queue.malformed", &error.to_string());
            return Handled::Done;
        }
    };
    nudge(app).await;
    match handled {
        Ok(()) => Handled::Done,
        Err(error) => {
            failed(&error);
            Handled::Again
        }
    }
}

/// Puts one message a delivery into their queue. Where it does not take them, the sweep will find them.
async fn deliver(app: &App, tenant: Uuid, deliveries: impl IntoIterator<Item = Uuid>, delay_seconds: u32) {
    let message = |delivery| Message::Deliver { tenant, delivery }.to_value();
    let messages: Vec<Value> = deliveries.into_iter().map(message).collect();
    if messages.is_empty() {
        return;
    }
    if let Err(error) = app.deliveries.send_all(&messages, delay_seconds).await {
        log::error("-", "queue.unavailable", &error.to_string());
    }
}

/// Puts one message a notification into the queue of deliveries: each may take one connection. Where it does not take
/// them, the sweep will find them.
pub async fn send(app: &App, messages: &[Value]) {
    if messages.is_empty() {
        return;
    }
    if let Err(error) = app.deliveries.send_all(messages, 0).await {
        log::error("-", "queue.unavailable", &error.to_string());
    }
}

fn unavailable(error: QueueError) -> ApiError {
    ApiError::unavailable("queue.unavailable", "the queue does not take messages", error)
}

/// Writes down what kept a message from being handled.
fn failed(error: &ApiError) {
    let cause = match error {
        ApiError::Unavailable { cause, .. } | ApiError::Internal { cause } => cause.clone(),
        other => other.to_string(),
    };
    log::error("-", error.code(), &cause);
}
