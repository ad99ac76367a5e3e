//! A password that must become another before there is a session.

use super::own_password::{NEW, findings, give_factor, set};
use super::sign_in::{Browser, PASSWORD, edge};
use super::*;

const DAY: i64 = 24 * 60 * 60_000;

/// Signs in as far as the step that asks for a new password, and gives its flow.
#[track_caller]
fn begun(edge: &Edge, browser: &mut Browser) -> String {
    let response = browser.sign_in(edge, "anna", PASSWORD);
    assert_eq!((response.status, body(&response)["status"].as_str()), (200, Some("password_change_required")));
    assert!(browser.cookies.is_empty());
    body(&response)["flow"].as_str().unwrap().to_owned()
}

fn finish(edge: &Edge, browser: &mut Browser, flow: &str, new: &str) -> Response {
    browser.post(edge, "/v1/auth/password", json!({ "flow": flow, "new_password": new }))
}

#[test]
fn an_administrator_makes_the_next_sign_in_end_in_a_new_password() {
    let edge = edge();
    let mut before = Browser::default();
    assert_eq!(before.sign_in(&edge, "anna", PASSWORD).status, 200);
    edge.sql("UPDATE user SET force_password_change = 1 WHERE username = 'anna'");
    let mut browser = Browser::default();
    let flow = begun(&edge, &mut browser);
    assert_eq!(edge.app.db.count("user_session"), Some(1), "there is no session yet");
    // What is not good enough ends nothing.
    for _ in 0..7 {
        assert_eq!(findings(&finish(&edge, &mut browser, &flow, "short")), ["new_password password.too_short"]);
    }
    assert_eq!(findings(&finish(&edge, &mut browser, &flow, PASSWORD)), ["new_password password.reused"]);
    let response = finish(&edge, &mut browser, &flow, NEW);
    assert_eq!((response.status, body(&response)["status"].as_str()), (200, Some("signed_in")));
    assert_eq!(browser.get(&edge, "/v1/me/session").status, 200);
    assert_problem(&before.get(&edge, "/v1/me/session"), 401, "session.ended");
    assert_problem(&finish(&edge, &mut browser, &flow, "zehn kleine Jaegermeister"), 401, "sign_in.step_over");
    let again = Browser::default().sign_in(&edge, "anna", NEW);
    assert_eq!(body(&again)["status"], "signed_in");
    assert_problem(&Browser::default().sign_in(&edge, "anna", PASSWORD), 401, "sign_in.refused");
}

#[test]
fn a_password_grows_no_older_than_a_tenant_says() {
    let edge = edge();
    set(&edge, "password_max_age_days", json!(30));
    edge.sql("UPDATE user SET password_changed_at = '2026-02-01T10:00:00.000Z' WHERE username = 'anna'");
    edge.app.clock.set(time("2026-03-03T09:59:59.999Z"));
    assert_eq!(body(&Browser::default().sign_in(&edge, "anna", PASSWORD))["status"], "signed_in");
    edge.app.clock.set(time("2026-03-03T10:00:00.000Z"));
    let mut browser = Browser::default();
    let flow = begun(&edge, &mut browser);
    assert_eq!(finish(&edge, &mut browser, &flow, NEW).status, 200);
    edge.app.clock.set(time("2026-03-03T10:00:00.000Z").plus_millis(30 * DAY - 1));
    assert_eq!(body(&Browser::default().sign_in(&edge, "anna", NEW))["status"], "signed_in");
}

#[test]
fn proving_oneself_again_asks_for_no_new_password() {
    let edge = edge();
    let mut browser = Browser::default();
    browser.sign_in(&edge, "anna", PASSWORD);
    edge.sql("UPDATE user SET force_password_change = 1 WHERE username = 'anna'");
    let response = browser.post(&edge, "/v1/auth/step-up", json!({ "password": PASSWORD }));
    assert_eq!(body(&response)["status"], "signed_in");
}

#[test]
fn a_second_factor_comes_first() {
    let edge = edge();
    edge.sql("UPDATE user SET force_password_change = 1 WHERE username = 'anna'");
    give_factor(&edge);
    let mut browser = Browser::default();
    let response = browser.sign_in(&edge, "anna", PASSWORD);
    assert_eq!(body(&response)["status"], "second_factor_required");
    // Its flow sets no password.
    let flow = body(&response)["flow"].as_str().unwrap().to_owned();
    assert_problem(&finish(&edge, &mut browser, &flow, NEW), 401, "sign_in.step_over");
}

#[test]
fn a_step_is_its_users_for_ten_minutes_and_while_they_may_act() {
    let edge = edge();
    edge.seed(&other());
    edge.sql("UPDATE user SET force_password_change = 1 WHERE username = 'anna'");
    let mut browser = Browser::default();
    let flow = begun(&edge, &mut browser);
    for token in ["", "pf_", flow.split_at(flow.len() - 1).0, &flow.replace("pf_", "pl_"), &format!("{flow}A")] {
        assert_problem(&finish(&edge, &mut browser, token, NEW), 401, "sign_in.step_over");
    }
    let mut elsewhere = request("POST", "/v1/auth/password");
    elsewhere.origin = "https://other.id.example".to_owned();
    elsewhere.body = Body::Bytes(json!({ "flow": flow, "new_password": NEW }).to_string().into_bytes());
    assert_problem(&edge.send(elsewhere), 401, "sign_in.step_over");
    edge.sql("UPDATE user SET state = 'locked' WHERE username = 'anna'");
    assert_problem(&finish(&edge, &mut browser, &flow, NEW), 401, "sign_in.step_over");
    edge.sql("UPDATE user SET state = 'active' WHERE username = 'anna'");
    edge.app.clock.set(time(NOW).plus_millis(10 * 60_000));
    assert_problem(&finish(&edge, &mut browser, &flow, NEW), 401, "sign_in.step_over");
    assert_eq!(
        edge.sql("SELECT password_changed_at FROM user WHERE username = 'anna'")[0]["password_changed_at"],
        Value::Null
    );
}

#[test]
fn a_program_takes_the_token_after_the_change() {
    let edge = edge();
    edge.sql("UPDATE user SET force_password_change = 1 WHERE username = 'anna'");
    let mut browser = Browser::default();
    let flow = begun(&edge, &mut browser);
    let wanted = json!({ "flow": flow, "new_password": NEW, "delivery": "token" });
    let response = browser.post(&edge, "/v1/auth/password", wanted);
    assert!(body(&response)["token"].as_str().unwrap().starts_with("ps_"));
}
