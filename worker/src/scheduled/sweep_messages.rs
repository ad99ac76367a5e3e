//! Telling the queues again of whatever got lost between them and the rows.

use super::{Done, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::messaging;

/// Sweeps once.
pub async fn sweep(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let items = messaging::sweep(app, turn.now).await?;
    Ok(Done { items: i64::try_from(items).map_err(ApiError::internal)?, ..Done::default() })
}
