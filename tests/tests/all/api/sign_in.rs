//! Signing in with a password: what leads to a session, what does not, and what nobody learns from being refused.

use super::*;
use parapet::opaque_token::{OpaqueToken, TokenKind};
use parapet_worker::platform::db::Statement;

/// The tenant's own host.
pub const HOST: &str = "https://acme.id.example";

pub const PASSWORD: &str = "ein Pferd frisst keinen Gurkensalat";

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Gives a user a password, as if it had been chosen when that was enough.
pub fn give_password(edge: &Edge, user: &str, password: &str) {
    let password = parapet::password::Password::chosen(password).unwrap();
    let known = if password.characters() >= parapet::password::LEAST_ALONE {
        "INSERT OR IGNORE INTO lone_password (tenant_id, user_id) SELECT tenant_id, id FROM user WHERE id = ?1"
    } else {
        "DELETE FROM lone_password WHERE user_id = ?1"
    };
    pollster::block_on(edge.app.db.all(Statement::new(known).bind(user))).unwrap();
    let hash = parapet::password::Hasher::new().hash(&password, [7; parapet::password::SALT_BYTES]).unwrap();
    let statement = Statement::new("UPDATE user SET password_hash = ?1 WHERE id = ?2").bind(hash.expose()).bind(user);
    pollster::block_on(edge.app.db.all(statement)).unwrap();
}

/// A browser, which keeps cookies.
#[derive(Default)]
pub struct Browser {
    pub cookies: Vec<(String, String)>,
    pub address: Option<&'static str>,
}

impl Browser {
    /// Sends a request as a page of the host itself.
    pub fn send(&mut self, edge: &Edge, method: &str, path: &str, body: Option<Value>) -> Response {
        let mut request = request(method, path);
        if let Some(body) = body {
            request.headers.insert("content-type".to_owned(), "application/json".to_owned());
            request.body = Body::Bytes(body.to_string().into_bytes());
        }
        self.deliver(edge, request)
    }

    /// Sends a request with what a browser says by itself, and keeps the cookies of the answer.
    pub fn deliver(&mut self, edge: &Edge, mut request: Request) -> Response {
        request.origin = HOST.to_owned();
        let method = request.method.clone();
        let mut header = |name: &str, value: &str| {
            request.headers.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        };
        header("user-agent", FIREFOX);
        header("cf-connecting-ip", self.address.unwrap_or("192.0.2.7"));
        if method != "GET" {
            header("origin", HOST);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            header("cookie", &pairs.join("; "));
        }
        let response = edge.send(request);
        for (_, set) in response.headers.iter().filter(|(name, _)| *name == "set-cookie") {
            let (pair, attributes) = set.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-") && attributes.contains("Secure") && attributes.contains("HttpOnly"));
            assert!(attributes.contains("Path=/;") && attributes.contains("SameSite=Lax"));
            self.cookies.retain(|(its, _)| its != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        response
    }

    pub fn get(&mut self, edge: &Edge, path: &str) -> Response {
        self.send(edge, "GET", path, None)
    }

    pub fn post(&mut self, edge: &Edge, path: &str, body: Value) -> Response {
        self.send(edge, "POST", path, Some(body))
    }

    pub fn sign_in(&mut self, edge: &Edge, name: &str, password: &str) -> Response {
        self.post(edge, "/v1/auth/sign-in", json!({ "identifier": name, "password": password }))
    }
}

/// Anna has a password.
pub fn edge() -> Edge {
    let edge = Edge::new();
    give_password(&edge, ANNA, PASSWORD);
    edge
}

#[test]
fn a_password_leads_to_a_session_by_either_name() {
    let edge = edge();
    for name in ["anna@acme.example", " Anna@ACME.example ", "anna"] {
        let mut browser = Browser::default();
        let response = browser.sign_in(&edge, name, PASSWORD);
        assert_eq!(response.status, 200, "{:#}", body(&response));
        assert_eq!(body(&response)["status"], "signed_in");
        assert_eq!(body(&response)["session"]["amr"], json!(["pwd"]));
        assert!(body(&response)["token"].is_null());
        let me = browser.get(&edge, "/v1/me/session");
        assert_eq!(body(&me)["device_info"], "Firefox on Linux");
        assert_eq!(body(&me)["csrf_token"], body(&response)["csrf_token"]);
    }
    let rows = edge.sql("SELECT session_token, auth_time, expires_at FROM user_session");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["session_token"].as_str().unwrap().len() == 64), "a hash and no token");
    let attempts = edge.sql("SELECT * FROM login_attempt WHERE result = 'success' AND user_id IS NOT NULL");
    assert_eq!(attempts.len(), 3);
    assert_eq!(edge.sql("SELECT last_login_at FROM user WHERE username = 'anna'")[0]["last_login_at"], NOW);
    let versions = edge.sql("SELECT directory_version FROM tenant_epoch");
    assert_eq!(versions[0]["directory_version"], 3, "signing in changes no rules");
}

