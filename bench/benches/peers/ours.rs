//! Ours: opened from the snapshot, as a program that decides opens it.

use crate::{child, place};
use parapet::compile_text;
use parapet::snapshot::{Keyring, Snapshot};
use parapet_bench::measure::{resident, timed};
use parapet_bench::results::directory;
use parapet_bench::tenant::tenant_of;
use parapet_bench::{engine, key, now, trace};
use serde_json::{Value, json};
use std::hint::black_box;

/// At how many grants ten million decisions are made.
const MANY_AT: usize = 10_000;

/// As [`child::run`], with the snapshot for a source; and at [`MANY_AT`] grants ten million decisions.
pub fn run(grants: usize) {
    let before = resident();
    let bytes = std::fs::read(place(grants).join("snapshot")).unwrap();
    let keyring = Keyring::new().with(key().verifying_key());
    let (engine, load) = timed(|| engine(Snapshot::open(bytes, &keyring).unwrap()));
    let memory = resident().saturating_sub(before);
    println!("{}", json!({"loaded": load}));
    let now = now();
    let mut result = child::measure(grants, |asked| asked.ask(&engine, now));
    result["load"] = json!(load);
    result["memory"] = json!(memory);
    if grants == MANY_AT {
        let trace = trace();
        let rounds = 10_000_000 / trace.len();
        let round = || trace.iter().filter(|asked| black_box(asked).ask(&engine, now)).count();
        let (_, milliseconds) = timed(|| (0..rounds).map(|_| round()).sum::<usize>());
        result["tenMillion"] = json!(milliseconds / 1e3);
    }
    println!("{result}");
}

/// How long a snapshot of 100,000 grants and 100,000 principals takes to open, from memory, by one that trusts it.
pub fn many_principals() -> Value {
    let (_, compiled) = compile_text(&tenant_of(100_000, 100_000).document().to_string()).unwrap();
    let bytes = compiled.snapshot(1, now(), &key());
    let size = bytes.len();
    // For Node, which opens the same.
    std::fs::write(directory().join("many.snapshot"), &bytes).unwrap();
    let open = (0..5)
        .map(|_| bytes.clone())
        .map(|bytes| timed(|| engine(Snapshot::open_trusted(bytes).unwrap())).1)
        .min_by(f64::total_cmp);
    json!({"kind": "open", "grants": 100_000, "principals": 100_000, "milliseconds": open, "snapshot": size})
}
