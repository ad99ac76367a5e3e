//! Ways to have a wrong token taken, each by the name that it is known by.

use super::*;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn refused(token: &str, error: TokenError) {
    assert_eq!(take(token), Err(error), "{token}");
}

#[test]
fn the_pattern_itself_is_good() {
    assert_eq!(take(&signed(&header(|_| {}), &payload(|_| {}))).unwrap(), claims());
    assert!(take(&signed(&header(set("typ", json!("application/AT+JWT"))), &payload(|_| {}))).is_ok());
    // Later versions may say more.
    assert!(take(&signed(&header(set("x", json!(1))), &payload(set("cnf", json!({ "jkt": "x" }))))).is_ok());
}

#[test]
fn alg_none() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let token = signed(&header(set("alg", json!(alg))), &payload(|_| {}));
        refused(&token, TokenError::Algorithm);
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        refused(&format!("{unsigned}."), TokenError::Malformed);
        refused(unsigned, TokenError::Malformed);
    }
    refused(&signed(&header(|header| drop(header.remove("alg"))), &payload(|_| {})), TokenError::Header);
    for alg in [json!(null), json!(["ES256"]), json!({ "ES256": 1 }), json!(256)] {
        refused(&signed(&header(set("alg", alg)), &payload(|_| {})), TokenError::Header);
    }
}

/// The public key, which everybody has, taken for a shared secret.
#[test]
fn hs256_with_the_public_key() {
    let jwk = key().public().jwk();
    let point = [vec![4], unb64(X), unb64(Y)].concat();
    for secret in [point.clone(), point[1..].to_vec(), Value::Object(jwk).to_string().into_bytes(), X.into(), vec![]] {
        for alg in ["HS256", "ES256"] {
            let message = format!("{}.{}", b64(header(set("alg", json!(alg)))), b64(payload(|_| {})));
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
            mac.update(message.as_bytes());
            let token = format!("{message}.{}", b64(mac.finalize().into_bytes()));
            refused(&token, if alg == "ES256" { TokenError::NotAuthentic } else { TokenError::Algorithm });
        }
    }
}

#[test]
fn another_algorithm_than_the_keys() {
    for alg in ["ES384", "ES512", "ES256K", "RS256", "PS256", "EdDSA", "Ed25519", "es256", " ES256", "HS512", "dir"] {
        refused(&signed(&header(set("alg", json!(alg))), &payload(|_| {})), TokenError::Algorithm);
    }
}

/// A key of another algorithm under the same id verifies nothing of this one's.
#[test]
fn an_id_of_a_key_of_another_algorithm() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": KID });
    let ed = PublicKey::from_jwk(&object(jwk)).unwrap();
    let token = issue(&claims(), &key()).unwrap();
    assert_eq!(verify(&token, std::slice::from_ref(&ed), &expected()), Err(TokenError::Algorithm));
    let other = SigningKey::es256(KID, &[7; 32]).unwrap();
    assert_eq!(verify(&token, &[other.public().clone()], &expected()), Err(TokenError::NotAuthentic));
}

/// An id is compared and nothing else: no path, no address, no query.
#[test]
fn a_kid_that_leads_elsewhere() {
    for kid in ["../../../../dev/null", "/proc/self/environ", "https://evil.example/key.json", "x' OR '1'='1", "", "*"]
    {
        refused(&signed(&header(set("kid", json!(kid))), &payload(|_| {})), TokenError::UnknownKey);
    }
    refused(&signed(&header(|header| drop(header.remove("kid"))), &payload(|_| {})), TokenError::UnknownKey);
    for kid in [json!(null), json!([KID]), json!("k".repeat(129))] {
        refused(&signed(&header(set("kid", kid)), &payload(|_| {})), TokenError::Header);
    }
    assert_eq!(verify(&issue(&claims(), &key()).unwrap(), &[], &expected()), Err(TokenError::UnknownKey));
}

#[test]
fn a_key_that_comes_with_the_token_or_that_it_leads_to() {
    let forger = SigningKey::es256(KID, &[9; 32]).unwrap();
    let jwk = Value::Object(forger.public().jwk());
    for (name, value) in [
        ("jwk", jwk.clone()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/key.pem")),
        ("x5c", json!(["MIIB"])),
    ] {
        // Even where the signature is good.
        refused(&signed(&header(set(name, value)), &payload(|_| {})), TokenError::ForeignKey);
    }
    // And without saying so.
    let token = issue(&claims(), &forger).unwrap();
    refused(&token, TokenError::NotAuthentic);
}

#[test]
fn critical_extensions() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("alg"), json!(null)] {
        refused(&signed(&header(set("crit", crit)), &payload(|_| {})), TokenError::Critical);
    }
}

