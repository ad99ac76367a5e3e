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

/// With so many tries a minute for an address without a key that is known.
fn guarded() -> Edge {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "0"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("STRANGER_RATE_LIMIT", "5"),
    ]);
    edge.app.clock.set(time("2026-03-02T10:00:30.000Z"));
    edge
}

fn from(edge: &Edge, address: &str, key: Option<&ApiKeyToken>) -> Response {
    let mut request = request("POST", "/access/v1/evaluation");
    if let Some(key) = key {
        request.headers.insert("authorization".to_owned(), format!("Bearer {}", key.expose()));
    }
    request.headers.insert("content-type".to_owned(), "application/json".to_owned());
    request.headers.insert("cf-connecting-ip".to_owned(), address.to_owned());
    request.body = Body::Bytes(question(ANNA, "read").to_string().into_bytes());
    edge.send(request)
}

#[test]
fn an_address_without_a_known_key_is_stopped_before_the_database_is_asked() {
    let edge = guarded();
    let unknown = |byte: u8| ApiKeyToken::from_random([byte; RANDOM_BYTES]);
    for byte in 1..=3 {
        assert_problem(&from(&edge, "192.0.2.1", Some(&unknown(byte))), 401, "key.unknown");
    }
    assert_problem(&from(&edge, "192.0.2.1", None), 401, "key.missing");
    assert_problem(&from(&edge, "::ffff:192.0.2.1", Some(&unknown(4))), 401, "key.unknown");
    let asked = edge.app.db.round_trips();
    for key in [Some(&unknown(5)), None] {
        let response = from(&edge, "192.0.2.1", key);
        assert_problem(&response, 429, "rate.limited");
        assert_eq!(response.header("retry-after"), Some("30"));
    }
    assert_eq!(edge.app.db.round_trips(), asked);
    // Others are not kept out, and the next minute is another one.
    assert_problem(&from(&edge, "192.0.2.2", Some(&unknown(5))), 401, "key.unknown");
    edge.app.clock.set(time("2026-03-02T10:01:00.000Z"));
    assert_problem(&from(&edge, "192.0.2.1", Some(&unknown(5))), 401, "key.unknown");
}

#[test]
fn a_whole_network_of_ipv6_is_one_address() {
    let edge = guarded();
    for number in 1..=5 {
        assert_problem(&from(&edge, &format!("2001:db8::{number}"), None), 401, "key.missing");
    }
    assert_problem(&from(&edge, "2001:db8:0:0:ffff::1", None), 429, "rate.limited");
    assert_problem(&from(&edge, "2001:db8:0:1::1", None), 401, "key.missing");
}

#[test]
fn known_keys_are_no_strangers() {
    let edge = guarded();
    let keys: Vec<ApiKeyToken> = (0..20).map(|_| edge.key(&["access:evaluate"])).collect();
    for key in keys.iter().chain(&keys) {
        assert_decision(&from(&edge, "192.0.2.1", Some(key)), true);
    }
    // What the isolate knows goes on though strangers come from the same address.
    for _ in 0..6 {
        from(&edge, "192.0.2.1", None);
    }
    assert_problem(&from(&edge, "192.0.2.1", None), 429, "rate.limited");
    assert_decision(&from(&edge, "192.0.2.1", Some(&keys[0])), true);
}

#[test]
fn what_else_asks_the_database_for_anybody_counts_as_well() {
    let edge = guarded();
    let ask = |method: &str, path: &str| {
        let mut request = request(method, path);
        request.headers.insert("cf-connecting-ip".to_owned(), "192.0.2.1".to_owned());
        request.headers.insert("origin".to_owned(), "https://app.example".to_owned());
        request.headers.insert("access-control-request-method".to_owned(), "GET".to_owned());
        edge.send(request).status
    };
    let statuses = [(); 3].map(|()| ask("OPTIONS", "/v1/roles"));
    assert_eq!(statuses, [204; 3]);
    let statuses = [(); 3].map(|()| ask("GET", "/.well-known/authzen-configuration/acme"));
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(ask("OPTIONS", "/v1/roles"), 429);
    assert_eq!(ask("GET", "/healthz"), 200);
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
