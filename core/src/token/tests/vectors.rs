//! The vectors of the standards.

use super::super::jws::Jws;
use super::*;

fn p256(x: &str, y: &str) -> PublicKey {
    PublicKey::from_jwk(&object(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }))).unwrap()
}

const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// RFC 7515, appendix A.3: ES256.
#[test]
fn es256_of_rfc_7515() {
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{JOE}.\
         DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    let jws = Jws::read(&token).unwrap();
    jws.check(&p256(X, Y)).unwrap();
    assert_eq!(jws.claims().unwrap()["iss"], "joe");
    let other = p256("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
    assert_eq!(jws.check(&other), Err(TokenError::NotAuthentic));
    // As an access token it is of another kind.
    assert_eq!(take(&token), Err(TokenError::Type));
}

/// RFC 7515, appendix A.1, which is the first example of RFC 7519: signed with a shared secret.
#[test]
fn hs256_of_rfc_7519() {
    let token = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let jws = Jws::read(&token).unwrap();
    assert_eq!(jws.claims().unwrap()["exp"], 1_300_819_380);
    assert_eq!(jws.check(&p256(X, Y)), Err(TokenError::Algorithm));
}

/// RFC 7519, section 6.1: unsecured.
#[test]
fn none_of_rfc_7519() {
    let token = format!("eyJhbGciOiJub25lIn0.{JOE}.");
    assert_eq!(Jws::read(&token).err(), Some(TokenError::Malformed));
}

/// RFC 8037, appendices A.2 to A.5: Ed25519.
#[test]
fn ed25519_of_rfc_8037() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let key = PublicKey::from_jwk(&object(jwk)).unwrap();
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key.id(), key.thumbprint());
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let jws = Jws::read(token).unwrap();
    jws.check(&key).unwrap();
    assert_eq!(jws.payload, b"Example of Ed25519 signing");
    assert_eq!(jws.check(&p256(X, Y)), Err(TokenError::Algorithm));
    assert_eq!(jws.claims(), Err(TokenError::Claims));
    let changed = token.replace("RXhhbXBsZSBv", "RXhhbXBsZSBw");
    assert_eq!(Jws::read(&changed).unwrap().check(&key), Err(TokenError::NotAuthentic));
}

/// RFC 7638 says how, and has a vector for RSA alone; that of P-256 is RFC 9449's, section 6.1.
#[test]
fn thumbprints_of_rfc_7638() {
    let key = p256("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
    assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    let rsa = json!({ "kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4", "e": "AQAB",
                      "alg": "RS256", "kid": "2011-04-29" });
    assert_eq!(PublicKey::from_jwk(&object(rsa)), Err(KeyError::Unsupported));
}

/// RFC 7517, appendix A.1: a public key for encryption, and what it would be for signatures; appendix A.2: a private one.
#[test]
fn keys_of_rfc_7517() {
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                      "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "enc", "kid": "1" });
    let mut jwk = object(jwk);
    assert_eq!(PublicKey::from_jwk(&jwk), Err(KeyError::Unsupported));
    jwk.insert("use".to_owned(), json!("sig"));
    let key = PublicKey::from_jwk(&jwk).unwrap();
    assert_eq!((key.id(), key.algorithm().as_str()), ("1", "ES256"));
    jwk.insert("alg".to_owned(), json!("ES256"));
    assert_eq!(key.jwk(), jwk);
    jwk.insert("d".to_owned(), json!("870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"));
    assert_eq!(PublicKey::from_jwk(&jwk), Err(KeyError::Private));
}

#[test]
fn a_key_is_a_point_of_its_curve_in_its_one_spelling() {
    let of = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut jwk = object(json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y }));
        change(&mut jwk);
        PublicKey::from_jwk(&jwk).map(|key| key.id().to_owned())
    };
    let with = |name: &'static str, value: Value| of(&move |jwk| drop(jwk.insert(name.to_owned(), value.clone())));
    assert_eq!(of(&|_| {}).unwrap(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    assert_eq!(with("ext", json!(true)).unwrap(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    assert_eq!(with("x", json!(Y)), Err(KeyError::Invalid));
    assert_eq!(with("x", json!(b64([0; 32]))), Err(KeyError::Invalid));
    // Bytes that one coordinate lends the other, padding, bits that stand for nothing, numbers.
    assert_eq!(with("x", json!(b64(&unb64(X)[1..]))), Err(KeyError::Malformed));
    assert_eq!(with("x", json!(format!("{X}="))), Err(KeyError::Malformed));
    assert_eq!(with("x", json!(X.replace("VEU", "VEV"))), Err(KeyError::Malformed));
    assert_eq!(with("x", json!(7)), Err(KeyError::Malformed));
    assert_eq!(of(&|jwk| drop(jwk.remove("y"))), Err(KeyError::Malformed));
    assert_eq!(of(&|jwk| drop(jwk.remove("kty"))), Err(KeyError::Malformed));
    assert_eq!(with("crv", json!("P-384")), Err(KeyError::Unsupported));
    assert_eq!(with("crv", json!("Ed25519")), Err(KeyError::Unsupported));
    assert_eq!(with("kty", json!("oct")), Err(KeyError::Unsupported));
    assert_eq!(with("alg", json!("ES384")), Err(KeyError::Unsupported));
    assert_eq!(with("k", json!("AAAA")), Err(KeyError::Private));
    assert_eq!(with("kid", json!("")), Err(KeyError::Id));
    assert_eq!(with("kid", json!(1)), Err(KeyError::Malformed));
    // The neutral element of Ed25519 verifies a signature of anything.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let jwk = object(json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(neutral) }));
    assert_eq!(PublicKey::from_jwk(&jwk), Err(KeyError::Invalid));
}
