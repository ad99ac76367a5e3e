//! Work by the clock: when a duty runs, what its row says, and that none stands in another's way.

use super::*;
use parapet_worker::error::ApiError;
use parapet_worker::scheduled::{self, Done, Duty, MINUTE, Turn};

/// What the row of a duty says.
pub(super) fn run_of(edge: &Edge, name: &str) -> Value {
    let rows = edge.sql("SELECT * FROM scheduled_run");
    rows.into_iter().find(|row| row["name"] == name).map_or(Value::Null, Value::Object)
}

/// Lets so much time pass.
pub(super) fn pass(edge: &Edge, milliseconds: i64) {
    edge.app.clock.set(edge.app.clock.now().plus_millis(milliseconds));
}

/// Runs one of the service's duties at its next time, and says what its row then says.
pub(super) fn due(edge: &Edge, name: &str) -> Value {
    let duties: Vec<Duty> = scheduled::duties().into_iter().filter(|duty| duty.name == name).collect();
    assert_eq!(duties.len(), 1, "{name}");
    pass(edge, duties[0].period);
    tick(edge, &duties);
    let row = run_of(edge, name);
    assert_eq!(row["last_error"], Value::Null, "{row:#}");
    row
}

fn tick(edge: &Edge, duties: &[Duty]) {
    pollster::block_on(scheduled::run(&edge.app, duties));
}

const COUNTS: Duty = Duty { name: "counts", period: MINUTE, run: |app, turn| Box::pin(counts(app, turn)) };
const FAILS: Duty = Duty {
    name: "fails",
    period: MINUTE,
    run: |_, _| Box::pin(async { Err(ApiError::internal(format!("no luck {}", "again ".repeat(1000)))) }),
};

/// Goes on from one number to the next.
async fn counts(_app: &App, turn: Turn) -> Result<Done, ApiError> {
    let last: i64 = turn.cursor.map_or(0, |cursor| cursor.parse().unwrap());
    Ok(Done { items: 2, remaining: Some(10 - last), cursor: Some((last + 1).to_string()) })
}

#[test]
fn a_duty_that_fails_says_so_and_keeps_no_other_from_running() {
    let edge = Edge::new();
    tick(&edge, &[FAILS, COUNTS]);
    let row = run_of(&edge, "counts");
    assert_eq!((&row["runs"], &row["failures"], &row["items"]), (&json!(1), &json!(0), &json!(2)));
    assert_eq!((&row["remaining"], &row["cursor"], &row["last_error"]), (&json!(10), &json!("1"), &Value::Null));
    assert_eq!((&row["last_started_at"], &row["last_finished_at"]), (&json!(NOW), &json!(NOW)));
    let row = run_of(&edge, "fails");
    assert_eq!((&row["runs"], &row["failures"], &row["items"]), (&json!(1), &json!(1), &json!(0)));
    let error = row["last_error"].as_str().unwrap();
    assert!(error.starts_with("internal: no luck") && error.len() == 500, "{error}");
    // What fails is tried again at the next tick, and its row counts that.
    pass(&edge, MINUTE);
    tick(&edge, &[FAILS, COUNTS]);
    assert_eq!(run_of(&edge, "fails")["failures"], 2);
    let row = run_of(&edge, "counts");
    assert_eq!((&row["items"], &row["remaining"], &row["cursor"]), (&json!(4), &json!(9), &json!("2")));
}

#[test]
fn a_duty_runs_when_its_period_is_over_and_not_before() {
    let edge = Edge::new();
    let hourly = Duty { period: 60 * MINUTE, ..COUNTS };
    for (minutes, runs) in [(0, 1), (1, 1), (58, 1), (1, 2), (59, 2), (1, 3)] {
        pass(&edge, minutes * MINUTE);
        tick(&edge, &[hourly]);
        assert_eq!(run_of(&edge, "counts")["runs"], runs, "after {minutes} more minutes");
    }
    // A tick that comes a little early is this minute's.
    let edge = Edge::new();
    tick(&edge, &[COUNTS]);
    pass(&edge, MINUTE - 900);
    tick(&edge, &[COUNTS]);
    assert_eq!(run_of(&edge, "counts")["runs"], 2);
    pass(&edge, 900);
    tick(&edge, &[COUNTS]);
    assert_eq!(run_of(&edge, "counts")["runs"], 2);
}

const OVERLAPS: Duty = Duty { name: "overlaps", period: MINUTE, run: |app, turn| Box::pin(overlaps(app, turn)) };

/// While it runs, other ticks come: the next ones of the cron, and one when it should have ended long ago.
async fn overlaps(app: &App, turn: Turn) -> Result<Done, ApiError> {
    if turn.cursor.is_some() {
        return Ok(Done { items: 100, cursor: turn.cursor, ..Done::default() });
    }
    for _ in 0..14 {
        app.clock.set(app.clock.now().plus_millis(MINUTE));
        scheduled::run(app, &[OVERLAPS]).await;
        let rows = app.db.all(Statement::new("SELECT runs FROM scheduled_run")).await.map_err(ApiError::database)?;
        assert_eq!(rows[0]["runs"], 1);
    }
    Ok(Done { items: 1, cursor: Some("first".to_owned()), ..Done::default() })
}