#[test]
fn a_program_takes_the_token() {
    let edge = edge();
    let wanted = json!({ "identifier": "anna", "password": PASSWORD, "delivery": "token" });
    let response = Browser::default().post(&edge, "/v1/auth/sign-in", wanted);
    let token = body(&response)["token"].as_str().unwrap().to_owned();
    assert_eq!(response.header("set-cookie"), None);
    assert!(OpaqueToken::parse(TokenKind::Session, &token).is_some());
    let mut request = request("GET", "/v1/me/session");
    request.origin = HOST.to_owned();
    request.headers.insert("authorization".to_owned(), format!("Bearer {token}"));
    assert_eq!(edge.send(request).status, 200);
}

#[test]
fn whoever_is_refused_learns_nothing() {
    let edge = edge();
    edge.sql("UPDATE user SET state = 'locked' WHERE username IS NULL");
    give_password(&edge, BEN, PASSWORD);
    let mut seen = Vec::new();
    for (name, password, why) in [
        ("anna@acme.example", "wrong", "password"),
        ("nobody@acme.example", "wrong", "unknown"),
        ("ben@acme.example", PASSWORD, "inactive"),
        ("ben@acme.example", "wrong", "password"),
    ] {
        let runs = edge.app.memory.hasher.borrow().runs();
        let (response, statements) = edge.app.db.recording(|| Browser::default().sign_in(&edge, name, password));
        assert_problem(&response, 401, "sign_in.refused");
        let mut answer = body(&response);
        answer["request_id"] = Value::Null;
        let sql: Vec<String> = statements.iter().map(|statement| statement.sql().to_owned()).collect();
        seen.push((answer, sql, edge.app.memory.hasher.borrow().runs() - runs));
        let attempt = edge.sql("SELECT * FROM login_attempt ORDER BY rowid DESC LIMIT 1").remove(0);
        assert_eq!(attempt["failure_reason"], why);
        let log = edge.sql("SELECT * FROM audit_log ORDER BY sequence DESC LIMIT 1").remove(0);
        assert_eq!((&log["event_type"], &log["result"]), (&json!("login_attempt.failed"), &json!("failure")));
        assert!(!log["event_data"].as_str().unwrap().contains("acme.example"), "nothing personal is in the clear");
    }
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
    assert_eq!(seen[0].2, 1, "one run of Argon2");
}

