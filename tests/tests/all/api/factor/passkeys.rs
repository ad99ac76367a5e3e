//! Keys: passkeys that sign in by themselves, and keys that come after a password.

use super::authenticator::Authenticator;
use super::*;
use crate::api::sign_in::HOST;

/// Adds a key.
#[track_caller]
fn add(edge: &Edge, browser: &mut Browser, key: &mut Authenticator, usage: &str) -> Response {
    let wanted = json!({ "type": "webauthn", "device_name": "key", "usage": usage });
    let begun = ok(&browser.post(edge, "/v1/me/factors", wanted));
    let credential = key.create(&begun["options"]);
    browser.post(edge, "/v1/me/factors/confirm", json!({ "flow": begun["flow"], "credential": credential }))
}

/// Anna with a key, signed in by her password before she had it.
fn with_key(usage: &str) -> (Edge, Browser, Authenticator) {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    let mut key = Authenticator { verifies: usage == "passkey", ..Authenticator::new(3) };
    let added = ok(&add(&edge, &mut browser, &mut key, usage));
    assert_eq!(added["factor"]["is_passkey"], usage == "passkey");
    (edge, browser, key)
}

fn begin(edge: &Edge) -> Value {
    ok(&Browser::default().send(edge, "POST", "/v1/auth/passkey/begin", None))
}

fn finish(edge: &Edge, browser: &mut Browser, begun: &Value, credential: &Value) -> Response {
    browser.post(edge, "/v1/auth/passkey", json!({ "flow": begun["flow"], "credential": credential }))
}

#[test]
fn a_passkey_signs_in_by_itself() {
    for (is_synced, word) in [(false, "hwk"), (true, "swk")] {
        let edge = edge();
        let mut browser = Browser::default();
        ok(&browser.sign_in(&edge, "anna", PASSWORD));
        let mut key = Authenticator { is_synced, sign_count: u32::from(!is_synced), ..Authenticator::new(3) };
        ok(&add(&edge, &mut browser, &mut key, "passkey"));
        for _ in 0..2 {
            let begun = begin(&edge);
            assert_eq!(
                (&begun["options"]["allowCredentials"], &begun["options"]["userVerification"]),
                (&json!([]), &json!("required"))
            );
            let mut browser = Browser::default();
            let signed_in = ok(&finish(&edge, &mut browser, &begun, &key.get(&begun["options"])));
            assert_eq!(signed_in["session"]["amr"], json!([word, "user", "mfa"]));
            assert_eq!(browser.get(&edge, "/v1/me/session").status, 200);
        }
        let attempts = "SELECT count(*) FROM login_attempt WHERE result = 'success'";
        assert_eq!(count(&edge, attempts), 3);
    }
}

