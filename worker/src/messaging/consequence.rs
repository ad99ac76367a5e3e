//! What follows from an event beside its deliveries, in the batch that fans it out: people are told.

use parapet::model::Outbox;

use super::notification::{Notices, for_event};
use crate::app::App;
use crate::error::ApiError;

/// The further statements for an event, and what is sent once they are written. They do nothing where they are there
/// already: an event may be fanned out twice, also at once.
pub async fn of(app: &App, event: &Outbox) -> Result<Notices, ApiError> {
    for_event(app, event).await
}