#[test]
fn a_token_of_another_kind() {
    for typ in ["JWT", "jwt", "client-authentication+jwt", "id+jwt", "logout+jwt", "at+jwt ", "text/at+jwt", ""] {
        refused(&signed(&header(set("typ", json!(typ))), &payload(|_| {})), TokenError::Type);
    }
    refused(&signed(&header(|header| drop(header.remove("typ"))), &payload(|_| {})), TokenError::Type);
}

#[test]
fn before_its_time_and_after_it() {
    let at = |now: Timestamp| {
        verify(&issue(&claims(), &key()).unwrap(), &[key().public().clone()], &Expected { now, ..expected() })
    };
    assert_eq!(at(now().plus_millis(300_000)), Err(TokenError::Expired));
    assert!(at(now().plus_millis(299_999)).is_ok());
    assert!(at(now().plus_millis(-SKEW)).is_ok());
    assert_eq!(at(now().plus_millis(-SKEW - 1)), Err(TokenError::NotYet));
    let exp = |exp: Value| take(&signed(&header(|_| {}), &payload(set("exp", exp))));
    let at = now().as_millis() / 1000;
    assert_eq!(exp(json!(at)), Err(TokenError::Expired));
    assert!(exp(json!(at + 900)).is_ok());
    assert_eq!(exp(json!(at + 901)), Err(TokenError::Life));
    for odd in [json!(-1), json!(1e300), json!("2026"), json!(null), json!(true), json!([at])] {
        assert_eq!(exp(odd), Err(TokenError::Claims));
    }
    let nbf = payload(set("nbf", json!(at + 61)));
    refused(&signed(&header(|_| {}), &nbf), TokenError::Claims);
    let later = payload(|claims| {
        claims.insert("nbf".to_owned(), json!(at + 61));
        claims.insert("iat".to_owned(), json!(at + 61));
    });
    refused(&signed(&header(|_| {}), &later), TokenError::NotYet);
}

#[test]
fn of_somebody_else_for_somebody_else_and_of_another_tenant() {
    let with = |name: &str, value: Value| take(&signed(&header(|_| {}), &payload(set(name, value))));
    for issuer in [
        "https://acme.id.example/",
        "http://acme.id.example",
        "https://acme.id.example.evil",
        "HTTPS://acme.id.example",
    ] {
        assert_eq!(with("iss", json!(issuer)), Err(TokenError::Issuer), "{issuer}");
        assert_eq!(with("aud", json!(issuer)), Err(TokenError::Audience), "{issuer}");
    }
    assert_eq!(with("tenant", json!(Uuid::from_u128(1))), Err(TokenError::Tenant));
    for (name, wrong) in [
        ("iss", json!([ISSUER])),
        ("aud", json!([ISSUER])),
        ("aud", json!(null)),
        ("tenant", json!("01980000000070008000000000000001")),
        ("tenant", json!("01980000-0000-7000-8000-00000000000A")),
        ("jti", json!("x")),
        ("subject_type", json!("owner")),
        ("scope", json!(["me"])),
        ("roles", json!("owner")),
        ("roles", json!([1])),
        ("sid", json!(Uuid::from_u128(3))),
        ("api_key_id", json!(3)),
    ] {
        assert_eq!(with(name, wrong.clone()), Err(TokenError::Claims), "{name} {wrong}");
    }
    for name in claims().to_json().keys() {
        let without = payload(|claims| drop(claims.remove(name)));
        refused(&signed(&header(|_| {}), &without), TokenError::Claims);
    }
}

