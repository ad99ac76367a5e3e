//! `POST /v1/token/introspect`: what counts now, and nothing of what does not.

use super::administration::{Office, assert_status, office};
use super::token::{ISSUER, bearer, exchange, form, read, taken, token};
use super::*;
use parapet::token::{Claims, Credential, SigningKey, issue};

struct Desk {
    office: Office,
    /// Anna's, for whom tokens are issued.
    key: ApiKeyToken,
    /// Whose holder asks.
    asks: ApiKeyToken,
}

fn desk() -> Desk {
    let office = office();
    let key = office.edge.key_of(TENANT, Some(ANNA), None, &["document:read", "me"]);
    let asks = office.edge.key(&["token:introspect"]);
    Desk { office, key, asks }
}

impl Desk {
    fn ask(&self, token: &str) -> Value {
        let response =
            self.office.edge.send(bearer(form("/v1/token/introspect", &[("token", token)]), self.asks.expose()));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_status(&response, 200)
    }

    #[track_caller]
    fn is_inactive(&self, token: &str) {
        assert_eq!(self.ask(token), json!({ "active": false }), "{token}");
    }

    /// What signs the tenant's tokens, as only the service can open it.
    fn signing(&self) -> SigningKey {
        let row = self.office.edge.sql("SELECT id, private_key FROM token_key").remove(0);
        let id = row["id"].as_str().unwrap();
        let keys = self.office.edge.app.config().unwrap().data_keys().unwrap();
        let scalar = keys.open(row["private_key"].as_str().unwrap(), &format!("token_key/{id}/private_key")).unwrap();
        SigningKey::es256(id, &scalar).unwrap()
    }
}

#[test]
fn a_token_that_counts_says_what_it_says() {
    let desk = desk();
    let edge = &desk.office.edge;
    let token = taken(&exchange(edge, &desk.key, &[("audience", "https://shop.example")]));
    let answer = desk.ask(&token);
    let claims = read(edge, &token);
    assert_eq!((answer["active"].as_bool(), answer["token_type"].as_str()), (Some(true), Some("Bearer")));
    assert_eq!((answer["sub"].as_str(), answer["iss"].as_str()), (Some(ANNA), Some(ISSUER)));
    assert_eq!(
        (answer["aud"].as_str(), answer["scope"].as_str()),
        (Some("https://shop.example"), Some("document:read me"))
    );
    assert_eq!(answer["jti"], json!(claims.id));
    assert_eq!(answer["exp"].as_i64().unwrap() - answer["iat"].as_i64().unwrap(), 300);
    // In JSON, and with a hint that is passed over.
    let asked = json!({ "token": token, "token_type_hint": "refresh_token" });
    assert_eq!(assert_status(&edge.post("/v1/token/introspect", &desk.asks, &asked), 200), answer);
    assert!(desk.office.log().iter().all(|row| row.event_type == "token_key.created"));
}

#[test]
fn a_token_counts_as_long_as_what_it_was_got_by() {
    for change in [
        "UPDATE user SET state = 'locked'",
        "UPDATE user SET is_active = 0",
        "UPDATE user SET deleted_at = '2026-03-02T10:00:00.000Z'",
        "UPDATE api_key SET is_active = 0 WHERE user_id IS NOT NULL",
        "UPDATE api_key SET expires_at = '2026-03-02T10:00:00.000Z' WHERE user_id IS NOT NULL",
        "DELETE FROM api_key WHERE user_id IS NOT NULL",
        "UPDATE token_key SET retires_at = '2026-03-02T10:00:00.000Z'",
        "DELETE FROM token_key",
        "INSERT INTO token_revocation SELECT id, tenant_id, '', '', '' FROM token_key",
    ] {
        let desk = desk();
        let edge = &desk.office.edge;
        let token = token(edge, &desk.key);
        assert_eq!(desk.ask(&token)["active"], true);
        if change.starts_with("INSERT") {
            let insert = "INSERT INTO token_revocation SELECT ?1, id, '', '', '' FROM tenant";
            let insert = Statement::new(insert).bind(read(edge, &token).id);
            pollster::block_on(edge.app.db.all(insert)).unwrap();
        } else {
            edge.sql(change);
        }
        desk.is_inactive(&token);
    }
    let desk = desk();
    let bot = desk.office.edge.key_of(TENANT, None, Some(BOT), &["document:archive"]);
    let token = token(&desk.office.edge, &bot);
    assert_eq!(desk.ask(&token)["subject_type"], "service_account");
    desk.office.edge.sql("UPDATE service_account SET is_active = 0");
    desk.is_inactive(&token);
}

#[test]
fn a_token_ends_at_its_end() {
    let desk = desk();
    let token = token(&desk.office.edge, &desk.key);
    desk.office.edge.app.clock.set(time("2026-03-02T10:04:59.999Z"));
    assert_eq!(desk.ask(&token)["active"], true);
    desk.office.edge.app.clock.set(time("2026-03-02T10:05:00.000Z"));
    desk.is_inactive(&token);
}

