//! What is not opened, and why.

use super::*;

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