#[test]
fn tries_at_an_account_wait_longer_and_longer_and_nobody_is_locked_out_for_good() {
    let edge = edge();
    let mut stranger = Browser::default();
    for _ in 0..10 {
        assert_problem(&stranger.sign_in(&edge, "anna", "wrong"), 401, "sign_in.refused");
    }
    // The right password waits as well, or a wait would say which it is.
    let runs = edge.app.memory.hasher.borrow().runs();
    let response = stranger.sign_in(&edge, "anna", PASSWORD);
    assert_problem(&response, 429, "rate.limited");
    assert_eq!(response.header("retry-after"), Some("2"));
    assert_eq!(edge.app.memory.hasher.borrow().runs(), runs, "no password is looked at");
    let reasons = edge.sql("SELECT failure_reason, count(*) AS n FROM login_attempt GROUP BY 1 ORDER BY 1");
    assert_eq!((&reasons[1]["failure_reason"], &reasons[1]["n"]), (&json!("throttled"), &json!(1)));
    let mut now = time(NOW);
    for wait in [1, 2, 4, 8, 16] {
        now = now.plus_millis(wait * 1000 - 1);
        edge.app.clock.set(now);
        assert_problem(&stranger.sign_in(&edge, "anna", "wrong"), 429, "rate.limited");
        now = now.plus_millis(1);
        edge.app.clock.set(now);
        assert_problem(&stranger.sign_in(&edge, "anna", "wrong"), 401, "sign_in.refused");
    }
    now = now.plus_millis(32 * 1000);
    edge.app.clock.set(now);
    assert_eq!(stranger.sign_in(&edge, "anna", PASSWORD).status, 200);
    assert_problem(&Browser::default().sign_in(&edge, "anna", "wrong"), 401, "sign_in.refused");
}

/// An account has two names and one count. But that a name nobody has tried must wait would say whose it is.
#[test]
fn both_names_of_an_account_count_together_and_nobody_learns_of_it() {
    let edge = edge();
    let mut stranger = Browser::default();
    for _ in 0..10 {
        assert_problem(&stranger.sign_in(&edge, "anna@acme.example", "wrong"), 401, "sign_in.refused");
    }
    assert_problem(&stranger.sign_in(&edge, "anna@acme.example", PASSWORD), 429, "rate.limited");
    // By the other name even the right password is refused, with the work and the answer of any that is wrong.
    let mut seen = Vec::new();
    for (name, password) in [("anna", PASSWORD), ("anna", "wrong"), ("nobody", "wrong")] {
        let runs = edge.app.memory.hasher.borrow().runs();
        let (response, statements) = edge.app.db.recording(|| stranger.sign_in(&edge, name, password));
        assert_problem(&response, 401, "sign_in.refused");
        let sql: Vec<String> = statements.iter().map(|statement| statement.sql().to_owned()).collect();
        seen.push((sql, edge.app.memory.hasher.borrow().runs() - runs));
    }
    assert!(seen.iter().all(|other| *other == seen[0]));
    let tries = edge.sql("SELECT failure_reason FROM login_attempt WHERE email_attempted = 'anna'");
    assert!(tries.iter().all(|row| row["failure_reason"] == "throttled"), "{tries:?}");
    // By the other name there are as many tries as by one that nobody has, and all of them in vain.
    for _ in 2..10 {
        assert_problem(&stranger.sign_in(&edge, "anna", PASSWORD), 401, "sign_in.refused");
    }
    assert_problem(&stranger.sign_in(&edge, "anna", PASSWORD), 429, "rate.limited");
    // The wait is over: once the account is free again, it opens by either name, and all is forgotten.
    edge.app.clock.set(time(NOW).plus_millis(2_000));
    assert_eq!(stranger.sign_in(&edge, "anna", PASSWORD).status, 200);
    let left = edge.sql("SELECT subject FROM login_throttle WHERE subject LIKE 'user/%'");
    assert!(left.is_empty(), "{left:?}");
}

/// What is known of the host is known as long as of a key, and a change that was made here is seen at once.
#[test]
fn a_host_is_remembered_for_as_long_as_a_key() {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "5"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "id.example"),
    ]);
    give_password(&edge, ANNA, PASSWORD);
    let trips = |edge: &Edge| {
        let before = edge.app.db.round_trips();
        assert_eq!(Browser::default().sign_in(edge, "anna", PASSWORD).status, 200);
        edge.app.db.round_trips() - before
    };
    assert_eq!((trips(&edge), trips(&edge)), (4, 3), "the host; the count, the read at the log's end, and the write");
    edge.sql("UPDATE tenant SET status = 'suspended'");
    edge.app.clock.set(time(NOW).plus_millis(4_999));
    assert_eq!(Browser::default().sign_in(&edge, "anna", PASSWORD).status, 200);
    assert_problem(&Browser::default().get(&edge, "/v1/me/session"), 401, "key.missing");
    edge.app.clock.set(time(NOW).plus_millis(5_000));
    assert_problem(&Browser::default().sign_in(&edge, "anna", PASSWORD), 404, "http.not_found");
    edge.sql("UPDATE tenant SET status = 'active'");
    assert_eq!((trips(&edge), trips(&edge)), (4, 3));
    let tenant = TENANT.parse().unwrap();
    let newer = parapet_worker::memory::Versions { policy: 8, directory: 3 };
    edge.app.memory.saw(tenant, newer);
    edge.sql("UPDATE tenant_epoch SET policy_version = 8");
    assert_eq!((trips(&edge), trips(&edge)), (4, 3));
}

