//! Signing up: who may, what becomes of it, and what nobody learns or plants by it.

use super::administration::{Office, assert_status, office};
use super::own_password::{NEW, SUFFIX, findings, set};
use super::recovery::{assert_hidden, links, token};
use super::sign_in::{Browser, HOST, PASSWORD, edge, give_password};
use super::*;
use parapet::opaque_token::{OpaqueToken, TokenKind};

const MINUTE: i64 = 60_000;

const EVE: &str = "eve@new.example";

fn open() -> Edge {
    let edge = edge();
    set(&edge, "sign_up", json!("open"));
    edge
}

/// Asks for an account with exactly this.
fn ask_with(edge: &Edge, sent: Value) -> Response {
    Browser::default().post(edge, "/v1/auth/sign-up", sent)
}

fn ask(edge: &Edge, email: &str) -> Response {
    ask_with(edge, json!({ "email": email, "password": NEW }))
}

fn confirm(edge: &Edge, token: &str, password: &str) -> Response {
    Browser::default().post(edge, "/v1/auth/sign-up/confirm", json!({ "token": token, "password": password }))
}

fn rules(edge: &Edge) -> Value {
    let response = Browser::default().get(edge, "/v1/auth/sign-up");
    assert_eq!(response.status, 200);
    body(&response)
}

fn users(edge: &Edge, email: &'static str) -> Vec<Row> {
    let mut rows = edge.app.db.rows("user");
    rows.retain(|row| row["email"] == email);
    rows
}

