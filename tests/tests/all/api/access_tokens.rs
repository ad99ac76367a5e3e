//! An access token of ours as a credential of our own API: what it opens, and what counts as none.

use super::administration::{OLGA, Office, assert_status, office};
use super::sign_in::{HOST, PASSWORD, give_password};
use super::token::{assert_oauth, bearer, exchange, form, read, taken, token};
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parapet::token::{Claims, Credential, SigningKey, issue};

/// Whatever is wrong, this is the answer.
#[track_caller]
fn assert_token_refused(response: &Response) {
    assert_problem(response, 401, "token.refused");
    assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!(body(response)["detail"], "the access token does not count");
}

/// Sends a request with a token at the tenant's own host.
fn with(edge: &Edge, token: &str, method: &str, path: &str, body: Option<Value>) -> Response {
    let mut request = request(method, path);
    request.origin = HOST.to_owned();
    if let Some(body) = body {
        request.headers.insert("content-type".to_owned(), "application/json".to_owned());
        request.body = Body::Bytes(body.to_string().into_bytes());
    }
    edge.send(bearer(request, token))
}

fn ask(edge: &Edge, token: &str) -> Response {
    with(edge, token, "POST", "/access/v1/evaluation", Some(question(ANNA, "read")))
}

/// The token of a session of Olga's.
fn of_session(edge: &Edge) -> (String, String) {
    give_password(edge, OLGA, PASSWORD);
    let asked = json!({ "identifier": "olga@acme.example", "password": PASSWORD, "delivery": "token" });
    let mut request = request("POST", "/v1/auth/sign-in");
    request.origin = HOST.to_owned();
    request.headers.insert("content-type".to_owned(), "application/json".to_owned());
    request.body = Body::Bytes(asked.to_string().into_bytes());
    let session = assert_status(&edge.send(request), 200)["token"].as_str().unwrap().to_owned();
    let exchange = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    let mut asked = bearer(form("/v1/token", &[exchange]), &session);
    asked.origin = HOST.to_owned();
    let token = taken(&edge.send(asked));
    (session, token)
}

fn signing(edge: &Edge) -> SigningKey {
    let row = edge.sql("SELECT id, private_key FROM token_key").remove(0);
    let id = row["id"].as_str().unwrap();
    let keys = edge.app.config().unwrap().data_keys().unwrap();
    let scalar = keys.open(row["private_key"].as_str().unwrap(), &format!("token_key/{id}/private_key")).unwrap();
    SigningKey::es256(id, &scalar).unwrap()
}

#[test]
fn a_token_asks_for_decisions_as_its_key_does() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let token = token(&edge, &key);
    assert_decision(&ask(&edge, &token), true);
    assert_decision(&with(&edge, &token, "POST", "/access/v1/evaluation", Some(question(BEN, "read"))), false);
    // At the service's own host too.
    let mut request = request("POST", "/access/v1/evaluation");
    request.origin = "https://id.example".to_owned();
    request.body = Body::Bytes(question(ANNA, "read").to_string().into_bytes());
    assert_decision(&edge.send(bearer(request, &token)), true);
    // One's own key for little is a token for as little: the scopes bind its owner.
    let narrow = edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "me"]);
    assert_decision(&ask(&edge, &taken(&exchange(&edge, &narrow, &[]))), false);
    let wide = edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]);
    assert_decision(&ask(&edge, &taken(&exchange(&edge, &wide, &[]))), true);
    let asked = taken(&exchange(&edge, &wide, &[("scope", "access:evaluate")]));
    assert_decision(&ask(&edge, &asked), false);
}

#[test]
fn a_token_opens_no_more_than_it_says_and_than_its_key_has_now() {
    let edge = Edge::new();
    let key = edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "me"]);
    let only = taken(&exchange(&edge, &key, &[("scope", "me")]));
    assert_problem(&ask(&edge, &only), 403, "access.missing_scope");
    assert_status(&with(&edge, &only, "GET", "/v1/me/notifications", None), 200);
    let both = token(&edge, &key);
    edge.sql("UPDATE api_key SET scopes = '[\"access:evaluate\"]'");
    assert_problem(&with(&edge, &both, "GET", "/v1/me/notifications", None), 403, "access.missing_scope");
    assert_eq!(ask(&edge, &both).status, 200);
}