#[test]
fn what_a_passkey_signed_counts_once() {
    let (edge, _, mut key) = with_key("passkey");
    let before = count(&edge, "SELECT count(*) FROM user_session");
    let begun = begin(&edge);
    let credential = key.get(&begun["options"]);
    let statuses: Vec<u16> =
        (0..20).map(|_| finish(&edge, &mut Browser::default(), &begun, &credential).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    // In another ceremony it counts for nothing, and so does a copy that signs with a count that was seen.
    assert_problem(&finish(&edge, &mut Browser::default(), &begin(&edge), &credential), 401, "factor.refused");
    let begun = begin(&edge);
    let mut copy = Authenticator { sign_count: 1, ..key.clone() };
    assert_problem(
        &finish(&edge, &mut Browser::default(), &begun, &copy.get(&begun["options"])),
        401,
        "factor.refused",
    );
    assert_eq!(count(&edge, "SELECT count(*) FROM user_session"), before + 1);
}

#[test]
fn whoever_is_refused_learns_nothing() {
    let (edge, _, key) = with_key("passkey");
    let mut answers = Vec::new();
    let unknown = Authenticator::new(9);
    let elsewhere = Authenticator { origin: "https://acme.id.example.evil.example".to_owned(), ..key.clone() };
    let without_pin = Authenticator { verifies: false, ..key.clone() };
    let of_nobody = Authenticator { user_handle: None, ..key.clone() };
    let of_another = Authenticator { user_handle: Some("AZgAAAAAcACAAAAAAAABAg".to_owned()), ..key.clone() };
    for mut key in [unknown, elsewhere, without_pin, of_nobody, of_another] {
        let begun = begin(&edge);
        let mut options = begun["options"].clone();
        options["rpId"] = json!(key.origin.strip_prefix("https://").unwrap());
        let refused = finish(&edge, &mut Browser::default(), &begun, &key.get(&options));
        assert_problem(&refused, 401, "factor.refused");
        answers.push(body(&refused)["detail"].clone());
    }
    for credential in [json!({}), json!({ "id": "AwMD", "type": "public-key" })] {
        let refused = finish(&edge, &mut Browser::default(), &begin(&edge), &credential);
        assert_problem(&refused, 401, "factor.refused");
        answers.push(body(&refused)["detail"].clone());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(count(&edge, "SELECT count(*) FROM login_attempt WHERE failure_reason = 'factor'"), 7);
    // Nor does a locked user, whose key is right.
    edge.sql("UPDATE user SET state = 'locked' WHERE username = 'anna'");
    let (begun, mut key) = (begin(&edge), key);
    assert_problem(&finish(&edge, &mut Browser::default(), &begun, &key.get(&begun["options"])), 401, "factor.refused");
}

#[test]
fn a_passkey_is_of_one_tenant_and_one_time() {
    let (edge, _, mut key) = with_key("passkey");
    edge.seed(&other());
    let send = |origin: &str, path: &str, sent: Value| {
        let mut request = request("POST", path);
        request.origin = origin.to_owned();
        request.body = Body::Bytes(sent.to_string().into_bytes());
        edge.send(request)
    };
    let other = "https://other.id.example";
    let begun = ok(&send(other, "/v1/auth/passkey/begin", json!({})));
    // What is signed for this tenant is nothing to the other, and the other's step is none of this.
    let mut options = begun["options"].clone();
    options["rpId"] = json!("acme.id.example");
    let shown = json!({ "flow": begun["flow"], "credential": key.get(&options) });
    assert_problem(&send(other, "/v1/auth/passkey", shown.clone()), 401, "factor.refused");
    assert_problem(&send(HOST, "/v1/auth/passkey", shown), 401, "sign_in.step_over");
    let begun = begin(&edge);
    let credential = key.get(&begun["options"]);
    pass(&edge, 600);
    assert_problem(&finish(&edge, &mut Browser::default(), &begun, &credential), 401, "sign_in.step_over");
}

#[test]
fn a_key_comes_after_a_password_and_alone_opens_nothing() {
    let (edge, _, mut key) = with_key("second_factor");
    let begun = begin(&edge);
    let mut alone = Authenticator { verifies: true, ..key.clone() };
    assert_problem(
        &finish(&edge, &mut Browser::default(), &begun, &alone.get(&begun["options"])),
        401,
        "factor.refused",
    );
    let mut browser = Browser::default();
    let token = flow(&edge, &mut browser);
    let begun =
        ok(&browser.post(&edge, "/v1/auth/second-factor/begin", json!({ "flow": token, "method": "webauthn" })));
    assert_eq!(begun["options"]["userVerification"], "discouraged");
    assert_eq!(begun["options"]["allowCredentials"].as_array().unwrap().len(), 1);
    let credential = key.get(&begun["options"]);
    let shown = json!({ "flow": token, "method": "webauthn", "credential": credential });
    let signed_in = ok(&browser.post(&edge, "/v1/auth/second-factor", shown.clone()));
    assert_eq!(signed_in["session"]["amr"], json!(["pwd", "hwk", "mfa"]));
    assert_problem(&browser.post(&edge, "/v1/auth/second-factor", shown), 401, "sign_in.step_over");
    // Nothing was asked of the key in this step.
    let token = flow(&edge, &mut browser);
    let shown = json!({ "flow": token, "method": "webauthn", "credential": credential });
    assert_problem(&browser.post(&edge, "/v1/auth/second-factor", shown), 401, "factor.refused");
}

#[test]
fn a_key_is_added_once_and_is_one_users() {
    let (edge, mut anna, mut key) = with_key("passkey");
    let wanted = json!({ "type": "webauthn", "device_name": "key", "usage": "passkey" });
    let begun = ok(&anna.post(&edge, "/v1/me/factors", wanted));
    assert_eq!(begun["options"]["excludeCredentials"].as_array().unwrap().len(), 1);
    assert_problem(&add(&edge, &mut anna, &mut key, "passkey"), 409, "factor.taken");
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Browser::default();
    ok(&ben.sign_in(&edge, "ben@acme.example", PASSWORD));
    assert_problem(&add(&edge, &mut ben, &mut key, "passkey"), 409, "factor.taken");
    let mut unverified = Authenticator { verifies: false, ..Authenticator::new(5) };
    let refused = add(&edge, &mut ben, &mut unverified, "passkey");
    assert_eq!(body(&refused)["findings"][0]["code"], "webauthn.not_verified");
}

#[test]
fn who_is_signed_in_proves_it_again_by_a_passkey_alone() {
    let (edge, mut browser, mut key) = with_key("passkey");
    let before = ok(&browser.get(&edge, "/v1/me/session"));
    pass(&edge, 20 * 60);
    assert_problem(&browser.send(&edge, "POST", "/v1/me/backup-codes", None), 403, "session.step_up_required");
    let begin_again = |browser: &mut Browser| ok(&browser.send(&edge, "POST", "/v1/auth/step-up/passkey/begin", None));
    let finish_again = |browser: &mut Browser, begun: &Value, credential: &Value| {
        browser.post(&edge, "/v1/auth/step-up/passkey", json!({ "flow": begun["flow"], "credential": credential }))
    };
    let begun = begin_again(&mut browser);
    assert_eq!(begun["options"]["allowCredentials"].as_array().unwrap().len(), 1);
    // Ben's session does not become Anna's, nor does her key prove him.
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Browser::default();
    ok(&ben.sign_in(&edge, "ben@acme.example", PASSWORD));
    let credential = key.get(&begun["options"]);
    assert_problem(&finish_again(&mut ben, &begun, &credential), 401, "sign_in.step_over");
    let bens = begin_again(&mut ben);
    assert_problem(&finish_again(&mut ben, &bens, &key.get(&bens["options"])), 401, "factor.refused");
    // It signs nobody in, either.
    assert_problem(&finish(&edge, &mut Browser::default(), &begun, &credential), 401, "sign_in.step_over");
    ok(&finish_again(&mut browser, &begun, &key.get(&begun["options"])));
    let after = ok(&browser.get(&edge, "/v1/me/session"));
    assert_eq!((&after["id"], &after["amr"]), (&before["id"], &json!(["pwd", "hwk", "user", "mfa"])));
    ok(&browser.send(&edge, "POST", "/v1/me/backup-codes", None));
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let mut request = keyed(&key, "POST", "/v1/auth/step-up/passkey/begin", None);
    request.origin = HOST.to_owned();
    assert_problem(&edge.send(request), 404, "http.not_found");
}
