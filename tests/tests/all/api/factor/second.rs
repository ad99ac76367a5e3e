//! After the password: what is shown counts once, in vain is counted, and only who has shown it has a session.

use super::*;
use crate::api::sign_in::HOST;

#[test]
fn a_code_of_the_app_leads_to_a_session() {
    let (edge, _, phone, _) = with_phone();
    let mut browser = Browser::default();
    let step = ok(&browser.sign_in(&edge, "anna", PASSWORD));
    assert_eq!(step["methods"], json!(["totp", "backup_code"]));
    let code = phone.next(&edge);
    let (first, second) = code.split_at(3);
    let spaced = format!("{first} {second}");
    let signed_in = ok(&show(&edge, &mut browser, &step["flow"], "totp", &spaced));
    assert_eq!(
        (&signed_in["status"], &signed_in["session"]["amr"]),
        (&json!("signed_in"), &json!(["pwd", "otp", "mfa"]))
    );
    assert_eq!(browser.get(&edge, "/v1/me/session").status, 200);
    // What was begun is over.
    pass(&edge, 30);
    let again = show(&edge, &mut browser, &step["flow"], "totp", &phone.code(&edge));
    assert_problem(&again, 401, "sign_in.step_over");
    let used = ok(&browser.get(&edge, "/v1/me/factors"));
    assert_eq!(used["items"][0]["last_used_at"], "2026-03-02T10:00:30.000Z");
}

#[test]
fn a_program_takes_the_token() {
    let (edge, _, phone, _) = with_phone();
    let flow = flow(&edge, &mut Browser::default());
    let shown = json!({ "flow": flow, "method": "totp", "code": phone.next(&edge), "delivery": "token" });
    let signed_in = ok(&Browser::default().post(&edge, "/v1/auth/second-factor", shown));
    assert!(signed_in["token"].as_str().unwrap().starts_with("ps_") && signed_in["csrf_token"].is_null());
}

