//! Who must have a second factor, and which: what the tenant's settings say, and its policies for an action.

use super::authenticator::Authenticator;
use super::*;
use crate::api::administration::{OLGA, Office, office};

fn set(office: &Office, key: &str, value: Value) {
    let response = office.owner("PUT", &format!("/v1/tenant-settings/security/{key}"), json!({ "value": value }));
    assert!(response.status < 300, "{}", String::from_utf8_lossy(&response.body));
}

fn people() -> Office {
    let office = office();
    for user in [ANNA, BEN, OLGA] {
        give_password(&office.edge, user, PASSWORD);
    }
    office
}

fn step(office: &Office, name: &str) -> Value {
    ok(&Browser::default().sign_in(&office.edge, name, PASSWORD))
}

#[test]
fn the_settings_say_who_must_have_one() {
    let office = people();
    let asked = |name: &str| step(&office, name)["status"] == "factor_enrolment_required";
    let names = ["anna", "ben@acme.example", "olga@acme.example"];
    for (who, roles, expected) in [
        ("optional", json!([]), [false, false, false]),
        ("administrators", json!([]), [false, false, true]),
        ("everybody", json!([]), [true, true, true]),
        ("optional", json!(["reader"]), [true, false, false]),
        ("administrators", json!(["reader"]), [true, false, true]),
    ] {
        set(&office, "mfa", json!(who));
        set(&office, "mfa_roles", roles.clone());
        assert_eq!(names.map(asked), expected, "{who} {roles}");
    }
    // A role that has ended asks nothing, one that came by a group does.
    office.edge.sql("UPDATE user_role SET expires_at = '2026-03-02T10:00:00.000Z' WHERE user_id = '01980000-0000-7000-8000-000000000101'");
    assert!(!asked("anna"));
    let group = body(&office.owner("POST", "/v1/user-groups", json!({ "name": "readers" })))["id"].clone();
    for (path, sent) in [
        ("/v1/user-group-roles", json!({ "user_group_id": group, "role_id": READER })),
        ("/v1/user-group-memberships", json!({ "user_group_id": group, "user_id": BEN })),
    ] {
        assert_eq!(office.owner("POST", path, sent).status, 201);
    }
    assert!(asked("ben@acme.example"));
}

#[test]
fn whoever_must_have_one_adds_it_before_there_is_a_session() {
    let office = people();
    set(&office, "mfa", json!("everybody"));
    set(&office, "mfa_methods", json!(["totp", "webauthn"]));
    let edge = &office.edge;
    let mut browser = Browser::default();
    let step = ok(&browser.sign_in(edge, "anna", PASSWORD));
    assert_eq!(step["status"], "factor_enrolment_required");
    let strong = |kind: &str| json!({ "type": kind, "strength": "strong" });
    assert_eq!(step["methods"], json!([strong("totp"), strong("webauthn")]));
    let enrol = |browser: &mut Browser, wanted: Value| {
        let mut wanted = wanted;
        wanted["flow"] = step["flow"].clone();
        browser.post(edge, "/v1/auth/enrol", wanted)
    };
    let refused = enrol(&mut browser, json!({ "type": "email", "device_name": "mail" }));
    assert_eq!(body(&refused)["findings"][0]["code"], "factor.not_allowed");
    let confirm = |browser: &mut Browser, code: &str| {
        browser.post(edge, "/v1/auth/enrol/confirm", json!({ "flow": step["flow"], "code": code }))
    };
    assert_problem(&confirm(&mut browser, "123456"), 401, "sign_in.step_over");
    let begun = ok(&enrol(&mut browser, json!({ "type": "totp", "device_name": "phone" })));
    let phone = Phone::new(&begun["secret"]);
    assert_eq!(confirm(&mut browser, "000000").status, 422);
    assert_eq!(edge.sql("SELECT 1 FROM user_session").len(), 0);
    let done = ok(&confirm(&mut browser, &phone.code(edge)));
    assert_eq!((&done["status"], &done["session"]["amr"]), (&json!("signed_in"), &json!(["pwd", "otp", "mfa"])));
    assert_eq!((done["backup_codes"].as_array().unwrap().len(), &done["factor"]["device_name"]), (10, &json!("phone")));
    assert_eq!(browser.get(edge, "/v1/me/session").status, 200);
    assert_problem(&confirm(&mut browser, &phone.next(edge)), 401, "sign_in.step_over");
    // The step of a second factor is none of adding one, nor the other way round.
    let token = flow(edge, &mut Browser::default());
    let wanted = json!({ "flow": token, "type": "totp", "device_name": "mine" });
    assert_problem(&Browser::default().post(edge, "/v1/auth/enrol", wanted), 401, "sign_in.step_over");
    // The last one stays.
    let id = done["factor"]["id"].as_str().unwrap();
    let path = format!("/v1/me/factors/{id}");
    assert_problem(&browser.send(edge, "DELETE", &path, None), 409, "factor.required");
    set(&office, "mfa", json!("optional"));
    assert_eq!(browser.send(edge, "DELETE", &path, None).status, 204);
}

