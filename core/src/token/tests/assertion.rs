//! Assertions of service accounts.

use super::*;

const ENDPOINT: &str = "https://acme.id.example/v1/token";
const ACCOUNT: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0201);

fn good() -> Map<String, Value> {
    let at = now().as_millis() / 1000;
    object(json!({ "iss": ACCOUNT, "sub": ACCOUNT, "aud": ENDPOINT, "jti": "once", "iat": at, "exp": at + 300 }))
}

fn assertion(header: Value, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims = good();
    change(&mut claims);
    signed(&header.to_string(), &Value::Object(claims).to_string())
}

fn shown_of(text: &str) -> Result<Shown, TokenError> {
    Assertion::read(text)?.verify(key().public(), &[ISSUER, ENDPOINT], now())
}

fn shown(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Shown, TokenError> {
    shown_of(&assertion(json!({ "alg": "ES256", "kid": KID }), change))
}

#[test]
fn an_assertion_shows_an_account() {
    let text = assertion(json!({ "alg": "ES256", "kid": KID, "typ": "JWT" }), |_| {});
    let read = Assertion::read(&text).unwrap();
    assert_eq!((read.client(), read.key_id()), (ACCOUNT, Some(KID)));
    let until = now().plus_millis(300_000 + SKEW);
    assert_eq!(shown_of(&text).unwrap(), Shown { id: "once".to_owned(), until });
    assert!(shown(set("aud", json!(ISSUER))).is_ok());
    assert!(shown(set("aud", json!([ENDPOINT]))).is_ok());
    assert!(shown(|claims| drop(claims.remove("iat"))).is_ok());
    assert!(shown_of(&assertion(json!({ "alg": "ES256", "typ": "client-authentication+jwt" }), |_| {})).is_ok());
}

#[test]
fn an_assertion_speaks_for_who_issued_it_and_to_nobody_else() {
    assert_eq!(shown(set("sub", json!(TENANT))), Err(TokenError::Issuer));
    assert_eq!(shown(set("iss", json!(TENANT))), Err(TokenError::Issuer));
    assert_eq!(shown(|claims| drop(claims.remove("iss"))), Err(TokenError::Issuer));
    let name = |claims: &mut Map<String, Value>| {
        claims.insert("iss".to_owned(), json!("bot"));
        claims.insert("sub".to_owned(), json!("bot"));
    };
    assert_eq!(shown(name), Err(TokenError::Claims));
    for audience in [
        json!("https://other.example/v1/token"),
        json!([ENDPOINT, "https://other.example"]),
        json!([]),
        json!(null),
        json!({ "a": ENDPOINT }),
        json!(format!("{ENDPOINT}/")),
    ] {
        assert_eq!(shown(set("aud", audience.clone())), Err(TokenError::Audience), "{audience}");
    }
}

#[test]
fn an_assertion_is_short_lived_and_counted() {
    let at = now().as_millis() / 1000;
    for (name, value, error) in [
        ("exp", json!(at - 60), TokenError::Expired),
        ("exp", json!(at + 361), TokenError::Life),
        ("exp", json!("soon"), TokenError::Claims),
        ("nbf", json!(at + 61), TokenError::NotYet),
        ("iat", json!(at + 61), TokenError::NotYet),
        ("iat", json!(null), TokenError::Claims),
        ("jti", json!(""), TokenError::Claims),
        ("jti", json!(7), TokenError::Claims),
        ("jti", json!("j".repeat(129)), TokenError::Claims),
    ] {
        assert_eq!(shown(set(name, value.clone())), Err(error), "{name} {value}");
    }
    assert!(shown(set("exp", json!(at - 59))).is_ok(), "clocks differ");
    assert_eq!(shown(|claims| drop(claims.remove("exp"))), Err(TokenError::Claims));
    assert_eq!(shown(|claims| drop(claims.remove("jti"))), Err(TokenError::Claims));
}

/// The same reader as for access tokens: its attacks are tried there, and these are the ones that differ.
#[test]
fn an_assertion_is_no_access_token_and_the_other_way_round() {
    assert_eq!(Assertion::read(&issue(&claims(), &key()).unwrap()).err(), Some(TokenError::Type));
    let text = assertion(json!({ "alg": "ES256", "kid": KID }), |_| {});
    assert_eq!(take(&text), Err(TokenError::Type));
    assert_eq!(shown_of(&assertion(json!({ "alg": "none", "kid": KID }), |_| {})), Err(TokenError::Algorithm));
    let other = SigningKey::es256(KID, &[5; 32]).unwrap();
    let wrong = Assertion::read(&text).unwrap().verify(other.public(), &[ENDPOINT], now());
    assert_eq!(wrong, Err(TokenError::NotAuthentic));
    let embedded = assertion(json!({ "alg": "ES256", "jwk": other.public().jwk() }), |_| {});
    assert_eq!(Assertion::read(&embedded).err(), Some(TokenError::ForeignKey));
}
