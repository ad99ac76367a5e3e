//! What lies in a snapshot: the same rows give the same bytes, and whatever is broken is an error and not a panic.

use parapet::engine::EngineError;
use parapet::fixture::Requests;
use parapet::schema::Value;
use parapet::snapshot::{SectionKind, SigningKey, Snapshot, SnapshotBuilder};
use parapet::{Compiled, Engine, Request, Timestamp, compile_text};
use std::path::Path;

fn key() -> SigningKey {
    SigningKey::hmac("k", &[1; 32]).unwrap()
}

fn fixture(name: &str) -> (Compiled, Vec<(Request, Timestamp)>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name);
    let (document, compiled) = compile_text(&std::fs::read_to_string(folder.join("tenant.json")).unwrap()).unwrap();
    let requests = Requests::read(&std::fs::read_to_string(folder.join("requests.json")).unwrap()).unwrap();
    let cases = requests.requests.iter();
    let cases = cases.map(|case| (case.engine_request(&document).unwrap(), case.now.unwrap_or(requests.now)));
    (compiled, cases.collect())
}

fn file(compiled: &Compiled) -> Vec<u8> {
    compiled.snapshot(1, Timestamp::from_millis(0), &key())
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    for name in ["saas", "hospital"] {
        assert_eq!(file(&fixture(name).0), file(&fixture(name).0), "{name}");
    }
}

