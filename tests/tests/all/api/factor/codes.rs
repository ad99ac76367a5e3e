//! Codes that are sent by text message and e-mail.

use super::*;
use parapet::model::Secret;
use parapet_worker::messaging::notification::sealed::Sealed;

/// The newest code that is on its way, and to where.
pub fn sent(edge: &Edge) -> (String, String) {
    let newest = "SELECT * FROM user_notification WHERE content LIKE '%code for%' ORDER BY rowid DESC LIMIT 1";
    let row = edge.sql(newest).remove(0);
    assert!(row["content"].as_str().unwrap().contains("•••"), "{row:?}");
    let id = row["id"].as_str().unwrap().parse().unwrap();
    let sealed = Sealed::open(&edge.app, id, &Secret::new(row["sealed"].as_str().unwrap())).unwrap();
    (sealed.values["code"].clone(), sealed.to.unwrap())
}

fn add(edge: &Edge, browser: &mut Browser, wanted: Value) -> Value {
    let begun = ok(&browser.post(edge, "/v1/me/factors", wanted));
    let confirm = json!({ "flow": begun["flow"], "code": sent(edge).0 });
    ok(&browser.post(edge, "/v1/me/factors/confirm", confirm))
}

fn begin(edge: &Edge, flow: &Value, method: &str) -> Response {
    Browser::default().post(edge, "/v1/auth/second-factor/begin", json!({ "flow": flow, "method": method }))
}

#[test]
fn a_code_by_text_message_or_mail_leads_to_a_session() {
    for (wanted, to, shortened, amr) in [
        (
            json!({ "type": "sms", "device_name": "my number", "phone": "+4915112345678" }),
            "+4915112345678",
            "…678",
            json!(["pwd", "sms", "mfa"]),
        ),
        (
            json!({ "type": "email", "device_name": "my mail" }),
            "anna@acme.example",
            "a…@acme.example",
            json!(["pwd", "otp", "mfa"]),
        ),
    ] {
        let edge = edge();
        let mut browser = Browser::default();
        ok(&browser.sign_in(&edge, "anna", PASSWORD));
        let added = add(&edge, &mut browser, wanted.clone());
        assert_eq!((&added["factor"]["strength"], &added["factor"]["address"]), (&json!("weak"), &json!(shortened)));
        assert_eq!(sent(&edge).1, to);
        let method = wanted["type"].as_str().unwrap();
        let token = flow(&edge, &mut browser);
        assert_problem(&show(&edge, &mut browser, &token, method, "00000000"), 401, "factor.refused");
        assert_eq!(ok(&begin(&edge, &token, method))["sent_to"], shortened);
        let first = sent(&edge).0;
        pass(&edge, 1);
        ok(&begin(&edge, &token, method));
        let second = sent(&edge).0;
        // The newest counts, once, and in its own step.
        assert_problem(&show(&edge, &mut browser, &token, method, &first), 401, "factor.refused");
        let other = flow(&edge, &mut Browser::default());
        assert_problem(&show(&edge, &mut browser, &other, method, &second), 401, "factor.refused");
        let signed_in = ok(&show(&edge, &mut browser, &token, method, &second));
        assert_eq!(signed_in["session"]["amr"], amr);
        assert_problem(&show(&edge, &mut browser, &token, method, &second), 401, "sign_in.step_over");
        let state = edge.sql("SELECT group_concat(state) AS states FROM login_flow");
        assert!(!state[0]["states"].as_str().unwrap().contains(&second));
    }
}

#[test]
fn so_many_codes_an_hour_are_sent() {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    add(&edge, &mut browser, json!({ "type": "email", "device_name": "my mail" }));
    let mut codes = 1;
    let refused = loop {
        let token = flow(&edge, &mut browser);
        let response = begin(&edge, &token, "email");
        if response.status != 200 {
            break response;
        }
        codes += 1;
        // What was sent before is not taken away by what was not sent.
        let last = sent(&edge).0;
        ok(&show(&edge, &mut browser, &token, "email", &last));
    };
    assert_problem(&refused, 429, "rate.limited");
    assert_eq!(codes, 10);
}

#[test]
fn where_nothing_arrives_no_code_is_waited_for() {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    edge.sql(
        "INSERT INTO message_suppression (id, tenant_id, user_id, type, address, created_at)
         SELECT '01980000-0000-7000-8000-0000000000fe', tenant_id, id, 'email', email, created_at FROM user
         WHERE email = 'anna@acme.example'",
    );
    let refused = browser.post(&edge, "/v1/me/factors", json!({ "type": "email", "device_name": "my mail" }));
    assert_problem(&refused, 409, "factor.unreachable");
}
