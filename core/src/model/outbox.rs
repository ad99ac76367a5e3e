//! Events on their way out. An addition to the diagram.

use super::Timestamp;
use super::audit::check_event_type;
use super::row::{Invariants, Problems, row};
use serde_json::{Map, Value};
use uuid::Uuid;

row! {
    /// An event, written in the batch of its cause; a queue's consumer fans it out. Its id is the `webhook-id`.
    Outbox in outbox {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it is about.
        tenant_id: Uuid => tenant,
        /// Lower-case words joined by dots: `user.created`.
        event_type: String,
        /// The event.
        payload: Map<String, Value> = Map::new(),
        /// When it happened.
        created_at: Timestamp,
        /// When it was fanned out; null while it waits.
        published_at: Option<Timestamp>,
    }
}

impl Invariants for Outbox {
    fn check(&self, problems: &mut Problems<'_>) {
        check_event_type(&self.event_type, "outbox.event_type", problems);
    }
}
