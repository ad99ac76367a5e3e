//! A password of one's own: how it changes, what it must be, and what ends with it.

use super::sign_in::{Browser, PASSWORD, edge, give_password};
use super::*;
use parapet_worker::platform::fetch::{FetchError, Incoming, Outgoing};

pub const NEW: &str = "sieben gruene Flaschen haengen dort";

/// Of its SHA-1, what comes after the first five digits, 9E98E.
pub const SUFFIX: &str = "BBDC716515146D92EADA6B7D9DF5A19D69B";

fn signed_in(edge: &Edge) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(edge, "anna", PASSWORD).status, 200);
    browser
}

fn change(edge: &Edge, browser: &mut Browser, current: &str, new: &str) -> Response {
    browser.post(edge, "/v1/me/password", json!({ "current_password": current, "new_password": new }))
}

/// The codes of what is wrong, with their fields.
#[track_caller]
pub fn findings(response: &Response) -> Vec<String> {
    assert_problem(response, 422, "request.invalid");
    let body = body(response);
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = body["findings"].as_array().unwrap();
    findings.iter().map(|finding| format!("{} {}", text(finding, "field"), text(finding, "code"))).collect()
}

pub fn set(edge: &Edge, key: &'static str, value: Value) {
    let insert = Statement::new(
        "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         VALUES (?1, ?2, 'security', ?3, ?4, ?5, ?5)",
    );
    let id = uuid::Builder::from_random_bytes(parapet_worker::platform::random::bytes().unwrap()).into_uuid();
    let insert = insert.bind(id).bind(TENANT).bind(key).bind(value.to_string()).bind(NOW);
    pollster::block_on(edge.app.db.all(insert)).unwrap();
}

/// Anna has a second factor, or has none.
pub fn give_factor(edge: &Edge) {
    edge.sql(
        "INSERT INTO mfa_device (id, tenant_id, user_id, type, device_name, counter, is_verified, is_primary, created_at)
         SELECT '01980000-0000-7000-8000-000000000a01', tenant_id, id, 'totp', 'phone', 0, 1, 1, created_at FROM user
         WHERE username = 'anna'",
    );
}

