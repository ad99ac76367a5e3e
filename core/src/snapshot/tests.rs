//! Tests of the snapshot: it opens as it was built, and nothing else opens.

use super::*;
use proptest::prelude::*;
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
const OTHER: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);

fn hmac() -> SigningKey {
    SigningKey::hmac("hmac-1", &[7; 32]).unwrap()
}

fn es256() -> SigningKey {
    SigningKey::es256("es256-1", &[9; 32]).unwrap()
}

fn ring() -> Keyring {
    Keyring::new().with(hmac().verifying_key()).with(es256().verifying_key())
}

fn builder() -> SnapshotBuilder {
    SnapshotBuilder::new(TENANT)
        .section(SectionKind::Cedar, "permit(principal, action, resource);")
        .section(SectionKind::Tenant, r#"{"status":"active"}"#)
        .section(SectionKind::SourceMap, "")
}

fn code(bytes: Vec<u8>, ring: &Keyring) -> &'static str {
    Snapshot::open(bytes, ring).unwrap_err().code()
}

/// The file with a change to its header, signed anew: what a holder of the key, or a faulty writer, could make.
fn resigned(mut file: Vec<u8>, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    change(&mut file);
    let tenant = Uuid::from_slice(&file[16..32]).unwrap();
    let signature = hmac().sign(tenant, &file[..SIGNED_LENGTH]);
    file[152..184].copy_from_slice(&signature);
    file
}