/// A session's token counts as long as the session and its user.
#[test]
fn a_token_of_a_session_ends_with_it() {
    let desk = desk();
    let edge = &desk.office.edge;
    token(edge, &desk.key);
    let id = "01980000-0000-7000-8000-0000000000c1";
    edge.sql(
        "INSERT INTO user_session (id, tenant_id, user_id, auth_time, amr, expires_at, created_at)
         VALUES ('01980000-0000-7000-8000-0000000000c1', '01980000-0000-7000-8000-000000000001',
                 '01980000-0000-7000-8000-000000000101', '2026-03-02T09:00:00.000Z', '[\"pwd\"]',
                 '2026-03-02T10:02:00.000Z', '2026-03-02T09:00:00.000Z')",
    );
    // The time without use that holds where nothing is set, an hour, is over in this instant.
    edge.sql("UPDATE user_session SET created_at = '2026-03-02T09:00:00.001Z'");
    let claims = |session: &str| Claims {
        credential: Credential::Session {
            id: session.parse().unwrap(),
            auth_time: time("2026-03-02T09:00:00.000Z"),
            amr: vec!["pwd".to_owned()],
        },
        ..read(edge, &token(edge, &desk.key))
    };
    let signed = issue(&claims(id), &desk.signing()).unwrap();
    let answer = desk.ask(&signed);
    assert_eq!(
        (&answer["sid"], &answer["amr"], &answer["auth_time"]),
        (&json!(id), &json!(["pwd"]), &json!(1_772_442_000))
    );
    desk.is_inactive(&issue(&claims(ANNA), &desk.signing()).unwrap());
    // Unused for too long, though its end has not come; asking about a token is no use of the session.
    let idle = "INSERT INTO tenant_setting (id, tenant_id, category, setting_key, setting_value, created_at, updated_at)
         SELECT '01980000-0000-7000-8000-000000000b01', id, 'security', 'session_idle_minutes', '61', created_at, updated_at
         FROM tenant WHERE slug = 'acme'";
    edge.sql(idle);
    edge.app.clock.set(time("2026-03-02T10:01:00.000Z"));
    assert_eq!(desk.ask(&signed)["active"], true);
    edge.app.clock.set(time("2026-03-02T10:01:00.001Z"));
    desk.is_inactive(&signed);
    edge.sql("UPDATE user_session SET last_accessed_at = '2026-03-02T10:00:00.000Z'");
    assert_eq!(desk.ask(&signed)["active"], true);
    edge.app.clock.set(time("2026-03-02T10:02:00.000Z"));
    desk.is_inactive(&signed);
    edge.app.clock.set(time(NOW));
    edge.sql("DELETE FROM user_session");
    desk.is_inactive(&signed);
}

/// Whatever somebody makes up, even with our key's id, and whatever our own key would not have signed.
#[test]
fn nothing_is_said_of_what_does_not_count() {
    let desk = desk();
    let edge = &desk.office.edge;
    let good = token(edge, &desk.key);
    let claims = read(edge, &good);
    let signing = desk.signing();
    let forger = SigningKey::es256(signing.public().id(), &[7; 32]).unwrap();
    let with = |change: &dyn Fn(&mut Claims)| {
        let mut claims = claims.clone();
        change(&mut claims);
        issue(&claims, &signing).unwrap()
    };
    assert_eq!(desk.ask(&with(&|_| {}))["active"], true);
    for wrong in [
        issue(&claims, &forger).unwrap(),
        issue(&claims, &SigningKey::es256(ANNA, &[7; 32]).unwrap()).unwrap(),
        issue(&claims, &SigningKey::es256("../jwks", &[7; 32]).unwrap()).unwrap(),
        with(&|claims| claims.tenant = OTHER.parse().unwrap()),
        with(&|claims| claims.issuer = "https://other.id.example".to_owned()),
        with(&|claims| claims.credential = Credential::ApiKey(ANNA.parse().unwrap())),
        with(&|claims| claims.expires_at = claims.issued_at.plus_millis(901_000)),
        with(&|claims| claims.issued_at = claims.issued_at.plus_millis(61_000)),
        good.split_at(good.len() - 1).0.to_owned(),
        format!("{good}."),
        desk.key.expose().to_owned(),
        "x".to_owned(),
        "x".repeat(9_000),
    ] {
        desk.is_inactive(&wrong);
    }
}

#[test]
fn another_tenants_token_is_as_good_as_none() {
    let desk = desk();
    let edge = &desk.office.edge;
    edge.seed(&other());
    let theirs = edge.key_of(OTHER, None, None, &["access:evaluate", "token:introspect"]);
    let token = token(edge, &theirs);
    desk.is_inactive(&token);
    let answer = edge.post("/v1/token/introspect", &theirs, &json!({ "token": token }));
    assert_eq!(assert_status(&answer, 200)["tenant"], OTHER);
}

#[test]
fn asking_needs_its_scope_and_a_token() {
    let desk = desk();
    let edge = &desk.office.edge;
    let response = edge.post("/v1/token/introspect", &desk.key, &json!({ "token": "x" }));
    assert_problem(&response, 403, "access.missing_scope");
    assert_problem(&edge.send(form("/v1/token/introspect", &[("token", "x")])), 401, "key.missing");
    assert_problem(&edge.post("/v1/token/introspect", &desk.asks, &json!({})), 400, "oauth.missing");
    edge.app.db.fail(true);
    assert_eq!(edge.post("/v1/token/introspect", &desk.asks, &json!({ "token": "x" })).status, 503);
}
