//! The hosted pages of second factors and passkeys: the second step of signing in, the one that must be added first, one's
//! own list, and a recent proof.

use super::authenticator::Authenticator;
use super::codes::sent;
use super::*;
use crate::api::administration::{Office, office};
use crate::api::pages::{HOSTILE, Tab, assert_leads, hidden, html};

const SECOND: &str = "/sign-in/second-factor";

/// A tab in which Anna's password was shown.
#[track_caller]
fn at_the_second_step(edge: &Edge, return_to: &str) -> Tab {
    let mut tab = Tab::default();
    let door = format!("/sign-in?return_to={return_to}");
    let response = tab.submit(edge, &door, &[("identifier", "anna"), ("password", PASSWORD)]);
    assert_leads(&response, SECOND);
    tab
}

/// The page that says what is wrong.
#[track_caller]
fn wrong(response: &Response, words: &str) -> String {
    let page = html(response);
    assert_eq!(response.status, 422, "{page}");
    assert!(page.contains(words) && page.contains("role=\"alert\""), "{words}: {page}");
    page
}

/// The options that the page hands to the browser.
#[track_caller]
fn options(page: &str) -> Value {
    let text = page.split("data-options=\"").nth(1).unwrap().split('"').next().unwrap();
    serde_json::from_str(&text.replace("&quot;", "\"").replace("&#x3D;", "=")).unwrap()
}

/// What a form sends that is not typed: all that is hidden in a page but what a script fills in.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let names = page.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut names: Vec<&str> = names.filter(|name| *name != "credential").collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| (name.to_owned(), hidden(page, name).unwrap())).collect()
}

/// Sends a form of a page as it stands, with what is typed.
fn send(tab: &mut Tab, edge: &Edge, path: &str, page: &str, typed: &[(&str, &str)]) -> Response {
    let fields = hidden_fields(page);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    tab.post(edge, path, &[fields.as_slice(), typed].concat())
}

#[test]
fn a_code_of_an_app_signs_in_once() {
    let (edge, _, phone, _) = with_phone();
    let mut tab = at_the_second_step(&edge, "/account/sessions");
    let page = html(&tab.open(&edge, SECOND));
    for part in ["inputmode=\"numeric\"", "autocomplete=\"one-time-code\"", "A backup code", "Sign in anew"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("data-options"), "{page}");
    wrong(&tab.submit(&edge, SECOND, &[("code", "")]), "<a href=\"#code\">This must be filled in.</a>");
    let refused =
        wrong(&tab.submit(&edge, SECOND, &[("code", "000000")]), "This is wrong, or does not count any more.");
    assert!(!refused.contains("000000"), "a code is typed again: {refused}");
    assert_eq!(count(&edge, "SELECT count(*) FROM user_session"), 1);
    let code = phone.next(&edge);
    let fields = hidden_fields(&page);
    assert_leads(&send(&mut tab, &edge, SECOND, &page, &[("code", &code)]), "/account/sessions");
    assert!(html(&tab.open(&edge, "/account/sessions")).contains("Firefox on Linux"));
    // The form was for one step, which has been taken.
    assert_eq!(fields.len(), 1, "the flow is in no field: {fields:?}");
    assert_leads(&tab.open(&edge, SECOND), "/sign-in");
    let again = send(&mut tab, &edge, SECOND, &page, &[("code", &code)]);
    assert_leads(&again, "/sign-in");
    assert_eq!(count(&edge, "SELECT count(*) FROM user_session"), 2);
}

