//! Tokens of other issuers: what is taken, and every known way to pass a wrong one.

use super::*;
use crate::token::{IDENTITY_TOKEN, PublicKey, SigningKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::{Signature, signature::Signer as _};
use serde_json::json;
use sha2::Sha256;

const ISSUER: &str = "https://login.acme.com";
const AUDIENCE: &str = "https://app.acme.com";

/// A key of 2048 bits that OpenSSL made, and what it signed: the claims of [`claims`] under the `kid` `rsa`.
const N: &str = "7M0GlEXS2dgo1I1KQ8jhvyb6yC-OXfV9ev-t7ovYYWOUJnF9NYijzklCm7cHv23qxOT2AG-I4N92BKN_N4xHw3-imiHPWkpQVQAFs17p1jJ1-8wJb7ahjMtpyftj-xyMIrUgtzqkORMY4jNpFEsja7NSy48h1kTljV6v3UXJKIZsNCJrgKFHAEvzvjOkORKmSsZz5VX2f7I-k49KCgq27SExefrt7BK0gqLEPti41hix3rTkH6kuRI_x1p3WZ9M4iBVfoBkEjHkm3SsuKpgUVqnGGPPDDrmIRvDEYPZF3JnLEzOf6jNbB1MayeMoucT8uUvhrqohzlPf8b1gMCevUw";
const RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWUuY29tIiwic3ViIjoiMDB1MSIsImF1ZCI6Imh0dHBzOi8vYXBwLmFjbWUuY29tIiwiaWF0IjoxNzcyNDQ1NjAwLCJleHAiOjE3NzI0NDkyMDB9.TlG-7gBDzTXy_qPc3Sez76BECx7E2FvLSQ-GtfTTrsA-jmzPO2cfjRwr8UDql6zAropD2ADQ_-BJucnlizW68fiP5zxYPLVJZ3PCDU-EKgAczxqpgC0rZcVA5ZL41QLZwjSudRm0xBiaYsEPplSNUFZenpTBFGM3ZewRmkdgyxTRF_iPqDBEn6fiGfCOXqa24313HctGvpTLOj2rBAZR4YvbOlGCHwU0keFaAwRJiqpCHvacFOutNyYBI6Klax5tC2o03Ds6ANGNQINREWIkMeTIeer2VwVEo36RPgdF8dC9TXiYCAEsFhKzGqYsRiztpbhb8kiEipAfD0FEa7OGcg";
const PS256: &str = "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWUuY29tIiwic3ViIjoiMDB1MSIsImF1ZCI6Imh0dHBzOi8vYXBwLmFjbWUuY29tIiwiaWF0IjoxNzcyNDQ1NjAwLCJleHAiOjE3NzI0NDkyMDB9.Pq_0E7JpADJ0mINqgZ1r4N8CTzQ5dtkHrcmAvDjxlpV--PgHvmqrr547NPqIE1op730zgXmM-x-5_2LmdP3WMAlr5Jb8bcaUCiJGEWCgfEL_W9VdxgaCGWTOpnUTFqJ7S3DBRKxTrdmPjn9G9jf6HRgSMelLrAh5m-H5RinICq0Cpz0rTDFVbWUg_oVLpKlSBld8JNTZ9GA7p6T6Ns4qyph9YxSZ8pZipH3fto8-yl7OKRaxSXiARe-WzrXEVeyRAhosiGBlLZvBYQhazWP5qIM523Bt3wST-LhAN8HusdHSYHTXEnOGTcOwcCUml2nJE8i5fEicMN1H9XfquWxYsA";
/// A key of 1024 bits, and its signatures of the same texts.
const WEAK_N: &str = "rs7GoTCiPue9E7TDYtTSssGKOQDi6IwwK4Lqs_HkfaT8ZzKiacKJ8WrlHtlqynFucxxY0RS_xzx55hqYi5DtwIr8x6hPtSFeu4saQ_FAao3LRQHYLrFZX6T15qI0SVZF11T-5UGEYqn9fiEbe5pSKOZw06xLKMZHWCjRkwRoJ2E";
const RS256_WEAK: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWUuY29tIiwic3ViIjoiMDB1MSIsImF1ZCI6Imh0dHBzOi8vYXBwLmFjbWUuY29tIiwiaWF0IjoxNzcyNDQ1NjAwLCJleHAiOjE3NzI0NDkyMDB9.BCUzCdxLdVMFmivJCThAbko-5OGYRydcbHCPvl1lyLF_JdlpyNGmCq6ncN0kWHXvWmFaL6v_30DEMO_b6j0BNl_bfYEKXwWxsidphr6ws9MIdSUlOYlUypJd_oNVOj8NP7Z9VEWhw720w1wYvKB1dXo4mu-UgbeccSBVdIZjmDo";
const PS256_WEAK: &str = "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmFjbWUuY29tIiwic3ViIjoiMDB1MSIsImF1ZCI6Imh0dHBzOi8vYXBwLmFjbWUuY29tIiwiaWF0IjoxNzcyNDQ1NjAwLCJleHAiOjE3NzI0NDkyMDB9.aI2VRhiI6YsTlpk8A5t64SxJpjzBvXth7cru_qCJz5uoL3fguLhbmoSSDpI4TQMjhNmZpX2c-SEp__1-bcDNauDVF9e0Xe-gKQBmBwYaKpKwwmZjJBVvPe045Lq4EVlpOGHOBAlsLaeNyXuhCQ3lVrFnQksbNcuIau8KuGEo1Ns";

fn now() -> Timestamp {
    "2026-03-02T10:00:00.000Z".parse().unwrap()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn claims() -> Value {
    let at = now().as_millis() / 1000;
    json!({ "iss": ISSUER, "sub": "00u1", "aud": AUDIENCE, "iat": at, "exp": at + 3600 })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "ec", "typ": "JWT" })
}

