//! What would not open is not written, and whoever wrote it is told where.

use super::*;
use crate::model::TenantStatus;
use crate::tenant::Flag;
use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, Policy};
use std::sync::Arc;

const TENANT: &str = "01890000-0000-7000-8000-000000000000";

/// Writes one policy, whose condition is `true == true` so many times over, and a flag.
fn write_doubled(times: u32, flag: Flag) -> Result<SnapshotBuilder, Box<Finding>> {
    let policy: cedar_policy::Policy = "permit(principal, action, resource) when { true };".parse().unwrap();
    let Policy::Static(policy) = policy.to_pst().unwrap() else { panic!("a template") };
    let mut expression = Arc::new(Expr::Literal(Literal::Bool(true)));
    for _ in 0..times {
        let (left, right) = (expression.clone(), expression);
        expression = Arc::new(Expr::BinaryOp { op: BinaryOp::Eq, left, right });
    }
    let body = policy.body().clone().try_with_clauses(vec![Clause::When(expression)]).unwrap();
    let tenant = TenantRecord {
        id: TENANT.to_owned(),
        slug: "t".to_owned(),
        status: TenantStatus::Active,
        flags: vec![flag],
        flags_off: vec![],
    };
    let content = Content {
        tenant: &tenant,
        schema: &Schema::default(),
        policies: &[("custom/doubled", &body)],
        sources: None,
        hierarchy: &Hierarchy::default(),
        principals: &[],
    };
    write(&content, SnapshotBuilder::new(Uuid::nil())).map_err(|unwritable| Box::new(Finding::from(unwritable)))
}

fn flag(condition: Option<String>) -> Flag {
    Flag { name: "beta".to_owned(), percentage: None, condition }
}

#[test]
fn what_would_run_for_years_is_not_written() {
    assert!(write_doubled(19, flag(None)).is_ok());
    let finding = write_doubled(20, flag(None)).err().unwrap();
    let place = (finding.table.as_str(), finding.row.as_deref(), finding.code.as_str());
    assert_eq!(place, ("policy", Some("custom/doubled"), "policy.invalid"));
    assert_eq!(finding.message, "a condition has at most 1048576 parts, written out");
}

#[test]
fn a_flag_that_cannot_be_executed_is_named() {
    let finding = write_doubled(0, flag(Some("principal ==".to_owned()))).err().unwrap();
    assert_eq!((finding.table.as_str(), finding.row.as_deref()), ("feature_flag", Some("beta")));
}