#[test]
fn tries_of_a_step_end_and_it_is_said() {
    let (edge, _, phone, _) = with_phone();
    let mut tab = at_the_second_step(&edge, "/account");
    for _ in 0..5 {
        wrong(&tab.submit(&edge, SECOND, &[("code", "000000")]), "This is wrong");
    }
    let code = phone.next(&edge);
    wrong(&tab.submit(&edge, SECOND, &[("code", &code)]), "This took too long, or was tried too often.");
    // In ever new steps they wait.
    for _ in 0..5 {
        at_the_second_step(&edge, "/account").submit(&edge, SECOND, &[("code", "000000")]);
    }
    let response = at_the_second_step(&edge, "/account").submit(&edge, SECOND, &[("code", &code)]);
    assert_eq!(response.status, 429);
    assert!(html(&response).contains("There were too many tries. Wait 2 seconds"), "{}", html(&response));
    assert_eq!(count(&edge, "SELECT count(*) FROM user_session"), 1);
    // Nor does a step last.
    let mut tab = at_the_second_step(&edge, "/account");
    pass(&edge, 10 * 60);
    wrong(&tab.submit(&edge, SECOND, &[("code", &phone.code(&edge))]), "This took too long");
}

#[test]
fn a_backup_code_is_another_way_and_counts_once() {
    let (edge, _, _, codes) = with_phone();
    for status in [303, 422] {
        let mut tab = at_the_second_step(&edge, "/account");
        assert_leads(&tab.submit(&edge, SECOND, &[("choose", "backup_code")]), SECOND);
        let page = html(&tab.open(&edge, SECOND));
        assert!(page.contains("for=\"backup_code\"") && page.contains("value=\"totp\""), "{page}");
        assert_eq!(tab.submit(&edge, SECOND, &[("backup_code", &codes[0])]).status, status);
    }
    // What one does not have is no way.
    let mut tab = at_the_second_step(&edge, "/account");
    for other in ["sms", "webauthn", "x", HOSTILE] {
        assert_leads(&tab.submit(&edge, SECOND, &[("choose", other)]), SECOND);
    }
    assert!(html(&tab.open(&edge, SECOND)).contains("id=\"code\""));
}

#[test]
fn a_code_is_sent_when_it_is_asked_for() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let form = html(&tab.open(&edge, "/account/factors/add?what=sms"));
    assert!(form.contains("type=\"tel\"") && form.contains("value=\"Text message\""), "{form}");
    let named = |phone| [("device_name", "my number"), ("phone", phone)];
    let path = "/account/factors/add";
    wrong(&send(&mut tab, &edge, path, &form, &named("")), "<a href=\"#phone\">This must be filled in.</a>");
    wrong(&send(&mut tab, &edge, path, &form, &named("0151")), "This is not a telephone number");
    let page = html(&send(&mut tab, &edge, path, &form, &named("+4915112345678")));
    assert!(page.contains("A code is on its way to …678."), "{page}");
    let response = send(&mut tab, &edge, "/account/factors/confirm", &page, &[("code", &sent(&edge).0)]);
    assert!(html(&response).contains("<h1>Backup codes</h1>"));

    let mut tab = at_the_second_step(&edge, "/account");
    let before = count(&edge, "SELECT count(*) FROM user_notification");
    let page = html(&tab.open(&edge, SECOND));
    assert!(page.contains("value=\"sms\">Send the code</button>") && !page.contains("id=\"code\""), "{page}");
    assert_eq!(count(&edge, "SELECT count(*) FROM user_notification"), before, "looking sends nothing");
    assert_leads(&tab.submit(&edge, SECOND, &[("choose", "sms")]), SECOND);
    let page = html(&tab.open(&edge, SECOND));
    assert!(page.contains("A code is on its way to …678.") && page.contains("Send another code"), "{page}");
    wrong(&tab.submit(&edge, SECOND, &[("code", "00000000")]), "This is wrong");
    assert_leads(&tab.submit(&edge, SECOND, &[("code", &sent(&edge).0)]), "/account");
}

