//! What compiling a tenant costs, by its steps: for growing numbers of grants, and of distinct conditions.
//!
//! `cargo bench -p parapet-bench --bench compile`. Each time is the best of some runs; single times are the machine's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench fails by panicking")]

use parapet::TenantDocument;
use parapet::compile::{Step, compile_by_steps};
use parapet_bench::results::Results;
use parapet_bench::{NOW, Random};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::{Duration, Instant};

const USERS: usize = 1_000;
const TYPES: usize = 20;
const ACTIONS: usize = 25;
const RUNS: usize = 5;

fn main() {
    let mut results = Results::new("compile");
    println!("| grants | conditions | parse ms | compile ms | {} |", Step::ALL.map(Step::name).join(" | "));
    println!("|--:|--:|--:|--:|{}", "--:|".repeat(Step::ALL.len()));
    for (grants, conditions) in [(10_000, 3), (100_000, 3), (10_000, 10), (100_000, 10), (100_000, 1_000)] {
        row(grants, conditions, &mut results);
    }
}

fn row(grants: usize, conditions: usize, results: &mut Results) {
    let text = tenant(grants, conditions).to_string();
    let mut best = vec![Duration::MAX; 2 + Step::ALL.len()];
    for _ in 0..RUNS {
        let mut times = vec![];
        let start = Instant::now();
        let document = TenantDocument::read(&text).unwrap();
        times.push(start.elapsed());
        let mut steps = vec![];
        let start = Instant::now();
        let mut last = start;
        let compiled = compile_by_steps(&document, &mut |step| {
            let now = Instant::now();
            steps.push((step, now - last));
            last = now;
        });
        times.push(start.elapsed());
        compiled.unwrap();
        times.extend(Step::ALL.map(|step| steps.iter().find(|(found, _)| *found == step).unwrap().1));
        for (best, time) in best.iter_mut().zip(times) {
            *best = time.min(*best);
        }
    }
    let times: Vec<String> = best.iter().map(|time| format!("{:.1}", time.as_secs_f64() * 1e3)).collect();
    println!("| {grants} | {conditions} | {} |", times.join(" | "));
    let mut result = json!({"kind": "steps", "grants": grants, "conditions": conditions});
    for (name, time) in ["parse", "compile"].into_iter().chain(Step::ALL.map(Step::name)).zip(&best) {
        result[name] = json!(time.as_secs_f64() * 1e3);
    }
    results.add(&result);
}

/// The tenant of the bench `decide`: as many grants as asked for, half of them under a condition.
fn tenant(count: usize, conditions: usize) -> Value {
    let mut random = Random(1);
    let roles = (count / 250).max(4);
    let mut seen = HashSet::new();
    let mut grants = vec![];
    while grants.len() < count {
        let (role, action) = (random.below(roles), random.below(TYPES * ACTIONS));
        if seen.insert((role, action)) {
            let number = if random.below(2) == 0 { 0 } else { 1 + random.below(conditions - 1) };
            grants.push(json!({"id": id(4, grants.len()), "role_id": id(3, role), "permission_id": id(2, action),
                "conditions": condition(number)}));
        }
    }
    let roles_of: Vec<(usize, usize)> = (0..USERS)
        .flat_map(|user| {
            let mut of: Vec<usize> = (0..1 + random.below(4)).map(|_| random.below(roles)).collect();
            of.sort_unstable();
            of.dedup();
            of.into_iter().map(move |role| (user, role))
        })
        .collect();
    json!({
        "tenant": {"id": id(0, 0), "name": "Bench", "slug": "bench", "created_at": NOW, "updated_at": NOW},
        "user": (0..USERS).map(|user| json!({"id": id(1, user), "email": format!("u{user}@bench.example"),
            "custom_attributes": {"department": format!("d{}", user % 5)}})).collect::<Vec<_>>(),
        "permission": (0..TYPES * ACTIONS).map(|action| json!({"id": id(2, action), "name": format!("p{action}"),
            "resource": format!("type{}", action / ACTIONS), "action": format!("act{}", action % ACTIONS),
            "category": "user"})).collect::<Vec<_>>(),
        "role": (0..roles).map(|role| json!({"id": id(3, role), "name": format!("role{role}")})).collect::<Vec<_>>(),
        "role_permission": grants,
        "user_role": roles_of.iter().enumerate().map(|(number, (user, role))| {
            json!({"id": id(5, number), "user_id": id(1, *user), "role_id": id(3, *role)})
        }).collect::<Vec<_>>(),
    })
}

/// One of so many distinct conditions; the first is none.
fn condition(number: usize) -> Value {
    match number {
        0 => Value::Null,
        1 => json!({"EntityEquals": {"resource.owner": "${principal}"}}),
        2 => json!({"StringEquals": {"resource.department": "${principal.department}"}}),
        _ => json!({"StringEquals": {"resource.department": format!("d{number}")}}),
    }
}

fn id(kind: u64, number: usize) -> String {
    format!("01890000-{kind:04x}-7000-8000-{number:012x}")
}
