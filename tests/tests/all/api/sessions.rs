//! Sessions: for how long they are good, what ends them, and whose they are.

use super::administration::{OLGA, Office, assert_status, office};
use super::sign_in::{Browser, HOST, PASSWORD, edge, give_password};
use super::*;

const MINUTE: i64 = 60_000;

fn signed_in(edge: &Edge) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    browser
}

/// Whether the session still opens what is its user's own.
#[track_caller]
fn assert_ended(edge: &Edge, browser: &mut Browser) {
    assert_problem(&browser.get(edge, "/v1/me/session"), 401, "session.ended");
}

#[test]
fn a_session_that_is_used_lasts_to_its_absolute_end() {
    let edge = edge();
    let mut browser = signed_in(&edge);
    let start = time(NOW);
    for minutes in (0..24 * 60).step_by(45) {
        edge.app.clock.set(start.plus_millis(minutes * MINUTE));
        assert_eq!(browser.get(&edge, "/v1/me/session").status, 200, "{minutes}");
        pollster::block_on(parapet_worker::authenticate::write_uses(&edge.app));
    }
    edge.app.clock.set(start.plus_millis(24 * 60 * MINUTE - 1));
    assert_eq!(browser.get(&edge, "/v1/me/session").status, 200);
    edge.app.clock.set(start.plus_millis(24 * 60 * MINUTE));
    assert_ended(&edge, &mut browser);
}

#[test]
fn a_session_that_is_not_used_ends() {
    let edge = edge();
    let mut browser = signed_in(&edge);
    let start = time(NOW);
    edge.app.clock.set(start.plus_millis(59 * MINUTE));
    assert_eq!(browser.get(&edge, "/v1/me/session").status, 200);
    pollster::block_on(parapet_worker::authenticate::write_uses(&edge.app));
    assert_eq!(
        edge.sql("SELECT last_accessed_at FROM user_session")[0]["last_accessed_at"],
        "2026-03-02T10:59:00.000Z"
    );
    edge.app.clock.set(start.plus_millis(119 * MINUTE - 1));
    assert_eq!(edge.restarted().app.clock.now(), edge.app.clock.now());
    edge.app.clock.set(start.plus_millis(119 * MINUTE));
    assert_ended(&edge, &mut browser);
    // A shorter time holds for sessions that are there.
    let mut browser = signed_in(&edge);
    edge.sql(
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000b01', id, 'security', 'session_idle_minutes', '5', created_at, updated_at
         FROM tenant WHERE slug = 'acme'",
    );
    edge.app.clock.set(start.plus_millis(124 * MINUTE));
    assert_ended(&edge, &mut browser);
}

#[test]
fn signing_out_ends_it_and_takes_the_cookie() {
    let edge = edge();
    let mut browser = signed_in(&edge);
    let mut copy = Browser { cookies: browser.cookies.clone(), ..Browser::default() };
    assert_eq!(browser.send(&edge, "POST", "/v1/auth/sign-out", None).status, 204);
    assert!(browser.cookies.iter().all(|(name, _)| name != "__Host-session"));
    assert_ended(&edge, &mut copy);
    assert_problem(&browser.get(&edge, "/v1/me/session"), 401, "key.missing");
}

#[test]
fn a_user_ends_one_or_all_others() {
    let edge = edge();
    let (mut first, mut second, mut third) = (signed_in(&edge), signed_in(&edge), signed_in(&edge));
    let list = body(&first.get(&edge, "/v1/me/sessions"));
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(items.iter().filter(|item| item["is_current"] == true).count(), 1);
    let id = body(&second.get(&edge, "/v1/me/session"))["id"].as_str().unwrap().to_owned();
    assert_eq!(first.send(&edge, "DELETE", &format!("/v1/me/sessions/{id}"), None).status, 204);
    assert_problem(&first.send(&edge, "DELETE", &format!("/v1/me/sessions/{id}"), None), 404, "http.not_found");
    assert_ended(&edge, &mut second);
    assert_eq!(first.send(&edge, "POST", "/v1/me/sessions/end-others", None).status, 204);
    assert_ended(&edge, &mut third);
    assert_eq!(first.get(&edge, "/v1/me/session").status, 200);
    // Another user's session is none of one's own.
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Browser::default();
    ben.sign_in(&edge, "ben@acme.example", PASSWORD);
    let id = body(&ben.get(&edge, "/v1/me/session"))["id"].as_str().unwrap().to_owned();
    assert_problem(&first.send(&edge, "DELETE", &format!("/v1/me/sessions/{id}"), None), 404, "http.not_found");
}