#[test]
fn a_key_comes_after_the_password_or_instead_of_it() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let form = html(&tab.open(&edge, "/account/factors/add?what=passkey"));
    let page = html(&send(&mut tab, &edge, "/account/factors/add", &form, &[("device_name", "laptop")]));
    assert!(page.contains("data-passkey=\"create\"") && page.contains("need JavaScript"), "{page}");
    let mut key = Authenticator::new(3);
    let confirm = "/account/factors/confirm";
    for nothing in ["", "{", "[]", "x"] {
        let refused = send(&mut tab, &edge, confirm, &page, &[("credential", nothing)]);
        let page = wrong(&refused, "Your browser sent no answer of a passkey or security key.");
        assert!(page.contains("data-passkey=\"create\""), "it can be tried again: {page}");
    }
    let credential = key.create(&options(&page)).to_string();
    let response = send(&mut tab, &edge, confirm, &page, &[("credential", &credential)]);
    assert!(html(&response).contains("<pre class=\"once\">"));
    wrong(&send(&mut tab, &edge, confirm, &page, &[("credential", &credential)]), "Begin again.");
    assert!(html(&tab.open(&edge, "/account/factors")).contains("Passkey"));

    // After a password.
    let mut tab = at_the_second_step(&edge, "/account");
    let page = html(&tab.open(&edge, SECOND));
    let signed = key.get(&options(&page)).to_string();
    assert_eq!(hidden(&page, "flow"), None);
    // Of another page, which asked for another.
    let other = key.get(&options(&html(&at_the_second_step(&edge, "/account").open(&edge, SECOND)))).to_string();
    wrong(&send(&mut tab, &edge, SECOND, &page, &[("credential", &other)]), "This is wrong");
    // By then the page asks anew.
    wrong(&send(&mut tab, &edge, SECOND, &page, &[("credential", &signed)]), "This is wrong");
    let page = html(&tab.open(&edge, SECOND));
    let signed = key.get(&options(&page)).to_string();
    assert_leads(&send(&mut tab, &edge, SECOND, &page, &[("credential", &signed)]), "/account");

    // Instead of it.
    let mut tab = Tab::default();
    let door = html(&tab.open(&edge, "/sign-in?return_to=/account/factors"));
    assert!(door.contains("href=\"/sign-in/passkey?return_to&#x3D;%2Faccount%2Ffactors\""), "{door}");
    let path = "/sign-in/passkey";
    let page = html(&tab.open(&edge, "/sign-in/passkey?return_to=/account/factors"));
    let signed = key.get(&options(&page)).to_string();
    assert_leads(&send(&mut tab, &edge, path, &page, &[("credential", &signed)]), "/account/factors");
    // Sent again it opens nothing.
    let mut thief = Tab::default();
    thief.browser.cookies = tab.browser.cookies.clone();
    thief.browser.cookies.retain(|(name, _)| name == "__Host-form");
    wrong(&send(&mut thief, &edge, path, &page, &[("credential", &signed)]), "This took too long");
    assert_eq!(thief.cookie("__Host-session"), None);
    // Another key is nobody's.
    let page = html(&thief.open(&edge, path));
    let mut stranger = Authenticator { user_handle: key.user_handle.clone(), ..Authenticator::new(4) };
    let signed = stranger.get(&options(&page)).to_string();
    wrong(&send(&mut thief, &edge, path, &page, &[("credential", &signed)]), "This is wrong");
}

fn must(office: &Office, methods: &Value) {
    for (key, value) in [("mfa", json!("everybody")), ("mfa_methods", methods.clone())] {
        let path = format!("/v1/tenant-settings/security/{key}");
        assert!(office.owner("PUT", &path, json!({ "value": value })).status < 300);
    }
}