/// A token of these texts, signed with ES256 by the key that [`keys`] has as `ec`.
fn signed(header: impl ToString, claims: impl ToString) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let signature: Signature = key.sign(message.as_bytes());
    format!("{message}.{}", b64(signature.to_bytes()))
}

fn ec() -> Map<String, Value> {
    SigningKey::es256("ec", &[7; 32]).unwrap().public().jwk()
}

fn rsa(kid: &str, n: &str) -> Value {
    json!({ "kty": "RSA", "kid": kid, "n": n, "e": "AQAB", "use": "sig", "x5c": ["MIIB"], "x5t": "x" })
}

fn set(keys: Value) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn keys() -> KeySet {
    set(json!([ec(), rsa("rsa", N)]))
}

fn configuration() -> Value {
    json!({ "issuer": ISSUER, "audiences": ["https://other.acme.com", AUDIENCE] })
}

fn trust() -> Trust {
    Trust::read(&object(configuration()), &Map::new(), false).unwrap()
}

fn take_by(token: &str, keys: &KeySet, trust: &Trust) -> Result<Map<String, Value>, TokenError> {
    ExternalToken::read(token)?.verify(keys, trust, now()).cloned()
}

fn take(token: &str) -> Result<Map<String, Value>, TokenError> {
    take_by(token, &keys(), &trust())
}

#[track_caller]
fn refused(token: &str, error: TokenError) {
    assert_eq!(take(token), Err(error), "{token}");
}

#[test]
fn what_the_issuer_signed_is_taken_with_each_kind_of_key() {
    assert_eq!(take(&signed(header(), claims())), Ok(object(claims())));
    assert_eq!(take(RS256), Ok(object(claims())));
    assert_eq!(take(PS256), Ok(object(claims())));
    for typ in ["at+jwt", "application/at+jwt", "jwt"] {
        assert!(take(&signed(with(header(), "typ", json!(typ)), claims())).is_ok(), "{typ}");
    }
    assert!(take(&signed(without(header(), "typ"), claims())).is_ok());
    let many = with(claims(), "aud", json!(["x", AUDIENCE]));
    assert!(take(&signed(header(), many)).is_ok());
    // What is kept of a set is the same set.
    let kept = KeySet::read(keys().to_json().to_string().as_bytes()).unwrap();
    assert!(take_by(RS256, &kept, &trust()).is_ok() && take_by(&signed(header(), claims()), &kept, &trust()).is_ok());
    assert!(kept.to_json()["keys"][1].get("x5c").is_none());
}

