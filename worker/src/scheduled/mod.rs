//! Work by the clock: duties, each of which may run at every tick of the cron, is idempotent and bounded a run.
//!
//! A duty is one file here and one entry of [`duties`]. Whether it is due its own row of `scheduled_run` says, and whoever
//! runs it claims that row, so two ticks that overlap do not both run it. One that fails says so in its row and in the
//! log, and keeps no other from running.

mod ending;
mod expire_rows;
mod forget_records;
mod forget_tokens;
mod prune_answers;
pub mod prune_rule_history;
mod prune_sign_in;
mod prune_snapshots;
mod purge_tenants;
mod remind;
mod reseal_secrets;
mod rotate_token_keys;
mod sweep_messages;

use std::future::Future;
use std::pin::Pin;

use parapet::model::Timestamp;
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;
use crate::platform::log;

/// Something that is to be done again and again.
#[derive(Clone, Copy)]
pub struct Duty {
    /// Its name: that of its row.
    pub name: &'static str,
    /// From one start to the next, in milliseconds; no less than [`MINUTE`], which is every tick.
    pub period: i64,
    /// Does a bounded piece of it.
    pub run: Work,
}

/// What does a piece of a duty.
pub type Work = for<'a> fn(&'a App, Turn) -> Running<'a>;

/// A run on its way.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Done, ApiError>> + 'a>>;

/// One run of a duty.
pub struct Turn {
    /// When it started.
    pub now: Timestamp,
    /// What the run before gave as [`Done::cursor`].
    pub cursor: Option<String>,
}

/// What a run did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// How much was done, in the duty's own unit.
    pub items: i64,
    /// How much is left, where that was counted.
    pub remaining: Option<i64>,
    /// Where the next run goes on.
    pub cursor: Option<String>,
}

/// A minute in milliseconds: how often the cron ticks.
pub const MINUTE: i64 = 60_000;

/// No tick comes to the millisecond: what is due within half a minute is due.
const SLACK: i64 = MINUTE / 2;

/// A run that has not finished for so long, in milliseconds, never will: Cloudflare ends one after 15 minutes.
pub const LONGEST: i64 = 15 * MINUTE;

/// No error is told at greater length.
const LONGEST_ERROR: usize = 500;

/// All duties there are, in the order in which they run.
pub fn duties() -> Vec<Duty> {
    let duty = |name, period, run: Work| Duty { name, period, run };
    vec![
        duty("sweep_messages", MINUTE, |app, turn| Box::pin(sweep_messages::sweep(app, turn))),
        duty("expire_rows", MINUTE, |app, turn| Box::pin(expire_rows::expire(app, turn))),
        duty("remind", 10 * MINUTE, |app, turn| Box::pin(remind::remind(app, turn))),
        duty("forget_records", MINUTE, |app, turn| Box::pin(forget_records::forget(app, turn))),
        duty("purge_tenants", 5 * MINUTE, |app, turn| Box::pin(purge_tenants::purge(app, turn))),
        duty("rotate_token_keys", 60 * MINUTE, |app, turn| Box::pin(rotate_token_keys::rotate(app, turn))),
        duty("forget_tokens", 10 * MINUTE, |app, turn| Box::pin(forget_tokens::forget(app, turn))),
        duty("prune_answers", 10 * MINUTE, |app, turn| Box::pin(prune_answers::prune(app, turn))),
        duty("prune_rule_history", 10 * MINUTE, |app, turn| Box::pin(prune_rule_history::prune(app, turn))),
        duty("prune_sign_in", 10 * MINUTE, |app, turn| Box::pin(prune_sign_in::prune(app, turn))),
        duty("prune_snapshots", 10 * MINUTE, |app, turn| Box::pin(prune_snapshots::prune(app, turn))),
        duty("reseal_secrets", MINUTE, |app, turn| Box::pin(reseal_secrets::reseal(app, turn))),
    ]
}

/// Claims the row of a duty that is due, and answers nothing where it is not. A run that never finished has failed.
const CLAIM: &str = "
    INSERT INTO scheduled_run (name, last_started_at, runs, failures, items) VALUES (?1, ?2, 1, 0, 0)
    ON CONFLICT (name) DO UPDATE
    SET last_started_at = excluded.last_started_at, runs = runs + 1,
        failures = failures + (last_finished_at IS NULL OR last_finished_at < last_started_at)
    WHERE last_started_at <= CASE WHEN last_finished_at >= last_started_at THEN ?3 ELSE ?4 END
    RETURNING cursor";

/// Written by the run that holds the row, and by no other.
const FINISH: &str = "
    UPDATE scheduled_run
    SET last_finished_at = max(?3, last_started_at), last_error = NULL, items = items + ?4, remaining = ?5, cursor = ?6
    WHERE name = ?1 AND last_started_at = ?2";

/// The next run goes on from where this one did.
const FAIL: &str = "
    UPDATE scheduled_run
    SET last_finished_at = max(?3, last_started_at), last_error = ?4, failures = failures + 1
    WHERE name = ?1 AND last_started_at = ?2";

/// Runs those of the duties that are due, one after the other.
pub async fn run(app: &App, duties: &[Duty]) {
    for duty in duties {
        if let Err(error) = run_one(app, duty).await {
            log::error("-", "scheduled.not_recorded", &format!("{}: {error}", duty.name));
        }
    }
    crate::messaging::nudge(app).await;
}

async fn run_one(app: &App, duty: &Duty) -> Result<(), crate::platform::db::DbError> {
    let now = app.clock.now();
    let claim = Statement::new(CLAIM)
        .bind(duty.name)
        .bind(now)
        .bind(now.plus_millis(SLACK - duty.period.max(MINUTE)))
        .bind(now.plus_millis(-LONGEST));
    let Some(row) = app.db.first(claim).await? else { return Ok(()) };
    let cursor = row.get("cursor").and_then(Value::as_str).map(str::to_owned);
    let outcome = (duty.run)(app, Turn { now, cursor }).await;
    let end = app.clock.now();
    let written = match outcome {
        Ok(done) => Statement::new(FINISH)
            .bind(duty.name)
            .bind(now)
            .bind(end)
            .bind(done.items)
            .bind(done.remaining)
            .bind(done.cursor),
        Err(error) => {
            let cause: String = error.cause().chars().take(LONGEST_ERROR).collect();
            log::error("-", "scheduled.failed", &format!("{}: {cause}", duty.name));
            Statement::new(FAIL).bind(duty.name).bind(now).bind(end).bind(cause)
        }
    };
    app.db.all(written).await?;
    Ok(())
}