/// Which of two counts would be the reader's guess, and another reader guesses otherwise.
#[test]
fn a_member_twice() {
    let double = header(|_| {}).replace("\"alg\"", "\"alg\":\"none\",\"alg\"");
    refused(&signed(&double, &payload(|_| {})), TokenError::Header);
    let kid = header(|_| {}).replace("\"kid\"", "\"\\u006bid\":\"x\",\"kid\"");
    refused(&signed(&kid, &payload(|_| {})), TokenError::Header);
    let sub = payload(|_| {}).replace("\"sub\"", "\"sub\":\"x\",\"sub\"");
    refused(&signed(&header(|_| {}), &sub), TokenError::Claims);
    let inner = payload(set("cnf", json!({ "a": 1 }))).replace("\"a\":1", "\"a\":1,\"a\":2");
    refused(&signed(&header(|_| {}), &inner), TokenError::Claims);
}

#[test]
fn no_json_object() {
    for text in ["", "[]", "null", "\"x\"", "{", "{}x", "\u{feff}{}"] {
        let error = if text.is_empty() { TokenError::Malformed } else { TokenError::Header };
        refused(&signed(text, &payload(|_| {})), error);
        let error = if text.is_empty() { TokenError::Malformed } else { TokenError::Claims };
        refused(&signed(&header(|_| {}), text), error);
    }
    // Deeper than a parser goes.
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(2000), "]".repeat(2000));
    refused(&signed(&header(|_| {}), &deep), TokenError::Claims);
}

#[test]
fn cut_off_anywhere_or_with_more_behind_it() {
    let token = issue(&claims(), &key()).unwrap();
    for end in 0..token.len() {
        assert!(take(token.split_at(end).0).is_err(), "{end}");
    }
    for more in [".", "..", ".AAAA", " ", "\n", "=", "==", "A", "AAAA", "\0"] {
        assert!(take(&format!("{token}{more}")).is_err(), "{more:?}");
        assert!(take(&format!("{more}{token}")).is_err(), "{more:?}");
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for wrong in [
        format!("{header}..{payload}.{signature}"),
        format!("{header}.{payload}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{signature}"),
        format!("{payload}.{header}.{signature}"),
        "..".to_owned(),
        ".".to_owned(),
        String::new(),
    ] {
        assert!(take(&wrong).is_err(), "{wrong}");
    }
}

/// One token, one text: else a list of revoked texts would be passed by.
#[test]
fn another_spelling_of_the_same_bytes() {
    let token = issue(&claims(), &key()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    // 64 bytes are 86 characters, of which the last has four bits to spare.
    let (body, last) = parts[2].split_at(85);
    let spare: String = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        .chars()
        .skip_while(|letter| *letter != last.chars().next().unwrap())
        .skip(1)
        .take(1)
        .collect();
    refused(&format!("{}.{}.{body}{spare}", parts[0], parts[1]), TokenError::Malformed);
    for part in 0..3 {
        for change in [
            |text: &str| format!("{text}="),
            |text: &str| format!("{text}=="),
            |text: &str| text.replacen('-', "+", 1).replacen('_', "/", 1),
            |text: &str| {
                let (start, rest) = text.split_at(4);
                format!("{start}\n{rest}")
            },
            |text: &str| format!("{text}%2D"),
        ] {
            let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            changed[part] = change(parts[part]);
            let changed = changed.join(".");
            assert!(changed == token || take(&changed) == Err(TokenError::Malformed), "{changed}");
        }
    }
}

/// Zeros, and the other encoding of ECDSA (ASN.1), are no signatures of a JWS.
#[test]
fn signatures_of_another_form() {
    let (unsigned, good) =
        signed(&header(|_| {}), &payload(|_| {})).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let good = unb64(&good);
    let der = p256::ecdsa::Signature::from_slice(&good).unwrap().to_der().as_bytes().to_vec();
    let order = hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    for wrong in [
        vec![0; 64],
        der,
        good[..63].to_vec(),
        [good.clone(), vec![0]].concat(),
        [&order[..], &good[32..]].concat(),
        [&good[..32], &[0; 32]].concat(),
        [&good[32..], &good[..32]].concat(),
    ] {
        refused(&format!("{unsigned}.{}", b64(wrong)), TokenError::NotAuthentic);
    }
}

#[test]
fn more_than_anybody_needs() {
    let long = payload(set("roles", json!(["r".repeat(LONGEST)])));
    refused(&signed(&header(|_| {}), &long), TokenError::TooLong);
    refused(&"A".repeat(LONGEST + 1), TokenError::TooLong);
    let header = header(set("x", json!("x".repeat(2000))));
    refused(&signed(&header, &payload(|_| {})), TokenError::Header);
}
