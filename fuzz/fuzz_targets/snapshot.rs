//! Any bytes as a snapshot: refused with an error, or an engine that answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parapet::Engine;
use parapet::snapshot::Snapshot;
use parapet_fuzz::{ask, keyring};

fuzz_target!(|bytes: &[u8]| {
    drop(Snapshot::header(bytes));
    drop(Snapshot::open(bytes.to_vec(), &keyring()));
    drop(Snapshot::open_signature_verified(bytes.to_vec()));
    // As if the writer had the right key and a fault.
    if let Some(engine) = Snapshot::open_trusted(bytes.to_vec()).ok().and_then(|snapshot| Engine::new(snapshot).ok()) {
        ask(&engine);
    }
});
