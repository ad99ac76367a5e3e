//! The engines of Rust beside ours: one tenant, one trace, every answer compared with the floor's.
//!
//! `make bench`. Each engine runs in a process of its own, so that memory is its own: this program starts itself anew
//! with the engine's name and the number of grants. It also leaves under `target/bench` what the engines of Node need.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench fails by panicking")]

mod casbin;
mod cedar;
mod child;
mod floor;
mod ours;
mod regorus;

use parapet::compile_text;
use parapet_bench::measure::timed;
use parapet_bench::results::{Results, directory};
use parapet_bench::{Asked, Floor, Plain, SECRET, SIZES, Tenant, now, tenant, trace};
use serde_json::{Value, json};
use std::fs::{create_dir_all, write};
use std::path::PathBuf;

/// An engine that has loaded a tenant.
pub trait Peer: Sized {
    /// What it loads: the tenant in the engine's own form, made before the clock runs.
    type Source;
    /// Brings the tenant into the engine's own form.
    fn source(tenant: Tenant) -> Self::Source;
    /// Loads it.
    fn load(source: Self::Source) -> Self;
    /// Decides, from strings and attributes: the engine's own request is made in here.
    fn allows(&mut self, asked: &Asked) -> bool;
}

/// How an engine is run in its own process.
type Run = fn(usize);

const PEERS: [(&str, Run); 6] = [
    ("floor", child::run::<floor::Floor>),
    ("parapet", ours::run),
    ("cedar-policy, sliced", child::run::<cedar::Sliced>),
    ("cedar-policy", child::run::<cedar::Plain>),
    ("regorus", child::run::<regorus::Regorus>),
    ("casbin", child::run::<casbin::Casbin>),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, name, grants] = &arguments[..]
        && flag == "--peer"
    {
        let (_, run) = PEERS.iter().find(|(peer, _)| peer == name).unwrap();
        return run(grants.parse().unwrap());
    }
    let mut results = Results::new("peers");
    for grants in SIZES {
        results.add(&prepare(grants));
        for (name, _) in PEERS {
            let mut result = child::spawn(name, grants);
            result["kind"] = json!("peer");
            result["host"] = json!("native");
            result["name"] = json!(name);
            result["grants"] = json!(grants);
            println!("{result}");
            results.add(&result);
        }
    }
    results.add(&ours::many_principals());
}

/// Where a tenant lies for those that do not make it themselves.
fn place(grants: usize) -> PathBuf {
    directory().join(grants.to_string())
}

/// Compiles a tenant and writes it down: snapshot, Cedar, plain data, trace and answers. Says how long compiling took.
fn prepare(grants: usize) -> Value {
    let (tenant, trace, place) = (tenant(grants), trace(), place(grants));
    let text = tenant.document().to_string();
    let rounds = if grants > 10_000 { 2 } else { 5 };
    let (compiled, compile) = (0..rounds)
        .map(|_| timed(|| compile_text(&text).unwrap().1))
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .unwrap();
    let snapshot = compiled.snapshot(1, now(), &parapet_bench::key());
    let floor = Floor::new(&tenant);
    let expected: Vec<bool> = trace.iter().map(|asked| floor.allows(&Plain::of(asked))).collect();
    create_dir_all(&place).unwrap();
    write(place.join("policies.cedar"), tenant.cedar().collect::<String>()).unwrap();
    write(place.join("snapshot"), &snapshot).unwrap();
    let key = json!({"id": "bench", "hmac": SECRET.map(|byte| format!("{byte:02x}")).concat()});
    let trace: Vec<Value> = trace.iter().map(Asked::json).collect();
    write(place.join("key.json"), key.to_string()).unwrap();
    write(place.join("tenant.json"), tenant.data().to_string()).unwrap();
    write(place.join("trace.json"), json!({"trace": trace, "expected": expected}).to_string()).unwrap();
    json!({"kind": "compile", "grants": grants, "milliseconds": compile, "snapshot": snapshot.len()})
}
