//! A forgotten password: what asking tells, where the way leads, and what ends when it was gone.

use super::administration::{OLGA, Office, assert_refused, assert_status, office};
use super::own_password::{NEW, findings, give_factor, set};
use super::sign_in::{Browser, HOST, PASSWORD, edge, give_password};
use super::*;
use parapet::model::Secret;
use parapet::opaque_token::{OpaqueToken, TokenKind};
use parapet_worker::messaging::notification::sealed::Sealed;
use uuid::Uuid;

const MINUTE: i64 = 60_000;

/// The messages with a link, the newest first: what each is about, to whom it goes where that is not the user's own address,
/// and its link.
pub fn links(edge: &Edge) -> Vec<(String, Option<String>, String)> {
    super::messages::settle(edge);
    let rows = edge.sql("SELECT * FROM user_notification WHERE sealed IS NOT NULL ORDER BY rowid DESC");
    let link = |row: &Row| {
        let text = |name: &str| row[name].as_str().unwrap();
        let id: Uuid = text("id").parse().unwrap();
        let sealed = Sealed::open(&edge.app, id, &Secret::new(text("sealed"))).unwrap();
        let metadata: Value = serde_json::from_str(text("metadata")).unwrap();
        Some((metadata["purpose"].as_str().unwrap().to_owned(), sealed.to, sealed.values.get("link")?.clone()))
    };
    rows.iter().filter_map(link).collect()
}

/// The token of the newest message of a purpose.
#[track_caller]
pub fn token(edge: &Edge, purpose: &str) -> String {
    let found = links(edge);
    let (_, _, link) = found.iter().find(|(its, ..)| its == purpose).unwrap_or_else(|| panic!("{purpose}: {found:?}"));
    link.split_once("?token=").unwrap().1.to_owned()
}

/// No token that was sent lies anywhere in the clear, nor does its hash where others read.
pub fn assert_hidden(edge: &Edge, token: &str) {
    for table in [
        "audit_log",
        "outbox",
        "user_notification",
        "one_time_link",
        "password_reset",
        "pending_sign_up",
        "webhook_delivery",
    ] {
        let rows = edge.app.db.rows(table).into_iter().map(Value::Object).collect::<Vec<_>>();
        let text = Value::from(rows).to_string();
        assert!(!text.contains(token), "{table}");
        let hash = OpaqueToken::parse(TokenKind::Link, token).unwrap().hash();
        let may_have = ["one_time_link", "password_reset", "pending_sign_up"].contains(&table);
        assert!(may_have || !text.contains(&hash), "{table}");
    }
}

fn ask(edge: &Edge, name: &str) -> Response {
    Browser::default().post(edge, "/v1/auth/password-reset", json!({ "identifier": name }))
}

fn confirm(edge: &Edge, token: &str, new: &str) -> Response {
    let sent = json!({ "token": token, "new_password": new });
    Browser::default().post(edge, "/v1/auth/password-reset/confirm", sent)
}

#[test]
fn a_forgotten_password_becomes_another_and_all_sessions_end() {
    let edge = edge();
    let mut old = Browser::default();
    old.sign_in(&edge, "anna", PASSWORD);
    assert_eq!(ask(&edge, " Anna@ACME.example ").status, 202);
    assert_eq!(edge.app.db.count("user_notification"), Some(0), "the answer waits for no message");
    let (purpose, to, link) = links(&edge).remove(0);
    assert_eq!((purpose.as_str(), to), ("password.reset", None));
    let token = link.strip_prefix("https://acme.id.example/reset?token=").unwrap().to_owned();
    assert_hidden(&edge, &token);
    let kept =
        edge.sql("SELECT content FROM user_notification WHERE content LIKE '%(•••)%good for 60 minutes, and once.%'");
    assert_eq!(kept.len(), 1);
    // Its own rules hold, and what breaks them does not use it up.
    assert_eq!(findings(&confirm(&edge, &token, "short")), ["new_password password.too_short"]);
    assert_eq!(findings(&confirm(&edge, &token, PASSWORD)), ["new_password password.reused"]);
    edge.app.clock.set(time(NOW).plus_millis(1000));
    assert_eq!(confirm(&edge, &token, NEW).status, 204);
    assert_problem(&old.get(&edge, "/v1/me/session"), 401, "session.ended");
    assert_problem(&Browser::default().sign_in(&edge, "anna", PASSWORD), 401, "sign_in.refused");
    assert_eq!(body(&Browser::default().sign_in(&edge, "anna", NEW))["status"], "signed_in");
    assert_problem(&confirm(&edge, &token, NEW), 401, "link.refused");
    let user = edge.sql("SELECT email_verified FROM user WHERE username = 'anna'");
    assert_eq!(user[0]["email_verified"], 1, "who reads what was sent there has the address");
    super::messages::settle(&edge);
    let told = edge.sql("SELECT content FROM user_notification WHERE type = 'in_app' AND content LIKE '%was changed%'");
    assert_eq!(told.len(), 1);
}

