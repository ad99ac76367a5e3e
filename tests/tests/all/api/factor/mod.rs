//! Second factors and passkeys.

mod authenticator;
mod codes;
mod lone_password;
mod own;
mod pages;
mod passkeys;
mod required;
mod second;
mod tenants;

use super::sign_in::{Browser, PASSWORD, edge, give_password};
use super::*;

/// An app that shows codes.
pub struct Phone(totp_rs::Totp);

impl Phone {
    fn new(secret: &Value) -> Self {
        let secret = totp_rs::Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
        Self(totp_rs::Builder::new().with_secret(secret).build_noncompliant())
    }

    /// The code that it shows now.
    fn code(&self, edge: &Edge) -> String {
        let seconds = u64::try_from(edge.app.clock.now().as_millis() / 1000).unwrap();
        self.0.generate(seconds).to_string()
    }

    /// The code that it shows in the next half minute, to which the clock is set.
    fn next(&self, edge: &Edge) -> String {
        pass(edge, 30);
        self.code(edge)
    }
}

/// Lets so many seconds pass.
fn pass(edge: &Edge, seconds: i64) {
    edge.app.clock.set(edge.app.clock.now().plus_millis(seconds * 1000));
}

#[track_caller]
fn ok(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    body(response)
}

/// Adds an app, and gives it with the backup codes, if there are any.
#[track_caller]
fn add_phone(edge: &Edge, browser: &mut Browser) -> (Phone, Vec<String>) {
    let begun = ok(&browser.post(edge, "/v1/me/factors", json!({ "type": "totp", "device_name": "phone" })));
    let phone = Phone::new(&begun["secret"]);
    let confirm = json!({ "flow": begun["flow"], "code": phone.code(edge) });
    let added = ok(&browser.post(edge, "/v1/me/factors/confirm", confirm));
    let codes = added["backup_codes"].as_array().into_iter().flatten().map(|code| code.as_str().unwrap().to_owned());
    (phone, codes.collect())
}

/// Anna with an app and backup codes, signed in by her password before she had them.
fn with_phone() -> (Edge, Browser, Phone, Vec<String>) {
    let edge = edge();
    let mut browser = Browser::default();
    ok(&browser.sign_in(&edge, "anna", PASSWORD));
    let (phone, codes) = add_phone(&edge, &mut browser);
    (edge, browser, phone, codes)
}

/// Shows a password, and gives the flow of what is to come next.
#[track_caller]
fn flow(edge: &Edge, browser: &mut Browser) -> Value {
    let step = ok(&browser.sign_in(edge, "anna", PASSWORD));
    assert_eq!(step["status"], "second_factor_required", "{step:#}");
    step["flow"].clone()
}

fn show(edge: &Edge, browser: &mut Browser, flow: &Value, method: &str, code: &str) -> Response {
    let shown = json!({ "flow": flow, "method": method, "code": code });
    browser.post(edge, "/v1/auth/second-factor", shown)
}

fn count(edge: &Edge, sql: &'static str) -> i64 {
    edge.sql(sql)[0].values().next().unwrap().as_i64().unwrap()
}

/// All events of factors happen to who is signed in.
pub fn everything(edge: &Edge, browser: &mut Browser) {
    let (phone, codes) = add_phone(edge, browser);
    let list = ok(&browser.get(edge, "/v1/me/factors"));
    let path = format!("/v1/me/factors/{}", list["items"][0]["id"].as_str().unwrap());
    ok(&browser.send(edge, "PATCH", &path, Some(json!({ "device_name": "old phone" }))));
    let step = ok(&browser.post(edge, "/v1/auth/step-up", json!({ "password": PASSWORD })));
    ok(&show(edge, browser, &step["flow"], "backup_code", &codes[0]));
    ok(&browser.send(edge, "POST", "/v1/me/backup-codes", None));
    let step = ok(&browser.post(edge, "/v1/auth/step-up", json!({ "password": PASSWORD })));
    ok(&show(edge, browser, &step["flow"], "totp", &phone.next(edge)));
    assert_eq!(browser.send(edge, "DELETE", &path, None).status, 204);
}
