//! Policies at random: the residual allows what decisions allow, resource by resource.

use super::generator::{Kind, Rng, expression};
use super::{check, rows};

/// How many sets of policies there are.
const SEEDS: u64 = 250;

/// A policy of a random scope.
fn policy(rng: &mut Rng) -> String {
    let one = |rng: &mut Rng, from: &[&str]| from[rng.below(from.len())].to_owned();
    let effect = one(rng, &["permit", "permit", "forbid"]);
    let principal = one(
        rng,
        &[
            "principal",
            "principal",
            "principal in Role::\"reader\"",
            "principal == User::\"ann\"",
            "principal in OrganizationUnit::\"head\"",
            "principal is User",
            "principal == User::\"bob\"",
        ],
    );
    let action = one(
        rng,
        &[
            "action",
            "action == Action::\"document:read\"",
            "action in [Action::\"document:read\", Action::\"document:write\"]",
            "action in Action::\"user\"",
            "action == Action::\"document:write\"",
        ],
    );
    let resource = one(
        rng,
        &[
            "resource",
            "resource",
            "resource",
            "resource in folder::\"top\"",
            "resource == document::\"d1\"",
            "resource is document",
            "resource is folder",
            "resource is document in folder::\"side\"",
        ],
    );
    let depth = 1 + rng.below(4);
    let condition = expression(rng, Kind::Bool, depth);
    let clause = one(rng, &["when", "when", "when", "unless"]);
    format!("{effect}({principal}, {action}, {resource}) {clause} {{ {condition} }};")
}

#[test]
fn a_residual_allows_what_decisions_allow() {
    let (mut exact, mut conditions) = (0, 0);
    for seed in 0..SEEDS {
        let mut rng = Rng(seed * 7_919 + 11);
        let count = 1 + rng.below(4);
        let policies: Vec<String> = (0..count).map(|_| policy(&mut rng)).collect();
        let rows = rows(&mut rng, 40);
        let residual = check(&policies.join("\n"), &rows);
        exact += u64::from(residual.is_exact());
        conditions += u64::from(matches!(residual.answer, super::super::Answer::Condition(_)));
    }
    println!("{exact} of {SEEDS} exact, {conditions} conditions");
    assert!(exact * 10 >= SEEDS * 7, "{exact} exact");
    assert!(conditions * 10 >= SEEDS * 3, "{conditions} conditions");
}