#[test]
fn ticks_that_overlap_do_not_both_run_a_duty() {
    let edge = Edge::new();
    tick(&edge, &[OVERLAPS]);
    let row = run_of(&edge, "overlaps");
    assert_eq!((&row["runs"], &row["items"], &row["failures"]), (&json!(1), &json!(1), &json!(0)));
    pass(&edge, MINUTE);
    tick(&edge, &[OVERLAPS]);
    assert_eq!(run_of(&edge, "overlaps")["items"], 101);
}

const BROKEN_OFF: Duty = Duty { name: "broken off", period: MINUTE, run: |app, turn| Box::pin(broken_off(app, turn)) };

/// The first run is overtaken by another one, which finds it dead.
async fn broken_off(app: &App, turn: Turn) -> Result<Done, ApiError> {
    if turn.now == time(NOW) {
        app.clock.set(app.clock.now().plus_millis(15 * MINUTE));
        scheduled::run(app, &[BROKEN_OFF]).await;
        return Ok(Done { items: 1000, cursor: Some("late".to_owned()), ..Done::default() });
    }
    Ok(Done { items: 1, ..Done::default() })
}

#[test]
fn a_run_that_never_ended_is_a_failure_and_writes_nothing_any_more() {
    let edge = Edge::new();
    tick(&edge, &[BROKEN_OFF]);
    let row = run_of(&edge, "broken off");
    assert_eq!((&row["runs"], &row["failures"], &row["items"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(row["cursor"], Value::Null);
}

#[test]
fn without_a_database_nothing_runs() {
    let edge = Edge::new();
    edge.app.db.fail(true);
    tick(&edge, &[COUNTS]);
    edge.app.db.fail(false);
    assert_eq!(run_of(&edge, "counts"), Value::Null);
}

#[test]
fn duties_have_names_of_their_own() {
    let mut names: Vec<&str> = scheduled::duties().iter().map(|duty| duty.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(scheduled::duties().iter().all(|duty| duty.period >= MINUTE));
}

/// What the clock asks each minute must not become slower with every tenant and every row: an index of its own finds it.
#[test]
fn the_clock_and_the_metrics_look_at_no_whole_table() {
    let operators = super::tenants::operators();
    let edge = &operators.office.edge;
    for table in ["user_role", "api_key"] {
        let sql = format!("UPDATE {table} SET expires_at = ?1 WHERE tenant_id = ?2 AND rowid <> 1");
        pollster::block_on(edge.app.db.all(Statement::new(sql).bind(NOW).bind(TENANT))).unwrap();
    }
    edge.sql("UPDATE user_role SET expires_at = '2026-03-05T10:00:00.000Z' WHERE rowid = 1");
    edge.sql(
        "INSERT INTO login_attempt (id, tenant_id, email_attempted, result, attempted_at)
         SELECT id, id, 'z@example.com', 'failure', created_at FROM tenant",
    );
    edge.sql(
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT id, id, 'security', 'audit_retention_days', '7', created_at, updated_at FROM tenant",
    );
    edge.sql(
        "INSERT INTO access_request (id, tenant_id, requester_id, request_type, role_id, requested_permissions, status,
                                     expires_at, created_at, updated_at)
         SELECT id, tenant_id, user_id, 'role', role_id, '[]', 'pending', '2026-03-02T10:00:00.000Z', assigned_at, assigned_at
         FROM user_role WHERE tenant_id = '01980000-0000-7000-8000-000000000001' LIMIT 1",
    );
    pass(edge, 10 * MINUTE);
    let (items, mut statements) = edge.app.db.recording(|| {
        let items = ["expire_rows", "remind"].map(|name| due(edge, name)["items"].as_i64().unwrap());
        pass(edge, 100 * 24 * 60 * MINUTE);
        (items, due(edge, "forget_records")["items"].as_i64().unwrap())
    });
    assert!(items.0[0] > 2 && items.0[1] == 1 && items.1 > 0, "{items:?}");
    assert!(statements.iter().any(|statement| statement.sql().contains("UPDATE access_request")));
    edge.app.clock.set(time(NOW));
    let (response, asked) = edge.app.db.recording(|| operators.call("GET", "/v1/metrics", Value::Null));
    assert_eq!(response.status, 200);
    let count = statements.len();
    let reads = ["AS oldest_event", "AS events"];
    statements.extend(asked.into_iter().filter(|asked| reads.iter().any(|read| asked.sql().contains(read))));
    assert!(count > 15 && statements.len() == count + 2, "{count}");
    for statement in statements.iter().filter(|statement| !statement.sql().contains("scheduled_run")) {
        for step in edge.app.db.plan(statement).unwrap() {
            let is_small = ["VIRTUAL TABLE", "CONSTANT ROW", "(subquery", "VALUES CLAUSE", " USING "]
                .iter()
                .any(|word| step.contains(word));
            assert!(!step.starts_with("SCAN") || is_small, "{step}: {}", statement.sql());
            // Nor all rows of a tenant.
            let is_one = ["tenant_epoch", "audit_log", "audit_root"].iter().any(|table| step.contains(table));
            assert!(!step.ends_with("(tenant_id=?)") || is_one, "{step}: {}", statement.sql());
        }
    }
}
