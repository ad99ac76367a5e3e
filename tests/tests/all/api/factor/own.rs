//! One's own factors: added by using them once, seen without what is secret, changed and removed; and what helpers may.

use super::*;
use crate::api::administration::{OLGA, assert_status, office};

#[test]
fn an_app_is_added_by_using_it_once() {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    let begun = ok(&browser.post(&edge, "/v1/me/factors", json!({ "type": "totp", "device_name": "phone" })));
    let uri = begun["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/Acme:anna%40acme.example?secret="), "{uri}");
    assert!(begun["qr_svg"].as_str().unwrap().starts_with("<svg"));
    let state = edge.sql("SELECT state FROM login_flow")[0]["state"].as_str().unwrap().to_owned();
    assert!(!state.contains(begun["secret"].as_str().unwrap()), "the secret is sealed");
    // It is no factor before it was used.
    assert_eq!(ok(&Browser::default().sign_in(&edge, "anna", PASSWORD))["status"], "signed_in");
    let phone = Phone::new(&begun["secret"]);
    let confirm = |browser: &mut Browser, code: &str| {
        browser.post(&edge, "/v1/me/factors/confirm", json!({ "flow": begun["flow"], "code": code }))
    };
    let wrong = confirm(&mut browser, "000000");
    assert_problem(&wrong, 422, "request.invalid");
    assert_eq!(body(&wrong)["findings"][0]["code"], "factor.wrong");
    // Another user's session does not confirm it.
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Browser::default();
    ok(&ben.sign_in(&edge, "ben@acme.example", PASSWORD));
    assert_problem(&confirm(&mut ben, &phone.code(&edge)), 409, "factor.step_over");
    let added = ok(&confirm(&mut browser, &phone.code(&edge)));
    assert_eq!(added["backup_codes"].as_array().unwrap().len(), 10);
    assert_eq!((&added["factor"]["is_primary"], &added["factor"]["strength"]), (&json!(true), &json!("strong")));
    assert_problem(&confirm(&mut browser, &phone.next(&edge)), 409, "factor.step_over");
    let row = &edge.sql("SELECT * FROM mfa_device")[0];
    assert!(row["secret"].as_str().unwrap().starts_with("d1."));
    for code in added["backup_codes"].as_array().unwrap() {
        assert!(!row["backup_codes"].as_str().unwrap().contains(code.as_str().unwrap()));
    }
    let seen = browser.get(&edge, "/v1/me/factors");
    for secret in [&begun["secret"], &row["secret"]] {
        assert!(!String::from_utf8_lossy(&seen.body).contains(secret.as_str().unwrap()));
    }
    let written = [edge.sql("SELECT * FROM outbox"), edge.sql("SELECT * FROM audit_log")].concat();
    let written: String = written.iter().map(|row| format!("{row:?}")).collect();
    assert!(!written.contains(row["secret"].as_str().unwrap()) && !written.contains("backup_codes\\"));
    crate::api::messages::settle(&edge);
    let told = edge.sql("SELECT content FROM user_notification WHERE type = 'in_app' AND content LIKE 'phone, at%'");
    assert_eq!(told.len(), 1);
}

#[test]
fn tries_of_confirming_end() {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    let begun = ok(&browser.post(&edge, "/v1/me/factors", json!({ "type": "totp", "device_name": "phone" })));
    let confirm = |browser: &mut Browser, code: &str| {
        browser.post(&edge, "/v1/me/factors/confirm", json!({ "flow": begun["flow"], "code": code }))
    };
    for _ in 0..5 {
        assert_eq!(confirm(&mut browser, "000000").status, 422);
    }
    let code = Phone::new(&begun["secret"]).code(&edge);
    assert_problem(&confirm(&mut browser, &code), 409, "factor.step_over");
}

