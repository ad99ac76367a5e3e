//! The tenant's schema: declared by its setting, or inferred from the conditions.

use super::flag::Targeting;
use super::grant::{Grants, action_name};
use crate::Finding;
use crate::condition::{Condition, infer};
use crate::model::{SettingCategory, TenantDocument};
use crate::schema::{Action, Schema, read_setting};
use std::collections::BTreeSet;

/// The schema of a tenant's rows.
pub(super) fn of(
    document: &TenantDocument,
    grants: &Grants,
    rules: &[Condition],
    targeting: &[Targeting],
    findings: &mut Vec<Finding>,
) -> Schema {
    let mut schema = Schema::default();
    for permission in &document.permission {
        schema.types.entry(permission.resource.clone()).or_default();
        // A tenant's permission and one of the catalogue may mean the same action: it is then in the groups of both, so
        // that neither takes it out of reach of a policy on the other's group.
        let action = schema.actions.entry(action_name(permission));
        let action =
            action.or_insert_with(|| Action { resource: permission.resource.clone(), groups: BTreeSet::new() });
        action.groups.insert(permission.category.clone());
    }
    let setting =
        document.tenant_setting.iter().find(|row| row.category == SettingCategory::Auth && row.setting_key == "schema");
    match setting {
        Some(row) => read_setting(&mut schema, &row.setting_value, &row.id.to_string(), findings),
        None => {
            // The registry's parents first, since conditions may speak of them.
            for row in &document.resource {
                for parent in &row.parents {
                    schema.types.entry(parent.r#type.clone()).or_default();
                    schema.types.entry(row.r#type.clone()).or_default().parents.insert(parent.r#type.clone());
                }
            }
            let everywhere = BTreeSet::new();
            let granted = grants.conditions.values().map(|used| (&used.condition, &used.resource_types));
            let others = rules.iter().chain(targeting.iter().map(|targeting| &targeting.condition));
            infer(&mut schema, granted.chain(others.map(|condition| (condition, &everywhere))));
        }
    }
    schema
}
