//! Forgetting which tokens were revoked and which assertions were used: by their end they count no more in any case.

use super::{Done, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// A run forgets no more of either.
const ROWS: i64 = 2_000;

const REVOKED: &str = "
    DELETE FROM token_revocation WHERE rowid IN (
        SELECT rowid FROM token_revocation WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
    RETURNING 1 AS gone";

const USED: &str = "
    DELETE FROM used_assertion WHERE rowid IN (
        SELECT rowid FROM used_assertion WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
    RETURNING 1 AS gone";

/// Forgets the oldest of those that have ended.
pub async fn forget(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let forget = |sql| Statement::new(sql).bind(turn.now).bind(ROWS);
    let gone = app.db.batch(vec![forget(REVOKED), forget(USED)]).await.map_err(ApiError::database)?;
    let items = gone.iter().map(Vec::len).sum::<usize>();
    Ok(Done { items: i64::try_from(items).map_err(ApiError::internal)?, ..Done::default() })
}