#[test]
fn what_is_no_factor_is_refused_with_its_place() {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    for (sent, code, field) in [
        (json!({ "device_name": "a" }), "request.missing", "type"),
        (json!({ "type": "fax", "device_name": "a" }), "request.unknown_word", "type"),
        (json!({ "type": "totp" }), "request.missing", "device_name"),
        (json!({ "type": "totp", "device_name": " " }), "mfa_device.device_name", "device_name"),
        (json!({ "type": "totp", "device_name": "a\nb" }), "mfa_device.device_name", "device_name"),
        (json!({ "type": "sms", "device_name": "a" }), "request.missing", "phone"),
        (json!({ "type": "sms", "device_name": "a", "phone": "0151" }), "user.phone", "phone"),
        (json!({ "type": "webauthn", "device_name": "a" }), "request.missing", "usage"),
        (json!({ "type": "totp", "device_name": "a", "usage": "passkey" }), "request.unknown_field", "usage"),
    ] {
        let response = browser.post(&edge, "/v1/me/factors", sent);
        assert_problem(&response, 422, "request.invalid");
        let found = &body(&response)["findings"][0];
        assert_eq!((found["code"].as_str(), found["field"].as_str()), (Some(code), Some(field)));
    }
}

#[test]
fn factors_are_renamed_preferred_and_removed_by_their_owner_alone() {
    let (edge, mut browser, _, _) = with_phone();
    pass(&edge, 60);
    let (tablet, none) = add_phone(&edge, &mut browser);
    assert_eq!(none.len(), 0, "there are codes already");
    let list = ok(&browser.get(&edge, "/v1/me/factors"));
    let path = |at: usize| format!("/v1/me/factors/{}", list["items"][at]["id"].as_str().unwrap());
    let renamed = browser.send(&edge, "PATCH", &path(1), Some(json!({ "device_name": "tablet", "is_primary": true })));
    assert_eq!(ok(&renamed)["device_name"], "tablet");
    let primary = edge.sql("SELECT device_name FROM mfa_device WHERE is_primary = 1");
    assert_eq!((primary.len(), &primary[0]["device_name"]), (1, &json!("tablet")));
    for (sent, code) in [
        (json!({ "is_primary": false }), "factor.primary"),
        (json!({ "device_name": "" }), "mfa_device.device_name"),
        (json!({ "counter": 0 }), "request.unknown_field"),
    ] {
        let refused = browser.send(&edge, "PATCH", &path(1), Some(sent));
        assert_eq!(body(&refused)["findings"][0]["code"], code);
    }
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Browser::default();
    ok(&ben.sign_in(&edge, "ben@acme.example", PASSWORD));
    for (method, sent) in [("PATCH", Some(json!({ "device_name": "mine" }))), ("DELETE", None)] {
        assert_problem(&ben.send(&edge, method, &path(0), sent), 404, "http.not_found");
    }
    assert_eq!(ok(&ben.get(&edge, "/v1/me/factors")), json!({ "items": [], "backup_codes_left": 0 }));
    // The codes outlive the device that they lay with, and go with the last.
    assert_eq!(browser.send(&edge, "DELETE", &path(0), None).status, 204);
    assert_eq!(ok(&browser.get(&edge, "/v1/me/factors"))["backup_codes_left"], 10);
    let token = flow(&edge, &mut Browser::default());
    ok(&show(&edge, &mut Browser::default(), &token, "totp", &tablet.next(&edge)));
    assert_eq!(browser.send(&edge, "DELETE", &path(1), None).status, 204);
    assert_eq!(ok(&browser.get(&edge, "/v1/me/factors")), json!({ "items": [], "backup_codes_left": 0 }));
    assert_problem(&browser.send(&edge, "POST", "/v1/me/backup-codes", None), 409, "factor.none");
}

