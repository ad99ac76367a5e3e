//! Public keys: what is one, and what only looks like one.

use super::authenticator::cose;
use super::*;
use crate::factor::webauthn::public_key::PublicKey;

const KEY: WebauthnError = WebauthnError::Malformed { part: "public key" };

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn error(cose: &[u8]) -> Option<WebauthnError> {
    PublicKey::parse(cose).err()
}

fn eddsa(x: &str) -> Vec<u8> {
    hex(&format!("a401010327200621{x}"))
}

/// RS256, by the length of the modulus in bytes, its first and its last byte, and the exponent.
fn rs256(length: u16, first: u8, last: u8, e: &str) -> Vec<u8> {
    let mut n = vec![0xFF; usize::from(length)];
    n[0] = first;
    *n.last_mut().unwrap() = last;
    [hex("a401030339010020"), vec![0x59], length.to_be_bytes().to_vec(), n, hex(&format!("21{e}"))].concat()
}

#[test]
fn a_key_of_es256_is_a_point_of_its_curve() {
    let sound = cose();
    assert_eq!(error(&sound), None);
    // The point: its x begins at 10, its y at 45.
    for at in [10, 41, 45, 76] {
        let mut wrong = sound.clone();
        wrong[at] ^= 1;
        assert_eq!(error(&wrong), Some(KEY), "{at}");
    }
    // y as its sign alone, which section 5.8.5 forbids.
    assert_eq!(error(&[&sound[..43], &[0xF5]].concat()), Some(KEY));
    // A byte less of y.
    assert_eq!(error(&[&sound[..43], &[0x58, 31], &sound[46..]].concat()), Some(KEY));
}

#[test]
fn a_key_of_eddsa_is_of_no_small_order() {
    assert_eq!(error(&eddsa("582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832")), None);
    // The neutral point, a point of order 8, one that is none, and one of another length.
    for x in [
        "58200100000000000000000000000000000000000000000000000000000000000000",
        "5820c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "58200200000000000000000000000000000000000000000000000000000000000000",
        "4101",
    ] {
        assert_eq!(error(&eddsa(x)), Some(KEY), "{x}");
    }
}

#[test]
fn a_key_of_rs256_has_2048_to_4096_bits() {
    for (length, first, last, e, sound) in [
        (256, 0x80, 1, "43010001", true),
        (512, 0xFF, 1, "43010001", true),
        (256, 0x7F, 1, "43010001", false),
        (255, 0xFF, 1, "43010001", false),
        (513, 0x01, 1, "43010001", false),
        (256, 0x80, 2, "43010001", false),
        (256, 0x80, 1, "40", false),
        (256, 0x80, 1, "4101", false),
        (256, 0x80, 1, "49010000000000000001", false),
    ] {
        let is_sound = error(&rs256(length, first, last, e)).is_none();
        assert_eq!(is_sound, sound, "{length} {first} {last} {e}");
    }
}

#[test]
fn algorithms_that_were_not_asked_for() {
    // ES384, ES512, PS256, RS1, and ES256K on its own curve.
    for cose in ["a20102033822", "a20102033823", "a20103033824", "a20103033 9fffe", "a3010203382e2008"] {
        assert_eq!(error(&hex(&cose.replace(' ', ""))), Some(WebauthnError::UnknownAlgorithm), "{cose}");
    }
}

#[test]
fn what_is_no_cose_key() {
    let sound = cose();
    let entries = hex::encode(&sound[1..]);
    for cose in [
        String::new(),
        "a0".into(),
        "80".into(),
        // Cut short, something after it, no length, a parameter more, one twice, and a label that is text.
        format!("a6{entries}"),
        format!("a5{entries}00"),
        format!("bf{entries}ff"),
        format!("a6{entries}0401"),
        format!("a6{entries}0102"),
        format!("a6{entries}617801"),
        // The type, algorithm and curve of different kinds of keys.
        format!("a5{}", entries.replacen("0102", "0101", 1)),
        format!("a5{}", entries.replacen("0326", "0327", 1)),
        format!("a5{}", entries.replacen("2001", "2002", 1)),
    ] {
        assert_eq!(error(&hex(&cose)), Some(KEY), "{cose}");
    }
}

#[test]
fn the_order_of_parameters_is_free() {
    let sound = cose();
    // The first parameter last.
    assert_eq!(error(&[&sound[..1], &sound[3..], &sound[1..3]].concat()), None);
}