#[test]
fn the_own_browser_comes_in_while_strangers_wait() {
    let edge = edge();
    let mut own = Browser::default();
    assert_eq!(own.sign_in(&edge, "anna", PASSWORD).status, 200);
    let mut stranger = Browser { address: Some("198.51.100.9"), ..Browser::default() };
    while stranger.sign_in(&edge, "anna", "wrong").status == 401 {}
    assert_eq!(own.sign_in(&edge, "anna", PASSWORD).status, 200);
    assert_problem(&stranger.sign_in(&edge, "anna", PASSWORD), 429, "rate.limited");
    // A browser that another user has signed in with is nobody's proof.
    give_password(&edge, BEN, PASSWORD);
    assert_eq!(stranger.sign_in(&edge, "ben@acme.example", PASSWORD).status, 200);
    assert_problem(&stranger.sign_in(&edge, "anna", PASSWORD), 429, "rate.limited");
}

#[test]
fn a_new_browser_is_told_of_and_a_known_one_is_not() {
    let edge = edge();
    let mut own = Browser::default();
    for device in ["new", "known"] {
        own.sign_in(&edge, "anna", PASSWORD);
        let event =
            edge.sql("SELECT * FROM outbox WHERE event_type = 'user_session.created' ORDER BY rowid DESC LIMIT 1");
        let payload: Value = serde_json::from_str(event[0]["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload["cause"]["device"], device);
        edge.app.clock.set(edge.app.clock.now().plus_millis(1000));
    }
}

#[test]
fn a_page_of_another_origin_signs_nobody_in() {
    let edge = edge();
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "same-site")] {
        let mut request = request("POST", "/v1/auth/sign-in");
        request.origin = HOST.to_owned();
        request.headers.insert(name.to_owned(), value.to_owned());
        request.body = Body::Bytes(json!({ "identifier": "anna", "password": PASSWORD }).to_string().into_bytes());
        assert_problem(&edge.send(request), 403, "request.cross_site");
    }
}

#[test]
fn only_a_tenants_own_host_signs_in() {
    let edge = edge();
    edge.seed(&other());
    let sign_in = |origin: &str| {
        let mut request = request("POST", "/v1/auth/sign-in");
        request.origin = origin.to_owned();
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        request.body = Body::Bytes(json!({ "identifier": "anna", "password": PASSWORD }).to_string().into_bytes());
        edge.send(request)
    };
    for origin in ["https://id.example", "https://www.id.example", "https://none.id.example", "https://pdp.example"] {
        assert_problem(&sign_in(origin), 404, "http.not_found");
    }
    assert_problem(&sign_in("https://other.id.example"), 401, "sign_in.refused");
    assert_eq!(sign_in(HOST).status, 200);
    edge.sql("UPDATE tenant SET status = 'suspended' WHERE slug = 'acme'");
    assert_problem(&sign_in(HOST), 404, "http.not_found");
}