#[test]
fn whoever_signs_up_is_a_user_with_a_confirmed_address_and_signed_in() {
    let office = office();
    let edge = &office.edge;
    set(edge, "sign_up", json!("open"));
    let sent = json!({ "email": " Eve@NEW.example ", "password": NEW, "first_name": " Eve ", "last_name": null });
    let response = ask_with(edge, sent);
    assert_eq!((response.status, response.body.is_empty()), (202, true));
    assert_eq!(edge.app.db.count("user_notification"), Some(0), "the answer waits for no message");
    let versions = office.versions();
    let (purpose, to, link) = links(edge).remove(0);
    assert_eq!((purpose.as_str(), to.as_deref()), ("sign_up.confirm", Some(EVE)));
    let token = link.strip_prefix("https://acme.id.example/sign-up/confirm?token=").unwrap().to_owned();
    assert_hidden(edge, &token);
    // Nothing that was typed stands in the message, and nobody is there yet.
    let message = &edge.sql("SELECT user_id, content, subject FROM user_notification")[0];
    assert_eq!(message["user_id"], Value::Null);
    assert!(message["content"].as_str().unwrap().contains("(•••)") && !message["content"].to_string().contains("Eve"));
    assert!(users(edge, EVE).is_empty());
    assert_eq!(office.versions(), versions, "nothing that counts for decisions has changed");
    let waiting = &edge.sql("SELECT * FROM pending_sign_up")[0];
    assert!(waiting["password_hash"].as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    for table in ["audit_log", "outbox"] {
        let text = Value::from(edge.app.db.rows(table).into_iter().map(Value::Object).collect::<Vec<_>>()).to_string();
        assert!(!text.contains(EVE) && !text.contains("Eve") && !text.contains("argon2"), "{table}: {text}");
    }

    let mut browser = Browser::default();
    let sent = json!({ "token": token, "password": NEW });
    let response = browser.post(edge, "/v1/auth/sign-up/confirm", sent);
    assert_eq!(body(&response)["status"], "signed_in", "{:#}", body(&response));
    assert_eq!(browser.get(edge, "/v1/me/session").status, 200);
    let user = users(edge, EVE).remove(0);
    assert_eq!(user["id"], waiting["id"]);
    let is = |name: &str| user[name].clone();
    assert_eq!((is("state"), is("is_active"), is("email_verified")), (json!("active"), json!(1), json!(1)));
    assert_eq!((is("first_name"), is("last_name"), is("password_changed_at")), (json!("Eve"), Value::Null, json!(NOW)));
    assert_eq!(
        edge.sql("SELECT 1 FROM user_role WHERE user_id IN (SELECT id FROM user WHERE email = 'eve@new.example')")
            .len(),
        0
    );
    assert_eq!(edge.app.db.count("pending_sign_up"), Some(0));
    let log = office.log();
    let made = log.iter().find(|row| row.event_type == "user.created").unwrap();
    assert_eq!(made.event_data["cause"]["by"], "sign_up");
    assert_eq!(made.event_data["actor"], json!({ "type": "User", "id": user["id"] }));
    assert!(!Value::Object(made.event_data.clone()).to_string().contains(EVE), "who it is lies under their own key");
    assert_eq!(office.versions(), (versions.0, versions.1 + 1));
    // Once; and the password is theirs.
    assert_problem(&confirm(edge, &token, NEW), 401, "link.refused");
    assert_eq!(Browser::default().sign_in(edge, EVE, NEW).status, 200);
}

#[test]
fn who_may_is_what_the_tenant_has_set() {
    for (mode, status) in [(None, 403), (Some("closed"), 403), (Some("invited"), 403), (Some("open"), 202)] {
        let edge = edge();
        if let Some(mode) = mode {
            set(&edge, "sign_up", json!(mode));
        }
        let rules = rules(&edge);
        assert_eq!(rules, json!({ "mode": mode.unwrap_or("closed"), "bot_check": false, "terms": null }));
        let response = ask(&edge, EVE);
        assert_eq!(response.status, status, "{mode:?}");
        if status == 403 {
            assert_problem(&response, 403, "sign_up.closed");
            assert_problem(&confirm(&edge, "pl_", NEW), 403, "sign_up.closed");
            assert_eq!(edge.app.db.count("pending_sign_up"), Some(0));
        }
    }
    // Where there is no tenant's own host, or no tenant that is active, there is nothing.
    let edge = open();
    let mut request = request("POST", "/v1/auth/sign-up");
    request.body = Body::Bytes(json!({ "email": EVE, "password": NEW }).to_string().into_bytes());
    request.origin = "https://id.example".to_owned();
    assert_problem(&edge.send(request.clone()), 404, "http.not_found");
    edge.sql("UPDATE tenant SET status = 'suspended'");
    assert_problem(&ask(&edge, EVE), 404, "http.not_found");
}

#[test]
fn a_domain_is_compared_whole() {
    let edge = edge();
    set(&edge, "sign_up", json!("domain"));
    assert_problem(&ask(&edge, "eve@acme.example"), 403, "sign_up.domain");
    set(&edge, "sign_up_domains", json!(["acme.example", "bücher.example"]));
    for email in ["eve@acme.example", "EVE2@Acme.Example", "eve3@ａcme．example", "eve@b\u{75}\u{308}cher.example"] {
        assert_eq!(ask(&edge, email).status, 202, "{email}");
    }
    for email in [
        "eve@sub.acme.example",
        "eve@notacme.example",
        "eve@acme.example.evil.example",
        "eve@example",
        "eve@xn--bcher-kva.example",
        "eve@\u{430}cme.example",
        "acme.example@evil.example",
    ] {
        assert_problem(&ask(&edge, email), 403, "sign_up.domain");
    }
    assert!(!rules(&edge).to_string().contains("acme.example"), "which they are is not said");
    // What was admitted is asked once more when it is confirmed.
    let token = token(&edge, "sign_up.confirm");
    edge.sql("UPDATE tenant_setting SET setting_value = '[\"other.example\"]' WHERE setting_key = 'sign_up_domains'");
    assert_problem(&confirm(&edge, &token, NEW), 403, "sign_up.domain");
    edge.sql("UPDATE tenant_setting SET setting_value = '\"invited\"' WHERE setting_key = 'sign_up'");
    assert_problem(&confirm(&edge, &token, NEW), 403, "sign_up.closed");
    assert_eq!(users(&edge, "eve@acme.example").len(), 0);
}

#[test]
fn whoever_asks_learns_nothing() {
    let edge = open();
    edge.seed(&other());
    edge.sql("UPDATE user SET state = 'locked' WHERE username IS NULL");
    edge.sql(
        "INSERT INTO user SELECT '01980000-0000-7000-8000-000000000777', tenant_id, 'gone@acme.example', NULL, NULL, NULL, NULL, NULL,
           NULL, '{}', 0, 0, 1, 'deleted', 0, NULL, NULL, created_at, updated_at, created_at,
           NULL, NULL FROM user WHERE username = 'anna'",
    );
    edge.sql(
        "INSERT INTO user SELECT '01980000-0000-7000-8000-000000000778', tenant_id, 'inv@acme.example', NULL, NULL, NULL, NULL, NULL,
           NULL, '{}', 0, 0, 1, 'invited', 0, NULL, NULL, created_at, updated_at, NULL, NULL, NULL
           FROM user WHERE username = 'anna'",
    );
    let mut seen = Vec::new();
    for email in [
        "nobody@acme.example",
        "anna@acme.example",
        " ANNA@ａcme.example",
        "ben@acme.example",
        "inv@acme.example",
        "gone@acme.example",
        "\u{430}nna@acme.example",
        "anna@elsewhere.example",
    ] {
        let (response, statements) = edge.app.db.recording(|| ask(&edge, email));
        let sql: Vec<String> = statements.iter().map(|statement| statement.sql().to_owned()).collect();
        seen.push((response.status, response.body.clone(), response.headers.len(), sql));
    }
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
    assert_eq!((seen[0].0, seen[0].1.is_empty()), (202, true));
    // Who has an account is told so, and nothing waits under their address.
    let sent = links(&edge);
    let mut to: Vec<&str> = sent.iter().map(|(_, to, _)| to.as_deref().unwrap()).collect();
    to.sort_unstable();
    assert_eq!(to, ["anna@elsewhere.example", "gone@acme.example", "nobody@acme.example", "\u{430}nna@acme.example"]);
    assert!(sent.iter().all(|(purpose, ..)| purpose == "sign_up.confirm"));
    let told = edge.sql(
        "SELECT u.email FROM user_notification n JOIN user u ON u.id = n.user_id
         WHERE json_extract(n.metadata, '$.purpose') = 'email.taken' ORDER BY u.email",
    );
    let told: Vec<&str> = told.iter().map(|row| row["email"].as_str().unwrap()).collect();
    assert_eq!(told, ["anna@acme.example", "ben@acme.example", "inv@acme.example"]);
    assert_eq!(edge.app.db.count("pending_sign_up"), Some(4));
    let log = edge.sql("SELECT event_data FROM audit_log WHERE event_type = 'user.sign_up_requested'");
    assert_eq!(log.len(), 8);
    assert!(!json!(log).to_string().contains("acme.example"));
}

#[test]
fn a_link_that_is_not_good_is_refused_whatever_is_wrong_with_it() {
    let office = office();
    let edge = &office.edge;
    edge.seed(&other());
    give_password(edge, ANNA, PASSWORD);
    set(edge, "sign_up", json!("open"));
    edge.sql("UPDATE tenant SET settings = '{\"security\":{\"sign_up\":\"open\"}}' WHERE slug = 'other'");
    ask(edge, EVE);
    let good = token(edge, "sign_up.confirm");
    Browser::default().post(edge, "/v1/auth/password-reset", json!({ "identifier": "anna" }));
    let reset = token(edge, "password.reset");
    let mut answers = Vec::new();
    let mut refuse = |what: &str, response: Response| {
        assert_eq!(response.status, 401, "{what}");
        assert_problem(&response, 401, "link.refused");
        let mut answer = body(&response);
        answer["request_id"] = Value::Null;
        answers.push(answer);
    };
    for text in [
        "",
        "x",
        "pl_",
        good.split_at(good.len() - 1).0,
        &good.replace("pl_", "pf_"),
        &format!("{good}A"),
        &good.to_uppercase(),
    ] {
        refuse(text, confirm(edge, text, NEW));
    }
    let random = OpaqueToken::from_random(TokenKind::Link, [9; 32]);
    refuse("nobody's", confirm(edge, random.expose(), NEW));
    refuse("another purpose", confirm(edge, &reset, NEW));
    let sent = json!({ "token": good, "password": NEW });
    refuse("as an invitation", Browser::default().post(edge, "/v1/auth/invitation/accept", sent.clone()));
    let as_reset = json!({ "token": good, "new_password": NEW });
    refuse("as a reset", Browser::default().post(edge, "/v1/auth/password-reset/confirm", as_reset));
    let mut elsewhere = request("POST", "/v1/auth/sign-up/confirm");
    elsewhere.origin = "https://other.id.example".to_owned();
    elsewhere.body = Body::Bytes(sent.to_string().into_bytes());
    refuse("another tenant's host", edge.send(elsewhere));
    edge.app.clock.set(time(NOW).plus_millis(60 * MINUTE));
    refuse("over", confirm(edge, &good, NEW));
    edge.app.clock.set(time(NOW).plus_millis(60 * MINUTE - 1));
    // An address that meanwhile became somebody's.
    assert_status(&office.admin("POST", "/v1/users", json!({ "email": EVE })), 201);
    refuse("somebody's", confirm(edge, &good, NEW));
    assert_eq!(users(edge, EVE).len(), 1);
    assert_eq!(users(edge, EVE)[0]["password_hash"], Value::Null);
    edge.sql("DELETE FROM user WHERE email = 'eve@new.example'");
    assert_eq!(confirm(edge, &good, NEW).status, 200);
    refuse("again", confirm(edge, &good, NEW));
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

/// Whoever signs up with somebody else's address has none of their passwords confirmed by its owner.
#[test]
fn the_link_alone_makes_no_account() {
    let edge = open();
    ask(&edge, EVE);
    let token = token(&edge, "sign_up.confirm");
    assert_eq!(findings(&confirm(&edge, &token, "")), ["password password.wrong"]);
    assert_eq!(findings(&confirm(&edge, &token, PASSWORD)), ["password password.wrong"]);
    assert!(users(&edge, EVE).is_empty());
    let tries = edge.sql("SELECT email_attempted, failure_reason, user_id FROM login_attempt");
    assert_eq!(tries.len(), 2);
    assert_eq!((&tries[0]["failure_reason"], &tries[0]["user_id"]), (&json!("password"), &Value::Null));
    // Guessing waits as at the door.
    let mut guessed = 2;
    while confirm(&edge, &token, "falsch und noch einmal falsch").status == 422 {
        guessed += 1;
        assert!(guessed < 20);
    }
    assert_eq!(guessed, 10);
    assert_problem(&confirm(&edge, &token, NEW), 429, "rate.limited");
    edge.app.clock.set(time(NOW).plus_millis(16 * MINUTE));
    assert_eq!(confirm(&edge, &token, NEW).status, 200);
}

#[test]
fn the_newest_link_is_good_alone_and_asking_takes_none_away() {
    let edge = open();
    ask(&edge, EVE);
    let first = token(&edge, "sign_up.confirm");
    let other = "zehn kleine Jaegermeister trinken";
    ask_with(&edge, json!({ "email": EVE, "password": other }));
    assert_eq!(
        findings(&confirm(&edge, &first, "wrong")),
        ["password password.wrong"],
        "until the newer is on its way"
    );
    let second = token(&edge, "sign_up.confirm");
    assert_ne!(first, second);
    assert_problem(&confirm(&edge, &first, NEW), 401, "link.refused");
    assert_eq!(findings(&confirm(&edge, &second, NEW)), ["password password.wrong"]);
    assert_eq!(confirm(&edge, &second, other).status, 200);
    assert_eq!(users(&edge, EVE).len(), 1);
}

#[test]
fn an_event_that_is_fanned_out_twice_sends_one_message() {
    let edge = open();
    ask(&edge, EVE);
    ask(&edge, "anna@acme.example");
    let first = token(&edge, "sign_up.confirm");
    edge.sql("UPDATE outbox SET published_at = NULL");
    edge.app.waiting.borrow_mut().insert(TENANT.parse().unwrap());
    assert_eq!(token(&edge, "sign_up.confirm"), first);
    assert_eq!(edge.app.db.count("user_notification"), Some(2));
    assert_eq!(confirm(&edge, &first, NEW).status, 200);
}

#[test]
fn asking_is_counted_by_account_and_by_address() {
    let edge = open();
    for email in [EVE, "anna@acme.example"] {
        for _ in 0..3 {
            assert_eq!(ask(&edge, email).status, 202);
        }
        ask(&edge, email);
        assert_problem(&ask(&edge, email), 429, "rate.limited");
    }
    assert_eq!(Browser::default().sign_in(&edge, "anna", PASSWORD).status, 200);
    let mut asked = 0;
    while ask(&edge, &format!("{asked}@acme.example")).status == 202 {
        asked += 1;
        assert!(asked < 40, "one address asks for as many as it likes");
    }
}

#[test]
fn what_is_no_request_is_refused_with_its_place() {
    let edge = open();
    let sent = json!({ "email": 7, "password": null, "accepts_terms": "yes", "first_name": "a\nb", "x": 1 });
    assert_eq!(
        findings(&ask_with(&edge, sent)),
        [
            "email request.wrong_type",
            "first_name user.name",
            "password request.missing",
            "accepts_terms request.wrong_type",
            "x request.unknown_field",
        ]
    );
    // All at once; and a password is judged as anywhere.
    assert_eq!(
        findings(&ask_with(&edge, json!({ "email": "eve", "password": "short" }))),
        ["email user.email", "password password.too_short",]
    );
    let own = json!({ "email": EVE, "password": "evelyn evelyn ev", "first_name": "Evelyn" });
    assert_eq!(ask_with(&edge, own).status, 422);
    for email in [
        "eve@new.example\r\nBcc: x@evil.example",
        "eve\u{200b}@new.example",
        "a b@new.example",
        "<eve@new.example>",
        "eve@new.example,x@y.example",
        "\u{202e}eve@new.example",
        "eve@",
        "@new.example",
        "a\u{0}b@new.example",
    ] {
        assert_eq!(findings(&ask(&edge, email)), ["email user.email"], "{email:?}");
    }
    let long = format!("{}@new.example", "x".repeat(100_000));
    assert_eq!(findings(&ask(&edge, &long)), ["email user.email"]);
    let confirmation = Browser::default().post(&edge, "/v1/auth/sign-up/confirm", json!({ "y": 1 }));
    assert_eq!(
        findings(&confirmation),
        ["token request.missing", "password request.missing", "y request.unknown_field"]
    );
    for path in ["/v1/auth/sign-up", "/v1/auth/sign-up/confirm"] {
        let mut foreign = request("POST", path);
        foreign.origin = HOST.to_owned();
        foreign.headers.insert("origin".to_owned(), "https://evil.example".to_owned());
        let sent = if path.ends_with("confirm") {
            json!({ "token": "pl_", "password": NEW })
        } else {
            json!({ "email": EVE, "password": NEW })
        };
        foreign.body = Body::Bytes(sent.to_string().into_bytes());
        assert_problem(&edge.send(foreign), 403, "request.cross_site");
    }
    assert_eq!(edge.app.db.count("pending_sign_up"), Some(0));
    assert!(links(&edge).is_empty());
}

#[test]
fn a_password_from_a_breach_makes_no_account() {
    let edge = open();
    edge.app.dns.lead("api.pwnedpasswords.com", &["104.17.1.1".parse().unwrap()]);
    let asked = Rc::new(std::cell::Cell::new(0));
    let seen = asked.clone();
    edge.app.fetch.answer(move |_| {
        seen.set(seen.get() + 1);
        Ok(said(200, &format!("{SUFFIX}:12\r\n")))
    });
    set(&edge, "breached_password_check", json!(true));
    // The same for whoever is there and is not.
    for email in ["anna@acme.example", EVE] {
        assert_eq!(findings(&ask(&edge, email)), ["password password.breached"]);
    }
    assert_eq!((asked.get(), edge.app.db.count("pending_sign_up")), (2, Some(0)));
    // Of what is wrong anyway nobody is asked, nor where it is too early.
    assert_eq!(findings(&ask(&edge, "no address")), ["email user.email"]);
    ask(&edge, EVE);
    ask(&edge, EVE);
    assert_eq!(ask(&edge, EVE).status, 429);
    assert_eq!(asked.get(), 4);
    edge.sql("DELETE FROM login_throttle");
    let other = json!({ "email": EVE, "password": "otherwise a good long one" });
    assert_eq!(ask_with(&edge, other).status, 202);
}

#[test]
fn who_must_accept_terms_does_and_it_is_kept_which_and_when() {
    let office = office();
    let edge = &office.edge;
    set(edge, "sign_up", json!("open"));
    let set_ui = |key: &str, value: &str| {
        let path = format!("/v1/tenant-settings/ui/{key}");
        assert!(office.owner("PUT", &path, json!({ "value": value })).status < 300);
    };
    set_ui("terms_version", "2026-01");
    assert_eq!(rules(edge)["terms"], Value::Null, "terms that stand nowhere are none");
    set_ui("terms_url", "https://acme.example/terms");
    assert_eq!(rules(edge)["terms"], json!({ "url": "https://acme.example/terms", "version": "2026-01" }));
    for accepts in [json!({}), json!({ "accepts_terms": false })] {
        let mut sent = json!({ "email": EVE, "password": NEW });
        sent.as_object_mut().unwrap().extend(accepts.as_object().unwrap().clone());
        assert_eq!(findings(&ask_with(edge, sent)), ["accepts_terms terms.not_accepted"]);
    }
    assert_eq!(ask_with(edge, json!({ "email": EVE, "password": NEW, "accepts_terms": true })).status, 202);
    let token = token(edge, "sign_up.confirm");
    edge.app.clock.set(time(NOW).plus_millis(MINUTE));
    set_ui("terms_version", "2026-02");
    let mut browser = Browser::default();
    browser.post(edge, "/v1/auth/sign-up/confirm", json!({ "token": token, "password": NEW }));
    let accepted = json!({ "version": "2026-01", "accepted_at": NOW });
    let own = body(&browser.get(edge, "/v1/me/terms"));
    assert_eq!((&own["accepted"], &own["is_due"]), (&accepted, &json!(true)), "{own}");
    let made = office.log().into_iter().find(|row| row.event_type == "user.created").unwrap();
    assert_eq!(made.event_data["cause"]["terms_version"], "2026-01");
    // What nobody has seen nobody accepts.
    assert_problem(&browser.post(edge, "/v1/me/terms", json!({ "version": "2026-01" })), 409, "terms.other_version");
    let response = browser.post(edge, "/v1/me/terms", json!({ "version": "2026-02" }));
    assert_eq!((response.status, body(&response)["is_due"].clone()), (200, json!(false)));
    let events = office.events().len();
    browser.post(edge, "/v1/me/terms", json!({ "version": "2026-02" }));
    assert_eq!(office.events().len(), events, "once");
    assert_eq!(office.events().iter().filter(|event| *event == "user.terms_accepted").count(), 1);
    assert_eq!(edge.app.db.count("terms_acceptance"), Some(2));
    // Another user has accepted nothing, and there is nothing to accept where there are none.
    give_password(edge, ANNA, PASSWORD);
    let mut anna = Browser::default();
    anna.sign_in(edge, "anna", PASSWORD);
    let own = body(&anna.get(edge, "/v1/me/terms"));
    assert_eq!((&own["accepted"], &own["is_due"]), (&Value::Null, &json!(true)));
    assert_status(&office.owner("DELETE", "/v1/tenant-settings/ui/terms_url", Value::Null), 204);
    assert_eq!(body(&anna.get(edge, "/v1/me/terms"))["is_due"], false);
    assert_problem(&anna.post(edge, "/v1/me/terms", json!({ "version": "2026-02" })), 404, "http.not_found");
    assert_problem(&Browser::default().get(edge, "/v1/me/terms"), 401, "key.missing");
}

#[test]
fn groups_with_rules_follow_and_a_second_factor_is_asked_for() {
    let office = office();
    let edge = &office.edge;
    set(edge, "sign_up", json!("open"));
    set(edge, "mfa", json!("everybody"));
    let rule = json!({ "Bool": { "principal.email_verified": true } });
    let group = json!({ "name": "confirmed", "type": "automatic", "auto_assignment_rules": rule });
    let group = assert_status(&office.owner("POST", "/v1/user-groups", group), 201);
    ask(edge, EVE);
    let token = token(edge, "sign_up.confirm");
    let answer = confirm(edge, &token, NEW);
    assert_eq!(body(&answer)["status"], "factor_enrolment_required", "{:#}", body(&answer));
    assert_eq!(edge.app.db.count("user_session"), Some(0));
    // The password is long enough to be alone, once the factor has gone.
    assert_eq!(edge.sql("SELECT user_id FROM lone_password")[0]["user_id"], users(edge, EVE)[0]["id"]);
    let members = edge.sql("SELECT user_group_id, user_id FROM user_group_membership");
    assert_eq!(members.len(), 1);
    assert_eq!((&members[0]["user_group_id"], &members[0]["user_id"]), (&group["id"], &users(edge, EVE)[0]["id"]));
    let log = office.log();
    let last: Vec<&str> = log.iter().rev().take(2).map(|row| row.event_type.as_str()).collect();
    assert_eq!(last, ["user_group_membership.added", "user.created"]);
}

/// What waits is forgotten when its time is over, whoever it was.
#[test]
fn what_nobody_confirms_is_forgotten() {
    let edge = open();
    ask(&edge, EVE);
    links(&edge);
    edge.app.clock.set(time(NOW).plus_millis(60 * MINUTE + 1));
    super::scheduled::due(&edge, "prune_sign_in");
    assert_eq!(edge.app.db.count("pending_sign_up"), Some(0));
}

/// Where the service that tells people from programs is asked, and who signs up there.
fn guarded() -> Office {
    let office = office();
    set(&office.edge, "sign_up", json!("open"));
    let put = |key: &str, value: &str| {
        let path = format!("/v1/tenant-settings/security/{key}");
        assert!(office.owner("PUT", &path, json!({ "value": value })).status < 300);
    };
    put("bot_check_url", "https://check.example.net/siteverify");
    put("bot_check_secret", "s3cret&x=1");
    office.edge.app.dns.lead("check.example.net", &["93.184.216.34".parse().unwrap()]);
    office
}

fn ask_guarded(edge: &Edge) -> Response {
    ask_with(edge, json!({ "email": EVE, "password": NEW, "bot_check": "tok&en" }))
}

#[test]
fn a_bot_check_is_asked_by_siteverify() {
    let office = guarded();
    let edge = &office.edge;
    assert_eq!(rules(edge)["bot_check"], true);
    let heard = Rc::new(std::cell::RefCell::new(Vec::new()));
    let hears = heard.clone();
    edge.app.fetch.answer(move |request| {
        hears.borrow_mut().push((request.url.clone(), request.body.clone()));
        Ok(said(200, r#"{"success": true, "hostname": "acme.id.example"}"#))
    });
    assert_eq!(findings(&ask(edge, EVE)), ["bot_check request.missing"]);
    let long = json!({ "email": EVE, "password": NEW, "bot_check": "x".repeat(20_000) });
    assert_eq!(findings(&ask_with(edge, long)), ["bot_check request.too_long"]);
    assert!(heard.borrow().is_empty(), "nobody is asked about what is wrong anyway");
    assert_eq!(ask_guarded(edge).status, 202);
    let sent = "secret=s3cret%26x%3D1&response=tok%26en&remoteip=192.0.2.7".to_owned();
    assert_eq!(*heard.borrow(), [("https://check.example.net/siteverify".to_owned(), sent)]);
    assert_eq!(links(edge).len(), 1);
    let shown = body(&office.owner("GET", "/v1/tenant-settings/security/bot_check_secret", Value::Null));
    assert_eq!(shown["value"], json!({ "set": true }));
}

fn said(status: u16, text: &str) -> parapet_worker::platform::fetch::Incoming {
    parapet_worker::platform::fetch::Incoming { status, body: text.as_bytes().to_vec(), ..Default::default() }
}

#[test]
fn a_bot_check_that_says_nothing_lets_nobody_through() {
    use parapet_worker::platform::fetch::FetchError;
    let office = guarded();
    let edge = &office.edge;
    edge.app.fetch.answer(|_| Ok(said(200, r#"{"success": false, "error-codes": ["timeout-or-duplicate"]}"#)));
    assert_problem(&ask_guarded(edge), 403, "bot_check.refused");
    for answer in [
        Err(FetchError::Late),
        Err(FetchError::Failed),
        Ok(said(500, r#"{"success": true}"#)),
        Ok(said(302, r#"{"success": true}"#)),
        Ok(said(204, "")),
        Ok(said(200, "")),
        Ok(said(200, "<html>success</html>")),
        Ok(said(200, "true")),
        Ok(said(200, "{}")),
        Ok(said(200, r#"{"success": "true"}"#)),
        Ok(said(200, r#"{"success": 1}"#)),
        Ok(said(200, r#"{"success": null}"#)),
        Ok(said(200, r#"[{"success": true}]"#)),
        Ok(said(200, r#"{"success": false, "error-codes": ["invalid-input-secret"]}"#)),
        // Longer than what is read of an answer.
        Ok(said(200, &format!("{{\"success\": true, \"x\": \"{}\"}}", "x".repeat(2_000)))),
    ] {
        let text = format!("{answer:?}");
        edge.app.fetch.answer(move |_| answer.clone());
        let response = ask_guarded(edge);
        assert_eq!(response.status, 503, "{text}");
        assert_problem(&response, 503, "bot_check.unavailable");
    }
    // Nor where it cannot be asked.
    edge.app.fetch.answer(|_| Ok(said(200, r#"{"success": true}"#)));
    let refused = || assert_problem(&ask_guarded(edge), 503, "bot_check.unavailable");
    for address in ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1"] {
        edge.app.dns.lead("check.example.net", &["93.184.216.34".parse().unwrap(), address.parse().unwrap()]);
        refused();
    }
    edge.app.dns.lead("check.example.net", &[]);
    refused();
    edge.app.dns.lead("check.example.net", &["93.184.216.34".parse().unwrap()]);
    edge.app.dns.fail(true);
    refused();
    edge.app.dns.fail(false);
    // A secret goes where it was set for.
    edge.app.clock.set(time(NOW).plus_millis(MINUTE));
    let path = "/v1/tenant-settings/security/bot_check_url";
    for url in
        ["https://evil.example.net/", "http://check.example.net/", "https://10.0.0.7/", "https://acme.id.example/"]
    {
        assert!(office.owner("PUT", path, json!({ "value": url })).status < 300);
        edge.app.dns.lead("evil.example.net", &["93.184.216.35".parse().unwrap()]);
        refused();
        edge.sql(
            "UPDATE tenant_setting SET updated_at = '2026-03-02T12:00:00.000Z' WHERE setting_key = 'bot_check_secret'",
        );
        if !url.contains("evil") {
            refused();
        }
        edge.sql(
            "UPDATE tenant_setting SET updated_at = '2026-03-02T10:00:00.000Z' WHERE setting_key = 'bot_check_secret'",
        );
    }
    assert_status(&office.owner("DELETE", path, Value::Null), 204);
    refused();
    assert_eq!(edge.app.db.count("pending_sign_up"), Some(0));
    assert_eq!(edge.app.db.count("login_throttle"), Some(0), "what is no person's counts for nobody");
    assert_status(&office.owner("DELETE", "/v1/tenant-settings/security/bot_check_secret", Value::Null), 204);
    assert_eq!(ask(edge, EVE).status, 202);
}
