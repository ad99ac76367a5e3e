//! Forgetting what signing in leaves behind: sessions, steps, links and sign-ups that are over, tries that count no more, browsers that nobody
//! came back with, and of each credential how often it was used in a minute that is past.

use parapet::model::Timestamp;

use super::{Done, MINUTE, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

const DAY: i64 = 24 * 60 * MINUTE;

/// A run forgets no more of each.
const ROWS: i64 = 1_000;

/// Each by an index of its own: what is removed, and how long after the time that its column tells.
const KINDS: [(&str, Time, i64); 8] = [
    (
        "DELETE FROM pending_sign_up WHERE rowid IN (
             SELECT rowid FROM pending_sign_up WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Text,
        0,
    ),
    (
        "DELETE FROM one_time_link WHERE rowid IN (
             SELECT rowid FROM one_time_link WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Text,
        DAY,
    ),
    (
        "DELETE FROM password_reset WHERE rowid IN (
             SELECT rowid FROM password_reset WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Text,
        DAY,
    ),
    (
        "DELETE FROM user_session WHERE rowid IN (
             SELECT rowid FROM user_session WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Text,
        DAY,
    ),
    (
        "DELETE FROM login_flow WHERE rowid IN (
             SELECT rowid FROM login_flow WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Text,
        0,
    ),
    (
        "DELETE FROM known_device WHERE rowid IN (
             SELECT rowid FROM known_device WHERE last_seen_at < ?1 ORDER BY last_seen_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Text,
        400 * DAY,
    ),
    (
        "DELETE FROM login_throttle WHERE rowid IN (
             SELECT rowid FROM login_throttle WHERE updated_at < ?1 ORDER BY updated_at LIMIT ?2) RETURNING 1 AS gone",
        Time::Milliseconds,
        DAY,
    ),
    (
        "DELETE FROM rate_limit WHERE rowid IN (
             SELECT rowid FROM rate_limit WHERE minute < ?1 ORDER BY minute LIMIT ?2) RETURNING 1 AS gone",
        Time::Minutes,
        DAY,
    ),
];

/// How a column tells the time.
#[derive(Clone, Copy)]
enum Time {
    Text,
    Milliseconds,
    Minutes,
}

/// Forgets the oldest of each that are too old.
pub async fn prune(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let statements = KINDS.map(|(sql, time, kept)| {
        let before: Timestamp = turn.now.plus_millis(-kept);
        let bound = Statement::new(sql);
        let bound = match time {
            Time::Text => bound.bind(before),
            Time::Milliseconds => bound.bind(before.as_millis()),
            Time::Minutes => bound.bind(before.as_millis().div_euclid(MINUTE)),
        };
        bound.bind(ROWS)
    });
    let gone = app.db.batch(statements.to_vec()).await.map_err(ApiError::database)?;
    let gone: usize = gone.iter().map(Vec::len).sum();
    Ok(Done { items: i64::try_from(gone).map_err(ApiError::internal)?, ..Done::default() })
}
