//! Feature flags: who one is on for.

use super::known::Learning;
use crate::condition::{Condition, Place, Root, Scope};
use crate::model::{FeatureFlag, TenantDocument};
use crate::schema::Schema;
use crate::tenant::Flag;
use crate::{Finding, Severity};
use std::collections::BTreeSet;

/// The targeting condition of a flag.
pub(super) struct Targeting {
    /// The flag's position in the document.
    pub position: usize,
    /// Its condition.
    pub condition: Condition,
}

/// The flags that count, with their positions: the tenant's own, then the operator's of other names.
fn counting(document: &TenantDocument) -> Vec<(usize, &FeatureFlag)> {
    let flags = || document.feature_flag.iter().enumerate();
    let own: BTreeSet<&str> =
        flags().filter(|(_, flag)| flag.tenant_id.is_some()).map(|(_, flag)| flag.flag_name.as_str()).collect();
    let operators = |flag: &FeatureFlag| flag.tenant_id.is_none() && !own.contains(flag.flag_name.as_str());
    let tenants = flags().filter(|(_, flag)| flag.tenant_id.is_some());
    tenants.chain(flags().filter(|(_, flag)| operators(flag))).collect()
}

/// Adds what is wrong with a flag. What is wrong with the operator's is not the tenant's to mend, and must not keep it
/// from changing anything else: the flag is off, with a warning.
fn add(flag: &FeatureFlag, found: Vec<Finding>, findings: &mut Vec<Finding>) {
    let severity = |finding: Finding| match flag.tenant_id {
        Some(_) => finding,
        None => Finding { severity: Severity::Warning, ..finding },
    };
    findings.extend(found.into_iter().map(severity));
}

/// Reads the targeting of every flag.
pub(super) fn targeting(document: &TenantDocument, all: &mut Vec<Finding>) -> Vec<Targeting> {
    let mut read = vec![];
    for (position, flag) in counting(document) {
        let mut found = vec![];
        let findings = &mut found;
        for name in flag.configuration.keys().filter(|name| !matches!(name.as_str(), "percentage" | "targeting")) {
            let message = format!("`{name}` is none of `percentage`, `targeting`");
            findings.push(error(flag, &format!("configuration/{name}"), "feature_flag.unknown_part", message));
        }
        if let Some(json) = flag.configuration.get("targeting")
            && let Some(condition) = Condition::parse(json, place(&flag.id.to_string()), findings)
        {
            read.push(Targeting { position, condition });
        }
        add(flag, found, all);
    }
    read
}

/// The flags that are switched on, with what they depend on, and the names of those that are off.
pub(super) fn flags(
    document: &TenantDocument,
    schema: &Schema,
    targeting: &[Targeting],
    learning: &mut Learning<'_>,
    all: &mut Vec<Finding>,
) -> (Vec<Flag>, Vec<String>) {
    // A flag that is decided by flags would have no beginning.
    let mut without_flags = schema.clone();
    without_flags.context.remove("flags");
    let nothing = BTreeSet::new();
    let scope = Scope { schema: &without_flags, resource_types: &nothing, roots: &[Root::Principal, Root::Context] };
    let (mut flags, mut off) = (vec![], vec![]);
    for (position, flag) in counting(document) {
        let mut found = vec![];
        let targeting = targeting.iter().find(|targeting| targeting.position == position);
        let on = if flag.is_enabled { read(flag, targeting, scope, learning, &mut found) } else { None };
        match on {
            Some(on) => flags.push(on),
            None => off.push(flag.flag_name.clone()),
        }
        add(flag, found, all);
    }
    flags.sort_by(|one, other| one.name.cmp(&other.name));
    off.sort();
    (flags, off)
}

/// One flag; none where something is wrong with it.
fn read(
    flag: &FeatureFlag,
    targeting: Option<&Targeting>,
    scope: Scope<'_>,
    learning: &mut Learning<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Flag> {
    let percentage = match flag.configuration.get("percentage") {
        None => None,
        Some(json) => match json.as_u64().and_then(|number| u8::try_from(number).ok()).filter(|n| *n <= 100) {
            Some(percentage) => Some(percentage),
            None => {
                let message = format!("`{json}`: expected a whole number from 0 to 100");
                findings.push(error(flag, "configuration/percentage", "feature_flag.percentage", message));
                return None;
            }
        },
    };
    let condition = match targeting {
        // A targeting that cannot be read is a finding already, and must not leave the flag on for everybody.
        None if flag.configuration.contains_key("targeting") => return None,
        None => None,
        Some(targeting) => {
            let id = flag.id.to_string();
            let expression = targeting.condition.to_cedar(scope, place(&id), findings)?;
            super::validate::expression(scope.schema, &expression, place(&id), learning, findings);
            if !findings.is_empty() {
                return None;
            }
            Some(expression.to_string())
        }
    };
    Some(Flag { name: flag.flag_name.clone(), percentage, condition })
}

fn place(id: &str) -> Place<'_> {
    Place { table: "feature_flag", row: id, field: "configuration/targeting" }
}

fn error(flag: &FeatureFlag, field: &str, code: &str, message: String) -> Finding {
    Finding::error("feature_flag", code, message).row(flag.id).field(field)
}
