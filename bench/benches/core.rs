//! The core's operations, each by itself, with criterion: how a change moves them.
//!
//! `cargo bench -p parapet-bench --bench core`.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench fails by panicking")]

use cedar_policy::{Context, Entities, Entity, EntityUid, PolicySet, Request as CedarRequest};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use parapet::cedar::CompiledPolicySet;
use parapet::compile_text;
use parapet::snapshot::{Keyring, Snapshot};
use parapet_bench::{Asked, SIZES, engine, key, now, tenant, trace};
use std::collections::HashSet;
use std::time::Duration;

fn decide(criterion: &mut Criterion) {
    let (requests, now): (Vec<_>, _) = (trace().iter().map(Asked::request).collect(), now());
    for count in SIZES {
        let (_, compiled) = compile_text(&tenant(count).document().to_string()).unwrap();
        let engine = compiled.engine().unwrap();
        let mut next = 0;
        criterion.bench_function(&format!("decide/{count}"), |bench| {
            bench.iter(|| {
                next = (next + 1) % requests.len();
                engine.decide(&requests[next], now)
            });
        });
    }
}

fn load(criterion: &mut Criterion) {
    let text = tenant(10_000).document().to_string();
    criterion.bench_function("compile/10000", |bench| bench.iter(|| compile_text(&text).unwrap()));

    let (_, compiled) = compile_text(&text).unwrap();
    let bytes = compiled.snapshot(1, now(), &key());
    let keyring = Keyring::new().with(key().verifying_key());
    criterion.bench_function("open/verified/10000", |bench| {
        let open = |bytes| engine(Snapshot::open(bytes, &keyring).unwrap());
        bench.iter_batched(|| bytes.clone(), open, BatchSize::PerIteration);
    });
    criterion.bench_function("open/trusted/10000", |bench| {
        let open = |bytes| engine(Snapshot::open_trusted(bytes).unwrap());
        bench.iter_batched(|| bytes.clone(), open, BatchSize::PerIteration);
    });
}

fn drop_in(criterion: &mut Criterion) {
    let tenant = tenant(10_000);
    let asked = &trace()[0];
    let set: PolicySet = tenant.cedar().collect::<String>().parse().unwrap();
    let compiled = CompiledPolicySet::new(&set).unwrap();
    let uid = |kind: &str, id: &str| -> EntityUid { format!("{kind}::\"{id}\"").parse().unwrap() };
    let (user, doc) = (uid("User", &asked.user), uid(&asked.resource_type, &asked.resource));
    let role = uid("Role", &parapet_bench::tenant::role_id(0));
    let entity = Entity::new_no_attrs(user.clone(), HashSet::from([role]));
    let entities = Entities::from_entities([entity], None).unwrap();
    let action = uid("Action", &asked.action_name());
    let request = CedarRequest::new(user, action, doc, Context::empty(), None).unwrap();
    criterion.bench_function("drop_in/10000", |bench| bench.iter(|| compiled.is_authorized(&request, &entities)));
}

fn config() -> Criterion {
    let short = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    short.sample_size(20)
}

criterion_group! { name = benches; config = config(); targets = decide, load, drop_in }
criterion_main!(benches);
