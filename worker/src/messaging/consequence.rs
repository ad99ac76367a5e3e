//! What follows from an event beside its deliveries, in the batch that fans it out: people are told, and are sent the links
//! that were asked for.

use parapet::model::Outbox;

use super::notification::{Notices, for_event};
use crate::app::App;
use crate::error::ApiError;
use crate::login::link;

/// The further statements for an event, and what is sent once they are written. They do nothing where they are there
/// already: an event may be fanned out twice, also at once.
pub async fn of(app: &App, event: &Outbox) -> Result<Notices, ApiError> {
    let mut notices = for_event(app, event).await?;
    notices.extend(link::for_event(app, event).await?);
    Ok(notices)
}
