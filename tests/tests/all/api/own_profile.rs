//! `/v1/me`: who one is, and what one says of oneself.

use super::own_password::findings;
use super::sign_in::{Browser, PASSWORD, edge};
use super::*;

fn signed_in(edge: &Edge) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    browser
}

fn patch(edge: &Edge, browser: &mut Browser, change: Value) -> Response {
    browser.send(edge, "PATCH", "/v1/me", Some(change))
}

#[test]
fn one_sees_and_changes_what_one_says_of_oneself() {
    let edge = edge();
    edge.sql("UPDATE user SET custom_attributes = '{\"locale\":\"de\",\"level\":7}', phone = '+4930123456', phone_verified = 1 WHERE username = 'anna'");
    let mut own = signed_in(&edge);
    let seen = own.get(&edge, "/v1/me");
    let me = body(&seen);
    assert_eq!((&me["id"], &me["email"], &me["locale"]), (&json!(ANNA), &json!("anna@acme.example"), &json!("de")));
    assert!(me.get("custom_attributes").is_none() && me.get("password_hash").is_none() && me.get("state").is_none());
    let etag = seen.header("etag").unwrap().to_owned();
    let change = json!({ "first_name": "Anna", "avatar_url": "https://a.example/a.png" });
    let changed = patch(&edge, &mut own, change.clone());
    assert_eq!((changed.status, body(&changed)["first_name"].as_str()), (200, Some("Anna")));
    assert_ne!(changed.header("etag"), Some(etag.as_str()));
    assert_eq!(body(&changed)["phone_verified"], true);
    // The same once more changes nothing.
    let written = edge.app.db.count("audit_log");
    assert_eq!(patch(&edge, &mut own, change).status, 200);
    assert_eq!(edge.app.db.count("audit_log"), written);
    let changed = patch(&edge, &mut own, json!({ "phone": "+4930654321", "first_name": null }));
    assert_eq!((&body(&changed)["phone_verified"], &body(&changed)["first_name"]), (&json!(false), &Value::Null));
    let log = edge.sql("SELECT * FROM audit_log WHERE event_type = 'user.updated'");
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|row| !row["event_data"].as_str().unwrap().contains("+4930")));
}

#[test]
fn nothing_that_decides_is_ones_own_to_write() {
    let edge = edge();
    let mut own = signed_in(&edge);
    let before = edge.sql("SELECT * FROM user WHERE username = 'anna'").remove(0);
    for field in [
        "email",
        "email_verified",
        "username",
        "custom_attributes",
        "is_active",
        "state",
        "force_password_change",
        "phone_verified",
        "locale",
        "id",
        "tenant_id",
        "password_hash",
    ] {
        let response = patch(&edge, &mut own, json!({ field: null }));
        assert_eq!(findings(&response), [format!("{field} row.read_only")]);
    }
    assert_eq!(findings(&patch(&edge, &mut own, json!({ "shoe": 44 }))), ["shoe row.unknown_field"]);
    assert_eq!(edge.sql("SELECT * FROM user WHERE username = 'anna'").remove(0), before);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let edge = edge();
    let mut own = signed_in(&edge);
    let wrong = json!({ "first_name": "A\r\nBcc: x", "last_name": "x".repeat(256), "phone": "030", "avatar_url": "javascript:alert(1)" });
    assert_eq!(
        findings(&patch(&edge, &mut own, wrong)),
        ["first_name user.name", "last_name user.name", "phone user.phone", "avatar_url user.url"]
    );
    assert_eq!(findings(&patch(&edge, &mut own, json!({ "first_name": 7 }))), ["first_name user.name"]);
}

#[test]
fn a_change_that_was_not_seen_is_not_overwritten() {
    let edge = edge();
    let own = signed_in(&edge);
    let mut stale = request("PATCH", "/v1/me");
    stale.origin = super::sign_in::HOST.to_owned();
    let cookie = own.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    for (name, value) in [("cookie", cookie.as_str()), ("origin", super::sign_in::HOST), ("if-match", "\"x\"")] {
        stale.headers.insert(name.to_owned(), value.to_owned());
    }
    stale.body = Body::Bytes(b"{\"first_name\":\"X\"}".to_vec());
    assert_problem(&edge.send(stale), 412, "http.precondition_failed");
}

#[test]
fn a_key_without_a_user_is_nobody() {
    let edge = edge();
    let key = edge.key(&["me"]);
    assert_problem(&edge.call(&key, "GET", "/v1/me", None), 403, "access.no_principal");
}
