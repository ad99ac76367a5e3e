//! What follows from an event beside its deliveries, in the batch that fans it out.

use parapet::model::{Outbox, Timestamp};

use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// The further statements for an event. They must do nothing where they are there already: an event may be fanned out
/// twice, also at once.
pub async fn statements(_app: &App, _event: &Outbox, _now: Timestamp) -> Result<Vec<Statement>, ApiError> {
    Ok(Vec::new())
}
