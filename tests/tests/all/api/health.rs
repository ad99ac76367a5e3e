//! Health: one word for anybody, and numbers for operators.

use super::administration::assert_status;
use super::scheduled::{due, pass};
use super::tenants::operators;
use super::*;
use parapet_worker::scheduled::MINUTE;

const PATH: &str = "/v1/health";

#[track_caller]
fn assert_word(edge: &Edge, word: &str) {
    assert_eq!(assert_status(&edge.restarted().get(PATH), 200), json!({ "status": word }));
}

#[test]
fn a_stranger_is_told_whether_it_keeps_up_and_nothing_else() {
    let operators = operators();
    let office = &operators.office;
    let edge = &office.edge;
    assert_word(edge, "ok");
    assert_status(&office.owner("POST", "/v1/roles", json!({ "name": "editor" })), 201);
    pass(edge, 5 * MINUTE);
    assert_word(edge, "ok");
    pass(edge, 1);
    assert_word(edge, "degraded");
    // Whoever has a key of another tenant than the operators' is told no more, whatever they may do there.
    for key in [&office.owner, &edge.key(&["access:evaluate"])] {
        assert_eq!(assert_status(&office.by(key, "GET", PATH, Value::Null), 200), json!({ "status": "degraded" }));
    }
    assert_eq!(office.log().iter().filter(|row| row.event_type == "access.denied").count(), 0);
    // A key is judged as everywhere.
    let unknown = ApiKeyToken::from_random([7; RANDOM_BYTES]);
    assert_problem(&office.by(&unknown, "GET", PATH, Value::Null), 401, "key.unknown");
    edge.sql("UPDATE outbox SET published_at = created_at");
    assert_word(edge, "ok");
}

#[test]
fn what_waits_for_too_long_and_duties_that_do_not_run_are_degradation() {
    let operators = operators();
    let edge = &operators.office.edge;
    edge.sql(
        "INSERT INTO webhook (id, tenant_id, name, url, headers, event_types, is_active, created_at, updated_at)
         SELECT id, tenant_id, name, 'https://hooks.example.com/', '{}', '[\"*\"]', 1, created_at, updated_at
         FROM role WHERE name = 'reader'",
    );
    edge.sql(
        "INSERT INTO webhook_delivery (id, tenant_id, webhook_id, event_type, payload, attempt_count, next_attempt_at, created_at)
         SELECT id, tenant_id, id, 'a', '{}', 1, '2026-03-02T10:00:00.000Z', created_at FROM webhook",
    );
    pass(edge, 10 * MINUTE);
    assert_word(edge, "ok");
    pass(edge, 1);
    assert_word(edge, "degraded");
    // That something never arrived is its tenant's matter, and operators' to see.
    edge.sql("UPDATE webhook_delivery SET next_attempt_at = NULL");
    assert_word(edge, "ok");
    due(edge, "sweep_messages");
    pass(edge, 18 * MINUTE);
    assert_word(edge, "ok");
    pass(edge, 1);
    assert_word(edge, "degraded");
    let numbers = assert_status(&operators.call("GET", PATH, Value::Null), 200);
    assert_eq!((&numbers["late_duties"], &numbers["deliveries_failed"]), (&json!(["sweep_messages"]), &json!(1.0)));
    due(edge, "sweep_messages");
    assert_word(edge, "ok");
}

#[test]
fn an_operator_is_told_the_numbers() {
    let operators = operators();
    let office = &operators.office;
    assert_decision(&office.edge.ask(&office.edge.key(&["access:evaluate"])), true);
    assert_status(&office.owner("POST", "/v1/roles", json!({ "name": "editor" })), 201);
    pass(&office.edge, MINUTE);
    let numbers = assert_status(&operators.call("GET", PATH, Value::Null), 200);
    // The operator's own rules were published just now, to let them in.
    let expected = json!({
        "status": "ok", "oldest_event_seconds": 60.0, "deliveries_overdue_seconds": 0.0,
        "notifications_overdue_seconds": 0.0, "newest_snapshot_seconds": 0.0, "deliveries_failed": 0.0,
        "notifications_failed": 0.0, "late_duties": [],
    });
    assert_eq!(numbers, expected);
    pass(&office.edge, MINUTE);
    let numbers = assert_status(&operators.call("GET", PATH, Value::Null), 200);
    assert_eq!((&numbers["oldest_event_seconds"], &numbers["newest_snapshot_seconds"]), (&json!(120.0), &json!(60.0)));
    let metrics = String::from_utf8(operators.call("GET", "/v1/metrics", Value::Null).body).unwrap();
    assert!(metrics.contains("\nparapet_snapshot_newest_seconds 60\n"), "{metrics}");
    let narrow =
        office.edge.key_of(&parapet::administration::SYSTEM_TENANT.to_string(), None, None, &["access:evaluate"]);
    assert_problem(&office.by(&narrow, "GET", PATH, Value::Null), 403, "access.missing_scope");
}

/// However often strangers ask, the database is asked now and then; and that it does not answer is said.
#[test]
fn strangers_do_not_keep_the_database_busy() {
    let edge = Edge::new();
    let asked = edge.app.db.round_trips();
    for _ in 0..100 {
        assert_eq!(edge.get(PATH).status, 200);
    }
    assert_eq!(edge.app.db.round_trips() - asked, 1);
    pass(&edge, 10_000);
    edge.app.db.fail(true);
    assert_problem(&edge.get(PATH), 503, "database.unavailable");
    assert_eq!(edge.get("/healthz").status, 200);
    edge.app.db.fail(false);
    assert_eq!(edge.get(PATH).status, 200);
}
