//! Feature flags: who one is on for.

use crate::Finding;
use crate::condition::{Condition, Place, Root, Scope};
use crate::model::{FeatureFlag, TenantDocument};
use crate::schema::Schema;
use crate::tenant::Flag;
use std::collections::BTreeSet;

/// The targeting condition of a flag.
pub(super) struct Targeting {
    /// The flag's position in the document.
    pub position: usize,
    /// Its condition.
    pub condition: Condition,
}

/// Reads the targeting of every flag that is switched on.
pub(super) fn targeting(document: &TenantDocument, findings: &mut Vec<Finding>) -> Vec<Targeting> {
    let mut read = vec![];
    for (position, flag) in document.feature_flag.iter().enumerate() {
        for name in flag.configuration.keys().filter(|name| !matches!(name.as_str(), "percentage" | "targeting")) {
            let message = format!("`{name}` is none of `percentage`, `targeting`");
            findings.push(error(flag, &format!("configuration/{name}"), "feature_flag.unknown_part", message));
        }
        if let Some(json) = flag.configuration.get("targeting")
            && let Some(condition) = Condition::parse(json, place(&flag.id.to_string()), findings)
        {
            read.push(Targeting { position, condition });
        }
    }
    read
}

/// The flags that are switched on, with what they depend on.
pub(super) fn flags(
    document: &TenantDocument,
    schema: &Schema,
    targeting: &[Targeting],
    findings: &mut Vec<Finding>,
) -> Vec<Flag> {
    // A flag that is decided by flags would have no beginning.
    let mut without_flags = schema.clone();
    without_flags.context.remove("flags");
    let nothing = BTreeSet::new();
    let scope = Scope { schema: &without_flags, resource_types: &nothing, roots: &[Root::Principal, Root::Context] };
    let mut flags = vec![];
    for (position, flag) in document.feature_flag.iter().enumerate().filter(|(_, flag)| flag.is_enabled) {
        let percentage = match flag.configuration.get("percentage") {
            None => None,
            Some(json) => match json.as_u64().and_then(|number| u8::try_from(number).ok()).filter(|n| *n <= 100) {
                Some(percentage) => Some(percentage),
                None => {
                    let message = format!("`{json}`: expected a whole number from 0 to 100");
                    findings.push(error(flag, "configuration/percentage", "feature_flag.percentage", message));
                    continue;
                }
            },
        };
        let condition = match targeting.iter().find(|targeting| targeting.position == position) {
            None => None,
            Some(targeting) => {
                let id = flag.id.to_string();
                let before = findings.len();
                let Some(expression) = targeting.condition.to_cedar(scope, place(&id), findings) else { continue };
                super::validate::expression(&without_flags, &expression, place(&id), findings);
                if findings.len() > before {
                    continue;
                }
                Some(expression.to_string())
            }
        };
        flags.push(Flag { name: flag.flag_name.clone(), percentage, condition });
    }
    flags.sort_by(|one, other| one.name.cmp(&other.name));
    flags
}

fn place(id: &str) -> Place<'_> {
    Place { table: "feature_flag", row: id, field: "configuration/targeting" }
}

fn error(flag: &FeatureFlag, field: &str, code: &str, message: String) -> Finding {
    Finding::error("feature_flag", code, message).row(flag.id).field(field)
}
