//! A password of less than 15 characters is good beside a second factor alone: without the last one it becomes another.

use super::*;
use crate::api::administration::{Office, office};

/// Good enough beside a second factor, and by itself too short.
const SHORT: &str = "Gurkenglas";

const LONG: &str = "seven green bottles hang there";

fn forced(edge: &Edge) -> bool {
    edge.sql("SELECT force_password_change AS forced FROM user WHERE username = 'anna'")[0]["forced"] == 1
}

/// Anna with a second factor and this password, which she chose beside it.
fn people(password: &str) -> (Office, Browser, String) {
    let office = office();
    let edge = &office.edge;
    give_password(edge, ANNA, PASSWORD);
    let mut anna = Browser::default();
    ok(&anna.sign_in(edge, "anna", PASSWORD));
    add_phone(edge, &mut anna);
    let change = json!({ "current_password": PASSWORD, "new_password": password });
    let changed = anna.post(edge, "/v1/me/password", change);
    assert_eq!(changed.status, 204, "{}", String::from_utf8_lossy(&changed.body));
    let id = ok(&anna.get(edge, "/v1/me/factors"))["items"][0]["id"].as_str().unwrap().to_owned();
    (office, anna, id)
}

#[test]
fn without_the_last_factor_a_short_password_becomes_another() {
    let (office, mut anna, id) = people(SHORT);
    let edge = &office.edge;
    assert_eq!(anna.send(edge, "DELETE", &format!("/v1/me/factors/{id}"), None).status, 204);
    assert!(forced(edge));
    // It is one change, with what it follows from.
    let events = office.events();
    assert_eq!(events[events.len() - 2..], ["mfa_device.removed", "user.updated"]);
    let event = &edge.sql("SELECT payload FROM outbox ORDER BY rowid DESC LIMIT 1")[0]["payload"];
    let event: Value = serde_json::from_str(event.as_str().unwrap()).unwrap();
    assert_eq!((&event["cause"]["mfa_device"], &event["changed"]), (&json!(id), &json!(["force_password_change"])));
    office.log();
    let mut browser = Browser::default();
    let step = ok(&browser.sign_in(edge, "anna", SHORT));
    assert_eq!(step["status"], "password_change_required");
    let other = json!({ "flow": step["flow"], "new_password": "Essiggurken" });
    let refused = browser.post(edge, "/v1/auth/password", other);
    assert_eq!(body(&refused)["findings"][0]["code"], "password.too_short");
    let done = ok(&browser.post(edge, "/v1/auth/password", json!({ "flow": step["flow"], "new_password": LONG })));
    assert_eq!(done["status"], "signed_in");
    assert!(!forced(edge));
    // By now it is known to be long enough, whatever becomes of factors.
    add_phone(edge, &mut browser);
    let id = ok(&browser.get(edge, "/v1/me/factors"))["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(browser.send(edge, "DELETE", &format!("/v1/me/factors/{id}"), None).status, 204);
    assert!(!forced(edge));
    assert_eq!(ok(&Browser::default().sign_in(edge, "anna", LONG))["status"], "signed_in");
}

#[test]
fn a_helper_who_removes_it_brings_that_about_as_well() {
    let (office, _, id) = people(SHORT);
    let path = format!("/v1/users/{ANNA}/factors/{id}");
    assert_eq!(office.admin("DELETE", &path, Value::Null).status, 204);
    assert!(forced(&office.edge));
    assert_eq!(ok(&Browser::default().sign_in(&office.edge, "anna", SHORT))["status"], "password_change_required");
    let (office, _, id) = people(LONG);
    let path = format!("/v1/users/{ANNA}/factors/{id}");
    assert_eq!(office.admin("DELETE", &path, Value::Null).status, 204);
    assert!(!forced(&office.edge));
}

#[test]
fn it_stays_while_another_factor_is_there_and_where_it_is_long() {
    let (office, mut anna, id) = people(SHORT);
    let edge = &office.edge;
    pass(edge, 60);
    add_phone(edge, &mut anna);
    assert_eq!(anna.send(edge, "DELETE", &format!("/v1/me/factors/{id}"), None).status, 204);
    assert!(!forced(edge));
    let (office, mut anna, id) = people(LONG);
    assert_eq!(anna.send(&office.edge, "DELETE", &format!("/v1/me/factors/{id}"), None).status, 204);
    assert!(!forced(&office.edge));
}

#[test]
fn of_a_password_that_was_imported_it_is_known_once_it_was_shown() {
    // Django's hashes of both.
    let short = "pbkdf2_sha256$1000$parapetsalt$Vq/N7G7n5ekdVO5IHNEcGrvvHKDK0AgX/vPXLBlourg=";
    let long = "pbkdf2_sha256$1000$parapetsalt$/kE2EVEDRoNjAdVqcYnnYOtklQfkGFMinv601vtIuq0=";
    for (password, hash, is_long) in [(SHORT, short, false), (LONG, long, true)] {
        let (office, mut anna, id) = people(LONG);
        let edge = &office.edge;
        // As an import leaves it: a hash of another algorithm, of which nothing is known.
        edge.sql("DELETE FROM lone_password");
        let set = Statement::new("UPDATE user SET password_hash = ?1 WHERE username = 'anna'").bind(hash);
        pollster::block_on(edge.app.db.all(set)).unwrap();
        let step = ok(&Browser::default().sign_in(edge, "anna", password));
        assert_eq!(step["status"], "second_factor_required");
        assert_eq!(edge.app.db.count("lone_password"), Some(i64::from(is_long)));
        assert_eq!(anna.send(edge, "DELETE", &format!("/v1/me/factors/{id}"), None).status, 204);
        assert_eq!(forced(edge), !is_long, "{password}");
    }
}
