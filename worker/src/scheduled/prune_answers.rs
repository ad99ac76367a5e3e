//! Forgetting answers that were kept under an Idempotency-Key: whoever repeats a request does so within a day.

use super::{Done, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// For so many milliseconds a repeated request is answered as the first time.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// A run forgets no more answers.
const ROWS: i64 = 2_000;

const FORGET: &str = "
    DELETE FROM idempotency_key WHERE rowid IN (
        SELECT rowid FROM idempotency_key WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)
    RETURNING 1 AS gone";

/// Forgets the oldest of those that are too old.
pub async fn prune(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let forget = Statement::new(FORGET).bind(turn.now.plus_millis(-KEPT)).bind(ROWS);
    let gone = app.db.all(forget).await.map_err(ApiError::database)?.len();
    Ok(Done { items: i64::try_from(gone).map_err(ApiError::internal)?, ..Done::default() })
}