#[test]
fn with_too_many_the_oldest_ends() {
    let edge = edge();
    edge.sql(
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000b01', id, 'security', 'sessions_per_user', '2', created_at, updated_at
         FROM tenant WHERE slug = 'acme'",
    );
    let mut browsers: Vec<Browser> = (0..4)
        .map(|_| {
            edge.app.clock.set(edge.app.clock.now().plus_millis(1));
            signed_in(&edge)
        })
        .collect();
    assert_ended(&edge, &mut browsers[0]);
    assert_ended(&edge, &mut browsers[1]);
    for browser in &mut browsers[2..] {
        assert_eq!(browser.get(&edge, "/v1/me/session").status, 200);
    }
}

#[test]
fn what_changes_something_comes_from_the_own_pages() {
    let edge = edge();
    let mut browser = signed_in(&edge);
    let csrf = body(&browser.get(&edge, "/v1/me/session"))["csrf_token"].as_str().unwrap().to_owned();
    let cookie = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let send = |headers: &[(&str, &str)]| {
        let mut request = request("POST", "/v1/me/sessions/end-others");
        request.origin = HOST.to_owned();
        request.headers.insert("cookie".to_owned(), cookie.clone());
        request.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        edge.send(request)
    };
    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "https://other.id.example")],
        &[("x-csrf-token", "AAAA")],
    ] {
        assert_problem(&send(headers), 403, "request.cross_site");
    }
    for headers in [&[("origin", HOST)][..], &[("x-csrf-token", csrf.as_str())], &[("sec-fetch-site", "same-origin")]] {
        assert_eq!(send(headers).status, 204);
    }
}

#[test]
fn a_session_is_good_at_its_tenants_host_alone() {
    let edge = edge();
    edge.seed(&other());
    let browser = signed_in(&edge);
    let token = &browser.cookies.iter().find(|(name, _)| name == "__Host-session").unwrap().1;
    for (origin, status) in [(HOST, 200), ("https://other.id.example", 401), ("https://id.example", 200)] {
        let mut request = request("GET", "/v1/me/session");
        request.origin = origin.to_owned();
        request.headers.insert("authorization".to_owned(), format!("Bearer {token}"));
        assert_eq!(edge.send(request).status, status, "{origin}");
    }
}

#[test]
fn no_decision_is_asked_for_with_a_session() {
    let edge = edge();
    let browser = signed_in(&edge);
    let token = &browser.cookies.iter().find(|(name, _)| name == "__Host-session").unwrap().1;
    let mut asked = request("POST", "/access/v1/evaluation");
    asked.headers.insert("cookie".to_owned(), format!("__Host-session={token}"));
    asked.body = Body::Bytes(question(ANNA, "read").to_string().into_bytes());
    assert_problem(&edge.send(asked.clone()), 401, "key.missing");
    asked.headers.insert("authorization".to_owned(), format!("Bearer {token}"));
    assert_problem(&edge.send(asked), 403, "access.missing_scope");
}

#[test]
fn whatever_stops_a_user_or_the_tenant_stops_sessions() {
    for change in [
        "UPDATE user SET is_active = 0",
        "UPDATE user SET state = 'suspended'",
        "UPDATE user SET state = 'deleted', deleted_at = '2026-03-01T00:00:00.000Z'",
        "UPDATE tenant SET status = 'suspended'",
        "UPDATE tenant SET status = 'deleted', deleted_at = '2026-03-01T00:00:00.000Z'",
        "DELETE FROM user_session",
    ] {
        let edge = edge();
        let mut browser = signed_in(&edge);
        edge.sql(change);
        assert_ended(&edge, &mut browser);
    }
}