#[test]
fn a_password_is_changed_and_other_sessions_end() {
    let edge = edge();
    let (mut own, mut other) = (signed_in(&edge), signed_in(&edge));
    edge.app.clock.set(time(NOW).plus_millis(1000));
    assert_eq!(change(&edge, &mut own, PASSWORD, NEW).status, 204);
    assert_eq!(own.get(&edge, "/v1/me/session").status, 200);
    assert_problem(&other.get(&edge, "/v1/me/session"), 401, "session.ended");
    assert_problem(&Browser::default().sign_in(&edge, "anna", PASSWORD), 401, "sign_in.refused");
    assert_eq!(Browser::default().sign_in(&edge, "anna", NEW).status, 200);
    let user = &edge.sql("SELECT * FROM user WHERE username = 'anna'")[0];
    assert_eq!(user["password_changed_at"], "2026-03-02T10:00:01.000Z");
    assert!(user["password_hash"].as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    for table in ["audit_log", "outbox"] {
        let text = Value::from(edge.app.db.rows(table).into_iter().map(Value::Object).collect::<Vec<_>>()).to_string();
        assert!(text.contains("user.password_changed") && !text.contains("argon2") && !text.contains(NEW), "{table}");
    }
    super::messages::settle(&edge);
    let told = edge.sql("SELECT content FROM user_notification WHERE type = 'in_app' AND content LIKE '%was changed%'");
    let text = told[0]["content"].as_str().unwrap();
    assert!(text.contains("192.0.2.7") && text.contains("2026-03-02 10:00 UTC"), "{text}");
}

#[test]
fn the_password_of_before_is_shown_and_counted_like_a_try_to_sign_in() {
    let edge = edge();
    let mut own = signed_in(&edge);
    let mut stranger = Browser { cookies: own.cookies.clone(), address: Some("198.51.100.9") };
    stranger.cookies.retain(|(name, _)| name == "__Host-session");
    for _ in 0..10 {
        let response = change(&edge, &mut stranger, "wrong", NEW);
        assert_eq!(findings(&response), ["current_password password.wrong"]);
    }
    assert_problem(&change(&edge, &mut stranger, PASSWORD, NEW), 429, "rate.limited");
    // By the same counters: who holds a session has no tries of their own.
    let mut elsewhere = Browser { address: Some("198.51.100.9"), ..Browser::default() };
    assert_problem(&elsewhere.sign_in(&edge, "anna@acme.example", PASSWORD), 401, "sign_in.refused");
    let reasons =
        edge.sql("SELECT failure_reason, count(*) AS n FROM login_attempt WHERE user_id IS NOT NULL GROUP BY 1");
    assert!(reasons.iter().any(|row| row["failure_reason"] == "password" && row["n"] == 10), "{reasons:?}");
    // The own browser is counted by itself.
    assert_eq!(change(&edge, &mut own, PASSWORD, NEW).status, 204);
}

#[test]
fn a_password_is_long_enough_and_none_that_is_tried_first() {
    let edge = edge();
    let mut own = signed_in(&edge);
    for (new, codes) in [
        ("short", &["new_password password.too_short"][..]),
        ("fourteen chars", &["new_password password.too_short"]),
        ("", &["new_password password.empty"]),
        ("with a\nline break in it", &["new_password password.control_character"]),
        ("passwordpassword", &["new_password password.common"]),
        ("anna@acme.example", &["new_password password.context"]),
        (PASSWORD, &["new_password password.reused"]),
    ] {
        assert_eq!(findings(&change(&edge, &mut own, PASSWORD, new)), codes, "{new}");
    }
}

#[test]
fn a_second_factor_lets_it_be_shorter_and_a_tenant_asks_for_more() {
    let edge = edge();
    let mut own = signed_in(&edge);
    give_factor(&edge);
    assert_eq!(findings(&change(&edge, &mut own, PASSWORD, "vK3 mq7")), ["new_password password.too_short"]);
    assert_eq!(change(&edge, &mut own, PASSWORD, "vK3 mq7x").status, 204);
    set(&edge, "password_min_length", json!(20));
    assert_eq!(
        findings(&change(&edge, &mut own, "vK3 mq7x", "vK3 mq7x vK3 mz9p")),
        ["new_password password.too_short"]
    );
    edge.sql("DELETE FROM mfa_device");
    assert_eq!(change(&edge, &mut own, "vK3 mq7x", NEW).status, 204);
}

/// A source of breached passwords knows one by its range; the service says no more of it.
#[test]
fn a_password_from_a_breach_is_refused_where_a_tenant_asks_for_it() {
    let edge = edge();
    let mut own = signed_in(&edge);
    let asked: std::rc::Rc<std::cell::RefCell<Vec<Outgoing>>> = Default::default();
    let seen = asked.clone();
    let listed = format!("0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n{SUFFIX}:12\r\n");
    edge.app.fetch.answer(move |request| {
        seen.borrow_mut().push(request.clone());
        Ok(Incoming { status: 200, body: listed.clone().into_bytes(), ..Incoming::default() })
    });
    edge.app.dns.lead("api.pwnedpasswords.com", &["104.17.1.1".parse().unwrap()]);
    // Nobody is asked where the tenant has not said so.
    assert_eq!(change(&edge, &mut own, PASSWORD, NEW).status, 204);
    assert!(asked.borrow().is_empty());
    set(&edge, "breached_password_check", json!(true));
    assert_eq!(change(&edge, &mut own, NEW, PASSWORD).status, 204);
    assert_eq!(findings(&change(&edge, &mut own, PASSWORD, NEW)), ["new_password password.breached"]);
    let requests = asked.borrow().clone();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].url, "https://api.pwnedpasswords.com/range/9E98E");
    assert!(requests[1].headers.contains(&("add-padding".to_owned(), "true".to_owned())));
    assert!(requests[1].body.is_empty());
    // What is refused anyway is asked of nobody.
    assert_eq!(findings(&change(&edge, &mut own, PASSWORD, "short")), ["new_password password.too_short"]);
    assert_eq!(asked.borrow().len(), 2);
}