#[test]
fn a_key_is_added_on_the_way_too() {
    let office = people();
    set(&office, "mfa", json!("everybody"));
    let edge = &office.edge;
    let mut browser = Browser::default();
    let step = ok(&browser.sign_in(edge, "anna", PASSWORD));
    let wanted = json!({ "flow": step["flow"], "type": "webauthn", "device_name": "key", "usage": "passkey" });
    let begun = ok(&browser.post(edge, "/v1/auth/enrol", wanted));
    let mut key = Authenticator::new(3);
    let confirm = json!({ "flow": step["flow"], "credential": key.create(&begun["options"]), "delivery": "token" });
    let done = ok(&browser.post(edge, "/v1/auth/enrol/confirm", confirm));
    assert_eq!(done["session"]["amr"], json!(["pwd", "hwk", "mfa"]));
    assert!(done["token"].is_string() && done["factor"]["is_passkey"] == true);
}

#[test]
fn what_the_tenant_allows_no_longer_is_shown_and_then_replaced() {
    let office = people();
    let edge = &office.edge;
    let mut browser = Browser::default();
    ok(&browser.sign_in(edge, "anna", PASSWORD));
    let (phone, _) = add_phone(edge, &mut browser);
    set(&office, "mfa_methods", json!(["webauthn"]));
    // Optional or not, the password alone does not suffice where it did not before.
    let token = flow(edge, &mut browser);
    assert_eq!(ok(&show(edge, &mut browser, &token, "totp", &phone.next(edge)))["status"], "signed_in");
    set(&office, "mfa", json!("everybody"));
    let token = flow(edge, &mut browser);
    let step = ok(&show(edge, &mut browser, &token, "totp", &phone.next(edge)));
    assert_eq!(step["status"], "factor_enrolment_required");
    let wanted = json!({ "flow": step["flow"], "type": "webauthn", "device_name": "key", "usage": "second_factor" });
    let begun = ok(&browser.post(edge, "/v1/auth/enrol", wanted));
    let credential = Authenticator::new(3).create(&begun["options"]);
    let confirm = json!({ "flow": step["flow"], "credential": credential });
    let done = ok(&browser.post(edge, "/v1/auth/enrol/confirm", confirm));
    assert_eq!(done["session"]["amr"], json!(["pwd", "otp", "mfa", "hwk"]));
    // From now on the better one is asked for, and the other counts no more.
    let step = ok(&browser.sign_in(edge, "anna", PASSWORD));
    assert_eq!(step["methods"], json!(["webauthn", "backup_code"]));
    assert_problem(&show(edge, &mut browser, &step["flow"], "totp", &phone.next(edge)), 401, "factor.refused");
}

#[test]
fn a_policy_asks_for_a_second_factor_and_the_answer_says_that_proving_helps() {
    let office = people();
    let edge = &office.edge;
    let text = r#"forbid (principal is User, action in [Action::"parapet:role.write"], resource)
        unless { context has mfa && context.mfa };"#;
    let mut browser = Browser::default();
    ok(&browser.sign_in(edge, "olga@acme.example", PASSWORD));
    let (phone, _) = add_phone(edge, &mut browser);
    let made = browser.send(edge, "PUT", "/v1/policies/second-factor", Some(json!({ "text": text })));
    assert!(made.status < 300, "{}", String::from_utf8_lossy(&made.body));
    let role = |browser: &mut Browser| browser.post(edge, "/v1/roles", json!({ "name": "made" }));
    assert_problem(&role(&mut browser), 403, "session.step_up_required");
    let step = ok(&browser.post(edge, "/v1/auth/step-up", json!({ "password": PASSWORD })));
    ok(&show(edge, &mut browser, &step["flow"], "totp", &phone.next(edge)));
    assert_eq!(role(&mut browser).status, 201);
    // Who may not anyway is not told to prove anything, nor is a key, which cannot.
    let mut anna = Browser::default();
    ok(&anna.sign_in(edge, "anna", PASSWORD));
    assert_problem(&role(&mut anna), 403, "access.missing_permission");
    assert_problem(&office.owner("POST", "/v1/roles", json!({ "name": "x" })), 403, "access.missing_permission");
}