#[test]
fn a_sessions_token_administers_and_says_when_and_how_its_user_proved_it() {
    let office = office();
    let edge = &office.edge;
    let (_, token) = of_session(edge);
    let made = with(edge, &token, "POST", "/v1/roles", Some(json!({ "name": "editor" })));
    assert_status(&made, 201);
    let event = edge.sql("SELECT payload FROM outbox WHERE event_type = 'role.created'").remove(0);
    let actor = serde_json::from_str::<Value>(event["payload"].as_str().unwrap()).unwrap()["actor"].clone();
    let claims = read(edge, &token);
    let Credential::Session { id, .. } = claims.credential else { panic!("{claims:?}") };
    assert_eq!(actor["access_token_id"], json!(claims.id));
    assert_eq!((&actor["session_id"], &actor["id"]), (&json!(id), &json!(OLGA)));
    assert_eq!(office.log().last().unwrap().event_data["actor"], actor);
    // A policy that asks for two factors reads what the token says, and not what the session has become.
    let two = "forbid (principal, action == Action::\"parapet:role.write\", resource) unless { context has mfa && context.mfa };";
    assert_status(&office.owner("PUT", "/v1/policies/two", json!({ "text": two })), 201);
    edge.sql("UPDATE user_session SET amr = '[\"pwd\",\"otp\",\"mfa\"]'");
    let refused = with(edge, &token, "POST", "/v1/roles", Some(json!({ "name": "writer" })));
    assert_problem(&refused, 403, "session.step_up_required");
    let proved = Claims {
        credential: Credential::Session { id, auth_time: time(NOW), amr: vec!["pwd".to_owned(), "mfa".to_owned()] },
        ..claims
    };
    let proved = issue(&proved, &signing(edge)).unwrap();
    assert_status(&with(edge, &proved, "POST", "/v1/roles", Some(json!({ "name": "writer" }))), 201);
}

/// What lasts for minutes does not become what lasts, and is no session.
#[test]
fn a_token_is_exchanged_for_nothing() {
    let office = office();
    let edge = &office.edge;
    let (session, token) = of_session(edge);
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_oauth(&edge.send(bearer(form("/v1/token", &[grant]), &token)), 401, "invalid_client");
    for kind in ["api_key", "session"] {
        let kind = format!("urn:parapet:token-type:{kind}");
        let subject = [grant, ("subject_token", token.as_str()), ("subject_token_type", kind.as_str())];
        assert_oauth(&edge.send(form("/v1/token", &subject)), 400, "invalid_request");
    }
    let jwt = [grant, ("subject_token", &token), ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")];
    assert_oauth(&edge.send(form("/v1/token", &jwt)), 400, "invalid_request");
    let key = json!({ "name": "a key", "user_id": OLGA, "scopes": ["admin:write"] });
    let refused = with(edge, &token, "POST", "/v1/api-keys", Some(key.clone()));
    assert_problem(&refused, 403, "access.refused");
    assert_eq!(body(&refused)["findings"][0]["code"], "api_key.by_token");
    assert_status(&with(edge, &session, "POST", "/v1/api-keys", Some(key)), 201);
    let own = edge.sql("SELECT id FROM api_key WHERE name = 'a key' ORDER BY created_at DESC").remove(0);
    let path = format!("/v1/api-keys/{}/rotate", own["id"].as_str().unwrap());
    assert_problem(&with(edge, &token, "POST", &path, None), 403, "access.refused");
    for (method, path, body, status) in [
        ("GET", "/v1/me/session", None, 404),
        ("POST", "/v1/auth/sign-out", None, 404),
        ("POST", "/v1/auth/step-up", Some(json!({ "password": PASSWORD })), 404),
        ("POST", "/v1/auth/step-up/passkey/begin", None, 404),
        // A factor needs a proof of the session's own.
        ("POST", "/v1/me/factors", Some(json!({ "type": "totp", "device_name": "phone" })), 403),
    ] {
        assert_eq!(with(edge, &token, method, path, body).status, status, "{path}");
    }
}

#[test]
fn a_token_ends_with_what_it_was_got_by() {
    for change in [
        "UPDATE user SET state = 'locked'",
        "UPDATE user SET is_active = 0",
        "UPDATE user SET deleted_at = '2026-03-02T10:00:00.000Z'",
        "UPDATE api_key SET is_active = 0",
        "UPDATE api_key SET expires_at = '2026-03-02T10:00:00.000Z'",
        "DELETE FROM api_key",
        "UPDATE token_key SET retires_at = '2026-03-02T10:00:00.000Z'",
        "DELETE FROM token_key",
        "UPDATE tenant SET status = 'suspended'",
    ] {
        let edge = Edge::new();
        let token = token(&edge, &edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]));
        assert_decision(&ask(&edge, &token), true);
        edge.sql(change);
        assert_token_refused(&ask(&edge, &token));
    }
    let Office { edge, .. } = office();
    let desk = edge.key(&["token:revoke", "access:evaluate"]);
    let revoked = token(&edge, &desk);
    assert_eq!(ask(&edge, &revoked).status, 200);
    assert_eq!(edge.post("/v1/token/revoke", &desk, &json!({ "token": revoked })).status, 200);
    assert_token_refused(&ask(&edge, &revoked));
    // Signed out; ended by somebody else; unused for too long; at its end.
    for (end, minutes) in [("sign-out", 0), ("DELETE FROM user_session", 0), ("", 60), ("", 24 * 60)] {
        let office = office();
        let edge = &office.edge;
        let (session, token) = of_session(edge);
        assert_status(&with(edge, &token, "GET", "/v1/me/notifications", None), 200);
        match end {
            "" => {}
            "sign-out" => assert_eq!(with(edge, &session, "POST", "/v1/auth/sign-out", None).status, 204),
            sql => drop(edge.sql(sql)),
        }
        edge.app.clock.set(time(NOW).plus_millis(minutes * 60_000));
        let later = Claims {
            issued_at: edge.app.clock.now(),
            expires_at: edge.app.clock.now().plus_millis(60_000),
            ..claims_of(&token)
        };
        let later = issue(&later, &signing(edge)).unwrap();
        assert_token_refused(&with(edge, &later, "GET", "/v1/me/notifications", None));
    }
}

