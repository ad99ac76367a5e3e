//! What follows from an event beside its deliveries, in the batch that fans it out: people are told, and are sent the links
//! that were asked for.

use parapet::model::Outbox;
use uuid::Uuid;

use super::notification::{Notices, for_event};
use crate::app::App;
use crate::error::ApiError;
use crate::login::{link, sign_up};

/// The further statements for an event, what is sent once they are written, and after whom there may be more people to
/// tell, who come after the user `after`. They do nothing where they are there already: an event may be fanned out twice,
/// also at once.
pub async fn of(app: &App, event: &Outbox, after: Uuid) -> Result<(Notices, Option<Uuid>), ApiError> {
    let (mut notices, next) = for_event(app, event, after).await?;
    if after.is_nil() {
        notices.extend(link::for_event(app, event).await?);
        notices.extend(sign_up::for_event(app, event).await?);
    }
    Ok((notices, next))
}
