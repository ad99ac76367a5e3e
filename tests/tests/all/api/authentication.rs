//! Which keys open the API, and until when.

use super::*;

fn with_header(edge: &Edge, authorization: &str) -> Response {
    let mut request = request("POST", "/access/v1/evaluation");
    request.headers.insert("authorization".to_owned(), authorization.to_owned());
    request.body = Body::Bytes(question(ANNA, "read").to_string().into_bytes());
    edge.send(request)
}

#[test]
fn a_credential_of_another_kind_is_as_none() {
    let edge = Edge::new();
    for header in ["", "Basic YTpi", "Bearer", "pk_x"] {
        assert_problem(&with_header(&edge, header), 401, "key.missing");
    }
}

#[test]
fn what_is_no_key_never_reaches_the_database() {
    let edge = Edge::new();
    let asked = edge.app.db.round_trips();
    for header in ["Bearer ", "Bearer x", "Bearer pk_a_b_c", &format!("Bearer {}", "p".repeat(10_000))] {
        let response = with_header(&edge, header);
        assert_problem(&response, 401, "key.malformed");
        assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    assert_eq!(edge.app.db.round_trips(), asked);
}

#[test]
fn a_key_that_nobody_has_is_refused() {
    let edge = Edge::new();
    assert_problem(&edge.ask(&ApiKeyToken::from_random([7; RANDOM_BYTES])), 401, "key.unknown");
}

#[test]
fn a_key_ends_at_exactly_its_end() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql("UPDATE api_key SET expires_at = '2026-03-02T10:00:00.000Z'");
    assert_problem(&edge.ask(&key), 401, "key.expired");
    edge.app.clock.set(time("2026-03-02T09:59:59.999Z"));
    assert_decision(&edge.ask(&key), true);
}