/// What a token says, whoever signed it.
fn claims_of(token: &str) -> Claims {
    let edge = Edge::new();
    let key = edge.key_of(TENANT, Some(ANNA), None, &["me"]);
    let like = read(&edge, &super::token::token(&edge, &key));
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let said: Value = serde_json::from_slice(&payload).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let seconds = |name: &str| Timestamp::from_millis(said[name].as_i64().unwrap() * 1000);
    Claims {
        issuer: text("iss"),
        subject: text("sub"),
        audience: text("aud"),
        client: text("client_id"),
        id: text("jti").parse().unwrap(),
        credential: Credential::Session {
            id: text("sid").parse().unwrap(),
            auth_time: seconds("auth_time"),
            amr: vec!["pwd".to_owned()],
        },
        scopes: text("scope").split(' ').map(str::to_owned).collect(),
        ..like
    }
}

/// Using it keeps no session alive.
#[test]
fn a_token_is_no_use_of_its_session() {
    let office = office();
    let edge = &office.edge;
    let (_, token) = of_session(edge);
    edge.app.memory.take_uses();
    edge.app.clock.set(time(NOW).plus_millis(4 * 60_000));
    assert_status(&with(edge, &token, "GET", "/v1/me/notifications", None), 200);
    assert!(!edge.app.memory.has_uses());
}

#[test]
fn a_token_ends_at_its_end() {
    let edge = Edge::new();
    let token = token(&edge, &edge.key(&["access:evaluate"]));
    edge.app.clock.set(time("2026-03-02T10:04:59.999Z"));
    assert_eq!(ask(&edge, &token).status, 200);
    edge.app.clock.set(time("2026-03-02T10:05:00.000Z"));
    assert_token_refused(&ask(&edge, &token));
}