#[test]
fn principals_come_back_as_they_were_written() {
    for name in ["saas", "hospital"] {
        let (compiled, _) = fixture(name);
        let engine = compiled.engine().unwrap();
        for written in compiled.principals() {
            let read = engine.principal(&parapet::directory::EntityRef::new(&written.r#type, &written.id)).unwrap();
            assert_eq!((&read.r#type, &read.id, read.state), (&written.r#type, &written.id, written.state));
            assert_eq!(read.groups, written.groups);
            // Roles that are switched off give nothing, and are not written.
            assert!(read.roles.iter().all(|edge| written.roles.contains(edge)));
            let schema = compiled.schema();
            let types = if read.r#type == "User" { &schema.user } else { &schema.service_account };
            let declared = |name: &String| types.contains_key(name) && !schema.caller.contains(name);
            let names = |attributes: &serde_json::Map<String, serde_json::Value>| -> Vec<String> {
                attributes.keys().filter(|name| declared(name)).cloned().collect()
            };
            assert_eq!(names(&read.attributes), names(&written.attributes));
            for (name, value) in &read.attributes {
                // Not the same text, such as `12.5` and `12.5000`, but the same value.
                assert_eq!(Value::read(&types[name], value), Value::read(&types[name], &written.attributes[name]));
            }
        }
    }
}

/// Hash and signature are passed over here: this is what a faulty writer with the right key could do. In a release the
/// hash stands before it.
#[test]
fn what_is_broken_is_an_error_and_not_a_panic() {
    let mut random = Random(5);
    let (mut refused, mut opened) = (0, 0);
    for name in ["saas", "hospital"] {
        let (compiled, cases) = fixture(name);
        let whole = file(&compiled);
        let snapshot = Snapshot::open_trusted(whole.clone()).unwrap();
        let start = whole.len()
            - SectionKind::ALL.iter().filter_map(|kind| snapshot.section(*kind)).map(<[u8]>::len).sum::<usize>();
        for round in 0..3_000 {
            let mut broken = whole.clone();
            for _ in 0..1 + random.below(3) {
                let at = start + random.below(whole.len() - start);
                broken[at] = match round % 3 {
                    0 => broken[at] ^ (1 << random.below(8)),
                    1 => [0, 0xff, 1, 0x80][random.below(4)],
                    _ => random.below(256) as u8,
                };
            }
            let engine = Snapshot::open_trusted(broken).map_err(Into::into).and_then(Engine::new);
            match engine {
                Err(error) => {
                    assert!(error.code().starts_with("snapshot."), "{error}");
                    refused += 1;
                }
                Ok(engine) => {
                    opened += 1;
                    for _ in 0..4 {
                        let (request, now) = &cases[random.below(cases.len())];
                        let _ = engine.decide(request, *now);
                        let _ = engine.explain(request, *now);
                    }
                }
            }
        }
    }
    assert!(refused > 500 && opened > 500, "{refused} refused, {opened} opened");
}

/// What becomes of a section.
type Change<'c> = &'c dyn Fn(SectionKind, &[u8]) -> Option<Vec<u8>>;

/// The engine of a snapshot with other sections.
fn changed(snapshot: &Snapshot, change: Change<'_>) -> Result<Engine, EngineError> {
    let mut builder = SnapshotBuilder::new(snapshot.tenant());
    for kind in SectionKind::ALL {
        if let Some(bytes) = snapshot.section(kind).and_then(|bytes| change(kind, bytes)) {
            builder = builder.section(kind, bytes);
        }
    }
    Snapshot::open_trusted(builder.build(1, 0, &key())).map_err(Into::into).and_then(Engine::new)
}

/// The condition of a flag may be any node of the programs, one that asks which flags are on too; found by fuzzing.
#[test]
fn flags_that_ask_for_flags_end() {
    let (compiled, cases) = fixture("feature_flags");
    let snapshot = Snapshot::open_trusted(file(&compiled)).unwrap();
    let nodes = snapshot.section(SectionKind::Node).unwrap().len() / 16;
    for node in 0..nodes as u32 {
        let conditions = |bytes: &[u8]| node.to_le_bytes().repeat(bytes.len() / 4);
        let engine = changed(&snapshot, &|kind, bytes| match kind {
            SectionKind::Flag => Some(conditions(bytes)),
            _ => Some(bytes.to_vec()),
        });
        let engine = engine.unwrap();
        cases.iter().for_each(|(request, now)| drop(engine.decide(request, *now)));
    }
}

/// Sections of another length, or gone, are errors too.
#[test]
fn what_is_cut_is_an_error() {
    let (compiled, _) = fixture("saas");
    let snapshot = Snapshot::open_trusted(file(&compiled)).unwrap();
    let build = |change: Change<'_>| changed(&snapshot, change);
    assert!(build(&|_, bytes| Some(bytes.to_vec())).is_ok());
    for gone in SectionKind::ALL {
        use SectionKind::{Cedar, DecisionLog, Principal, Principals, Routes, Source};
        let whole = [Cedar, DecisionLog, Principal, Routes, Source, Principals];
        if !whole.contains(&gone) {
            let error = build(&|kind, bytes| (kind != gone).then(|| bytes.to_vec())).unwrap_err();
            assert_eq!(error.code(), "snapshot.missing_section", "{gone:?}: {error}");
        }
        let is_there = snapshot.section(gone).is_some_and(|bytes| !bytes.is_empty());
        // Those are no part of deciding: whoever uses them reads them.
        if is_there && ![Cedar, DecisionLog, Routes].contains(&gone) {
            let cut = build(&|kind, bytes| Some(bytes[..bytes.len() - usize::from(kind == gone)].to_vec()));
            assert_eq!(cut.unwrap_err().code(), "snapshot.malformed", "{gone:?}");
        }
    }
}

/// Every field that refers to another record, by the kind of its record: its length, and where the fields begin.
const REFERENCES: [(SectionKind, usize, &[usize]); 9] = [
    (SectionKind::Entity, 36, &[0, 4, 8, 16, 24, 32]),
    (SectionKind::EntitySlot, 4, &[0]),
    (SectionKind::Edge, 20, &[0, 4, 16]),
    (SectionKind::Policy, 28, &[0, 4, 8, 12, 16, 20]),
    (SectionKind::Index, 8, &[0, 4]),
    (SectionKind::Source, 24, &[0, 4, 8, 12]),
    (SectionKind::SourceDetail, 28, &[0, 4]),
    (SectionKind::Principals, 44, &[0, 4, 8, 12, 16, 24, 32, 40]),
    (SectionKind::Name, 12, &[0, 8]),
];

#[test]
fn a_reference_to_what_is_not_there_is_an_error() {
    let mut tried = std::collections::BTreeSet::new();
    for name in ["saas", "hospital", "access_request_permission"] {
        let whole = file(&fixture(name).0);
        let snapshot = Snapshot::open_trusted(whole.clone()).unwrap();
        for (kind, length, fields) in REFERENCES {
            let Some(section) = snapshot.section(kind).filter(|section| !section.is_empty()) else { continue };
            assert_eq!(section.len() % length, 0, "{kind:?}");
            let start = section.as_ptr() as usize - snapshot.as_bytes().as_ptr() as usize;
            for field in fields {
                let at = start + section.len() - length + field;
                let mut broken = whole.clone();
                broken[at..at + 4].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
                let error = Engine::new(Snapshot::open_trusted(broken).unwrap()).unwrap_err();
                assert_eq!(error.code(), "snapshot.malformed", "{name}: {kind:?} at {field}: {error}");
                tried.insert(kind);
            }
        }
    }
    assert_eq!(tried.len(), REFERENCES.len(), "{tried:?}");
}

#[test]
fn an_engine_says_its_version() {
    let bytes = fixture("saas").0.snapshot(7, Timestamp::from_millis(0), &key());
    assert_eq!(Engine::new(Snapshot::open_trusted(bytes).unwrap()).unwrap().policy_version(), 7);
}
