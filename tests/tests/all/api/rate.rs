//! How often a key may be used, over all isolates.

use super::*;

fn limited(limit: &str) -> Edge {
    Edge::with(&[
        ("FRESHNESS_SECONDS", "5"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("RATE_LIMIT", limit),
    ])
}

/// Another isolate of the same service.
fn beside(edge: &Edge, limit: &str) -> Edge {
    let mut other = edge.restarted();
    other.app.config = limited(limit).app.config.clone();
    other
}

/// How many of so many requests are answered.
fn answered(edge: &Edge, key: &ApiKeyToken, times: usize) -> usize {
    (0..times).filter(|_| edge.ask(key).status == 200).count()
}

#[test]
fn a_key_that_asks_too_often_waits_for_the_next_minute() {
    let edge = limited("40");
    edge.app.clock.set(time("2026-03-02T10:00:30.500Z"));
    let (key, other) = (edge.key(&["access:evaluate"]), edge.key(&["access:evaluate"]));
    assert_eq!(answered(&edge, &key, 50), 40);
    let response = edge.ask(&key);
    assert_problem(&response, 429, "rate.limited");
    assert_eq!(response.header("retry-after"), Some("30"));
    assert_eq!(answered(&edge, &other, 1), 1, "each key has its own count");
    edge.app.clock.set(time("2026-03-02T10:01:00.000Z"));
    assert_eq!(answered(&edge, &key, 50), 40);
    assert_eq!(edge.sql("SELECT * FROM rate_limit").len(), 1, "one row a key, whatever the minute");
}

#[test]
fn isolates_count_together() {
    let edge = limited("40");
    let key = edge.key(&["access:evaluate"]);
    let isolates = [&edge, &beside(&edge, "40"), &beside(&edge, "40")];
    let mut all = 0;
    for _ in 0..40 {
        all += isolates.iter().map(|isolate| answered(isolate, &key, 1)).sum::<usize>();
    }
    // Late by a twentieth of the limit an isolate, which is 2, and no more.
    assert!((40..=46).contains(&all), "{all}");
}

#[test]
fn what_is_asked_within_reason_costs_no_statement_and_no_limit_is_none() {
    let edge = limited("1000");
    let key = edge.key(&["access:evaluate"]);
    assert_eq!(answered(&edge, &key, 1), 1);
    let asked = edge.app.db.round_trips();
    assert_eq!(answered(&edge, &key, 48), 48);
    assert_eq!(edge.app.db.round_trips(), asked);
    // The fiftieth is a twentieth of the limit.
    assert_eq!(answered(&edge, &key, 1), 1);
    assert_eq!(edge.app.db.round_trips(), asked + 1);

    let edge = limited("0");
    let key = edge.key(&["access:evaluate"]);
    assert_eq!(answered(&edge, &key, 100), 100);
    assert_eq!(edge.sql("SELECT * FROM rate_limit").len(), 0);
    let edge = limited("many");
    assert_problem(&edge.ask(&edge.key(&["access:evaluate"])), 503, "config.invalid");
}

#[test]
fn without_a_database_an_isolate_counts_alone() {
    let edge = limited("40");
    let key = edge.key(&["access:evaluate"]);
    assert_eq!(answered(&edge, &key, 1), 1);
    edge.app.db.fail(true);
    assert_eq!(answered(&edge, &key, 60), 39);
}

#[test]
fn the_admin_api_counts_as_well() {
    let mut office = super::administration::office();
    office.edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("RATE_LIMIT", "2"),
    ]);
    let statuses = [(); 3].map(|()| office.owner("GET", "/v1/roles", Value::Null).status);
    assert_eq!(statuses, [200, 200, 429]);
}