#[test]
fn whoever_must_have_one_adds_it_on_the_way_in() {
    let office = office();
    let edge = &office.edge;
    give_password(edge, ANNA, PASSWORD);
    must(&office, &json!(["totp", "webauthn"]));
    let mut tab = Tab::default();
    let name = [("identifier", "anna"), ("password", PASSWORD)];
    assert_leads(&tab.submit(edge, "/sign-in?return_to=/account/sessions", &name), "/sign-in/enrol");
    let page = html(&tab.open(edge, "/sign-in/enrol"));
    for (what, is_there) in [("totp", true), ("passkey", true), ("key", true), ("sms", false), ("email", false)] {
        assert_eq!(page.contains(&format!("href=\"/sign-in/enrol?what={what}\"")), is_there, "{what}");
    }
    // What is not allowed is not asked for.
    assert!(!html(&tab.open(edge, "/sign-in/enrol?what=sms")).contains("name=\"device_name\""));
    let form = html(&tab.open(edge, "/sign-in/enrol?what=totp"));
    let path = "/sign-in/enrol";
    wrong(&send(&mut tab, edge, path, &form, &[("device_name", "")]), "This must be filled in.");
    let page = html(&send(&mut tab, edge, path, &form, &[("device_name", "phone")]));
    assert!(page.contains("role=\"img\"") && page.contains("<svg viewBox=") && page.contains("<path fill=\"#fff\""));
    let secret = hidden(&page, "secret").unwrap();
    let grouped: Vec<&str> = secret.as_bytes().chunks(4).map(|four| std::str::from_utf8(four).unwrap()).collect();
    assert!(page.contains(&format!("<code>{}</code>", grouped.join(" "))), "{page}");
    let phone = Phone::new(&json!(secret));
    let confirm = "/sign-in/enrol/confirm";
    let page = wrong(&send(&mut tab, edge, confirm, &page, &[("code", "000000")]), "This is not the code.");
    assert!(page.contains("<svg viewBox="), "it can still be scanned: {page}");
    assert_eq!(count(edge, "SELECT count(*) FROM user_session"), 0);
    let code = phone.code(edge);
    let response = send(&mut tab, edge, confirm, &page, &[("code", &code)]);
    let done = html(&response);
    assert_eq!(response.status, 200, "{done}");
    let codes = done.split("<pre class=\"once\">").nth(1).unwrap().split("</pre>").next().unwrap();
    assert_eq!(codes.lines().count(), 10, "{codes}");
    assert!(done.contains("<a class=\"button\" href=\"/account/sessions\">I have kept them</a>"), "{done}");
    assert!(html(&tab.open(edge, "/account/factors")).contains("phone"));
    // Neither is shown or done again.
    assert_leads(&tab.open(edge, confirm), "/sign-in");
    assert_leads(&tab.open(edge, path), "/sign-in");
    assert_eq!(send(&mut tab, edge, confirm, &page, &[("code", &code)]).status, 303);
    assert_eq!(count(edge, "SELECT count(*) FROM mfa_device"), 1);
    // The last one stays, and the page says why.
    let list = html(&tab.open(edge, "/account/factors"));
    let change = list.split("href=\"/account/factors/change?id=").nth(1).unwrap().split('"').next().unwrap();
    let form = html(&tab.open(edge, &format!("/account/factors/change?id={change}")));
    let refused = send(&mut tab, edge, "/account/factors/change", &form, &[("remove", "yes")]);
    wrong(&refused, "You must have a second factor here, and this is the last.");
    assert_eq!(count(edge, "SELECT count(*) FROM mfa_device"), 1);
}

