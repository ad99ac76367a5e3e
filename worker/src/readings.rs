//! How the service does, as the database has it: what waits, what failed, how each duty of the clock went. Read for
//! [`crate::metrics`] and [`crate::health`], over all tenants; nothing says whose anything is.

use parapet::model::Timestamp;
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row, Statement};
use crate::scheduled::{Duty, LONGEST, duties};

/// Nothing is counted any further.
pub const MOST: i64 = 10_000;

const DUTIES: &str = "SELECT * FROM scheduled_run WHERE name IN (SELECT value FROM json_each(?1))";

/// Each is found by one look into an index.
const OLDEST: &str = "
    SELECT (SELECT min(created_at) FROM outbox WHERE published_at IS NULL) AS oldest_event,
           (SELECT min(next_attempt_at) FROM webhook_delivery WHERE next_attempt_at IS NOT NULL) AS oldest_delivery,
           (SELECT min(next_attempt_at) FROM user_notification WHERE next_attempt_at IS NOT NULL) AS oldest_notification,
           (SELECT max(created_at) FROM snapshot) AS newest_snapshot";

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT ?1)) AS events,
           (SELECT count(*) FROM (SELECT 1 FROM webhook_delivery
                                  WHERE next_attempt_at IS NOT NULL LIMIT ?1)) AS deliveries_waiting,
           (SELECT count(*) FROM (SELECT 1 FROM webhook_delivery
                                  WHERE next_attempt_at IS NULL AND delivered_at IS NULL LIMIT ?1)) AS deliveries_failed,
           (SELECT count(*) FROM (SELECT 1 FROM user_notification
                                  WHERE next_attempt_at IS NOT NULL LIMIT ?1)) AS notifications_waiting,
           (SELECT count(*) FROM (SELECT 1 FROM user_notification
                                  WHERE status = 'failed' LIMIT ?1)) AS notifications_failed,
           (SELECT count(*) FROM (SELECT 1 FROM tenant_purge WHERE finished_at IS NULL LIMIT ?1)) AS purges";

/// What was read at one instant.
pub struct Readings {
    now: Timestamp,
    runs: Vec<Row>,
    oldest: Row,
    counts: Row,
}

impl Readings {
    /// Reads times and duties, which costs the same however much there is.
    pub async fn times(app: &App) -> Result<Self, ApiError> {
        Self::read(app, Vec::new()).await
    }

    /// Reads how many there are as well, each counted up to [`MOST`].
    pub async fn all(app: &App) -> Result<Self, ApiError> {
        Self::read(app, vec![Statement::new(COUNTS).bind(MOST)]).await
    }

    async fn read(app: &App, counts: Vec<Statement>) -> Result<Self, ApiError> {
        let names: Vec<&str> = duties().iter().map(|duty| duty.name).collect();
        let mut reads = vec![Statement::new(DUTIES).bind(Value::from(names).to_string()), Statement::new(OLDEST)];
        reads.extend(counts);
        let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
        let runs = answers.next().unwrap_or_default();
        let mut one = || answers.next().and_then(|rows| rows.into_iter().next()).unwrap_or_default();
        Ok(Self { now: app.clock.now(), runs, oldest: one(), counts: one() })
    }

    /// How many seconds ago a time was that has this name; nothing where there is none, and 0 where it is to come.
    pub fn seconds_since(&self, name: &str) -> Option<f64> {
        time(&self.oldest, name).map(|since| (self.now.as_millis() - since.as_millis()).max(0) as f64 / 1000.0)
    }

    /// How many there are of something, where that was counted.
    pub fn count(&self, name: &str) -> Option<f64> {
        number(&self.counts, name)
    }

    /// The row of a duty, once it has run.
    pub fn run(&self, duty: &str) -> Option<&Row> {
        self.runs.iter().find(|row| row.get("name").and_then(Value::as_str) == Some(duty))
    }

    /// The duties that have run and whose last run ended too long ago: three periods, and the longest that a run takes.
    pub fn late(&self) -> Vec<&'static str> {
        let is_late = |duty: &Duty| {
            let last = |row| time(row, "last_finished_at").or_else(|| time(row, "last_started_at"));
            let last = self.run(duty.name).and_then(last);
            last.is_some_and(|last| last.plus_millis(3 * duty.period + LONGEST) < self.now)
        };
        duties().iter().filter(|duty| is_late(duty)).map(|duty| duty.name).collect()
    }
}

/// A time that a row has.
pub fn time(row: &Row, column: &str) -> Option<Timestamp> {
    row.get(column)?.as_str()?.parse().ok()
}

/// A number that a row has.
pub fn number(row: &Row, column: &str) -> Option<f64> {
    row.get(column)?.as_f64()
}
