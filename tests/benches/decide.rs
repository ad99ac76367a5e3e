//! What a decision costs: ours against the floor and against Cedar, on one tenant and one trace, every decision agreeing.
//!
//! `cargo bench -p parapet-tests --bench decide`. Ratios of one run count; single times are the machine's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench fails by panicking")]

use cedar_policy::{Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityUid, PolicySet};
use parapet::cedar::CompiledPolicySet;
use parapet::directory::EntityRef;
use parapet::{Request, Timestamp, compile_text};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::time::Instant;

const NOW: &str = "2026-03-02T10:00:00.000Z";
const TRACE: usize = 10_000;
const USERS: usize = 1_000;
const TYPES: usize = 20;
const ACTIONS: usize = 25;
const DEPARTMENTS: [&str; 5] = ["sales", "support", "legal", "finance", "research"];

fn main() {
    println!("| grants | floor p50 | ours p50 | p99 | ours / floor | cedar, grouped p50 | cedar / ours |");
    println!("|--:|--:|--:|--:|--:|--:|--:|");
    for grants in [100, 1_000, 10_000, 100_000] {
        row(grants);
    }
    println!();
    println!("| policies | Authorizer p50 | CompiledPolicySet p50 | ratio |");
    println!("|--:|--:|--:|--:|");
    for policies in [10, 100, 1_000, 10_000] {
        drop_in(policies);
    }
}

/// A grant: which role may do which action, and when.
#[derive(Clone, Copy)]
enum When {
    Always,
    Owner,
    Department,
}

struct Tenant {
    document: Value,
    /// Role, action, condition.
    grants: Vec<(usize, usize, When)>,
    /// The roles of each user.
    roles_of: Vec<Vec<usize>>,
}

struct Asked {
    user: usize,
    action: usize,
    resource: String,
    owner: usize,
    department: &'static str,
}

fn row(count: usize) {
    let tenant = tenant(count);
    let trace = trace();
    let (_, compiled) = compile_text(&tenant.document.to_string()).unwrap();
    let engine = compiled.engine().unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let floor = Floor::new(&tenant);
    let requests: Vec<Request> = trace.iter().map(request).collect();
    let plain: Vec<Plain> = trace.iter().map(Plain::of).collect();

    let mut allowed = 0;
    for (request, plain) in requests.iter().zip(&plain) {
        let ours = engine.decide(request, now).is_allow();
        assert_eq!(ours, floor.allows(plain), "{request:?}");
        allowed += usize::from(ours);
    }
    assert!(allowed > TRACE / 20 && allowed < TRACE * 19 / 20, "{allowed} of {TRACE} are allowed");
    for request in requests.iter().take(if count > 10_000 { 20 } else { 300 }) {
        assert_eq!(engine.decide(request, now), engine.decide_by_cedar(request, now), "{request:?}");
    }

    let floor = percentiles(&plain, 20, |plain| floor.allows(plain));
    let ours = percentiles(&requests, 20, |request| engine.decide(request, now));
    let few = &requests[..if count > 10_000 { 40 } else { 400 }];
    let cedar = percentiles(few, 1, |request| engine.decide_by_cedar(request, now));
    println!(
        "| {count} | {:.3} µs | {:.3} µs | {:.3} µs | {:.1} | {:.1} µs | {:.0} |",
        floor.0,
        ours.0,
        ours.1,
        ours.0 / floor.0,
        cedar.0,
        cedar.0 / ours.0
    );
}