#[test]
fn whoever_asks_learns_nothing() {
    let edge = edge();
    edge.sql("UPDATE user SET state = 'locked' WHERE username IS NULL");
    let mut seen = Vec::new();
    for name in ["anna@acme.example", "anna", "nobody@acme.example", "ben@acme.example", "аnna@acme.example", ""] {
        let (response, statements) = edge.app.db.recording(|| ask(&edge, name));
        let sql: Vec<String> = statements.iter().map(|statement| statement.sql().to_owned()).collect();
        seen.push((response.status, response.body.clone(), sql));
    }
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
    assert_eq!(seen[0].0, 202);
    let asked =
        edge.sql("SELECT event_data FROM audit_log WHERE event_type = 'password_reset.requested' ORDER BY sequence");
    let named: Vec<bool> = asked.iter().map(|row| row["event_data"].as_str().unwrap().contains("user_id")).collect();
    assert_eq!(named, [true, true, false, false, false, false]);
    assert!(
        !Value::from(edge.app.db.rows("audit_log").into_iter().map(Value::Object).collect::<Vec<_>>())
            .to_string()
            .contains("nobody@acme")
    );
    // Two names of one account: the newer asks for all.
    let sent = links(&edge);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(edge.app.db.count("password_reset"), Some(1));
}

#[test]
fn a_link_that_is_not_good_is_refused_whatever_is_wrong_with_it() {
    let office = office();
    let edge = &office.edge;
    edge.seed(&other());
    let path = format!("/v1/users/{ANNA}");
    ask(edge, "anna");
    let good = token(edge, "password.reset");
    let mut answers = Vec::new();
    let mut refuse = |what: &str, response: Response| {
        assert_problem(&response, 401, "link.refused");
        let mut answer = body(&response);
        answer["request_id"] = Value::Null;
        answers.push((what.to_owned(), answer));
    };
    for text in [
        "",
        "x",
        "pl_",
        good.split_at(good.len() - 1).0,
        &good.replace("pl_", "ps_"),
        &format!("{good}A"),
        &good.to_uppercase(),
    ] {
        refuse(text, confirm(edge, text, NEW));
    }
    let random = OpaqueToken::from_random(TokenKind::Link, [9; 32]);
    refuse("nobody's", confirm(edge, random.expose(), NEW));
    let mut elsewhere = request("POST", "/v1/auth/password-reset/confirm");
    elsewhere.origin = "https://other.id.example".to_owned();
    elsewhere.body = Body::Bytes(json!({ "token": good, "new_password": NEW }).to_string().into_bytes());
    refuse("another tenant's host", edge.send(elsewhere));
    let invitation =
        Browser::default().post(edge, "/v1/auth/invitation/accept", json!({ "token": good, "password": NEW }));
    refuse("another purpose", invitation);
    edge.app.clock.set(time(NOW).plus_millis(60 * MINUTE));
    refuse("over", confirm(edge, &good, NEW));
    edge.app.clock.set(time(NOW).plus_millis(60 * MINUTE - 1));
    for (step, back) in [("lock", "unlock"), ("suspend", "reactivate")] {
        assert_status(&office.admin("POST", &format!("{path}/{step}"), Value::Null), 200);
        refuse(step, confirm(edge, &good, NEW));
        assert_status(&office.admin("POST", &format!("{path}/{back}"), Value::Null), 200);
        refuse(back, confirm(edge, &good, NEW));
    }
    for (_, answer) in &answers {
        assert_eq!(answer, &answers[0].1);
    }
}

#[test]
fn the_newest_link_is_good_alone_and_asking_takes_none_away() {
    let edge = edge();
    ask(&edge, "anna");
    let first = token(&edge, "password.reset");
    edge.app.clock.set(time(NOW).plus_millis(MINUTE));
    ask(&edge, "anna");
    // Until the newer one is on its way.
    assert_eq!(findings(&confirm(&edge, &first, "short")), ["new_password password.too_short"]);
    let second = token(&edge, "password.reset");
    assert_ne!(first, second);
    assert_problem(&confirm(&edge, &first, NEW), 401, "link.refused");
    // Whatever sets a password voids it.
    let mut own = Browser::default();
    own.sign_in(&edge, "anna", PASSWORD);
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    assert_eq!(own.post(&edge, "/v1/me/password", change).status, 204);
    assert_problem(&confirm(&edge, &second, "zehn kleine Jaegermeister"), 401, "link.refused");
}

#[test]
fn an_event_that_is_fanned_out_twice_sends_one_link() {
    let edge = edge();
    ask(&edge, "anna");
    let first = token(&edge, "password.reset");
    edge.sql("UPDATE outbox SET published_at = NULL");
    edge.app.waiting.borrow_mut().insert(TENANT.parse().unwrap());
    assert_eq!(token(&edge, "password.reset"), first);
    assert_eq!(links(&edge).len(), 1);
    assert_eq!(confirm(&edge, &first, NEW).status, 204);
}