#[test]
fn what_is_no_sign_in_is_refused_with_its_place() {
    let edge = edge();
    for (sent, code, field) in [
        (json!({}), "request.missing", "identifier"),
        (json!({ "identifier": 1, "password": "x" }), "request.wrong_type", "identifier"),
        (json!({ "identifier": "a", "password": ["x"] }), "request.wrong_type", "password"),
        (json!({ "identifier": "a", "password": "x", "delivery": "mail" }), "request.wrong_type", "delivery"),
        (json!({ "identifier": "a", "password": "x", "remember": true }), "request.unknown_field", "remember"),
    ] {
        let response = Browser::default().post(&edge, "/v1/auth/sign-in", sent);
        assert_problem(&response, 422, "request.invalid");
        let finding = &body(&response)["findings"][0];
        assert_eq!((finding["code"].as_str(), finding["field"].as_str()), (Some(code), Some(field)));
    }
    let hostile = ["a\u{0}b", "a' OR 1=1 --", "\u{202e}anna", "аnna@acme.example", &"x".repeat(100_000)];
    for name in hostile {
        assert_problem(&Browser::default().sign_in(&edge, name, "x"), 401, "sign_in.refused");
    }
    let kept = edge.sql("SELECT max(length(email_attempted)) AS longest FROM login_attempt");
    assert_eq!(kept[0]["longest"], 320);
}

#[test]
fn a_second_factor_is_asked_for_before_there_is_a_session() {
    let edge = edge();
    edge.sql(
        "INSERT INTO mfa_device (id, tenant_id, user_id, type, device_name, counter, is_verified, is_primary, created_at)
         SELECT '01980000-0000-7000-8000-000000000a01', tenant_id, id, 'totp', 'phone', 0, 1, 1, created_at FROM user
         WHERE username = 'anna'",
    );
    let mut browser = Browser::default();
    let response = browser.sign_in(&edge, "anna", PASSWORD);
    assert_eq!((response.status, body(&response)["status"].as_str()), (200, Some("second_factor_required")));
    assert_eq!(body(&response)["methods"], json!(["totp"]));
    assert!(browser.cookies.is_empty() && edge.sql("SELECT 1 FROM user_session").is_empty());
    let flow = &edge.sql("SELECT * FROM login_flow")[0];
    assert!(!flow["state"].as_str().unwrap().contains(PASSWORD));
    // It tells of the password that it was right; of whether that is enough, to nobody who has not got it.
    assert_problem(&browser.sign_in(&edge, "anna", "wrong"), 401, "sign_in.refused");
}

#[test]
fn the_user_is_told_of_a_new_browser_and_of_many_failures() {
    let edge = edge();
    let mut stranger = Browser::default();
    for _ in 0..12 {
        stranger.sign_in(&edge, "anna", "wrong");
    }
    edge.app.clock.set(time(NOW).plus_millis(60_000));
    let mut own = Browser::default();
    assert_eq!(own.sign_in(&edge, "anna", PASSWORD).status, 200);
    assert_eq!(own.sign_in(&edge, "anna", PASSWORD).status, 200);
    super::messages::settle(&edge);
    let told = edge.sql("SELECT content FROM user_notification WHERE type = 'in_app' ORDER BY rowid");
    let texts: Vec<&str> = told.iter().map(|row| row["content"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("10") && text.contains("192.0.2.7")), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("Firefox on Linux")), "{texts:?}");
}

#[test]
fn a_hash_of_elsewhere_opens_once_and_is_ours_from_then_on() {
    let edge = edge();
    // Django's, of `correct horse battery staple`.
    let django = "pbkdf2_sha256$1000$parapetsalt$zn1ASOsFI69xD8d5XmjyJOS/6UhFjgaAG9f2/Lu3/jE=";
    pollster::block_on(edge.app.db.all(Statement::new("UPDATE user SET password_hash = ?1").bind(django))).unwrap();
    let mut browser = Browser::default();
    assert_problem(&browser.sign_in(&edge, "anna", "correct horse battery stable"), 401, "sign_in.refused");
    for _ in 0..2 {
        assert_eq!(browser.sign_in(&edge, "anna", "correct horse battery staple").status, 200);
        let hash = edge.sql("SELECT password_hash FROM user WHERE username = 'anna'").remove(0);
        assert!(hash["password_hash"].as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
    let text = "UPDATE user SET password_hash = 'no hash'";
    edge.sql(text);
    assert_problem(&browser.sign_in(&edge, "anna", "no hash"), 401, "sign_in.refused");
}