#[test]
fn a_remembered_key_ends_as_well() {
    let edge = Edge::with(&[("FRESHNESS_SECONDS", "60"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let key = edge.key(&["access:evaluate"]);
    edge.sql("UPDATE api_key SET expires_at = '2026-03-02T10:00:01.000Z'");
    assert_decision(&edge.ask(&key), true);
    edge.app.clock.set(time("2026-03-02T10:00:01.000Z"));
    assert_problem(&edge.ask(&key), 401, "key.expired");
}

#[test]
fn an_inactive_key_opens_nothing() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.sql("UPDATE api_key SET is_active = 0");
    assert_problem(&edge.ask(&key), 401, "key.inactive");
}

#[test]
fn a_deleted_key_is_forgotten() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("DELETE FROM api_key");
    assert_problem(&edge.ask(&key), 401, "key.unknown");
}

#[test]
fn a_key_goes_with_its_owner() {
    for change in [
        "UPDATE user SET is_active = 0",
        "UPDATE user SET state = 'locked'",
        "UPDATE user SET state = 'deleted', deleted_at = '2026-03-01T00:00:00.000Z'",
    ] {
        let edge = Edge::new();
        let key = edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]);
        assert_decision(&edge.ask(&key), true);
        edge.sql(change);
        assert_problem(&edge.ask(&key), 401, "key.owner_inactive");
    }
    let edge = Edge::new();
    let key = edge.key_of(TENANT, None, Some(BOT), &["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("UPDATE service_account SET is_active = 0");
    assert_problem(&edge.ask(&key), 401, "key.owner_inactive");
}

#[test]
fn a_suspended_tenant_is_told_so_by_every_decision() {
    for (change, reason) in [
        ("UPDATE tenant SET status = 'suspended'", "tenant_suspended"),
        ("UPDATE tenant SET status = 'deleted', deleted_at = '2026-03-01T00:00:00.000Z'", "tenant_deleted"),
    ] {
        let edge = Edge::new();
        let key = edge.key(&["access:evaluate"]);
        assert_decision(&edge.ask(&key), true);
        edge.sql(change);
        edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
        let response = edge.ask(&key);
        assert_decision(&response, false);
        assert_eq!(body(&response)["context"]["reason"], reason);
    }
}

#[test]
fn what_was_read_is_trusted_no_longer_than_it_is_fresh() {
    let edge = Edge::with(&[("FRESHNESS_SECONDS", "5"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("UPDATE api_key SET is_active = 0");
    edge.app.clock.set(time("2026-03-02T10:00:03.999Z"));
    assert_decision(&edge.ask(&key), true);
    edge.app.clock.set(time("2026-03-02T10:00:05.000Z"));
    assert_problem(&edge.ask(&key), 401, "key.inactive");
}

#[test]
fn one_request_asks_again_before_the_end_and_the_others_do_not_wait_for_it() {
    let edge =
        Edge::with(&[("FRESHNESS_SECONDS", "5"), ("MAX_STALE_SECONDS", "0"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let key = edge.key(&["access:evaluate"]);
    let asks = |at: &str, times: usize| {
        edge.app.clock.set(time(at));
        let before = edge.app.db.round_trips();
        let response = edge.ask(&key);
        assert_decision(&response, true);
        assert_eq!(response.header("x-parapet-stale"), None);
        assert_eq!(edge.app.db.round_trips() - before, times, "{at}");
    };
    assert_decision(&edge.ask(&key), true);
    asks("2026-03-02T10:00:03.999Z", 0);
    asks("2026-03-02T10:00:04.000Z", 1);
    asks("2026-03-02T10:00:07.999Z", 0);
    // Who asks and hears nothing, or never comes back, leaves the others what is known.
    edge.app.db.fail(true);
    asks("2026-03-02T10:00:08.000Z", 1);
    asks("2026-03-02T10:00:08.999Z", 0);
    edge.app.clock.set(time("2026-03-02T10:00:09.000Z"));
    assert_problem(&edge.ask(&key), 503, "database.unavailable");
}

#[test]
fn a_clock_that_goes_back_makes_nothing_fresh() {
    let edge = Edge::with(&[("FRESHNESS_SECONDS", "5"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.sql("UPDATE api_key SET is_active = 0");
    edge.app.clock.set(time("2026-03-02T09:00:00.000Z"));
    assert_problem(&edge.ask(&key), 401, "key.inactive");
}

#[test]
fn without_a_database_nobody_is_known() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    edge.app.db.fail(true);
    let response = edge.ask(&key);
    assert_problem(&response, 503, "database.unavailable");
    assert!(!String::from_utf8_lossy(&response.body).contains("made to fail"), "the cause is for the log");
    edge.app.db.fail(false);
    assert_decision(&edge.ask(&key), true);
}

#[test]
fn decisions_go_on_while_what_is_known_is_not_too_old() {
    let edge =
        Edge::with(&[("FRESHNESS_SECONDS", "5"), ("MAX_STALE_SECONDS", "30"), ("SNAPSHOT_KEY", &"ab".repeat(32))]);
    let key = edge.key(&["access:evaluate"]);
    let response = edge.ask(&key);
    assert_decision(&response, true);
    assert_eq!(response.header("x-parapet-stale"), None);
    edge.app.db.fail(true);
    edge.app.clock.set(time("2026-03-02T10:00:29.999Z"));
    let response = edge.ask(&key);
    assert_decision(&response, true);
    assert_eq!(response.header("x-parapet-stale"), Some("true"));
    edge.app.clock.set(time("2026-03-02T10:00:30.000Z"));
    assert_problem(&edge.ask(&key), 503, "database.unavailable");
}

#[test]
fn a_database_that_is_not_bound_denies() {
    let mut edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.app.db = Db::missing();
    assert_problem(&edge.ask(&key), 503, "database.unavailable");
}

#[test]
fn a_database_without_tables_denies() {
    let mut edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    edge.app.db = Db::in_memory([]).unwrap();
    assert_problem(&edge.ask(&key), 503, "database.unavailable");
}

#[test]
fn a_wrong_configuration_denies() {
    for variable in [
        ("FRESHNESS_SECONDS", "soon"),
        ("MAX_STALE_SECONDS", "-1"),
        ("SNAPSHOT_KEY", "no hex"),
        ("SNAPSHOT_KEY", "abcd"),
    ] {
        let edge = Edge::with(&[variable]);
        assert_problem(&edge.ask(&edge.key(&["access:evaluate"])), 503, "config.invalid");
        assert_eq!(edge.get("/healthz").status, 200);
    }
}

#[test]
fn one_request_is_one_round_trip() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    let asked = edge.app.db.round_trips();
    assert_decision(&edge.ask(&key), true);
    assert_eq!(edge.app.db.round_trips() - asked, 1);
}