#[test]
fn a_link_is_good_for_an_hour_at_most() {
    let edge = edge();
    set(&edge, "password_reset_minutes", json!(1440));
    ask(&edge, "anna");
    token(&edge, "password.reset");
    assert_eq!(edge.sql("SELECT expires_at FROM password_reset")[0]["expires_at"], "2026-03-02T11:00:00.000Z");
    edge.sql("UPDATE tenant_setting SET setting_value = '5'");
    ask(&edge, "anna");
    let token = token(&edge, "password.reset");
    edge.app.clock.set(time(NOW).plus_millis(5 * MINUTE));
    assert_problem(&confirm(&edge, &token, NEW), 401, "link.refused");
}

#[test]
fn asking_is_counted_by_account_and_by_address() {
    let edge = edge();
    for name in ["anna", "nobody@acme.example"] {
        for _ in 0..3 {
            assert_eq!(ask(&edge, name).status, 202);
        }
        assert_problem(
            &{
                ask(&edge, name);
                ask(&edge, name)
            },
            429,
            "rate.limited",
        );
    }
    // Apart from signing in, which goes on.
    assert_eq!(Browser::default().sign_in(&edge, "anna", PASSWORD).status, 200);
    let mut asked = 0;
    while ask(&edge, &format!("{asked}@acme.example")).status == 202 {
        asked += 1;
        assert!(asked < 40, "one address asks for as many as it likes");
    }
}

#[test]
fn who_waited_for_wrong_passwords_signs_in_after_a_reset() {
    let edge = edge();
    while Browser::default().sign_in(&edge, "anna@acme.example", "wrong").status == 401 {}
    ask(&edge, "anna");
    assert_eq!(confirm(&edge, &token(&edge, "password.reset"), NEW).status, 204);
    assert_eq!(Browser::default().sign_in(&edge, "anna@acme.example", NEW).status, 200);
}

#[test]
fn a_second_factor_is_asked_for_after_a_reset_and_lets_the_password_be_shorter() {
    let edge = edge();
    give_factor(&edge);
    ask(&edge, "anna");
    assert_eq!(confirm(&edge, &token(&edge, "password.reset"), "vK3 mq7x").status, 204);
    assert_eq!(edge.app.db.count("user_session"), Some(0));
    assert_eq!(body(&Browser::default().sign_in(&edge, "anna", "vK3 mq7x"))["status"], "second_factor_required");
}

#[test]
fn the_link_leads_to_the_tenants_own_host_whatever_the_request_says() {
    let edge = edge();
    edge.sql("UPDATE tenant SET domain = 'login.acme.example' WHERE slug = 'acme'");
    ask(&edge, "anna");
    let (_, _, link) = links(&edge).remove(0);
    assert!(link.starts_with("https://login.acme.example/reset?token=pl_"), "{link}");
}

fn reset_for(office: &Office, user: &str, by_owner: bool) -> Response {
    let key = if by_owner { &office.owner } else { &office.admin };
    office.edge.call(key, "POST", &format!("/v1/users/{user}/reset-password"), None)
}

#[test]
fn an_administrator_sends_a_way_and_sees_nothing_of_it() {
    let office = office();
    give_password(&office.edge, ANNA, PASSWORD);
    let response = reset_for(&office, ANNA, false);
    assert_eq!((response.status, response.body.is_empty()), (202, true));
    let token = token(&office.edge, "password.reset");
    assert_hidden(&office.edge, &token);
    assert_eq!(confirm(&office.edge, &token, NEW).status, 204);
    assert_eq!(body(&Browser::default().sign_in(&office.edge, "anna", NEW))["status"], "signed_in");
    // An owner is an owner's to help; who is not there, or may not act, gets none.
    assert_refused(&reset_for(&office, OLGA, false), &["touches_owner"]);
    assert_eq!(reset_for(&office, OLGA, true).status, 202);
    assert_problem(&reset_for(&office, TENANT, false), 404, "http.not_found");
    office.edge.sql("UPDATE user SET state = 'locked' WHERE username = 'anna'");
    assert_problem(&reset_for(&office, ANNA, false), 409, "user.state");
}

#[test]
fn what_is_no_request_is_refused_with_its_place() {
    let edge = edge();
    let mut browser = Browser::default();
    let ask = browser.post(&edge, "/v1/auth/password-reset", json!({ "identifier": 7, "x": 1 }));
    assert_eq!(findings(&ask), ["identifier request.wrong_type", "x request.unknown_field"]);
    let confirm = browser.post(&edge, "/v1/auth/password-reset/confirm", json!({}));
    assert_eq!(findings(&confirm), ["token request.missing", "new_password request.missing"]);
    let mut foreign = request("POST", "/v1/auth/password-reset");
    foreign.origin = HOST.to_owned();
    foreign.headers.insert("origin".to_owned(), "https://evil.example".to_owned());
    foreign.body = Body::Bytes(json!({ "identifier": "anna" }).to_string().into_bytes());
    assert_problem(&edge.send(foreign), 403, "request.cross_site");
    for name in
        ["a\u{0}b", "a' OR 1=1 --", "\u{202e}anna", "anna@acme.example\r\nBcc: evil@example.com", &"x".repeat(100_000)]
    {
        assert_eq!(browser.post(&edge, "/v1/auth/password-reset", json!({ "identifier": name })).status, 202);
    }
    assert!(links(&edge).is_empty());
}
