//! Tokens: the published vectors, every known way to pass a wrong one, and any text at all.

mod assertion;
mod attacks;
mod properties;
mod vectors;

use super::jws::Jws;
use super::*;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, signature::Signer as _};
use serde_json::{Map, Value, json};

/// The key of RFC 7515, appendix A.3.1.
const D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

const KID: &str = "01980000-0000-7000-8000-000000000721";
const ISSUER: &str = "https://acme.id.example";
const TENANT: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn key() -> SigningKey {
    SigningKey::es256(KID, &unb64(D)).unwrap()
}

fn now() -> Timestamp {
    "2026-03-02T10:00:00.000Z".parse().unwrap()
}

fn expected() -> Expected<'static> {
    Expected { issuer: ISSUER, audience: Some(ISSUER), tenant: TENANT, now: now() }
}

fn claims() -> Claims {
    Claims {
        issuer: ISSUER.to_owned(),
        subject: Uuid::from_u128(7).to_string(),
        subject_type: SubjectType::User,
        audience: ISSUER.to_owned(),
        client: Uuid::from_u128(8).to_string(),
        issued_at: now(),
        expires_at: now().plus_millis(300_000),
        id: Uuid::from_u128(9),
        tenant: TENANT,
        credential: Credential::ApiKey(Uuid::from_u128(8)),
        scopes: vec!["document:read".to_owned(), "me".to_owned()],
        roles: None,
    }
}

fn take(token: &str) -> Result<Claims, TokenError> {
    verify(token, &[key().public().clone()], &expected())
}

/// A token of exactly these texts, signed by the key of RFC 7515.
fn signed(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", b64(header), b64(payload));
    let key = p256::ecdsa::SigningKey::from_slice(&unb64(D)).unwrap();
    let signature: Signature = key.sign(message.as_bytes());
    format!("{message}.{}", b64(signature.to_bytes()))
}

/// A good header, changed.
fn header(change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut header = object(json!({ "alg": "ES256", "kid": KID, "typ": "at+jwt" }));
    change(&mut header);
    Value::Object(header).to_string()
}

/// Good claims, changed.
fn payload(change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims = claims().to_json();
    change(&mut claims);
    Value::Object(claims).to_string()
}

fn set(name: &str, value: Value) -> impl FnOnce(&mut Map<String, Value>) {
    let name = name.to_owned();
    move |object| drop(object.insert(name, value))
}

#[test]
fn what_is_issued_is_taken() {
    let session = Claims {
        credential: Credential::Session {
            id: Uuid::from_u128(3),
            auth_time: now().plus_millis(-3_600_000),
            amr: vec!["pwd".to_owned(), "otp".to_owned(), "mfa".to_owned()],
        },
        roles: Some(vec!["editor".to_owned()]),
        ..claims()
    };
    for claims in [claims(), session] {
        let token = issue(&claims, &key()).unwrap();
        assert_eq!(take(&token).unwrap(), claims);
        assert_eq!(key_id(&token).unwrap(), KID);
        // For whoever only wants to know whether it is good.
        let anybody = Expected { audience: None, ..expected() };
        assert_eq!(verify(&token, &[key().public().clone()], &anybody).unwrap(), claims);
        assert_eq!(issue(&claims, &key()).unwrap(), token, "no random bytes are needed");
    }
    let said = session_claims();
    assert_eq!(said["sid"], json!(Uuid::from_u128(3)));
    assert_eq!((&said["auth_time"], &said["amr"]), (&json!(1_772_440_200), &json!(["pwd"])));
    assert_eq!((said["iat"].as_i64(), said["exp"].as_i64()), (Some(1_772_445_600), Some(1_772_445_900)));
    assert!(said.get("roles").is_none() && said.get("api_key_id").is_none());
}

fn session_claims() -> Map<String, Value> {
    let credential = Credential::Session {
        id: Uuid::from_u128(3),
        auth_time: "2026-03-02T08:30:00.999Z".parse().unwrap(),
        amr: vec!["pwd".to_owned()],
    };
    Claims { credential, ..claims() }.to_json()
}

#[test]
fn a_token_that_nobody_would_take_is_not_issued() {
    let roles = Some(vec!["r".repeat(100); 100]);
    assert_eq!(issue(&Claims { roles, ..claims() }, &key()), Err(TokenError::TooLong));
}

#[test]
fn nothing_shows_a_secret() {
    assert_eq!(format!("{:?}", key()), format!("SigningKey({KID}, …)"));
    assert!(!format!("{:?}", key().public()).contains(D));
    assert!(!key().public().jwk().contains_key("d"));
}

#[test]
fn a_secret_is_a_scalar_of_the_curve() {
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    for wrong in [&[0; 32][..], &[7; 31], &[7; 33], &[], &order] {
        assert_eq!(SigningKey::es256(KID, wrong).unwrap_err(), KeyError::Secret);
    }
    for wrong in ["", "a b", "ä", &"k".repeat(129)] {
        assert_eq!(SigningKey::es256(wrong, &[7; 32]).unwrap_err(), KeyError::Id);
    }
}

#[test]
fn an_identity_is_signed_by_whoever_has_the_key_and_is_no_access_token() {
    let identity = Identity {
        issuer: "https://acme.id.example".to_owned(),
        subject: Uuid::from_u128(7).to_string(),
        subject_type: SubjectType::User,
        audience: "app.acme.example".to_owned(),
        issued_at: now(),
        expires_at: now().plus_millis(60_000),
        tenant: Uuid::from_u128(1),
        decision: Uuid::from_u128(9),
        policy_version: 3,
        session: None,
    };
    let key = key();
    let unsigned = identity.unsigned(key.public()).unwrap();
    let signature = key.signature(unsigned.as_str().as_bytes()).unwrap();
    let token = unsigned.clone().with(&signature);
    let jws = Jws::read(&token).unwrap();
    assert_eq!((jws.check(key.public()), jws.kid.as_deref()), (Ok(()), Some(KID)));
    assert!(jws.is_of_type(IDENTITY_TOKEN));
    assert_eq!((&jws.claims().unwrap()["decision"], take(&token)), (&json!(Uuid::from_u128(9)), Err(TokenError::Type)));
    // As a platform reads the key that signs by itself.
    let jwk = key.private_jwk();
    assert_eq!((jwk["d"].as_str().map(str::len), jwk.len()), (Some(43), 5));
    let endless = Identity { audience: "a".repeat(LONGEST), ..identity };
    assert_eq!(endless.unsigned(key.public()), Err(TokenError::TooLong));
}