/// Whatever a source does that says nothing, the password is judged without it.
#[test]
fn a_source_of_breaches_that_says_nothing_keeps_nobody_from_a_password() {
    let listed = format!("{SUFFIX}:12\r\n").into_bytes();
    let answer = |status: u16, body: &[u8]| Ok(Incoming { status, body: body.to_vec(), ..Incoming::default() });
    let long = [listed.clone(), vec![b'\n'; parapet::password::breach::MAX_ANSWER]].concat();
    let answers = [
        Err(FetchError::Failed),
        Err(FetchError::Late),
        answer(500, &listed),
        answer(302, &listed),
        answer(404, b""),
        answer(200, b""),
        answer(200, b"<html>"),
        answer(200, &[0xff, 0xfe]),
        answer(200, &[listed.as_slice(), b"no line of it"].concat()),
        answer(200, &long),
    ];
    for said in answers {
        let edge = edge();
        set(&edge, "breached_password_check", json!(true));
        set(&edge, "breached_password_url", json!("https://breaches.acme.com/by/"));
        edge.app.dns.lead("breaches.acme.com", &["104.17.1.1".parse().unwrap()]);
        edge.app.fetch.answer(move |request| {
            assert!(request.url.starts_with("https://breaches.acme.com/by/"));
            said.clone()
        });
        assert_eq!(change(&edge, &mut signed_in(&edge), PASSWORD, NEW).status, 204);
    }
    // Nor is one asked that leads inside, or nowhere.
    for (url, leads) in [
        ("https://breaches.acme.com/", "10.0.0.7"),
        ("https://breaches.acme.com/", "169.254.169.254"),
        ("https://other.acme.com/", "104.17.1.1"),
        ("http://breaches.acme.com/", "104.17.1.1"),
        ("https://acme.id.example/", "104.17.1.1"),
    ] {
        let edge = edge();
        set(&edge, "breached_password_check", json!(true));
        set(&edge, "breached_password_url", json!(url));
        edge.app.dns.lead("breaches.acme.com", &[leads.parse().unwrap()]);
        edge.app.fetch.answer(|request| panic!("{request:?}"));
        assert_eq!(change(&edge, &mut signed_in(&edge), PASSWORD, NEW).status, 204);
    }
}

#[test]
fn passwords_of_before_are_refused_as_far_as_a_tenant_remembers() {
    let edge = edge();
    set(&edge, "password_history", json!(2));
    let mut own = signed_in(&edge);
    let names = ["erste lange Losung hier", "zweite lange Losung hier", "dritte lange Losung hier"];
    let mut current = PASSWORD;
    for new in names {
        edge.app.clock.set(edge.app.clock.now().plus_millis(1000));
        assert_eq!(change(&edge, &mut own, current, new).status, 204);
        current = new;
    }
    for former in [names[2], names[1], names[0]] {
        assert_eq!(findings(&change(&edge, &mut own, current, former)), ["new_password password.reused"]);
    }
    assert_eq!(edge.app.db.count("former_password"), Some(2));
    assert_eq!(change(&edge, &mut own, current, PASSWORD).status, 204);
    edge.sql("UPDATE tenant_setting SET setting_value = '0' WHERE setting_key = 'password_history'");
    edge.app.clock.set(edge.app.clock.now().plus_millis(1000));
    assert_eq!(change(&edge, &mut own, PASSWORD, NEW).status, 204);
    assert_eq!(edge.app.db.count("former_password"), Some(0), "nothing is kept that nobody asks for");
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let edge = edge();
    let own = signed_in(&edge);
    let cookie = own.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let mut request = request("POST", "/v1/me/password");
    request.origin = super::sign_in::HOST.to_owned();
    request.headers.insert("cookie".to_owned(), cookie);
    request.headers.insert("origin".to_owned(), "https://evil.example".to_owned());
    request.body = Body::Bytes(json!({ "current_password": PASSWORD, "new_password": NEW }).to_string().into_bytes());
    assert_problem(&edge.send(request), 403, "request.cross_site");
}

#[test]
fn another_users_sessions_stay() {
    let edge = edge();
    let mut own = signed_in(&edge);
    give_password(&edge, BEN, PASSWORD);
    let mut ben = Browser::default();
    ben.sign_in(&edge, "ben@acme.example", PASSWORD);
    assert_eq!(change(&edge, &mut own, PASSWORD, NEW).status, 204);
    assert_eq!(ben.get(&edge, "/v1/me/session").status, 200);
}
