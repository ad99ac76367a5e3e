//! Any content opens as it was built, and foreign bytes never panic.

use super::*;
use proptest::prelude::*;

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