#[test]
fn what_it_did_not_sign_is_not() {
    for token in [RS256, PS256, &signed(header(), claims())] {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for at in (0..bytes.len()).step_by(16) {
            let mut other = bytes.clone();
            other[at] ^= 1;
            refused(&format!("{message}.{}", b64(other)), TokenError::NotAuthentic);
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        for other in [&bytes[1..], &bytes[..bytes.len() - 1], longer.as_slice(), &[0]] {
            refused(&format!("{message}.{}", b64(other)), TokenError::NotAuthentic);
        }
        let (header, _) = message.split_once('.').unwrap();
        let said = b64(with(claims(), "sub", json!("00u2")).to_string());
        refused(&format!("{header}.{said}.{signature}"), TokenError::NotAuthentic);
    }
    // One padding's signature is not the other's.
    let swapped =
        |token: &str, of: &str| format!("{}.{}", token.rsplit_once('.').unwrap().0, of.rsplit_once('.').unwrap().1);
    refused(&swapped(RS256, PS256), TokenError::NotAuthentic);
    refused(&swapped(PS256, RS256), TokenError::NotAuthentic);
}

#[test]
fn the_key_says_the_algorithm() {
    for alg in ["none", "None", "", "HS256", "HS512", "RS384", "RS512", "ES384", "ES256K", "rs256", "dir"] {
        refused(&signed(with(header(), "alg", json!(alg)), claims()), TokenError::Algorithm);
    }
    let (unsigned, _) = RS256.rsplit_once('.').unwrap();
    refused(&format!("{unsigned}."), TokenError::Malformed);
    // The id of a key of another kind.
    for (alg, kid) in [("RS256", "ec"), ("PS256", "ec"), ("EdDSA", "ec"), ("ES256", "rsa"), ("EdDSA", "rsa")] {
        let header = json!({ "alg": alg, "kid": kid });
        refused(&signed(header, claims()), TokenError::Algorithm);
    }
    // The public key, which everybody has, taken for a shared secret.
    for secret in [N.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(N).unwrap(), Value::Object(ec()).to_string().into()] {
        let message =
            format!("{}.{}", b64(json!({ "alg": "HS256", "kid": "rsa" }).to_string()), b64(claims().to_string()));
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(message.as_bytes());
        refused(&format!("{message}.{}", b64(mac.finalize().into_bytes())), TokenError::Algorithm);
    }
    // A key that the issuer has for one of them, and a tenant that takes one alone.
    let of = |alg: &str| set(json!([with(rsa("rsa", N), "alg", json!(alg))]));
    assert!(take_by(RS256, &of("RS256"), &trust()).is_ok() && take_by(PS256, &of("PS256"), &trust()).is_ok());
    assert_eq!(take_by(RS256, &of("PS256"), &trust()), Err(TokenError::Algorithm));
    assert_eq!(take_by(PS256, &of("RS256"), &trust()), Err(TokenError::Algorithm));
    let alone =
        Trust::read(&object(with(configuration(), "algorithms", json!(["PS256"]))), &Map::new(), false).unwrap();
    assert_eq!(take_by(RS256, &keys(), &alone), Err(TokenError::Algorithm));
    assert!(take_by(PS256, &keys(), &alone).is_ok());
}

#[test]
fn a_key_is_found_in_the_issuers_set_and_nowhere_else() {
    let forger = Value::Object(SigningKey::es256("ec", &[9; 32]).unwrap().public().jwk());
    for (name, value) in [
        ("jwk", forger),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/key.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        refused(&signed(with(header(), name, value), claims()), TokenError::ForeignKey);
    }
    refused(&signed(with(header(), "crit", json!(["exp"])), claims()), TokenError::Critical);
    for kid in ["EC", "../ec", "https://evil.example/key", "' OR 1=1 --", ""] {
        refused(&signed(with(header(), "kid", json!(kid)), claims()), TokenError::UnknownKey);
    }
    refused(&signed(without(header(), "kid"), claims()), TokenError::UnknownKey);
    assert_eq!(take_by(RS256, &KeySet::default(), &trust()), Err(TokenError::UnknownKey));
}

#[test]
fn a_key_that_is_none_verifies_nothing() {
    let passed_over = [
        without(rsa("rsa", N), "kid"),
        with(rsa("rsa", N), "use", json!("enc")),
        with(rsa("rsa", N), "alg", json!("RSA-OAEP")),
        with(rsa("rsa", N), "key_ops", json!(["encrypt"])),
        with(rsa("rsa", N), "d", json!("AQAB")),
        with(rsa("rsa", N), "e", json!("AAAB")),
        with(rsa("rsa", N), "e", json!("AQ")),
        with(rsa("rsa", N), "n", json!(format!("{N}="))),
        rsa("rsa", WEAK_N),
        json!({ "kty": "oct", "kid": "rsa", "k": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-256", "kid": "rsa", "x": b64([1; 32]), "y": b64([1; 32]) }),
        json!("rsa"),
    ];
    for key in passed_over {
        let keys = set(json!([key]));
        assert!(keys.is_empty() && !keys.has("rsa"), "{key}");
    }
    assert_eq!(take_by(RS256_WEAK, &set(json!([rsa("rsa", WEAK_N)])), &trust()), Err(TokenError::UnknownKey));
    assert_eq!(take_by(PS256_WEAK, &set(json!([rsa("rsa", WEAK_N)])), &trust()), Err(TokenError::UnknownKey));
    // The good one beside it is found all the same.
    let both = json!([{ "kty": "EC", "kid": "rsa" }, ec(), rsa("rsa", N)]);
    assert!(take_by(RS256, &set(both), &trust()).is_ok());
    // Of one id twice either may have signed.
    let twice = json!([with(rsa("rsa", N), "alg", json!("PS256")), rsa("rsa", N)]);
    assert!(take_by(RS256, &set(twice), &trust()).is_ok());
    for none in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>"] {
        assert!(KeySet::read(none.as_bytes()).is_none(), "{none}");
    }
    assert!(KeySet::read(format!(r#"{{"keys":[]{}}}"#, " ".repeat(LONGEST_SET)).as_bytes()).is_none());
}

#[test]
fn who_issued_it_for_whom_and_when() {
    let at = now().as_millis() / 1000;
    for (name, value, error) in [
        ("iss", json!("https://login.acme.com/"), TokenError::Issuer),
        ("iss", json!("https://LOGIN.acme.com"), TokenError::Issuer),
        ("iss", json!("https://login.acme.com.evil.example"), TokenError::Issuer),
        ("iss", json!([ISSUER]), TokenError::Issuer),
        ("aud", json!("https://app.acme.com/"), TokenError::Audience),
        ("aud", json!([]), TokenError::Audience),
        ("aud", json!([[AUDIENCE]]), TokenError::Audience),
        ("aud", json!({ AUDIENCE: 1 }), TokenError::Audience),
        ("aud", json!(null), TokenError::Audience),
        ("sub", json!(""), TokenError::Claims),
        ("sub", json!(7), TokenError::Claims),
        ("sub", json!("x".repeat(256)), TokenError::Claims),
        ("sub", json!("a\u{0}b"), TokenError::Claims),
        ("exp", json!(at - 60), TokenError::Expired),
        ("exp", json!("1772445600"), TokenError::Claims),
        ("exp", json!(1e300), TokenError::Claims),
        ("exp", json!(-1), TokenError::Claims),
        ("exp", json!(at + 24 * 3600 + 61), TokenError::Life),
        ("nbf", json!(at + 61), TokenError::NotYet),
        ("iat", json!(at + 61), TokenError::NotYet),
        ("nbf", json!("now"), TokenError::Claims),
        ("iat", json!(null), TokenError::Claims),
    ] {
        refused(&signed(header(), with(claims(), name, value)), error);
    }
    for (name, error) in [
        ("iss", TokenError::Issuer),
        ("sub", TokenError::Claims),
        ("aud", TokenError::Audience),
        ("exp", TokenError::Claims),
    ] {
        refused(&signed(header(), without(claims(), name)), error);
    }
    for (name, value) in [("exp", at - 59), ("exp", at + 24 * 3600), ("nbf", at + 60), ("iat", at + 60)] {
        assert!(take(&signed(header(), with(claims(), name, json!(value)))).is_ok(), "{name} {value}");
    }
    refused(&signed(header(), r#"{"iss":"https://evil.example","iss":"https://login.acme.com"}"#), TokenError::Claims);
}

#[test]
fn a_token_of_another_kind() {
    for typ in [IDENTITY_TOKEN, "logout+jwt", "secevent+jwt", "dpop+jwt", "client-authentication+jwt", ""] {
        refused(&signed(with(header(), "typ", json!(typ)), claims()), TokenError::Type);
    }
    refused(&signed(header(), with(claims(), "x", json!("x".repeat(8192)))), TokenError::TooLong);
}

#[test]
fn an_address_counts_where_the_issuer_has_verified_it() {
    let email = |claims: Value| ExternalToken::read(&signed(header(), claims)).unwrap().verified_email();
    let said = with(claims(), "email", json!("Anna@ACME.example"));
    assert_eq!(email(with(said.clone(), "email_verified", json!(true))), Some("anna@acme.example".to_owned()));
    for unverified in [json!(false), json!("true"), json!(1), json!(null)] {
        assert_eq!(email(with(said.clone(), "email_verified", unverified)), None);
    }
    assert_eq!(email(said), None);
}

#[test]
fn what_a_tenant_says_of_an_issuer_is_read_with_all_that_is_wrong() {
    let read = |configuration: Value, local| Trust::read(&object(configuration), &Map::new(), local);
    let trust = read(configuration(), false).unwrap();
    assert_eq!((trust.subject, trust.algorithms.len(), trust.source()), (SubjectIs::Linked, 4, ISSUER.to_owned()));
    assert_eq!(trust.discovery(), "https://login.acme.com/.well-known/openid-configuration");
    let uri = read(with(configuration(), "jwks_uri", json!("https://keys.acme.com/k?v=1")), false).unwrap();
    assert_eq!(uri.source(), "https://login.acme.com https://keys.acme.com/k?v=1");
    let realm = read(with(configuration(), "issuer", json!("https://login.acme.com/realms/a/")), false).unwrap();
    assert_eq!(realm.discovery(), "https://login.acme.com/realms/a/.well-known/openid-configuration");
    for (name, value, code) in [
        ("issuer", json!("http://login.acme.com"), "address.scheme"),
        ("issuer", json!("https://10.0.0.1"), "address.host"),
        ("issuer", json!("https://login.internal"), "address.inside"),
        ("issuer", json!("http://127.0.0.1:1"), "address.scheme"),
        ("issuer", json!("https://login.acme.com/?a=b"), "identity_provider.address"),
        ("issuer", json!(7), "identity_provider.address"),
        ("jwks_uri", json!("https://user@login.acme.com/"), "address.user"),
        ("audiences", json!([]), "identity_provider.list"),
        ("audiences", json!([""]), "identity_provider.list"),
        ("audiences", json!("x"), "identity_provider.list"),
        ("algorithms", json!(["HS256"]), "identity_provider.word"),
        ("algorithms", json!(["none"]), "identity_provider.word"),
        ("subject", json!("sub"), "identity_provider.word"),
        ("audience", json!("x"), "identity_provider.unknown"),
    ] {
        let findings = read(with(configuration(), name, value.clone()), false).unwrap_err();
        assert!(findings.iter().any(|finding| finding.code == code), "{name} {value}: {findings:?}");
        assert!(findings.iter().all(|finding| finding.field.as_deref().is_some_and(|it| it.contains('/'))));
    }
    let none: Vec<String> = read(json!({}), false).unwrap_err().into_iter().map(|finding| finding.code).collect();
    assert_eq!(none, ["identity_provider.missing", "identity_provider.audience"]);
    assert!(read(with(configuration(), "issuer", json!("http://127.0.0.1:1")), true).is_ok());
    let mapped = |mapping: Value| Trust::read(&object(configuration()), &object(mapping), false);
    let trust = mapped(json!({ "department": "dept", "level": "lvl" })).unwrap();
    let said = trust.said(&object(json!({ "dept": "sales", "level": 3 })));
    assert_eq!(Value::Object(said), json!({ "department": "sales" }));
    assert_eq!(mapped(json!({ "department": 7 })).unwrap_err()[0].code, "identity_provider.claim");
}

/// A public key is named by its thumbprint where it has no id; an issuer's must have one.
#[test]
fn an_id_is_the_issuers_own() {
    let thumb = PublicKey::from_jwk(&ec()).unwrap().thumbprint();
    assert!(!set(json!([without(Value::Object(ec()), "kid")])).has(&thumb));
}
