//! What a decision costs: ours against the floor and against Cedar, on one tenant and one trace, every decision agreeing.
//!
//! `cargo bench -p parapet-bench --bench decide`. Ratios of one run count; single times are the machine's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench fails by panicking")]

use cedar_policy::{Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityUid, PolicySet};
use parapet::cedar::CompiledPolicySet;
use parapet::{Request, compile_text};
use parapet_bench::measure::percentiles;
use parapet_bench::results::Results;
use parapet_bench::{Asked, Floor, Plain, Random, SIZES, TRACE, now, tenant, trace};
use serde_json::json;
use std::collections::{HashMap, HashSet};

fn main() {
    let mut results = Results::new("decide");
    println!(
        "| grants | floor p50 | `check` p50 | p99 | check / floor | `decide` p50 | cedar, grouped p50 | cedar / check |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    for grants in SIZES {
        row(grants, &mut results);
    }
    println!();
    println!("| policies | Authorizer p50 | CompiledPolicySet p50 | ratio |");
    println!("|--:|--:|--:|--:|");
    for policies in [10, 100, 1_000, 10_000] {
        drop_in(policies, &mut results);
    }
}

fn row(count: usize, results: &mut Results) {
    let tenant = tenant(count);
    let trace = trace();
    let (_, compiled) = compile_text(&tenant.document().to_string()).unwrap();
    let engine = compiled.engine().unwrap();
    let now = now();
    let floor = Floor::new(&tenant);
    let requests: Vec<Request> = trace.iter().map(Asked::request).collect();
    let plain: Vec<Plain> = trace.iter().map(Plain::of).collect();

    let mut allowed = 0;
    for ((request, plain), asked) in requests.iter().zip(&plain).zip(&trace) {
        assert_eq!(asked.ask(&engine, now), floor.allows(plain), "{request:?}");
        let ours = engine.decide(request, now).is_allow();
        assert_eq!(ours, floor.allows(plain), "{request:?}");
        allowed += usize::from(ours);
    }
    assert!(allowed > TRACE / 20 && allowed < TRACE * 19 / 20, "{allowed} of {TRACE} are allowed");
    for request in requests.iter().take(if count > 10_000 { 20 } else { 300 }) {
        assert_eq!(engine.decide(request, now), engine.decide_by_cedar(request, now), "{request:?}");
    }

    let floor = percentiles(&plain, 20, |plain| floor.allows(plain));
    let ours = percentiles(&trace, 20, |asked| asked.ask(&engine, now));
    let json = percentiles(&requests, 20, |request| engine.decide(request, now));
    let few = &requests[..if count > 10_000 { 40 } else { 400 }];
    let cedar = percentiles(few, 1, |request| engine.decide_by_cedar(request, now));
    println!(
        "| {count} | {:.3} µs | {:.3} µs | {:.3} µs | {:.1} | {:.3} µs | {:.1} µs | {:.0} |",
        floor.0,
        ours.0,
        ours.1,
        ours.0 / floor.0,
        json.0,
        cedar.0,
        cedar.0 / ours.0
    );
    results.add(
        &json!({"kind": "decide", "grants": count, "floor": floor.0, "ours": ours.0, "p99": ours.1, "decide": json.0,
            "cedar": cedar.0}),
    );
}

fn drop_in(count: usize, results: &mut Results) {
    let mut text = String::new();
    let roles = (count / 25).max(1);
    for policy in 0..count {
        let condition = match policy % 3 {
            0 => "",
            1 => " when { resource has owner && resource.owner == principal }",
            _ => " when { resource has level && resource.level < 5 }",
        };
        text.push_str(&format!(
            "permit(principal in Role::\"{}\", action == Action::\"a{}\", resource is Doc){condition};\n",
            policy % roles,
            policy / roles
        ));
    }
    let set: PolicySet = text.parse().unwrap();
    let compiled = CompiledPolicySet::new(&set).unwrap();
    let uid = |ty: &str, id: usize| -> EntityUid { format!("{ty}::\"{id}\"").parse().unwrap() };
    let mut random = Random(3);
    let mut entities: Vec<Entity> =
        (0..roles).map(|role| Entity::new_no_attrs(uid("Role", role), HashSet::new())).collect();
    for user in 0..100 {
        let roles = (0..3).map(|_| uid("Role", random.below(roles))).collect();
        entities.push(Entity::new_no_attrs(uid("User", user), roles));
    }
    for doc in 0..100 {
        let attributes = HashMap::from([
            ("owner".to_owned(), cedar_policy::RestrictedExpression::new_entity_uid(uid("User", doc))),
            ("level".to_owned(), cedar_policy::RestrictedExpression::new_long(doc as i64 % 10)),
        ]);
        entities.push(Entity::new(uid("Doc", doc), attributes, HashSet::new()).unwrap());
    }
    let entities = Entities::from_entities(entities, None).unwrap();
    let requests: Vec<cedar_policy::Request> = (0..200)
        .map(|_| {
            let action: EntityUid = format!("Action::\"a{}\"", random.below(count / roles)).parse().unwrap();
            let (user, doc) = (uid("User", random.below(100)), uid("Doc", random.below(100)));
            cedar_policy::Request::new(user, action, doc, Context::empty(), None).unwrap()
        })
        .collect();
    let authorizer = Authorizer::new();
    let mut allowed = 0;
    for request in &requests {
        let (theirs, ours) =
            (authorizer.is_authorized(request, &set, &entities), compiled.is_authorized(request, &entities));
        assert_eq!(theirs.decision(), ours.decision());
        assert_eq!(
            theirs.diagnostics().reason().collect::<HashSet<_>>(),
            ours.diagnostics().reason().collect::<HashSet<_>>()
        );
        allowed += usize::from(ours.decision() == CedarDecision::Allow);
    }
    assert!(allowed > 0);
    let theirs = percentiles(&requests, 5, |request| authorizer.is_authorized(request, &set, &entities));
    let ours = percentiles(&requests, 50, |request| compiled.is_authorized(request, &entities));
    println!("| {count} | {:.1} µs | {:.2} µs | {:.0} |", theirs.0, ours.0, theirs.0 / ours.0);
    results.add(&json!({"kind": "drop_in", "policies": count, "authorizer": theirs.0, "compiled": ours.0}));
}
