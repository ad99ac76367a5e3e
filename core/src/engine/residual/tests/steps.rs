//! Conditions that run in one step, against the same run node by node and against Cedar.

use super::{engine, generator, now, principal, request, rows};
use crate::engine::policies::Satisfied;
use crate::engine::subject::{Principal, Subject};
use crate::engine::view::View;
use crate::engine::{Engine, Request};
use std::collections::BTreeSet;

/// The slow twin: what an engine decides with, where every node is run by itself.
pub(super) fn node_by_node(engine: &Engine) -> View<'_> {
    let mut view = View::open(engine.snapshot()).unwrap();
    view.policies.program = view.policies.program.node_by_node();
    view
}

/// The policies that say something of a request.
pub(super) fn satisfied<'v>(view: &'v View<'v>, request: &'v Request) -> Satisfied {
    let (principal, request) = (principal(), request.as_ref());
    let (_, asked) = view.standing(Some(Principal::Record(&principal)), &request).unwrap();
    let mut subject = Subject::default();
    assert!(subject.read(view, Principal::Record(&principal), now()).is_ok());
    view.decide_about(&subject, asked, &request, now()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

const GUARDS: [&str; 9] = [
    "resource has state",
    "principal has department",
    "principal has phone",
    "resource has owner",
    "resource has folder",
    "resource has tags",
    "context has weekday",
    "context has mfa",
    "resource has title",
];

const COMPARISONS: [&str; 15] = [
    "resource.state == principal.department",
    "principal.department == resource.state",
    "principal.phone == resource.state",
    "resource.state == resource.title",
    "resource.state == resource.state",
    "resource.state == \"a\"",
    "\"a\" == resource.state",
    "resource.owner == principal",
    "principal in resource.folder",
    "resource in resource.folder",
    "resource.folder in folder::\"top\"",
    "resource.tags.contains(resource.state)",
    "resource.owner.contains(resource.state)",
    "context.weekday == 1",
    "context.mfa == true",
];

/// Chains of every guard, of every two in either order and grouped either way, before every comparison: those that are
/// one step, and all that nearly are.
#[test]
fn one_step_means_what_its_nodes_mean() {
    let mut chains = vec![];
    for comparison in COMPARISONS {
        for one in GUARDS {
            chains.push(format!("{one} && {comparison}"));
            chains.push(format!("{comparison} && {one}"));
            chains.push(format!("{one} || {comparison}"));
            for other in GUARDS {
                chains.push(format!("{one} && ({other} && {comparison})"));
                chains.push(format!("({one} && {other}) && {comparison}"));
            }
        }
    }
    let policies: String =
        chains.iter().map(|chain| format!("permit(principal, action, resource) when {{ {chain} }};\n")).collect();
    let engine = engine(&policies);
    let steps = engine.view().policies.program.steps();
    assert!(steps > 40, "{steps} chains are one step");
    let twin = node_by_node(&engine);
    assert_eq!(twin.policies.program.steps(), 0);
    let mut held = BTreeSet::new();
    for (id, row) in rows(&mut generator::Rng(11), 60) {
        let request = request(&id, &row);
        let decided = engine.decide(&request, now());
        let by_cedar = engine.decide_by_cedar(&request, now());
        let failed = |decision: &crate::Decision| -> Vec<String> {
            decision.errors.iter().map(|error| error.policy.clone()).collect()
        };
        assert_eq!(decided.policies, by_cedar.policies, "{row:?}");
        assert_eq!(failed(&decided), failed(&by_cedar), "{row:?}");
        assert_eq!(satisfied(engine.view(), &request), satisfied(&twin, &request), "{row:?}");
        held.extend(decided.policies);
    }
    assert!(held.len() > 100, "{} hold", held.len());
}
