//! `private_key_jwt`: a service account's public key, and the assertions that are signed under it.

use super::administration::{Office, assert_refused, assert_status, office};
use super::scheduled::{due, pass};
use super::token::{assert_oauth, form, read, taken};
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use parapet::token::{Credential, PublicKey};

const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ENDPOINT: &str = "https://id.example/v1/token";

/// A key pair of the account's own.
fn pair(byte: u8) -> (SigningKey, Value) {
    let key = SigningKey::from_slice(&[byte; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let part = |from, to| BASE64_URL_SAFE_NO_PAD.encode(&point.as_bytes()[from..to]);
    (key, json!({ "kty": "EC", "crv": "P-256", "x": part(1, 33), "y": part(33, 65) }))
}

/// Registers a public key for the bot.
fn register(office: &Office, jwk: &Value) -> Response {
    let new =
        json!({ "name": "its own", "service_account_id": BOT, "scopes": ["document:archive"], "public_key": jwk });
    office.owner("POST", "/v1/api-keys", new)
}

struct Client {
    office: Office,
    key: SigningKey,
    kid: String,
    registered: Value,
}

fn client() -> Client {
    let office = office();
    let (key, jwk) = pair(7);
    let registered = assert_status(&register(&office, &jwk), 201);
    let kid = registered["public_key"]["kid"].as_str().unwrap().to_owned();
    Client { office, key, kid, registered }
}

impl Client {
    fn signed(&self, header: Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature: Signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn claims(&self, jti: &str) -> Value {
        let at = self.office.edge.app.clock.now().as_millis() / 1000;
        json!({ "iss": BOT, "sub": BOT, "aud": ENDPOINT, "jti": jti, "iat": at, "exp": at + 300 })
    }

    fn assertion(&self, jti: &str) -> String {
        self.signed(json!({ "alg": "ES256", "kid": self.kid }), &self.claims(jti))
    }

    fn send(&self, assertion: &str, more: &[(&str, &str)]) -> Response {
        let asked =
            [("grant_type", "client_credentials"), ("client_assertion_type", BEARER), ("client_assertion", assertion)];
        self.office.edge.send(form("/v1/token", &[&asked, more].concat()))
    }
}

#[test]
fn an_account_shows_who_it_is_by_its_key_and_each_time_anew() {
    let client = client();
    let edge = &client.office.edge;
    let once = client.assertion("1");
    let claims = read(edge, &taken(&client.send(&once, &[])));
    assert_eq!((claims.subject.as_str(), claims.client.as_str()), (BOT, BOT));
    assert_eq!(claims.scopes, ["document:archive"]);
    let id = client.registered["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(claims.credential, Credential::ApiKey(id));
    // What somebody has read on its way is of no use to them.
    assert_oauth(&client.send(&once, &[]), 401, "invalid_client");
    let anew = edge.restarted();
    let again = [("grant_type", "client_credentials"), ("client_assertion_type", BEARER), ("client_assertion", &once)];
    assert_oauth(&anew.send(form("/v1/token", &again)), 401, "invalid_client");
    taken(&client.send(&client.assertion("2"), &[("client_id", BOT)]));
    let mut for_issuer = client.claims("3");
    for_issuer["aud"] = json!("https://acme.id.example");
    taken(&client.send(&client.signed(json!({ "alg": "ES256", "kid": client.kid }), &for_issuer), &[]));
    // It is remembered for as long as it would have been good, and no longer.
    assert_eq!(edge.app.db.count("used_assertion"), Some(3));
    pass(edge, 6 * 60_000 - 1 - 10 * 60_000);
    assert_eq!(due(edge, "forget_tokens")["items"], 0);
    assert_oauth(&client.send(&once, &[]), 401, "invalid_client");
    pass(edge, 1);
    assert_eq!(due(edge, "forget_tokens")["items"], 3);
    assert_oauth(&client.send(&once, &[]), 401, "invalid_client");
}

#[test]
fn an_assertion_that_is_wrong_in_any_way_is_refused_alike() {
    let client = client();
    let good = json!({ "alg": "ES256", "kid": client.kid });
    let with = |name: &str, value: Value| {
        let mut claims = client.claims("x");
        claims[name] = value;
        client.signed(good.clone(), &claims)
    };
    let other = SigningKey::from_slice(&[9; 32]).unwrap();
    let forged = Client { office: office(), key: other, kid: client.kid.clone(), registered: Value::Null };
    let text = client.assertion("x");
    let at = time(NOW).as_millis() / 1000;
    let mut texts: Vec<Value> = Vec::new();
    for wrong in [
        forged.assertion("x"),
        with("aud", json!("https://other.example/v1/token")),
        with("aud", json!([ENDPOINT, "https://other.example"])),
        with("exp", json!(at - 61)),
        with("exp", json!(at + 900)),
        with("nbf", json!(at + 120)),
        with("jti", json!(null)),
        with("sub", json!(ANNA)),
        with("iss", json!("bot")),
        client.signed(json!({ "alg": "ES256" }), &client.claims("x")),
        client.signed(json!({ "alg": "ES256", "kid": "../../etc/passwd" }), &client.claims("x")),
        client.signed(json!({ "alg": "ES256", "kid": "' OR 1=1 --" }), &client.claims("x")),
        client.signed(json!({ "alg": "none", "kid": client.kid }), &client.claims("x")),
        client.signed(json!({ "alg": "HS256", "kid": client.kid }), &client.claims("x")),
        client.signed(json!({ "alg": "ES256", "kid": client.kid, "crit": ["exp"] }), &client.claims("x")),
        client.signed(json!({ "alg": "ES256", "kid": client.kid, "jku": "https://evil.example" }), &client.claims("x")),
        client.signed(json!({ "alg": "ES256", "kid": client.kid, "typ": "at+jwt" }), &client.claims("x")),
        text.split_at(text.len() - 2).0.to_owned(),
        format!("{text}."),
        "x".to_owned(),
    ] {
        let response = client.send(&wrong, &[]);
        assert_oauth(&response, 401, "invalid_client");
        texts.push(body(&response));
    }
    assert_oauth(&client.send(&text, &[("client_id", ANNA)]), 401, "invalid_client");
    texts.dedup();
    assert_eq!(texts.len(), 1, "nobody is told which of it is wrong");
    assert_eq!(client.office.edge.app.db.count("used_assertion"), Some(0));
    let asked = [("grant_type", "client_credentials"), ("client_assertion", text.as_str())];
    let edge = &client.office.edge;
    assert_oauth(&edge.send(form("/v1/token", &asked)), 400, "invalid_request");
    let odd =
        [asked[0], asked[1], ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")];
    assert_oauth(&edge.send(form("/v1/token", &odd)), 400, "invalid_request");
    taken(&client.send(&text, &[]));
}

#[test]
fn a_key_that_is_off_or_whose_account_is_shows_nobody() {
    for change in [
        "UPDATE api_key SET is_active = 0 WHERE public_key IS NOT NULL",
        "UPDATE api_key SET expires_at = '2026-03-02T10:00:00.000Z' WHERE public_key IS NOT NULL",
        "DELETE FROM api_key WHERE public_key IS NOT NULL",
        "UPDATE service_account SET is_active = 0",
    ] {
        let client = client();
        client.office.edge.sql(change);
        assert_oauth(&client.send(&client.assertion("1"), &[]), 401, "invalid_client");
    }
    let client = client();
    client.office.edge.sql("UPDATE tenant SET status = 'suspended'");
    assert_oauth(&client.send(&client.assertion("1"), &[]), 400, "unauthorized_client");
}

#[test]
fn a_public_key_is_registered_as_a_key_without_a_secret() {
    let office = office();
    let (_, jwk) = pair(7);
    let response = register(&office, &jwk);
    let made = assert_status(&response, 201);
    assert!(made.get("key").is_none());
    let public = PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap();
    assert_eq!(made["public_key"], Value::Object(public.jwk()));
    assert!(public.thumbprint().starts_with(made["key_prefix"].as_str().unwrap()));
    assert_eq!(
        office.edge.sql("SELECT key_hash FROM api_key WHERE public_key IS NOT NULL")[0]["key_hash"],
        Value::Null
    );
    let path = format!("/v1/api-keys/{}", made["id"].as_str().unwrap());
    assert_problem(&office.owner("POST", &format!("{path}/rotate"), json!({})), 409, "api_key.public");
    let change = office.owner("PATCH", &path, json!({ "public_key": pair(8).1 }));
    assert_problem(&change, 422, "request.invalid");
    assert_status(&office.owner("PATCH", &path, json!({ "name": "the same" })), 200);
    // One that the account has already, and ones that are none.
    let codes = |jwk: Value| {
        let response = register(&office, &jwk);
        assert_problem(&response, 422, "request.invalid");
        let findings = body(&response)["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(jwk.clone()), ["api_key.key_id"]);
    let mut private = jwk.clone();
    private["d"] = json!("AAAA");
    assert_eq!(codes(private), ["jwk.private"]);
    assert_eq!(codes(json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })), ["jwk.unsupported"]);
    assert_eq!(codes(json!("x")), ["row.wrong_type"]);
    let mut named = pair(9).1;
    named["kid"] = json!("mine");
    named["ext"] = json!(true);
    let made = assert_status(&register(&office, &named), 201);
    assert_eq!((&made["public_key"]["kid"], made["public_key"].get("ext")), (&json!("mine"), None));
    // Only of a service account, and by whoever could make it a secret key.
    let new = |owner: Value| {
        let mut new = json!({ "name": "k", "scopes": ["document:archive"], "public_key": pair(10).1 });
        new.as_object_mut().unwrap().extend(owner.as_object().unwrap().clone());
        new
    };
    for owner in [json!({}), json!({ "user_id": super::administration::OLGA })] {
        let response = office.owner("POST", "/v1/api-keys", new(owner));
        let findings = body(&response)["findings"].to_string();
        assert!(response.status == 422 && findings.contains("api_key.public_key"), "{findings}");
    }
    let response = office.admin("POST", "/v1/api-keys", new(json!({ "service_account_id": BOT })));
    assert_refused(&response, &["not_held"]);
}
