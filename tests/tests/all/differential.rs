//! The differential tests, and that they would notice: subjects that are wrong are caught, and the case is made small.

use cedar_policy::{
    Authorizer, Decision, Effect, Entities, Policy, PolicyId, PolicySet, Request, Response,
    pst::{self, BinaryOp, Expr},
};
use parapet_tests::differential::{Difference, Failure, OPERATORS, directed, general, run};
use std::collections::HashSet;

/// How many cases are decided by both: the variable `PARAPET_CASES`, where there is too little time for so many.
fn cases() -> u64 {
    std::env::var("PARAPET_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000)
}

fn cedar(policies: &PolicySet) -> Result<impl Fn(&Request, &Entities) -> Response + use<>, String> {
    let policies = policies.clone();
    Ok(move |request: &Request, entities: &Entities| Authorizer::new().is_authorized(request, &policies, entities))
}

/// Cedar with a response altered by what it was.
fn altered<A: Fn(&PolicySet, &Response) -> Response>(
    policies: &PolicySet,
    alter: A,
) -> Result<impl Fn(&Request, &Entities) -> Response + use<A>, String> {
    let policies = policies.clone();
    Ok(move |request: &Request, entities: &Entities| {
        alter(&policies, &Authorizer::new().is_authorized(request, &policies, entities))
    })
}

/// Cedar with each policy changed before.
fn changed<C: Fn(pst::Policy) -> pst::Policy>(
    policies: &PolicySet,
    change: C,
) -> Result<impl Fn(&Request, &Entities) -> Response + use<C>, String> {
    let mut set = PolicySet::new();
    for policy in policies.policies() {
        let id = policy.id().clone();
        let tree = match policy.to_pst().map_err(|error| error.to_string())? {
            pst::Policy::Linked(linked) => linked.into_static_policy().map_err(|error| error.to_string())?.into(),
            fixed => fixed,
        };
        let policy = Policy::from_pst(change(tree)).map_err(|error| error.to_string())?;
        set.add(policy.new_id(id)).map_err(|error| error.to_string())?;
    }
    Ok(move |request: &Request, entities: &Entities| Authorizer::new().is_authorized(request, &set, entities))
}

fn caught<S: parapet_tests::differential::Subject>(make: impl Fn(&PolicySet) -> Result<S, String>) -> Failure {
    let report = run(0..4_000, make, |_| {});
    *report.failure.expect("a wrong subject is caught")
}

#[test]
fn cedar_never_differs_from_itself_and_all_is_covered() {
    let report = run(0..4_000, cedar, |_| {});
    println!("{report}");
    assert!(report.failure.is_none());
    assert_eq!(report.gaps(), Vec::<String>::new());
}

#[test]
fn the_engine_never_differs_from_cedar() {
    let ours = |policies: &PolicySet| {
        let compiled = parapet::cedar::CompiledPolicySet::new(policies).map_err(|error| error.to_string())?;
        Ok(move |request: &Request, entities: &Entities| compiled.is_authorized(request, entities))
    };
    let report = run(0..cases(), ours, |_| {});
    println!("{report}");
    if let Some(failure) = report.failure {
        panic!("{failure}");
    }
}

#[test]
fn a_seed_gives_one_case() {
    for seed in 0..200 {
        assert!(general(seed).to_string() == general(seed).to_string(), "the case of seed {seed}");
        let (one, other) = (directed(seed).unwrap(), directed(seed).unwrap());
        assert!(one.0.to_string() == other.0.to_string(), "the directed case of seed {seed}");
        assert_eq!(one.1, other.1);
    }
}

#[test]
fn every_operator_is_listed() {
    let names: HashSet<String> = OPERATORS.iter().map(|operator| operator.name()).collect();
    assert_eq!(names.len(), OPERATORS.len());
    // The numbers of `pst::UnaryOp` (18), `pst::BinaryOp` (24), and of what else an expression is made of.
    assert_eq!(OPERATORS.len(), 18 + 24 + 10);
}

#[test]
fn ignored_forbids_are_caught() {
    let failure = caught(|policies| {
        altered(policies, |policies, response| {
            let permits: HashSet<PolicyId> = response
                .diagnostics()
                .reason()
                .filter(|id| policies.policy(id).is_none_or(|policy| policy.effect() == Effect::Permit))
                .cloned()
                .collect();
            let errors = response.diagnostics().errors().cloned().collect();
            let forbidden =
                response.decision() == Decision::Deny && permits.len() < response.diagnostics().reason().count();
            Response::new(if forbidden { Decision::Allow } else { response.decision() }, permits, errors)
        })
    });
    println!("{failure}");
    assert!(matches!(failure.difference, Difference::Answers { .. }));
    assert_eq!(failure.case.deciding(), 1);
    assert_eq!(failure.case.requests.len(), 1);
    assert!(failure.case.entities.is_empty());
    assert!(failure.to_string().contains("forbid(principal, action, resource)"), "{failure}");
}

#[test]
fn hidden_errors_are_caught() {
    let failure = caught(|policies| {
        altered(policies, |_, response| {
            let reason = response.diagnostics().reason().cloned().collect();
            Response::new(response.decision(), reason, Vec::new())
        })
    });
    println!("{failure}");
    assert_eq!(failure.case.deciding(), 1);
    assert!(failure.case.to_string().lines().count() < 40, "{failure}");
}

#[test]
fn a_refusal_is_caught() {
    let failure =
        caught(|policies| match policies.policies().any(|policy| policy.to_string().contains("isMulticast")) {
            true => Err("no isMulticast here".to_owned()),
            false => cedar(policies),
        });
    println!("{failure}");
    assert!(matches!(failure.difference, Difference::Refused(_)));
    assert_eq!(failure.case.deciding(), 1);
    assert!(failure.case.entities.is_empty());
}

#[test]
fn a_panic_is_caught() {
    let failure = caught(|policies| {
        let inner = cedar(policies)?;
        Ok(move |request: &Request, entities: &Entities| {
            let response = inner(request, entities);
            assert!(response.diagnostics().reason().count() < 3, "three policies");
            response
        })
    });
    assert!(matches!(failure.difference, Difference::Panicked(_)));
    assert_eq!(failure.case.deciding(), 3);
}

/// Every operator taken for its neighbour is noticed.
#[test]
fn operators_taken_for_others_are_caught() {
    for (is, becomes) in [
        (BinaryOp::Less, BinaryOp::LessEq),
        (BinaryOp::GreaterEq, BinaryOp::Greater),
        (BinaryOp::Add, BinaryOp::Sub),
        (BinaryOp::ContainsAll, BinaryOp::ContainsAny),
        (BinaryOp::DecimalLessThan, BinaryOp::DecimalLessEq),
        (BinaryOp::In, BinaryOp::Eq),
        (BinaryOp::And, BinaryOp::Or),
    ] {
        let failure = caught(|policies| changed(policies, |policy| replaced(policy, is, becomes)));
        println!("{is} as {becomes}:\n{failure}");
        assert_eq!(failure.case.deciding(), 1, "{failure}");
        assert!(failure.to_string().contains(&is.to_string()), "{failure}");
    }
}

fn replaced(policy: pst::Policy, is: BinaryOp, becomes: BinaryOp) -> pst::Policy {
    fn within(expr: &Expr, is: BinaryOp, becomes: BinaryOp) -> Expr {
        let children = parapet_tests::differential::children(expr);
        let children = children.iter().map(|child| within(child, is, becomes).into()).collect();
        match parapet_tests::differential::with_children(expr, children) {
            Expr::BinaryOp { op, left, right } if op == is => Expr::BinaryOp { op: becomes, left, right },
            other => other,
        }
    }
    let body = policy.body().clone();
    let clauses: Vec<_> = body
        .clauses()
        .iter()
        .map(|clause| match clause {
            pst::Clause::When(expr) => pst::Clause::When(within(expr, is, becomes).into()),
            pst::Clause::Unless(expr) => pst::Clause::Unless(within(expr, is, becomes).into()),
        })
        .collect();
    let body = body.try_with_clauses(clauses).unwrap();
    pst::Policy::Static(pst::StaticPolicy::try_from(body).unwrap())
}