#[test]
fn what_somebody_makes_up_is_refused_like_anything_else() {
    let edge = Edge::new();
    edge.seed(&other());
    let key = edge.key(&["access:evaluate"]);
    let good = token(&edge, &key);
    let claims = read(&edge, &good);
    let ours = signing(&edge);
    let forger = SigningKey::es256(ours.public().id(), &[7; 32]).unwrap();
    let said = |change: &dyn Fn(&mut Claims)| {
        let mut claims = claims.clone();
        change(&mut claims);
        issue(&claims, &ours).unwrap()
    };
    assert_eq!(ask(&edge, &said(&|_| {})).status, 200);
    let (header, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let encoded = |header: Value| BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    let kid = ours.public().id();
    let headed = |header: Value| format!("{}.{payload}.{signature}", encoded(header));
    // Of another tenant: at its own host it is one, and here it is none.
    let theirs = edge.key_of(OTHER, None, None, &["access:evaluate"]);
    let foreign = token(&edge, &theirs);
    let session = parapet::opaque_token::OpaqueToken::from_random(
        parapet::opaque_token::TokenKind::Session,
        [7; parapet::opaque_token::RANDOM_BYTES],
    );
    for wrong in [
        foreign,
        said(&|claims| claims.audience = "https://shop.example".to_owned()),
        said(&|claims| claims.issuer = "https://other.id.example".to_owned()),
        said(&|claims| claims.tenant = OTHER.parse().unwrap()),
        said(&|claims| claims.subject = ANNA.to_owned()),
        said(&|claims| claims.credential = Credential::ApiKey(ANNA.parse().unwrap())),
        said(&|claims| claims.expires_at = claims.issued_at.plus_millis(901_000)),
        said(&|claims| claims.issued_at = claims.issued_at.plus_millis(61_000)),
        issue(&claims, &forger).unwrap(),
        issue(&claims, &SigningKey::es256(ANNA, &[7; 32]).unwrap()).unwrap(),
        issue(&claims, &SigningKey::es256("../jwks", &[7; 32]).unwrap()).unwrap(),
        headed(json!({ "alg": "none", "typ": "at+jwt", "kid": kid })),
        format!("{}.{payload}.", encoded(json!({ "alg": "none", "typ": "at+jwt", "kid": kid }))),
        headed(json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid })),
        headed(json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid })),
        headed(json!({ "alg": "ES256", "typ": "JWT", "kid": kid })),
        headed(json!({ "alg": "ES256", "typ": "at+jwt" })),
        headed(json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "crit": ["b64"] })),
        headed(json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "jku": "https://evil.example/jwks" })),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{good}."),
        format!("{good}="),
        good.split_at(good.len() - 1).0.to_owned(),
        good.split_at(20).0.to_owned(),
        "eyJ".to_owned(),
        "..".to_owned(),
        format!("{good}{}", "A".repeat(9_000)),
        format!("{}.{}", key.expose(), session.expose()),
    ] {
        assert_token_refused(&ask(&edge, &wrong));
    }
    // What has another form is another credential.
    assert_problem(&ask(&edge, session.expose()), 401, "session.ended");
    assert_problem(&ask(&edge, "x"), 401, "key.malformed");
    // A cookie of a token is none.
    let mut request = request("GET", "/v1/me/notifications");
    request.headers.insert("cookie".to_owned(), format!("__Host-session={good}"));
    assert_problem(&edge.send(request), 401, "key.missing");
}

/// What an isolate knows of a token it knows for as long as of a key, and not beyond the token's end.
#[test]
fn a_token_is_remembered_as_a_key_is() {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "5"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "id.example"),
        ("RATE_LIMIT", "100"),
    ]);
    let key = edge.key(&["access:evaluate"]);
    let token = token(&edge, &key);
    assert_eq!(ask(&edge, &token).status, 200);
    let trips = edge.app.db.round_trips();
    assert_eq!(ask(&edge, &token).status, 200);
    assert_eq!(edge.app.db.round_trips(), trips);
    edge.sql("DELETE FROM api_key");
    edge.app.clock.set(time(NOW).plus_millis(3_999));
    assert_eq!(ask(&edge, &token).status, 200);
    edge.app.clock.set(time(NOW).plus_millis(5_000));
    assert_token_refused(&ask(&edge, &token));
    edge.app.db.fail(true);
    assert_problem(&ask(&edge, &token), 503, "database.unavailable");
}

/// Whoever has a key has no more requests by having many tokens.
#[test]
fn tokens_count_as_their_key() {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "5"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "id.example"),
        ("RATE_LIMIT", "20"),
    ]);
    let key = edge.key(&["access:evaluate"]);
    let tokens: Vec<String> = (0..4).map(|_| token(&edge, &key)).collect();
    let answered = (0..40).filter(|at| ask(&edge, &tokens[at % 4]).status == 200).count();
    assert_eq!(answered, 16, "four of them were exchanges");
    assert_problem(&edge.ask(&key), 429, "rate.limited");
}

/// Whoever makes tokens up costs a question each, and is stopped like whoever makes keys up.
#[test]
fn made_up_tokens_are_counted() {
    let edge = Edge::with(&[
        ("FRESHNESS_SECONDS", "5"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("DATA_KEY", &"cd".repeat(32)),
        ("BASE_DOMAIN", "id.example"),
        ("STRANGER_RATE_LIMIT", "5"),
    ]);
    let key = edge.key(&["access:evaluate"]);
    let claims = read(&edge, &token(&edge, &key));
    let forger = SigningKey::es256(signing(&edge).public().id(), &[7; 32]).unwrap();
    let forged = |number: u8| {
        let id = uuid::Builder::from_random_bytes([number; 16]).into_uuid();
        let mut sent = request("POST", "/access/v1/evaluation");
        sent.headers.insert("cf-connecting-ip".to_owned(), "192.0.2.7".to_owned());
        edge.send(bearer(sent, &issue(&Claims { id, ..claims.clone() }, &forger).unwrap()))
    };
    for number in 0..5 {
        assert_token_refused(&forged(number));
    }
    assert_problem(&forged(5), 429, "rate.limited");
}
