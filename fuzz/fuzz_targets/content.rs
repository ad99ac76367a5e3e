//! Real snapshots with changed sections, signed again: refused with an error, or an engine that answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet::Engine;
use parapet::snapshot::Snapshot;
use parapet_fuzz::{ask, edited, keyring};

fuzz_target!(|input: &[u8]| {
    // A section that the reader does not need may be gone; whatever else it is, it was signed.
    let snapshot = Snapshot::open(edited(input), &keyring()).expect("what was signed is opened");
    if let Ok(engine) = Engine::new(snapshot) {
        ask(&engine);
    }
});