#[test]
fn new_backup_codes_void_the_old() {
    let (edge, mut browser, _, old) = with_phone();
    let new = ok(&browser.send(&edge, "POST", "/v1/me/backup-codes", None));
    let token = flow(&edge, &mut Browser::default());
    assert_problem(&show(&edge, &mut Browser::default(), &token, "backup_code", &old[0]), 401, "factor.refused");
    let new = new["backup_codes"][0].as_str().unwrap();
    ok(&show(&edge, &mut Browser::default(), &token, "backup_code", new));
}

#[test]
fn nothing_of_it_is_done_without_a_recent_proof() {
    let (edge, mut browser, _, _) = with_phone();
    let id = ok(&browser.get(&edge, "/v1/me/factors"))["items"][0]["id"].as_str().unwrap().to_owned();
    pass(&edge, 15 * 60);
    let path = format!("/v1/me/factors/{id}");
    for (method, path, sent) in [
        ("POST", "/v1/me/factors", Some(json!({ "type": "totp", "device_name": "a" }))),
        ("POST", "/v1/me/factors/confirm", Some(json!({ "flow": "x", "code": "1" }))),
        ("DELETE", path.as_str(), None),
        ("POST", "/v1/me/backup-codes", None),
    ] {
        assert_problem(&browser.send(&edge, method, path, sent), 403, "session.step_up_required");
    }
    // A key proves nothing of the kind.
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    assert_problem(&edge.call(&key, "POST", "/v1/me/backup-codes", None), 403, "session.step_up_required");
    assert_eq!(edge.call(&key, "GET", "/v1/me/factors", None).status, 200);
}

#[test]
fn who_helps_sees_and_removes_a_users_factors() {
    let office = office();
    let edge = &office.edge;
    for user in [ANNA, OLGA] {
        give_password(edge, user, PASSWORD);
    }
    let mut anna = Browser::default();
    ok(&anna.sign_in(edge, "anna", PASSWORD));
    add_phone(edge, &mut anna);
    let path = format!("/v1/users/{ANNA}/factors");
    let list = assert_status(&office.admin("GET", &path, Value::Null), 200);
    assert!(!list.to_string().contains("secret") && list["backup_codes_left"] == 10);
    let id = list["items"][0]["id"].as_str().unwrap();
    let other = format!("/v1/users/{BEN}/factors/{id}");
    assert_problem(&office.admin("DELETE", &other, Value::Null), 404, "http.not_found");
    assert_eq!(office.admin("DELETE", &format!("{path}/{id}"), Value::Null).status, 204);
    assert!(office.events().contains(&"mfa_device.removed".to_owned()));
    assert_eq!(ok(&Browser::default().sign_in(edge, "anna", PASSWORD))["status"], "signed_in");
    // An owner's are an owner's.
    let mut olga = Browser::default();
    ok(&olga.sign_in(edge, "olga@acme.example", PASSWORD));
    add_phone(edge, &mut olga);
    let path = format!("/v1/users/{OLGA}/factors");
    let list = assert_status(&office.owner("GET", &path, Value::Null), 200);
    let path = format!("{path}/{}", list["items"][0]["id"].as_str().unwrap());
    assert_eq!(office.admin("DELETE", &path, Value::Null).status, 403);
    assert_eq!(office.owner("DELETE", &path, Value::Null).status, 204);
}

#[test]
fn a_purge_leaves_nothing_of_it() {
    let office = office();
    let edge = &office.edge;
    give_password(edge, ANNA, PASSWORD);
    let mut anna = Browser::default();
    ok(&anna.sign_in(edge, "anna", PASSWORD));
    add_phone(edge, &mut anna);
    anna.sign_in(edge, "anna", PASSWORD);
    assert_status(&office.owner("DELETE", &format!("/v1/users/{ANNA}"), Value::Null), 204);
    assert_status(&office.owner("POST", &format!("/v1/users/{ANNA}/purge"), Value::Null), 200);
    for table in ["mfa_device", "login_flow", "known_device"] {
        let rows = edge.app.db.rows(table);
        assert!(rows.iter().all(|row| row["user_id"] != ANNA), "{table}");
    }
}