#[test]
fn a_code_counts_once_wherever_it_is_shown() {
    let (edge, _, phone, _) = with_phone();
    let before = count(&edge, "SELECT count(*) FROM user_session");
    let code = phone.next(&edge);
    let mut browsers: Vec<(Browser, Value)> = (0..10)
        .map(|_| {
            let mut browser = Browser::default();
            let flow = flow(&edge, &mut browser);
            (browser, flow)
        })
        .collect();
    let statuses: Vec<u16> =
        browsers.iter_mut().map(|(browser, flow)| show(&edge, browser, flow, "totp", &code).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(count(&edge, "SELECT count(*) FROM user_session"), before + 1);
    // The step before it counts no more, either.
    let old = edge.app.clock.now().plus_millis(-30_000);
    let old = phone.0.generate(u64::try_from(old.as_millis() / 1000).unwrap()).to_string();
    let (browser, flow) = &mut browsers[9];
    assert_problem(&show(&edge, browser, flow, "totp", &old), 401, "factor.refused");
}

#[test]
fn the_code_that_added_an_app_signs_nobody_in() {
    let (edge, _, phone, _) = with_phone();
    let flow = flow(&edge, &mut Browser::default());
    let code = phone.code(&edge);
    assert_problem(&show(&edge, &mut Browser::default(), &flow, "totp", &code), 401, "factor.refused");
}

#[test]
fn a_backup_code_counts_once_and_its_owner_is_told() {
    let (edge, mut own, _, codes) = with_phone();
    assert_eq!(codes.len(), 10);
    let flows: Vec<Value> = (0..3).map(|_| flow(&edge, &mut Browser::default())).collect();
    let typed = codes[3].to_lowercase().replace('-', " ");
    let mut browser = Browser::default();
    let signed_in = ok(&show(&edge, &mut browser, &flows[0], "backup_code", &typed));
    assert_eq!(signed_in["session"]["amr"], json!(["pwd", "otp", "mfa"]));
    assert_problem(&show(&edge, &mut browser, &flows[1], "backup_code", &codes[3]), 401, "factor.refused");
    assert_problem(&show(&edge, &mut browser, &flows[1], "backup_code", "0000-0000-0000"), 401, "factor.refused");
    ok(&show(&edge, &mut browser, &flows[2], "backup_code", &codes[4]));
    assert_eq!(ok(&own.get(&edge, "/v1/me/factors"))["backup_codes_left"], 8);
    crate::api::messages::settle(&edge);
    let told = edge.sql("SELECT content FROM user_notification WHERE type = 'in_app' AND content LIKE '%codes%'");
    for left in ["9 are left", "8 are left"] {
        assert!(told.iter().any(|row| row["content"].as_str().unwrap().contains(left)), "{told:?}");
    }
}

#[test]
fn whoever_is_refused_is_told_one_thing_and_counted() {
    let (edge, _, phone, _) = with_phone();
    let mut browser = Browser { address: Some("198.51.100.1"), ..Browser::default() };
    let token = flow(&edge, &mut browser);
    let wrong = [("totp", "000000"), ("totp", "x"), ("sms", "00000000"), ("backup_code", ""), ("totp", "123456")];
    for (method, code) in wrong {
        let response = show(&edge, &mut browser, &token, method, code);
        assert_problem(&response, 401, "factor.refused");
        assert_eq!(body(&response)["detail"], "this is not it, or does not count any more");
    }
    // Five tries, and the right code comes too late.
    let late = show(&edge, &mut browser, &token, "totp", &phone.next(&edge));
    assert_problem(&late, 401, "sign_in.step_over");
    assert_eq!(count(&edge, "SELECT count(*) FROM login_attempt WHERE failure_reason = 'factor'"), 5);
    assert_eq!(count(&edge, "SELECT count(*) FROM outbox WHERE event_type = 'login_attempt.failed'"), 5);
    assert_eq!(count(&edge, "SELECT count(*) FROM audit_log WHERE result = 'failure'"), 5);
}

#[test]
fn who_knows_the_password_goes_on_guessing_no_faster() {
    let (edge, _, phone, _) = with_phone();
    let mut stranger = Browser { address: Some("198.51.100.1"), ..Browser::default() };
    let mut guesses = 0;
    let refused = 'guessing: loop {
        // Right passwords are not forgotten before the second factor is shown, so steps end as well.
        let response = stranger.sign_in(&edge, "anna", PASSWORD);
        if response.status != 200 {
            break response;
        }
        let token = body(&response)["flow"].clone();
        for _ in 0..5 {
            let response = show(&edge, &mut stranger, &token, "totp", "000000");
            if response.status == 429 {
                break 'guessing response;
            }
            guesses += 1;
        }
    };
    assert_problem(&refused, 429, "rate.limited");
    assert_eq!(guesses, 10);
    // With the wait behind them, and the right code, all is forgotten.
    pass(&edge, 60);
    let token = flow(&edge, &mut stranger);
    ok(&show(&edge, &mut stranger, &token, "totp", &phone.next(&edge)));
    assert_eq!(count(&edge, "SELECT count(*) FROM login_throttle WHERE subject LIKE '%account/%'"), 0);
}