#[test]
fn factors_are_added_renamed_preferred_and_removed() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    assert!(html(&tab.open(&edge, "/account/factors")).contains("your password alone opens your account"));
    let choices = html(&tab.open(&edge, "/account/factors/add"));
    assert_eq!(choices.matches("href=\"/account/factors/add?what=").count(), 5, "{choices}");
    let mut add = |name: &str| {
        let form = html(&tab.open(&edge, "/account/factors/add?what=totp"));
        let page = html(&send(&mut tab, &edge, "/account/factors/add", &form, &[("device_name", name)]));
        let code = Phone::new(&json!(hidden(&page, "secret").unwrap())).code(&edge);
        send(&mut tab, &edge, "/account/factors/confirm", &page, &[("code", &code)])
    };
    assert!(html(&add(HOSTILE)).contains("<pre class=\"once\">"));
    assert_leads(&add("tablet"), "/account/factors?done=factor_added");
    let list = html(&tab.open(&edge, "/account/factors?done=factor_added"));
    for part in ["&lt;script&gt;", "(asked for first)", "tablet", "Codes that are left: 10", "not used yet"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let ids: Vec<String> = list
        .split("href=\"/account/factors/change?id=")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let path = "/account/factors/change";
    let form = |tab: &mut Tab, id: &str| html(&tab.open(&edge, &format!("{path}?id={id}")));
    let page = form(&mut tab, &ids[1]);
    assert!(page.contains("value=\"tablet\"") && page.contains("aria-current=\"true\">Second factors"), "{page}");
    wrong(&send(&mut tab, &edge, path, &page, &[("device_name", "a\u{7}")]), "no control characters");
    let changed = "/account/factors?done=factor_changed";
    assert_leads(&send(&mut tab, &edge, path, &page, &[("device_name", "slate")]), changed);
    assert_leads(&send(&mut tab, &edge, path, &page, &[("first", "yes")]), changed);
    let primary = edge.sql("SELECT device_name FROM mfa_device WHERE is_primary = 1");
    assert_eq!((primary.len(), &primary[0]["device_name"]), (1, &json!("slate")));
    let removed = "/account/factors?done=factor_removed";
    assert_leads(&send(&mut tab, &edge, path, &page, &[("remove", "yes")]), removed);
    // Once more, and another's.
    assert_leads(&send(&mut tab, &edge, path, &page, &[("remove", "yes")]), "/account/factors");
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Tab::default();
    ben.sign_in(&edge, "ben@acme.example", PASSWORD);
    for id in [ids[0].as_str(), "x", "", "%2F"] {
        assert_leads(&ben.open(&edge, &format!("{path}?id={id}")), "/account/factors");
    }
    let csrf = hidden(&html(&ben.open(&edge, "/account")), "csrf_token").unwrap();
    let theirs = [("csrf_token", csrf.as_str()), ("id", ids[0].as_str()), ("remove", "yes")];
    assert_leads(&ben.post(&edge, path, &theirs), "/account/factors");
    assert_eq!(count(&edge, "SELECT count(*) FROM mfa_device"), 1);
    // Other backup codes are shown once.
    let codes = html(&tab.submit(&edge, "/account/factors/codes", &[("renew", "yes")]));
    assert!(codes.contains("They are not shown again.") && codes.contains("<pre class=\"once\">"), "{codes}");
    assert!(!html(&tab.open(&edge, "/account/factors/codes")).contains("<pre"));
}

#[test]
fn whoever_proved_it_long_ago_proves_it_again_with_both_and_goes_on() {
    let (edge, _, phone, _) = with_phone();
    let mut tab = at_the_second_step(&edge, "/account");
    assert_leads(&tab.submit(&edge, SECOND, &[("code", &phone.next(&edge))]), "/account");
    pass(&edge, 15 * 60);
    for path in ["/account/factors/add", "/account/factors/codes", "/account/api-keys/new"] {
        let door = format!("/sign-in/again?return_to={}", path.replace('/', "%2F"));
        assert_leads(&tab.open(&edge, path), &door);
    }
    assert_eq!(tab.open(&edge, "/account/factors").status, 200, "looking needs none");
    let door = "/sign-in/again?return_to=%2Faccount%2Ffactors%2Fadd%3Fwhat%3Dtotp";
    assert_leads(&tab.open(&edge, "/account/factors/add?what=totp"), door);
    assert!(!html(&tab.open(&edge, door)).contains("/sign-in/again/passkey"), "there is no passkey");
    let before = tab.cookie("__Host-session").unwrap().to_owned();
    assert_leads(&tab.submit(&edge, door, &[("password", PASSWORD)]), SECOND);
    assert_leads(&tab.open(&edge, "/account/factors/codes"), "/sign-in/again?return_to=%2Faccount%2Ffactors%2Fcodes");
    let code = phone.next(&edge);
    assert_leads(&tab.submit(&edge, SECOND, &[("code", &code)]), "/account/factors/add?what=totp");
    assert_ne!(tab.cookie("__Host-session"), Some(before.as_str()));
    assert_eq!(tab.open(&edge, "/account/factors/add?what=totp").status, 200);
    assert_eq!(count(&edge, "SELECT count(*) FROM user_session"), 2, "the same session");
    // What was open for too long is not done.
    let form = html(&tab.open(&edge, "/account/factors/codes"));
    pass(&edge, 15 * 60);
    let refused = send(&mut tab, &edge, "/account/factors/codes", &form, &[("renew", "yes")]);
    assert_leads(&refused, "/sign-in/again?return_to=%2Faccount%2Ffactors%2Fcodes");
}

