//! Factors and steps of one tenant are nothing at another: neither at its host nor to its people.

use super::authenticator::Authenticator;
use super::*;
use parapet_worker::platform::db::Statement;

const OTHERS: &str = "https://other.id.example";

const CAROL: &str = "01980000-0000-7000-8000-000000000801";

/// The other tenant, with Carol, who has the same name and password as Anna.
fn with_carol(edge: &Edge) {
    edge.seed(&other());
    let carol = Statement::new(
        "INSERT INTO user (id, tenant_id, email, username, custom_attributes, email_verified, phone_verified, is_active,
                           state, force_password_change, created_at, updated_at)
         VALUES (?1, ?2, 'anna@acme.example', 'anna', '{}', 0, 0, 1, 'active', 0, ?3, ?3)",
    );
    pollster::block_on(edge.app.db.all(carol.bind(CAROL).bind(OTHER).bind(NOW))).unwrap();
    give_password(edge, CAROL, PASSWORD);
}

/// Asks at the other tenant's host.
fn at_others(edge: &Edge, browser: &Browser, method: &str, path: &str, sent: Option<Value>) -> Response {
    let mut request = request(method, path);
    request.origin = OTHERS.to_owned();
    request.headers.insert("origin".to_owned(), OTHERS.to_owned());
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    request.headers.insert("cookie".to_owned(), cookies.join("; "));
    if let Some(sent) = sent {
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        request.body = Body::Bytes(sent.to_string().into_bytes());
    }
    edge.send(request)
}

#[test]
fn a_step_and_a_code_of_one_tenant_open_nothing_at_another() {
    let (edge, _, phone, codes) = with_phone();
    with_carol(&edge);
    let mut browser = Browser::default();
    let token = flow(&edge, &mut browser);
    for (method, code) in [("totp", phone.next(&edge)), ("backup_code", codes[0].clone())] {
        let shown = json!({ "flow": token, "method": method, "code": code });
        let refused = at_others(&edge, &browser, "POST", "/v1/auth/second-factor", Some(shown));
        assert_problem(&refused, 401, "sign_in.step_over");
    }
    let begin = json!({ "flow": token, "method": "webauthn" });
    let refused = at_others(&edge, &browser, "POST", "/v1/auth/second-factor/begin", Some(begin));
    assert_problem(&refused, 401, "sign_in.step_over");
    // The other tenant's Anna has no factor, and hers are asked of nobody else.
    let name = json!({ "identifier": "anna", "password": PASSWORD, "delivery": "token" });
    let others = ok(&at_others(&edge, &Browser::default(), "POST", "/v1/auth/sign-in", Some(name)));
    assert_eq!((&others["status"], &others["session"]["user_id"]), (&json!("signed_in"), &json!(CAROL)));
    // At home the step goes on as if nothing had been.
    ok(&show(&edge, &mut browser, &token, "totp", &phone.code(&edge)));
}

#[test]
fn a_passkey_of_one_tenant_signs_nobody_in_at_another() {
    let edge = edge();
    with_carol(&edge);
    let mut anna = Browser::default();
    ok(&anna.sign_in(&edge, "anna", PASSWORD));
    let wanted = json!({ "type": "webauthn", "device_name": "key", "usage": "passkey" });
    let begun = ok(&anna.post(&edge, "/v1/me/factors", wanted));
    let mut key = Authenticator::new(3);
    let confirm = json!({ "flow": begun["flow"], "credential": key.create(&begun["options"]) });
    ok(&anna.post(&edge, "/v1/me/factors/confirm", confirm));
    let nobody = Browser::default();
    let others = ok(&at_others(&edge, &nobody, "POST", "/v1/auth/passkey/begin", None));
    assert_eq!(others["options"]["rpId"], "other.id.example");
    // The browser would not even do this: the key signs for the other host.
    key.origin = OTHERS.to_owned();
    let shown = json!({ "flow": others["flow"], "credential": key.get(&others["options"]) });
    assert_problem(&at_others(&edge, &nobody, "POST", "/v1/auth/passkey", Some(shown)), 401, "factor.refused");
    // Nor does what was asked for at one host count at the other.
    key.origin = crate::api::sign_in::HOST.to_owned();
    let own = ok(&Browser::default().send(&edge, "POST", "/v1/auth/passkey/begin", None));
    let shown = json!({ "flow": own["flow"], "credential": key.get(&own["options"]) });
    assert_problem(
        &at_others(&edge, &nobody, "POST", "/v1/auth/passkey", Some(shown.clone())),
        401,
        "sign_in.step_over",
    );
    let signed_in = ok(&Browser::default().post(&edge, "/v1/auth/passkey", shown));
    assert_eq!(signed_in["session"]["user_id"], ANNA);
    assert_eq!(
        count(&edge, "SELECT count(*) FROM user_session WHERE tenant_id <> '01980000-0000-7000-8000-000000000001'"),
        0
    );
}

#[test]
fn nobody_of_another_tenant_sees_changes_or_removes_a_factor() {
    let (edge, mut anna, _, _) = with_phone();
    with_carol(&edge);
    let id = ok(&anna.get(&edge, "/v1/me/factors"))["items"][0]["id"].as_str().unwrap().to_owned();
    let own = format!("/v1/me/factors/{id}");
    let rename = || Some(json!({ "device_name": "mine" }));
    // Carol by her own key, and Anna's session at the other host.
    let carol = edge.key_of(OTHER, Some(CAROL), None, &["me", "admin:read", "admin:write"]);
    assert_problem(&edge.call(&carol, "PATCH", &own, rename()), 404, "http.not_found");
    assert_eq!(ok(&edge.call(&carol, "GET", "/v1/me/factors", None))["items"], json!([]));
    for (method, path, sent) in
        [("GET", "/v1/me/factors", None), ("PATCH", own.as_str(), rename()), ("DELETE", own.as_str(), None)]
    {
        assert_eq!(at_others(&edge, &anna, method, path, sent).status, 401, "{method} {path}");
    }
    // Who administers there reaches nobody here.
    for (method, path) in
        [("GET", format!("/v1/users/{ANNA}/factors")), ("DELETE", format!("/v1/users/{ANNA}/factors/{id}"))]
    {
        let status = edge.call(&carol, method, &path, None).status;
        assert!(status == 403 || status == 404, "{method} {path}: {status}");
    }
    assert_eq!(edge.sql("SELECT device_name FROM mfa_device")[0]["device_name"], "phone");
}