/// The median and the 99th percentile of single calls, in microseconds; each the best of some rounds.
fn percentiles<T, R>(items: &[T], rounds: usize, call: impl Fn(&T) -> R) -> (f64, f64) {
    let mut best = vec![f64::MAX; items.len()];
    for _ in 0..rounds {
        for (item, best) in items.iter().zip(&mut best) {
            let start = Instant::now();
            black_box(call(black_box(item)));
            *best = best.min(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    // What reading the clock costs is no part of a decision.
    let clock = (0..1_000).map(|_| Instant::now().elapsed().as_secs_f64() * 1e6).fold(f64::MAX, f64::min);
    best.sort_by(f64::total_cmp);
    (best[items.len() / 2] - clock, best[items.len() * 99 / 100] - clock)
}

/// The floor: one hash map keyed by role and permission, role closure computed at load. Written before the engine was
/// tuned, and not to be changed. It knows neither determining policies nor expiry.
struct Floor {
    users: FxHashMap<String, usize>,
    actions: FxHashMap<String, usize>,
    roles_of: Vec<Vec<usize>>,
    departments: Vec<&'static str>,
    grants: FxHashMap<(usize, usize), Vec<When>>,
}

struct Plain {
    user: String,
    action: String,
    owner: String,
    department: &'static str,
}

impl Plain {
    fn of(asked: &Asked) -> Self {
        Self {
            user: user_id(asked.user),
            action: format!("type{}:act{}", asked.action / ACTIONS, asked.action % ACTIONS),
            owner: user_id(asked.owner),
            department: asked.department,
        }
    }
}

impl Floor {
    fn new(tenant: &Tenant) -> Self {
        let mut grants: FxHashMap<(usize, usize), Vec<When>> = FxHashMap::default();
        for (role, action, when) in &tenant.grants {
            grants.entry((*role, *action)).or_default().push(*when);
        }
        Self {
            users: (0..USERS).map(|user| (user_id(user), user)).collect(),
            actions: (0..TYPES * ACTIONS)
                .map(|action| (format!("type{}:act{}", action / ACTIONS, action % ACTIONS), action))
                .collect(),
            roles_of: tenant.roles_of.clone(),
            departments: (0..USERS).map(|user| DEPARTMENTS[user % DEPARTMENTS.len()]).collect(),
            grants,
        }
    }

    fn allows(&self, asked: &Plain) -> bool {
        let (Some(user), Some(action)) = (self.users.get(&asked.user), self.actions.get(&asked.action)) else {
            return false;
        };
        self.roles_of[*user].iter().any(|role| {
            self.grants.get(&(*role, *action)).is_some_and(|grants| {
                grants.iter().any(|when| match when {
                    When::Always => true,
                    When::Owner => asked.owner == asked.user,
                    When::Department => asked.department == self.departments[*user],
                })
            })
        })
    }
}

fn request(asked: &Asked) -> Request {
    let resource = EntityRef::new(format!("type{}", asked.action / ACTIONS), &asked.resource);
    let mut request =
        Request::new(EntityRef::new("User", user_id(asked.user)), format!("act{}", asked.action % ACTIONS), resource);
    let mut attributes = Map::new();
    attributes.insert("owner".to_owned(), json!({"type": "User", "id": user_id(asked.owner)}));
    attributes.insert("department".to_owned(), json!(asked.department));
    request.resource_attributes = Some(attributes);
    request
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

fn id(kind: u64, number: usize) -> String {
    format!("01890000-{kind:04x}-7000-8000-{number:012x}")
}

fn user_id(user: usize) -> String {
    id(1, user)
}

fn trace() -> Vec<Asked> {
    let mut random = Random(7);
    (0..TRACE)
        .map(|number| {
            let user = random.below(USERS);
            let own = random.below(4) == 0;
            Asked {
                user,
                action: random.below(TYPES * ACTIONS),
                resource: format!("r{number}"),
                owner: if own { user } else { random.below(USERS) },
                department: DEPARTMENTS[random.below(DEPARTMENTS.len())],
            }
        })
        .collect()
}

fn tenant(count: usize) -> Tenant {
    let mut random = Random(1);
    let roles = (count / 250).max(4);
    let mut seen = FxHashSet::default();
    let mut grants = vec![];
    while grants.len() < count {
        let (role, action) = (random.below(roles), random.below(TYPES * ACTIONS));
        if seen.insert((role, action)) {
            let when = [When::Always, When::Always, When::Owner, When::Department][random.below(4)];
            grants.push((role, action, when));
        }
    }
    let roles_of: Vec<Vec<usize>> = (0..USERS)
        .map(|_| {
            let mut of: Vec<usize> = (0..1 + random.below(4)).map(|_| random.below(roles)).collect();
            of.sort_unstable();
            of.dedup();
            of
        })
        .collect();
    let conditions = |when| match when {
        When::Always => Value::Null,
        When::Owner => json!({"EntityEquals": {"resource.owner": "${principal}"}}),
        When::Department => json!({"StringEquals": {"resource.department": "${principal.department}"}}),
    };
    let mut assignment = 0;
    let document = json!({
        "tenant": {"id": id(0, 0), "name": "Bench", "slug": "bench", "created_at": NOW, "updated_at": NOW},
        "user": (0..USERS).map(|user| json!({"id": user_id(user), "email": format!("u{user}@bench.example"),
            "custom_attributes": {"department": DEPARTMENTS[user % DEPARTMENTS.len()]}})).collect::<Vec<_>>(),
        "permission": (0..TYPES * ACTIONS).map(|action| json!({"id": id(2, action), "name": format!("p{action}"),
            "resource": format!("type{}", action / ACTIONS), "action": format!("act{}", action % ACTIONS), "category": "user"})).collect::<Vec<_>>(),
        "role": (0..roles).map(|role| json!({"id": id(3, role), "name": format!("role{role}")})).collect::<Vec<_>>(),
        "role_permission": grants.iter().enumerate().map(|(number, (role, action, when))| json!({"id": id(4, number),
            "role_id": id(3, *role), "permission_id": id(2, *action), "conditions": conditions(*when)})).collect::<Vec<_>>(),
        "user_role": roles_of.iter().enumerate().flat_map(|(user, roles)| roles.iter().map(move |role| (user, *role))).map(|(user, role)| {
            assignment += 1;
            json!({"id": id(5, assignment), "user_id": user_id(user), "role_id": id(3, role)})
        }).collect::<Vec<_>>(),
    });
    Tenant { document, grants, roles_of }
}

fn drop_in(count: usize) {
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
}