#[test]
fn a_passkey_alone_proves_it_again() {
    let edge = edge();
    let mut tab = Tab::signed_in(&edge);
    let form = html(&tab.open(&edge, "/account/factors/add?what=passkey"));
    let page = html(&send(&mut tab, &edge, "/account/factors/add", &form, &[("device_name", "laptop")]));
    let mut key = Authenticator::new(3);
    let credential = key.create(&options(&page)).to_string();
    send(&mut tab, &edge, "/account/factors/confirm", &page, &[("credential", &credential)]);
    pass(&edge, 15 * 60);
    let door = "/sign-in/again?return_to=%2Faccount%2Ffactors%2Fcodes";
    assert_leads(&tab.open(&edge, "/account/factors/codes"), door);
    let path = "/sign-in/again/passkey";
    let on = format!("{path}?return_to=%2Faccount%2Ffactors%2Fcodes");
    assert!(html(&tab.open(&edge, door)).contains(&format!("href=\"{}\"", on.replace('=', "&#x3D;"))));
    let page = html(&tab.open(&edge, &on));
    // Of another user it proves nothing.
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Tab::default();
    ben.sign_in(&edge, "ben@acme.example", PASSWORD);
    let bens = html(&ben.open(&edge, path));
    let signed = key.get(&options(&bens)).to_string();
    assert_eq!(send(&mut ben, &edge, path, &bens, &[("credential", &signed)]).status, 422);
    let signed = key.get(&options(&page)).to_string();
    assert_leads(&send(&mut tab, &edge, path, &page, &[("credential", &signed)]), "/account/factors/codes");
    assert_eq!(tab.open(&edge, "/account/factors/codes").status, 200);
}

#[test]
fn steps_are_of_the_browser_that_began_them_and_of_its_tenant() {
    let (edge, _, phone, _) = with_phone();
    let mut tab = at_the_second_step(&edge, "/account");
    let page = html(&tab.open(&edge, SECOND));
    let code = phone.next(&edge);
    // Without the token of the form, or from elsewhere.
    assert_eq!(tab.post(&edge, SECOND, &[("code", &code)]).status, 403);
    let mut other = Tab::default();
    assert_eq!(send(&mut other, &edge, SECOND, &page, &[("code", &code)]).status, 403);
    // What the cookie says is the browser's: nothing of it counts but the flow.
    let step = |path: &str, secret: &str| {
        let handed = json!({ "path": path, "secret": secret, "methods": [HOSTILE, "totp"], "chosen": "totp",
                             "sent_to": HOSTILE, "return_to": "//evil.example" });
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(handed.to_string())
    };
    for path in [SECOND, "/sign-in/enrol"] {
        let mut forged = Tab::default();
        forged.browser.cookies.push(("__Host-step".to_owned(), step(path, HOSTILE)));
        html(&forged.open(&edge, path));
        let typed = [("code", code.as_str()), ("device_name", "x"), ("what", "totp")];
        let response = forged.submit(&edge, &format!("{path}?what=totp"), &typed);
        wrong(&response, "This took too long");
    }
    assert_leads(&send(&mut tab, &edge, SECOND, &page, &[("code", &code)]), "/account");
}
