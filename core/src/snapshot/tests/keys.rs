//! Keys: what is one, and what it opens.

use super::*;

#[test]
fn a_key_that_is_not_in_the_ring_is_unknown() {
    let file = builder().build(1, 2, &hmac());
    assert_eq!(code(file.clone(), &Keyring::new()), "snapshot.unknown_key");
    assert_eq!(code(file, &Keyring::new().with(es256().verifying_key())), "snapshot.unknown_key");
}

#[test]
fn another_key_of_the_same_id_does_not_verify() {
    let ring = Keyring::new()
        .with(VerifyingKey::hmac("hmac-1", &[8; 32]).unwrap())
        .with(SigningKey::es256("es256-1", &[8; 32]).unwrap().verifying_key());
    assert_eq!(code(builder().build(1, 2, &hmac()), &ring), "snapshot.wrong_signature");
    assert_eq!(code(builder().build(1, 2, &es256()), &ring), "snapshot.wrong_signature");
}

#[test]
fn a_later_key_of_the_same_id_replaces_the_first() {
    let file = builder().build(1, 2, &hmac());
    let wrong = VerifyingKey::hmac("hmac-1", &[8; 32]).unwrap();
    assert!(Snapshot::open(file.clone(), &Keyring::new().with(wrong.clone()).with(hmac().verifying_key())).is_ok());
    assert_eq!(code(file, &Keyring::new().with(hmac().verifying_key()).with(wrong)), "snapshot.wrong_signature");
}

/// The key says which algorithm it is for; a file that names another is not believed.
#[test]
fn keys_are_not_confused() {
    let public = es256().verifying_key().sec1().unwrap();
    // Signed by HMAC under the public key as its secret: the classic confusion.
    let forged = builder().build(1, 2, &SigningKey::hmac("es256-1", &public).unwrap());
    assert_eq!(code(forged, &ring()), "snapshot.wrong_signature");
    let forged = builder().build(1, 2, &SigningKey::es256("hmac-1", &[9; 32]).unwrap());
    assert_eq!(code(forged, &ring()), "snapshot.wrong_signature");
}

#[test]
fn each_tenant_has_its_own_key() {
    let other = SnapshotBuilder::new(OTHER).build(1, 2, &hmac());
    assert!(Snapshot::open(other.clone(), &ring()).is_ok());
    // The other tenant's signature does not carry over to the same header of this tenant.
    let mut file = SnapshotBuilder::new(TENANT).build(1, 2, &hmac());
    let signature = hmac().sign(OTHER, &file[..SIGNED_LENGTH]);
    file[152..184].copy_from_slice(&signature);
    assert_eq!(code(file, &ring()), "snapshot.wrong_signature");
    // And a snapshot is not made another tenant's by writing that tenant into it.
    let mut moved = other;
    moved[16..32].copy_from_slice(TENANT.as_bytes());
    assert_eq!(code(moved, &ring().tenant(TENANT)), "snapshot.wrong_signature");
}

#[test]
fn keys_are_checked() {
    for id in ["", "a b", "ä", "a/b", &"a".repeat(65)] {
        assert_eq!(SigningKey::hmac(id, &[1; 32]).unwrap_err(), KeyError::InvalidId, "{id}");
        assert_eq!(VerifyingKey::es256_sec1(id, &[]).unwrap_err(), KeyError::InvalidId, "{id}");
    }
    assert!(SigningKey::hmac(&"a".repeat(64), &[1; 32]).is_ok());
    assert!(SigningKey::hmac("A-Z_0.9", &[1; 64]).is_ok());
    assert_eq!(SigningKey::hmac("k", &[1; 31]).unwrap_err(), KeyError::SecretTooShort { length: 31 });
    assert_eq!(VerifyingKey::hmac("k", &[1; 31]).unwrap_err().code(), "key.secret_too_short");
    for scalar in [&[0; 32][..], &[0xff; 32], &[1; 31], &[1; 33], &[]] {
        assert_eq!(SigningKey::es256("k", scalar).unwrap_err(), KeyError::InvalidSecret);
    }
    for point in [&[4; 65][..], &[0], &[], &[2; 32]] {
        assert_eq!(VerifyingKey::es256_sec1("k", point).unwrap_err(), KeyError::InvalidPublicKey);
    }
}

/// The key pair of RFC 7515, appendix A.3.1.
#[test]
fn a_public_key_is_read_from_a_jwk() {
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let secret = "8e9b109e719098bf980487df1f5d77e9cb29606ebed2263b5f57c213df84f4b2";
    let file = builder().build(1, 2, &SigningKey::es256("rfc7515", &hex::decode(secret).unwrap()).unwrap());
    let key = VerifyingKey::es256_jwk("rfc7515", x, y).unwrap();
    assert!(Snapshot::open(file.clone(), &Keyring::new().with(key.clone())).is_ok());
    let sec1 = VerifyingKey::es256_sec1("rfc7515", &key.sec1().unwrap()).unwrap();
    assert!(Snapshot::open(file, &Keyring::new().with(sec1)).is_ok());
    for (x, y) in [(y, x), (x, ""), ("", y), (x, y.trim_start_matches('x')), (x, "not base64url!")] {
        assert_eq!(VerifyingKey::es256_jwk("k", x, y).unwrap_err(), KeyError::InvalidPublicKey);
    }
}

#[test]
fn keys_are_not_printed() {
    let printed = format!("{:?} {:?} {:?}", hmac(), hmac().verifying_key(), ring());
    assert!(!printed.contains('7') && !printed.contains('9'), "{printed}");
}