/// Olga owns the tenant, and signs in.
fn administered() -> (Office, Browser) {
    let office = office();
    give_password(&office.edge, OLGA, PASSWORD);
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(&office.edge, "olga@acme.example", PASSWORD).status, 200);
    (office, browser)
}

#[test]
fn a_session_administers_as_its_user_may() {
    let (office, mut browser) = administered();
    let created = browser.post(&office.edge, "/v1/roles", json!({ "name": "made-by-session" }));
    assert_eq!(created.status, 201, "{:#}", body(&created));
    let log =
        office.edge.sql("SELECT event_data FROM audit_log WHERE event_type = 'role.created' ORDER BY sequence DESC");
    let data: Value = serde_json::from_str(log[0]["event_data"].as_str().unwrap()).unwrap();
    assert_eq!((&data["actor"]["type"], &data["actor"]["id"]), (&json!("User"), &json!(OLGA)));
    assert!(data["actor"]["session_id"].is_string() && data["actor"]["api_key_id"].is_null());
    // Anna may not.
    give_password(&office.edge, ANNA, PASSWORD);
    let mut anna = signed_in(&office.edge);
    let refused = anna.post(&office.edge, "/v1/roles", json!({ "name": "x" }));
    assert_problem(&refused, 403, "access.missing_permission");
}

#[test]
fn who_administers_sees_and_ends_a_users_sessions() {
    let office = office();
    give_password(&office.edge, ANNA, PASSWORD);
    let mut anna = signed_in(&office.edge);
    let path = format!("/v1/users/{ANNA}/sessions");
    let list = assert_status(&office.edge.call(&office.owner, "GET", &path, None), 200);
    let id = list["items"][0]["id"].as_str().unwrap();
    assert!(!list.to_string().contains("token"));
    let other = format!("/v1/users/{BEN}/sessions/{id}");
    assert_problem(&office.edge.call(&office.owner, "DELETE", &other, None), 404, "http.not_found");
    assert_eq!(office.edge.call(&office.owner, "DELETE", &format!("{path}/{id}"), None).status, 204);
    assert_ended(&office.edge, &mut anna);
}

#[test]
fn who_proves_again_who_they_are_gets_another_token_for_the_same_session() {
    let edge = edge();
    let mut browser = signed_in(&edge);
    let before = body(&browser.get(&edge, "/v1/me/session"));
    let mut copy = Browser { cookies: browser.cookies.clone(), ..Browser::default() };
    edge.app.clock.set(time(NOW).plus_millis(30 * MINUTE));
    let step_up = |browser: &mut Browser, password: &str| {
        browser.post(&edge, "/v1/auth/step-up", json!({ "password": password }))
    };
    assert_problem(&step_up(&mut browser, "wrong"), 401, "sign_in.refused");
    assert_eq!(step_up(&mut browser, PASSWORD).status, 200);
    let after = body(&browser.get(&edge, "/v1/me/session"));
    assert_eq!((&after["id"], &after["expires_at"]), (&before["id"], &before["expires_at"]));
    assert_eq!(after["auth_time"], "2026-03-02T10:30:00.000Z");
    assert_ended(&edge, &mut copy);
    assert_eq!(edge.app.db.count("user_session"), Some(1));
    // Wrong ones are counted with those of signing in.
    while step_up(&mut browser, "wrong").status == 401 {}
    assert_problem(&step_up(&mut browser, PASSWORD), 429, "rate.limited");
    // A key proves nothing.
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let mut request = keyed(&key, "POST", "/v1/auth/step-up", Some(json!({ "password": PASSWORD })));
    request.origin = HOST.to_owned();
    assert_problem(&edge.send(request), 404, "http.not_found");
}