#[test]
fn a_step_is_of_its_tenant_and_its_time_and_ends_with_the_password() {
    let (edge, _, phone, _) = with_phone();
    edge.seed(&other());
    let token = flow(&edge, &mut Browser::default());
    let elsewhere = |token: &Value| {
        let mut request = request("POST", "/v1/auth/second-factor");
        request.origin = "https://other.id.example".to_owned();
        let shown = json!({ "flow": token, "method": "totp", "code": phone.code(&edge) });
        request.body = Body::Bytes(shown.to_string().into_bytes());
        edge.send(request)
    };
    assert_problem(&elsewhere(&token), 401, "sign_in.step_over");
    for token in ["", "pf_", "x", "ps_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let shown = show(&edge, &mut Browser::default(), &json!(token), "totp", "123456");
        assert_problem(&shown, 401, "sign_in.step_over");
    }
    // Another password than the one that was shown.
    give_password(&edge, ANNA, "another password altogether");
    let shown = show(&edge, &mut Browser::default(), &token, "totp", &phone.next(&edge));
    assert_problem(&shown, 401, "sign_in.step_over");
    give_password(&edge, ANNA, PASSWORD);
    let token = flow(&edge, &mut Browser::default());
    edge.sql("UPDATE user SET state = 'locked' WHERE username = 'anna'");
    assert_problem(&show(&edge, &mut Browser::default(), &token, "totp", &phone.next(&edge)), 401, "sign_in.step_over");
    edge.sql("UPDATE user SET state = 'active' WHERE username = 'anna'");
    let token = flow(&edge, &mut Browser::default());
    pass(&edge, 600);
    let late = show(&edge, &mut Browser::default(), &token, "totp", &phone.code(&edge));
    assert_problem(&late, 401, "sign_in.step_over");
    // A page of another site finishes nothing.
    let token = flow(&edge, &mut Browser::default());
    let mut request = request("POST", "/v1/auth/second-factor");
    request.origin = HOST.to_owned();
    request.headers.insert("origin".to_owned(), "https://evil.example".to_owned());
    let shown = json!({ "flow": token, "method": "totp", "code": phone.next(&edge) });
    request.body = Body::Bytes(shown.to_string().into_bytes());
    assert_problem(&edge.send(request), 403, "request.cross_site");
}

#[test]
fn proving_again_asks_for_the_second_factor_too() {
    let (edge, mut browser, phone, _) = with_phone();
    let before = ok(&browser.get(&edge, "/v1/me/session"));
    pass(&edge, 20 * 60);
    let add = json!({ "type": "totp", "device_name": "tablet" });
    assert_problem(&browser.post(&edge, "/v1/me/factors", add.clone()), 403, "session.step_up_required");
    let step = ok(&browser.post(&edge, "/v1/auth/step-up", json!({ "password": PASSWORD })));
    assert_eq!(step["status"], "second_factor_required");
    assert_problem(&browser.post(&edge, "/v1/me/factors", add.clone()), 403, "session.step_up_required");
    ok(&show(&edge, &mut browser, &step["flow"], "totp", &phone.code(&edge)));
    let after = ok(&browser.get(&edge, "/v1/me/session"));
    assert_eq!((&after["id"], &after["amr"]), (&before["id"], &json!(["pwd", "otp", "mfa"])));
    ok(&browser.post(&edge, "/v1/me/factors", add));
}

#[test]
fn what_is_no_second_factor_is_refused_with_its_place() {
    let (edge, ..) = with_phone();
    let token = flow(&edge, &mut Browser::default());
    for (sent, code, field) in [
        (json!({ "method": "totp", "code": "1" }), "request.missing", "flow"),
        (json!({ "flow": token, "code": "1" }), "request.missing", "method"),
        (json!({ "flow": token, "method": "fax", "code": "1" }), "request.unknown_word", "method"),
        (json!({ "flow": token, "method": "totp" }), "request.missing", "code"),
        (json!({ "flow": token, "method": "totp", "code": 1 }), "request.wrong_type", "code"),
        (json!({ "flow": token, "method": "webauthn", "code": "1" }), "request.missing", "credential"),
        (json!({ "flow": token, "method": "webauthn", "credential": "x" }), "request.wrong_type", "credential"),
        (json!({ "flow": token, "method": "totp", "code": "1", "x": 1 }), "request.unknown_field", "x"),
    ] {
        let response = Browser::default().post(&edge, "/v1/auth/second-factor", sent);
        assert_problem(&response, 422, "request.invalid");
        let found = &body(&response)["findings"][0];
        assert_eq!((found["code"].as_str(), found["field"].as_str()), (Some(code), Some(field)));
    }
    let begin = |method: &str| {
        Browser::default().post(&edge, "/v1/auth/second-factor/begin", json!({ "flow": token, "method": method }))
    };
    for (method, code) in
        [("totp", "factor.nothing_to_begin"), ("sms", "factor.not_there"), ("webauthn", "factor.not_there")]
    {
        assert_eq!(body(&begin(method))["findings"][0]["code"], code);
    }
}