#[test]
fn opens_as_it_was_built() {
    for key in [hmac(), es256()] {
        let file = builder().build(42, -5, &key);
        let snapshot = Snapshot::open(file.clone(), &ring().tenant(TENANT).at_least(42)).unwrap();
        assert_eq!(snapshot.tenant(), TENANT);
        assert_eq!(snapshot.policy_version(), 42);
        assert_eq!(snapshot.created(), -5);
        assert_eq!(snapshot.key_id(), key.id());
        assert_eq!(snapshot.content_hash(), builder().content_hash());
        assert_eq!(snapshot.content_hash_hex(), hex::encode(snapshot.content_hash()));
        assert_eq!(snapshot.section(SectionKind::Cedar), Some(&b"permit(principal, action, resource);"[..]));
        assert_eq!(snapshot.section(SectionKind::Tenant), Some(&br#"{"status":"active"}"#[..]));
        assert_eq!(snapshot.section(SectionKind::SourceMap), Some(&[][..]));
        assert_eq!(snapshot.section(SectionKind::Schema), None);
        assert_eq!(snapshot.as_bytes(), file);
        assert_eq!(Snapshot::header(&file).unwrap().algorithm(), key.algorithm());
        assert_eq!(Snapshot::open_trusted(file.clone()).unwrap(), snapshot);
        assert_eq!(Snapshot::open_signature_verified(file).unwrap(), snapshot);
    }
}

#[test]
fn a_snapshot_without_sections_opens() {
    let file = SnapshotBuilder::new(TENANT).build(0, 0, &hmac());
    assert_eq!(file.len(), 216);
    assert!(Snapshot::open(file, &ring()).is_ok());
}

#[test]
fn the_layout_is_the_documented_one() {
    let file = SnapshotBuilder::new(TENANT).section(SectionKind::SourceMap, "abc").build(3, 4, &es256());
    assert_eq!(&file[0..8], b"PARAPET\0");
    assert_eq!(file[8..16], [1, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(&file[16..32], TENANT.as_bytes());
    assert_eq!(file[32..48], [3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(file[80..84], [2, 0, 7, 0]);
    assert_eq!(&file[84..91], b"es256-1");
    assert_eq!(file[91..148], [0; 57]);
    assert_eq!(file[148..152], [64, 0, 0, 0]);
    assert_eq!(file[216..224], [4, 0, 0, 0x80, 0, 0, 0, 0]);
    assert_eq!(file[224..240], [240, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(&file[240..], b"abc\0\0\0\0\0");
}

/// What another implementation of the documented layout (Python, with its own SHA-256, HMAC and HKDF) comes to.
#[test]
fn hash_and_hmac_are_the_documented_ones() {
    let header = Snapshot::header(&builder().build(1, 2, &hmac())).unwrap();
    assert_eq!(header.content_hash_hex(), "45059faf06fb3cdc4d243bc3b7ef3a8032c83841575b4f6745233f9ba5442417");
    assert_eq!(hex::encode(header.signature()), "eaf2c8a3f434eaf25631cbc853f014239c796e018a2ee0b6f2816789b1433a2b");
}

#[test]
fn same_content_same_hash_whatever_the_version_time_and_key() {
    let one = builder().build(1, 1, &hmac());
    assert_eq!(one, builder().build(1, 1, &hmac()), "deterministic");
    assert_eq!(builder().build(1, 1, &es256()), builder().build(1, 1, &es256()), "deterministic");
    for other in [builder().build(2, 1, &hmac()), builder().build(1, 2, &hmac()), builder().build(1, 1, &es256())] {
        assert_ne!(one, other);
        let hash = |file: &[u8]| Snapshot::header(file).unwrap().content_hash();
        assert_eq!(hash(&one), hash(&other));
    }
}

#[test]
fn another_content_has_another_hash() {
    let hashes = [
        SnapshotBuilder::new(TENANT),
        SnapshotBuilder::new(OTHER),
        SnapshotBuilder::new(TENANT).section(SectionKind::Tenant, ""),
        SnapshotBuilder::new(TENANT).section(SectionKind::Schema, ""),
        SnapshotBuilder::new(TENANT).section(SectionKind::Tenant, "a").section(SectionKind::Schema, "b"),
        SnapshotBuilder::new(TENANT).section(SectionKind::Tenant, "ab").section(SectionKind::Schema, ""),
        SnapshotBuilder::new(TENANT).section(SectionKind::Tenant, "a\0").section(SectionKind::Schema, "b"),
    ]
    .map(|builder| builder.content_hash());
    assert_eq!(std::collections::BTreeSet::from(hashes).len(), hashes.len());
}

#[test]
fn every_corrupt_byte_is_an_error() {
    // One flip a byte for ES256, which is slow where nothing is optimised.
    for (key, flips) in [(hmac(), &[0x01, 0x20, 0x80, 0xff][..]), (es256(), &[0x01])] {
        let file = builder().build(1, 2, &key);
        for position in 0..file.len() {
            for flip in flips {
                let mut corrupt = file.clone();
                corrupt[position] ^= flip;
                assert!(Snapshot::open(corrupt, &ring()).is_err(), "byte {position} ^ {flip:#x}");
            }
        }
    }
}

#[test]
fn every_truncation_and_every_tail_is_an_error() {
    for key in [hmac(), es256()] {
        let file = builder().build(1, 2, &key);
        for length in 0..file.len() {
            let expected = if length == 0 { "snapshot.not_a_snapshot" } else { "snapshot.truncated" };
            assert_eq!(code(file[..length].to_vec(), &ring()), expected, "{length} bytes");
        }
        for tail in 1..20 {
            let mut long = file.clone();
            long.resize(file.len() + tail, 0);
            assert_eq!(code(long, &ring()), "snapshot.malformed", "{tail} bytes behind");
        }
    }
}

#[test]
fn what_is_no_snapshot() {
    for bytes in [&b""[..], b"{}", b"PARAPET ", b"PK\x03\x04", &[0; 4096]] {
        assert_eq!(code(bytes.to_vec(), &ring()), "snapshot.not_a_snapshot");
    }
}

#[test]
fn an_unknown_format_is_named() {
    let file = resigned(builder().build(1, 2, &hmac()), |file| file[8] = 2);
    assert_eq!(Snapshot::open(file, &ring()), Err(SnapshotError::UnknownFormat { found: 2 }));
}

#[test]
fn sections_that_were_not_signed_have_the_wrong_hash() {
    let mut file = builder().build(1, 2, &hmac());
    let other = builder().section(SectionKind::Tenant, r#"{"status":"denied"}"#).build(1, 2, &hmac());
    assert_eq!(file.len(), other.len());
    file[SIGNED_LENGTH + 64..].copy_from_slice(&other[SIGNED_LENGTH + 64..]);
    assert_eq!(code(file.clone(), &ring()), "snapshot.wrong_hash");
    assert!(Snapshot::open_signature_verified(file.clone()).is_err());
    assert!(Snapshot::open_trusted(file).is_ok(), "it checks the form only");
}

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
fn another_tenants_snapshot_is_refused() {
    let file = builder().build(1, 2, &hmac());
    assert_eq!(
        Snapshot::open(file, &ring().tenant(OTHER)),
        Err(SnapshotError::WrongTenant { expected: OTHER, found: TENANT })
    );
}

#[test]
fn an_older_version_is_refused() {
    let open = |version, at_least| {
        Snapshot::open(builder().build(version, 2, &hmac()), &ring().at_least(at_least)).map(|_| ())
    };
    assert_eq!(open(4, 5), Err(SnapshotError::OlderVersion { at_least: 5, found: 4 }));
    assert_eq!(open(5, 5), Ok(()));
    assert_eq!(open(6, 5), Ok(()));
}

#[test]
fn a_missing_section_is_named() {
    let snapshot = Snapshot::open(builder().build(1, 2, &hmac()), &ring()).unwrap();
    assert!(snapshot.required(SectionKind::Cedar).is_ok());
    let error = snapshot.required(SectionKind::Principals).unwrap_err();
    assert_eq!(error.code(), "snapshot.missing_section");
    assert_eq!(error.to_string(), "the snapshot has no section `principals`");
}

#[test]
fn an_unknown_section_is_ignored_only_if_optional() {
    let with = |code| builder().coded_section(code, b"later".to_vec()).build(1, 2, &hmac());
    assert_eq!(Snapshot::open(with(999), &ring()), Err(SnapshotError::UnknownSection { kind: 999 }));
    let snapshot = Snapshot::open(with(999 | 1 << 31), &ring()).unwrap();
    assert!(snapshot.section(SectionKind::Cedar).is_some());
    assert_ne!(snapshot.content_hash(), builder().content_hash(), "it is hashed all the same");
    // A known section may not be hidden by turning its bit.
    assert_eq!(code(with(3 | 1 << 31), &ring()), "snapshot.malformed");
    assert_eq!(code(with(4), &ring()), "snapshot.malformed");
}

/// A faulty writer with the right key still cannot make a reader go wrong.
#[test]
fn a_malformed_part_is_named_though_it_is_signed() {
    let max = u64::MAX.to_le_bytes();
    let nearly_max = (u64::MAX - 288).to_le_bytes();
    // Three sections: the table from 216 to 288, the first section from 288 to 307 and its padding to 312.
    let cases: &[(&str, usize, &[u8])] = &[
        ("the number of sections", 12, &[0xff; 4]),
        ("the signature algorithm", 80, &[3]),
        ("the key id", 82, &[0]),
        ("the key id", 82, &[65]),
        ("the key id", 84, b"/"),
        ("the key id", 84, &[0xff]),
        ("the key id", 147, b"a"),
        ("the signature's length", 148, &[64]),
        ("the signature's length", 215, &[1]),
        ("a reserved field of the section table", 220, &[1]),
        ("the order of the sections", 240, &[1]),
        ("the order of the sections", 240, &[0]),
        ("a section's offset", 12, &[2]),
        ("a section's offset", 224, &[0]),
        ("a section's offset", 224, &max),
        ("a section's offset", 248, &[32, 1]),
        ("a section's offset", 232, &[32]),
        ("a section's length", 232, &max),
        ("a section's length", 232, &nearly_max),
        ("the padding of a section", 232, &[18]),
        ("the padding of a section", 308, &[1]),
    ];
    for (part, at, value) in cases {
        let file = resigned(builder().build(1, 2, &hmac()), |file| {
            file[*at..at + value.len()].copy_from_slice(value);
        });
        let error = Snapshot::open(file, &ring()).unwrap_err();
        assert_eq!(error, SnapshotError::Malformed { part }, "{at}: {value:?}");
    }
    let far = resigned(builder().build(1, 2, &hmac()), |file| file[285] = 1);
    assert_eq!(code(far, &ring()), "snapshot.truncated");
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

#[test]
fn a_snapshot_is_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Snapshot>();
    check::<Keyring>();
}

fn any_kind() -> impl Strategy<Value = SectionKind> {
    proptest::sample::select(SectionKind::ALL.to_vec())
}

proptest! {
    #[test]
    fn any_content_opens_as_it_was_built(
        sections in proptest::collection::btree_map(any_kind(), proptest::collection::vec(any::<u8>(), 0..100), 0..6),
        tenant: u128, version: u64, created: i64,
    ) {
        let tenant = Uuid::from_u128(tenant);
        let build = |order: &mut dyn Iterator<Item = (&SectionKind, &Vec<u8>)>| {
            order.fold(SnapshotBuilder::new(tenant), |builder, (kind, bytes)| builder.section(*kind, bytes.clone()))
                .build(version, created, &hmac())
        };
        let file = build(&mut sections.iter());
        prop_assert_eq!(&file, &build(&mut sections.iter().rev()), "the order of adding does not matter");
        prop_assert_eq!(file.len() % 8, 0);
        let snapshot = Snapshot::open(file, &ring()).unwrap();
        prop_assert_eq!((snapshot.tenant(), snapshot.policy_version(), snapshot.created()), (tenant, version, created));
        for kind in SectionKind::ALL {
            prop_assert_eq!(snapshot.section(kind), sections.get(&kind).map(Vec::as_slice));
        }
    }

    #[test]
    fn foreign_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        edits in proptest::collection::vec((0..500_usize, any::<u8>()), 1..20),
    ) {
        let _ = Snapshot::open(bytes.clone(), &ring());
        let mut magic = b"PARAPET\0\x01\0\0\0".to_vec();
        magic.extend(bytes);
        let _ = Snapshot::open_trusted(magic);
        // Near to a right file, and signed, so that the checks behind the signature are reached.
        let changed = resigned(builder().build(1, 2, &hmac()), |file| {
            for (at, value) in edits {
                if let Some(byte) = file.get_mut(at) {
                    *byte = value;
                }
            }
        });
        let _ = Snapshot::open_trusted(changed.clone());
        let _ = Snapshot::open(changed, &ring());
    }
}
