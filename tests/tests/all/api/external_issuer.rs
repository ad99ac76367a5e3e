//! Tokens of other issuers at the gateway: whose they are here, every known way to pass a wrong one, and the issuer's keys.

use super::administration::{Office, assert_refused, assert_status};
use super::gateway::{HOST, application, at_host, header, keyed_by, passed, with};
use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use parapet_worker::platform::fetch::{FetchError, Incoming};
use std::cell::RefCell;
use std::collections::BTreeMap;

const ISSUER: &str = "https://login.acme.com";
const DISCOVERY: &str = "https://login.acme.com/.well-known/openid-configuration";
const KEYS: &str = "https://keys.acme.com/jwks";
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// An answer: a status, `Cache-Control` and a text.
type Says = (u16, Option<&'static str>, String);

/// The issuer, as it answers, by address; nothing where it does not answer.
#[derive(Default)]
struct Issuer {
    says: BTreeMap<String, Says>,
    asked: Vec<String>,
}

struct Federated {
    office: Office,
    issuer: Rc<RefCell<Issuer>>,
    /// Its path.
    provider: String,
}

/// A key of the issuer's, and its public half under an id.
fn pair(byte: u8, kid: &str) -> (SigningKey, Value) {
    let key = SigningKey::from_slice(&[byte; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let part = |from, to| BASE64_URL_SAFE_NO_PAD.encode(&point.as_bytes()[from..to]);
    (key, json!({ "kty": "EC", "crv": "P-256", "x": part(1, 33), "y": part(33, 65), "kid": kid, "alg": "ES256" }))
}

fn b64(text: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// A token of exactly these texts.
fn signed(byte: u8, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature: Signature = pair(byte, "").0.sign(message.as_bytes());
    format!("{message}.{}", b64(signature.to_bytes()))
}

fn issuer_says() -> Value {
    json!({ "issuer": ISSUER, "audiences": ["https://app.acme.com"] })
}

fn new(configuration: Value) -> Value {
    json!({ "name": "corporate", "type": "oidc", "configuration": configuration })
}

/// An application whose tenant trusts an issuer; Anna is `00u1` there, Ben `00u2`.
fn federated() -> Federated {
    federated_with(new(issuer_says()))
}

fn federated_with(provider: Value) -> Federated {
    let office = application();
    let schema = json!({"types": {"document": {"attributes": {"owner": "User", "size": "Long"}}},
                        "user": {"caller_attributes": {"clearance": "Long"}}});
    assert_status(&office.owner("PUT", "/v1/tenant-settings/auth/schema", json!({ "value": schema })), 200);
    let issuer = Rc::new(RefCell::new(Issuer::default()));
    let answers = issuer.clone();
    office.edge.app.fetch.answer(move |request| {
        let mut issuer = answers.borrow_mut();
        issuer.asked.push(request.url.clone());
        let (status, cache_control, text) = issuer.says.get(&request.url).cloned().ok_or(FetchError::Failed)?;
        let cache_control = cache_control.map(str::to_owned);
        Ok(Incoming { status, cache_control, body: text.into_bytes(), ..Incoming::default() })
    });
    for host in ["login.acme.com", "keys.acme.com"] {
        office.edge.app.dns.lead(host, &["1.1.1.1".parse().unwrap()]);
    }
    let federated = Federated { office, issuer, provider: String::new() };
    federated.says(DISCOVERY, None, &json!({ "issuer": ISSUER, "jwks_uri": KEYS }));
    federated.publishes(&[pair(7, "one").1], None);
    let made = federated.office.owner("POST", "/v1/identity-providers", provider);
    let id = assert_status(&made, 201)["id"].as_str().unwrap().to_owned();
    for (user, external_id) in [(ANNA, "00u1"), (BEN, "00u2")] {
        let link = json!({ "user_id": user, "identity_provider_id": id, "external_id": external_id });
        assert_status(&federated.office.owner("POST", "/v1/federated-identities", link), 201);
    }
    Federated { provider: format!("/v1/identity-providers/{id}"), ..federated }
}

impl Federated {
    fn says(&self, address: &str, cache_control: Option<&'static str>, json: &Value) {
        self.issuer.borrow_mut().says.insert(address.to_owned(), (200, cache_control, json.to_string()));
    }

    fn publishes(&self, keys: &[Value], cache_control: Option<&'static str>) {
        self.says(KEYS, cache_control, &json!({ "keys": keys }));
    }

    /// The issuer answers nothing any more.
    fn falls_silent(&self) {
        self.issuer.borrow_mut().says.clear();
    }

    /// How often it was asked since this was last asked.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.issuer.borrow_mut().asked).len()
    }

    fn at(&self) -> i64 {
        self.office.edge.app.clock.now().as_millis() / 1000
    }

    fn claims(&self, subject: &str) -> Value {
        let at = self.at();
        json!({ "iss": ISSUER, "sub": subject, "aud": "https://app.acme.com", "iat": at, "exp": at + 300 })
    }

    fn token(&self, subject: &str) -> String {
        signed(7, &good(), &self.claims(subject))
    }

    fn send(&self, token: &str) -> Response {
        self.office.edge.send(by(at_host("GET", "/documents/7"), token))
    }

    fn later(&self, millis: i64) {
        let clock = &self.office.edge.app.clock;
        clock.set(clock.now().plus_millis(millis));
    }

    /// The refusal that is the same whatever is wrong; and the application was asked nothing.
    #[track_caller]
    fn refuses(&self, token: &str) {
        let response = self.send(token);
        assert!(response.forward.is_none());
        assert_problem(&response, 401, "token.refused");
        assert_eq!(response.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert_eq!(body(&response)["detail"], "the access token does not count");
    }
}

fn good() -> Value {
    json!({ "alg": "ES256", "kid": "one", "typ": "JWT" })
}

fn by(request: Request, token: &str) -> Request {
    with(request, &[("authorization", &format!("Bearer {token}"))])
}

fn changed(mut object: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
        value => object[name] = value,
    }
    object
}

/// Whom the application is told of.
fn told(forward: &parapet_worker::gateway::Forward) -> Value {
    let identity = header(forward, "x-parapet-identity").unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(identity.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn whoever_the_issuer_says_it_is_may_what_the_user_may() {
    let federated = federated();
    let edge = &federated.office.edge;
    assert_eq!(federated.asked(), 2, "its keys are there before the first token");
    let forward = passed(federated.send(&federated.token("00u1")));
    assert_eq!((&told(&forward)["sub"], &told(&forward)["subject_type"]), (&json!(ANNA), &json!("user")));
    assert_eq!(header(&forward, "authorization"), None, "what shows here who somebody is shows it nobody else");
    // A session does what its user may, and so does this: no scope stands against it.
    let home = edge.send(by(at_host("GET", "/home"), &federated.token("00u2")));
    assert_eq!(told(&passed(home))["sub"], BEN);
    assert_problem(&federated.send(&federated.token("00u2")), 403, "access.denied");
    federated.refuses(&federated.token("00u3"));
    // Another server's question is judged alike.
    let pep = edge.key(&["access:evaluate"]);
    let asks = |token: &str| {
        let url = format!("https://{HOST}/documents/7");
        let headers = [("x-parapet-key", pep.expose()), ("x-original-url", &url), ("x-original-method", "GET")];
        edge.send(by(with(request("GET", "/forward-auth"), &headers), token))
    };
    assert_eq!(asks(&federated.token("00u1")).status, 200);
    assert_problem(&asks(&federated.token("00u2")), 403, "access.denied");
    assert_problem(&asks(&federated.token("00u3")), 401, "token.refused");
    assert_eq!(federated.asked(), 0);
}

#[test]
fn it_is_no_credential_of_our_own_api() {
    let federated = federated();
    let edge = &federated.office.edge;
    for origin in ["https://id.example", "https://acme.id.example"] {
        for path in ["/v1/me", "/v1/users"] {
            let mut request = by(request("GET", path), &federated.token("00u1"));
            request.origin = origin.to_owned();
            assert_problem(&edge.send(request), 401, "token.refused");
        }
    }
    // A PEP's key is none that it could be, either.
    let token = federated.token("00u1");
    let request = with(request("GET", "/forward-auth"), &[("x-parapet-key", &token)]);
    assert_problem(&edge.send(request), 401, "token.refused");
}

#[test]
fn every_way_to_pass_a_wrong_one_is_refused_alike() {
    let federated = federated();
    let at = federated.at();
    passed(federated.send(&federated.token("00u1")));
    federated.asked();
    let claims = || federated.claims("00u1");
    let of_header = |name: &str, value: Value| signed(7, &changed(good(), name, value), &claims());
    let of_claims = |name: &str, value: Value| signed(7, &good(), &changed(claims(), name, value));
    let forger = pair(9, "one").1;
    let own = federated.token("00u1");
    let (message, signature) = own.rsplit_once('.').unwrap();
    let identity = header(&passed(federated.send(&own)), "x-parapet-identity").unwrap().to_owned();
    let tokens = [
        // Signed by somebody else, not at all, or something else.
        signed(9, &good(), &claims()),
        format!("{message}."),
        message.to_owned(),
        format!("{}.{}.{signature}", b64(good().to_string()), b64(federated.claims("00u2").to_string())),
        of_header("alg", json!("none")),
        of_header("alg", json!("HS256")),
        of_header("alg", json!("RS256")),
        of_header("alg", json!("EdDSA")),
        of_header("alg", Value::Null),
        // Keys that it brings along or points to.
        signed(9, &changed(good(), "jwk", forger.clone()), &claims()),
        signed(9, &changed(good(), "jku", json!("https://evil.example/keys")), &claims()),
        signed(9, &changed(good(), "x5u", json!("https://evil.example/cert")), &claims()),
        signed(9, &changed(good(), "x5c", json!(["MIIB"])), &claims()),
        of_header("crit", json!(["exp"])),
        of_header("kid", Value::Null),
        of_header("kid", json!("")),
        of_header("kid", json!("../one")),
        // Another kind of token: one of ours too.
        of_header("typ", json!("parapet-identity+jwt")),
        of_header("typ", json!("logout+jwt")),
        of_header("typ", json!("dpop+jwt")),
        identity,
        // Somebody else's, for somebody else, at another time.
        of_claims("iss", json!("https://evil.example")),
        of_claims("iss", json!("https://login.acme.com/")),
        of_claims("iss", json!("https://acme.id.example")),
        of_claims("iss", json!("https://other.id.example")),
        of_claims("iss", Value::Null),
        of_claims("aud", Value::Null),
        of_claims("aud", json!("https://other.acme.com")),
        of_claims("aud", json!([])),
        of_claims("aud", json!(HOST)),
        of_claims("exp", Value::Null),
        of_claims("exp", json!(at - 60)),
        of_claims("exp", json!("2030")),
        of_claims("exp", json!(at + 25 * 3600)),
        of_claims("nbf", json!(at + 61)),
        of_claims("iat", json!(at + 61)),
        // Whose it is.
        of_claims("sub", Value::Null),
        of_claims("sub", json!("")),
        of_claims("sub", json!("00U1")),
        of_claims("sub", json!("00u1 ")),
        of_claims("sub", json!(["00u1"])),
        of_claims("sub", json!(ANNA)),
        of_claims("padding", json!("x".repeat(8192))),
    ];
    for token in &tokens {
        federated.refuses(token);
    }
    assert_eq!(federated.asked(), 0, "none of it costs the issuer anything");
    // What anyone may have is had with any.
    passed(federated.office.edge.send(by(at_host("GET", "/assets/a"), &tokens[0])));
    for (name, value) in [("exp", at - 59), ("nbf", at + 60), ("iat", at + 60)] {
        passed(federated.send(&of_claims(name, json!(value))));
    }
    passed(federated.send(&of_claims("aud", json!(["x", "https://app.acme.com"]))));
    passed(federated.send(&of_header("typ", json!("at+jwt"))));
    passed(federated.send(&of_header("typ", Value::Null)));
}

#[test]
fn a_subject_is_an_id_or_an_address_only_where_the_tenant_says_so() {
    let by_id = federated_with(new(changed(issuer_says(), "subject", json!("id"))));
    let edge = &by_id.office.edge;
    assert_eq!(told(&passed(by_id.send(&by_id.token(ANNA))))["sub"], ANNA);
    by_id.refuses(&by_id.token("00u1"));
    by_id.refuses(&by_id.token(OTHER));
    let archive = with(at_host("POST", "/documents/7/archive"), &[]);
    let forward = passed(edge.send(by(archive, &by_id.token(BOT))));
    assert_eq!((&told(&forward)["sub"], &told(&forward)["subject_type"]), (&json!(BOT), &json!("service_account")));
    edge.sql("UPDATE service_account SET is_active = 0");
    by_id.refuses(&by_id.token(BOT));

    let by_email = federated_with(new(changed(issuer_says(), "subject", json!("email"))));
    let says = |verified: Value, email: &str| {
        let claims = changed(by_email.claims("x"), "email_verified", verified);
        signed(7, &good(), &changed(claims, "email", json!(email)))
    };
    // Not as long as we have not verified it ourselves.
    by_email.refuses(&says(json!(true), "anna@acme.example"));
    by_email.office.edge.sql("UPDATE user SET email_verified = 1");
    assert_eq!(told(&passed(by_email.send(&says(json!(true), "Anna@ACME.example"))))["sub"], ANNA);
    by_email.refuses(&says(json!(false), "anna@acme.example"));
    by_email.refuses(&says(json!("true"), "anna@acme.example"));
    by_email.refuses(&says(Value::Null, "anna@acme.example"));
    by_email.refuses(&says(json!(true), "nobody@acme.example"));
    by_email.refuses(&by_email.token(ANNA));
    by_email.refuses(&by_email.token("00u1"));
    let linked = federated();
    linked.refuses(&linked.token(ANNA));
}

#[test]
fn what_ends_a_user_or_the_trust_ends_it() {
    for sql in [
        "UPDATE user SET state = 'suspended'",
        "UPDATE user SET is_active = 0",
        "UPDATE user SET state = 'deleted', deleted_at = '2026-03-01T00:00:00.000Z'",
        "DELETE FROM federated_identity",
        "UPDATE identity_provider SET is_active = 0",
        "UPDATE identity_provider SET type = 'saml'",
        "UPDATE identity_provider SET configuration = json_remove(configuration, '$.audiences')",
        "UPDATE identity_provider SET configuration = json_set(configuration, '$.audiences', json('[\"x\"]'))",
        "UPDATE identity_provider SET configuration = json_set(configuration, '$.issuer', 'https://login.acme.com/x')",
        "UPDATE identity_provider SET configuration = json_set(configuration, '$.subject', 'nonsense')",
        "DELETE FROM identity_provider",
    ] {
        let federated = federated();
        let token = federated.token("00u1");
        passed(federated.send(&token));
        federated.office.edge.sql(sql);
        federated.refuses(&token);
    }
    let federated = federated();
    let token = federated.token("00u1");
    federated.office.edge.sql("UPDATE tenant SET status = 'suspended'");
    assert!(federated.send(&token).forward.is_none());
    federated.office.edge.sql("UPDATE tenant SET status = 'active'");
    // At its end, and what clocks may differ by.
    federated.later(359 * SECOND);
    passed(federated.send(&token));
    federated.later(SECOND);
    federated.refuses(&token);
}

#[test]
fn it_is_remembered_like_a_key_and_no_longer() {
    let federated = federated();
    let mut edge = federated.office.edge.restarted();
    edge.app.config = configuration(&[
        ("FRESHNESS_SECONDS", "5"),
        ("SNAPSHOT_KEY", &"ab".repeat(32)),
        ("SNAPSHOT_KEY_ID", "test"),
        ("DATA_KEY", &"cd".repeat(32)),
    ]);
    let token = federated.token("00u1");
    let send = |token: &str| edge.send(by(at_host("GET", "/documents/7"), token));
    passed(send(&token));
    edge.sql("DELETE FROM federated_identity");
    passed(send(&token));
    // What is known of one is known of that one.
    assert_problem(&send(&federated.token("00u2")), 401, "token.refused");
    federated.later(5 * SECOND);
    assert_problem(&send(&token), 401, "token.refused");
}

#[test]
fn an_issuer_of_one_tenant_is_nobody_at_anothers() {
    let federated = federated();
    let edge = &federated.office.edge;
    edge.seed(&other());
    edge.sql("UPDATE gateway_host SET tenant_id = '01980000-0000-7000-8000-000000000002'");
    let response = federated.send(&federated.token("00u1"));
    assert!(response.forward.is_none());
    assert_problem(&response, 401, "token.refused");
}

#[test]
fn claims_fill_what_the_schema_lets_a_caller_fill() {
    let mut provider = new(issuer_says());
    provider["attribute_mapping"] = json!({ "clearance": "acme_clearance" });
    let federated = federated_with(provider.clone());
    let policy = "forbid (principal is User, action == Action::\"document:read\", resource) \
                  unless { principal has clearance && principal.clearance >= 3 };";
    let set = federated.office.owner("PUT", "/v1/tenant-settings/auth/policy.clearance", json!({ "value": policy }));
    assert_status(&set, 201);
    let says = |clearance: Value| signed(7, &good(), &changed(federated.claims("00u1"), "acme_clearance", clearance));
    passed(federated.send(&says(json!(3))));
    for wrong in [json!(2), json!("3"), json!([3]), Value::Null] {
        assert_problem(&federated.send(&says(wrong)), 403, "access.denied");
    }
    // A claim that nobody maps fills nothing.
    let claims = changed(federated.claims("00u1"), "clearance", json!(9));
    assert_problem(&federated.send(&signed(7, &good(), &claims)), 403, "access.denied");
    // What is undeclared since is filled no more.
    federated.office.edge.sql("DELETE FROM tenant_setting WHERE setting_key = 'policy.clearance'");
    provider["name"] = json!("another");
    provider["configuration"]["issuer"] = json!("https://keys.acme.com");
    for undeclared in ["email", "first_name", "roles", "nothing"] {
        provider["attribute_mapping"] = json!({ undeclared: "acme_clearance" });
        let refused = federated.office.owner("POST", "/v1/identity-providers", provider.clone());
        let findings = assert_status(&refused, 422)["findings"].clone();
        assert_eq!(findings[0]["code"], "identity_provider.attribute", "{findings}");
    }
}

#[test]
fn a_new_key_counts_after_asking_and_one_that_is_gone_ends_in_time() {
    let federated = federated();
    let two = |subject: &str| signed(8, &changed(good(), "kid", json!("two")), &federated.claims(subject));
    passed(federated.send(&federated.token("00u1")));
    federated.asked();
    // A key that is not there yet costs one question in half a minute, whatever the ids.
    federated.later(31 * SECOND);
    for n in 0..50 {
        federated.refuses(&signed(
            8,
            &changed(good(), "kid", json!(format!("made up {n}"))),
            &federated.claims("00u1"),
        ));
    }
    federated.refuses(&two("00u1"));
    assert_eq!(federated.asked(), 2, "discovery and the keys, once");
    federated.publishes(&[pair(7, "one").1, pair(8, "two").1], Some("max-age=120"));
    federated.refuses(&two("00u1"));
    federated.later(29 * SECOND);
    federated.refuses(&two("00u1"));
    federated.later(SECOND);
    passed(federated.send(&two("00u1")));
    assert_eq!(federated.asked(), 2);
    passed(federated.send(&federated.token("00u1")));
    // The old one is taken back, and counts until the set is two minutes old.
    federated.publishes(&[pair(8, "two").1], Some("max-age=120"));
    federated.later(119 * SECOND);
    passed(federated.send(&federated.token("00u1")));
    assert_eq!(federated.asked(), 0);
    federated.later(SECOND);
    federated.refuses(&federated.token("00u1"));
    assert_eq!(federated.asked(), 2);
    passed(federated.send(&two("00u1")));
    // The same id for another key.
    federated.publishes(&[pair(9, "two").1], None);
    federated.later(2 * MINUTE);
    federated.refuses(&two("00u1"));
    passed(federated.send(&signed(9, &changed(good(), "kid", json!("two")), &federated.claims("00u1"))));
}

#[test]
fn while_the_issuer_is_silent_the_last_set_counts_and_not_for_ever() {
    let federated = federated();
    passed(federated.send(&federated.token("00u1")));
    federated.falls_silent();
    federated.asked();
    federated.later(HOUR);
    for _ in 0..10 {
        passed(federated.send(&federated.token("00u1")));
    }
    assert_eq!(federated.asked(), 1, "it is asked once in half a minute");
    federated.refuses(&signed(7, &changed(good(), "kid", json!("two")), &federated.claims("00u1")));
    federated.later(5 * HOUR - SECOND);
    passed(federated.send(&federated.token("00u1")));
    federated.asked();
    federated.later(SECOND);
    for _ in 0..10 {
        let response = federated.send(&federated.token("00u1"));
        assert!(response.forward.is_none());
        assert_problem(&response, 503, "issuer.unavailable");
    }
    // What is wrong without a key is refused all the same.
    federated.refuses(&signed(7, &good(), &changed(federated.claims("00u1"), "aud", json!("x"))));
    // And it is back.
    federated.says(DISCOVERY, None, &json!({ "issuer": ISSUER, "jwks_uri": KEYS }));
    federated.publishes(&[pair(7, "one").1], None);
    federated.later(30 * SECOND);
    passed(federated.send(&federated.token("00u1")));
}

#[test]
fn keys_are_fetched_from_where_the_issuer_says_on_the_public_internet_and_nowhere_else() {
    let discovery = |text: Value| (200, None, text.to_string());
    let evil = json!({ "issuer": ISSUER, "jwks_uri": "https://inside.acme.com/jwks" });
    let set = || json!({ "keys": [pair(8, "two").1] }).to_string();
    let cases: Vec<(&str, Says)> = vec![
        (DISCOVERY, discovery(json!({ "issuer": "https://login.acme.com/", "jwks_uri": KEYS }))),
        (DISCOVERY, discovery(json!({ "jwks_uri": KEYS }))),
        (DISCOVERY, discovery(json!({ "issuer": ISSUER }))),
        (DISCOVERY, discovery(json!({ "issuer": ISSUER, "jwks_uri": "http://keys.acme.com/jwks" }))),
        (DISCOVERY, discovery(json!({ "issuer": ISSUER, "jwks_uri": "https://169.254.169.254/jwks" }))),
        (DISCOVERY, discovery(json!({ "issuer": ISSUER, "jwks_uri": "https://acme.id.example/jwks" }))),
        (DISCOVERY, discovery(evil)),
        (DISCOVERY, (200, None, "<html>".to_owned())),
        (DISCOVERY, (302, None, String::new())),
        (KEYS, (302, None, set())),
        (KEYS, (404, None, set())),
        (KEYS, (200, None, format!("{}{}", set(), " ".repeat(64 * 1024)))),
        (KEYS, (200, None, r#"{"keys":[]}"#.to_owned())),
        (KEYS, (200, None, json!({ "keys": [{ "kty": "oct", "kid": "two", "k": "AQAB" }] }).to_string())),
    ];
    for (address, answer) in cases {
        let federated = federated();
        federated.office.edge.app.dns.lead("inside.acme.com", &["10.0.0.1".parse().unwrap()]);
        federated.says("https://inside.acme.com/jwks", None, &json!({ "keys": [pair(8, "two").1] }));
        federated.publishes(&[pair(8, "two").1], None);
        federated.issuer.borrow_mut().says.insert(address.to_owned(), answer.clone());
        federated.later(31 * SECOND);
        let token = signed(8, &changed(good(), "kid", json!("two")), &federated.claims("00u1"));
        federated.refuses(&token);
        let asked = federated.issuer.borrow().asked.clone();
        assert!(!asked.iter().any(|url| url.contains("inside")), "{asked:?}");
        // The set before still counts.
        passed(federated.send(&federated.token("00u1")));
    }
    // A name that leads inside since it was looked at.
    let federated = federated();
    federated.publishes(&[pair(8, "two").1], None);
    federated.office.edge.app.dns.lead("keys.acme.com", &["1.1.1.1".parse().unwrap(), "127.0.0.1".parse().unwrap()]);
    federated.later(31 * SECOND);
    federated.asked();
    federated.refuses(&signed(8, &changed(good(), "kid", json!("two")), &federated.claims("00u1")));
    assert_eq!(federated.issuer.borrow().asked, [DISCOVERY]);
    // From where the tenant says, where it does; and what was got elsewhere counts no more.
    federated.says("https://login.acme.com/own", None, &json!({ "keys": [pair(9, "three").1] }));
    let own = changed(issuer_says(), "jwks_uri", json!("https://login.acme.com/own"));
    let changed_to = federated.office.owner("PATCH", &federated.provider, json!({ "configuration": own }));
    assert_status(&changed_to, 200);
    passed(federated.send(&signed(9, &changed(good(), "kid", json!("three")), &federated.claims("00u1"))));
    federated.refuses(&federated.token("00u1"));
}

#[test]
fn an_owner_alone_says_whom_to_trust_and_only_what_can_be_trusted() {
    let federated = federated();
    let (office, dns) = (&federated.office, &federated.office.edge.app.dns);
    // The permission is an owner's; a role that has it all the same does not suffice.
    assert_problem(
        &office.admin("POST", "/v1/identity-providers", new(issuer_says())),
        403,
        "access.missing_permission",
    );
    let list = assert_status(&office.admin("GET", "/v1/identity-providers", Value::Null), 200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert!(list["items"][0].get("secret").is_none());
    office.edge.sql(
        "UPDATE role SET permissions = json_insert(permissions,
            '$[#]', json_object('permission', 'parapet.identity_provider.write'),
            '$[#]', json_object('permission', 'parapet.federated_identity.write')) WHERE name = 'admin'",
    );
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    let patch = json!({ "configuration": changed(issuer_says(), "audiences", json!(["y"])) });
    assert_refused(&office.admin("PATCH", &federated.provider, patch), &["needs_owner"]);
    assert_refused(&office.admin("DELETE", &federated.provider, Value::Null), &["needs_owner"]);
    let id = federated.provider.rsplit('/').next().unwrap();
    let link = json!({ "user_id": ANNA, "identity_provider_id": id, "external_id": "mine" });
    assert_refused(&office.admin("POST", "/v1/federated-identities", link.clone()), &["needs_owner"]);
    // One external id is one user, one issuer one provider.
    let taken = json!({ "user_id": BEN, "identity_provider_id": id, "external_id": "00u1" });
    assert_eq!(office.owner("POST", "/v1/federated-identities", taken).status, 409);
    let twice = changed(new(issuer_says()), "name", json!("again"));
    let findings = assert_status(&office.owner("POST", "/v1/identity-providers", twice), 422)["findings"].clone();
    assert_eq!(findings[0]["code"], "identity_provider.twice", "{findings}");
    dns.lead("inside.acme.com", &["10.0.0.1".parse().unwrap()]);
    office.edge.sql("UPDATE tenant SET domain = 'id.acme.com'");
    dns.lead("id.acme.com", &["1.1.1.1".parse().unwrap()]);
    for (name, value, field, code) in [
        ("issuer", json!("http://login.acme.com"), "configuration/issuer", "address.scheme"),
        ("issuer", json!("https://inside.acme.com"), "configuration/issuer", "address.inside"),
        ("issuer", json!("https://nowhere.acme.com"), "configuration/issuer", "address.unknown"),
        ("issuer", json!("https://acme.id.example"), "configuration/issuer", "address.own"),
        ("issuer", json!("https://id.example"), "configuration/issuer", "address.own"),
        ("issuer", json!("https://other.id.example"), "configuration/issuer", "address.own"),
        ("issuer", json!("https://id.acme.com"), "configuration/issuer", "identity_provider.own"),
        ("issuer", json!("https://login.acme.com?x"), "configuration/issuer", "identity_provider.address"),
        ("issuer", Value::Null, "configuration/issuer", "identity_provider.missing"),
        ("jwks_uri", json!("https://10.0.0.1/keys"), "configuration/jwks_uri", "address.host"),
        ("jwks_uri", json!("https://inside.acme.com/keys"), "configuration/jwks_uri", "address.inside"),
        ("audiences", json!([]), "configuration/audiences", "identity_provider.list"),
        ("audiences", Value::Null, "configuration/audiences", "identity_provider.audience"),
        ("algorithms", json!(["none"]), "configuration/algorithms", "identity_provider.word"),
        ("algorithms", json!(["HS256"]), "configuration/algorithms", "identity_provider.word"),
        ("subject", json!("sub"), "configuration/subject", "identity_provider.word"),
        ("audience", json!("x"), "configuration/audience", "identity_provider.unknown"),
    ] {
        let provider = changed(new(changed(issuer_says(), name, value.clone())), "name", json!("another"));
        let refused = office.owner("POST", "/v1/identity-providers", provider);
        let findings = assert_status(&refused, 422)["findings"].clone();
        let is_it = |finding: &Value| finding["code"] == code && finding["field"] == field;
        assert!(findings.as_array().unwrap().iter().any(is_it), "{name} {value}: {findings:#}");
    }
    let saml = changed(new(issuer_says()), "type", json!("saml"));
    let findings = assert_status(&office.owner("POST", "/v1/identity-providers", saml), 422)["findings"].clone();
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["code"] == "identity_provider.type"));
    for given in ["auto_provision", "secret"] {
        let provider = changed(new(issuer_says()), given, json!(true));
        assert_eq!(office.owner("POST", "/v1/identity-providers", provider).status, 422, "{given}");
    }
    // Each change is in the log; with the issuer go its links.
    let items = assert_status(&office.owner("GET", "/v1/federated-identities", Value::Null), 200)["items"].clone();
    let link = format!("/v1/federated-identities/{}", items[0]["id"].as_str().unwrap());
    assert_status(&office.owner("DELETE", &link, Value::Null), 204);
    assert_status(&office.owner("DELETE", &federated.provider, Value::Null), 204);
    let events: Vec<String> = office.log().into_iter().map(|row| row.event_type).collect();
    for event in ["identity_provider.created", "federated_identity.linked", "federated_identity.unlinked"] {
        assert!(events.iter().any(|its| its == event), "{event}");
    }
    assert_eq!(events.last().map(String::as_str), Some("identity_provider.deleted"));
    assert_eq!(office.edge.sql("SELECT id FROM federated_identity").len(), 0);
    assert_eq!(office.edge.sql("SELECT source FROM issuer_key_set").len(), 0);
}

#[test]
fn a_header_says_more_than_what_stands_beside_it() {
    let federated = federated();
    let edge = &federated.office.edge;
    // Our own credentials are what they were.
    let anna = edge.key_of(TENANT, Some(ANNA), None, &["document:read"]);
    passed(edge.send(keyed_by(at_host("GET", "/documents/7"), &anna)));
    let token = super::token::token(edge, &anna);
    passed(edge.send(by(at_host("GET", "/documents/7"), &token)));
}
