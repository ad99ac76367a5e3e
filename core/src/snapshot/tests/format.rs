//! The file is the documented one, and opens as it was built.

use super::*;

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
        assert_eq!(snapshot.section(SectionKind::Source), Some(&[][..]));
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
    let file = SnapshotBuilder::new(TENANT).section(SectionKind::Source, "abc").build(3, 4, &es256());
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

/// What other implementations of the documented layout come to: hash and HMAC were computed in Python with its own
/// SHA-256, HMAC and HKDF; the ES256 signature was verified by WebCrypto.
#[test]
fn hash_and_signatures_are_the_documented_ones() {
    let header = Snapshot::header(&builder().build(1, 2, &hmac())).unwrap();
    assert_eq!(header.content_hash_hex(), "45059faf06fb3cdc4d243bc3b7ef3a8032c83841575b4f6745233f9ba5442417");
    assert_eq!(hex::encode(header.signature()), "eaf2c8a3f434eaf25631cbc853f014239c796e018a2ee0b6f2816789b1433a2b");
    let header = Snapshot::header(&builder().build(1, 2, &es256())).unwrap();
    assert_eq!(
        hex::encode(header.signature()),
        concat!(
            "fed4fdb53ec68d18dd8d80cd2d6cd3d4fc98db3106667904c30991a74b7d6df7",
            "dc4f43b397b1e8a202cdd3eec5c224060afaf1d16bd11c2140fe8a1869d57011",
        )
    );
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
fn a_snapshot_is_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Snapshot>();
    check::<Keyring>();
}
