//! What a policy names itself: groups, units, roles, accounts, flags, categories. What it gives cannot be told from rows
//! that grant, so that an owner alone changes who or what it means.

use parapet::model::{OrganizationUnit, PermissionEntry, SettingCategory, TenantDocument};
use serde_json::Value;
use uuid::Uuid;

/// Whether a policy names the group, or a unit that it lies in. Who comes into it may gain what no role says.
pub fn by_a_policy(document: &TenantDocument, group: Uuid) -> bool {
    let group_row = document.user_group.iter().find(|row| row.id == group);
    let unit = group_row.and_then(|row| row.organization_unit_id);
    let unit = unit.and_then(|id| document.organization_unit.iter().find(|row| row.id == id));
    // A unit's path is the ids of all units above it.
    let above = unit.map(|unit| unit.path.split('/').filter(|id| !id.is_empty()).map(str::to_owned).collect());
    let roles = document.user_group_role.iter().filter(|row| row.user_group_id == group);
    let ids = std::iter::once(group.to_string()).chain(roles.map(|row| row.role_id.to_string()));
    let ids = ids.chain(above.unwrap_or_else(Vec::new)).collect::<Vec<_>>();
    names_any(document, &ids)
}

/// Whether a policy names a unit, or one above it.
pub fn unit_by_a_policy(document: &TenantDocument, unit: &OrganizationUnit) -> bool {
    let ids: Vec<String> = unit.path.split('/').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    names_any(document, &ids)
}

/// Whether a policy names this role or service account.
pub fn id_by_a_policy(document: &TenantDocument, id: Uuid) -> bool {
    names_any(document, &[id.to_string()])
}

/// Whether a policy has this text as a literal: the name of a flag, or of a category of actions.
pub fn literal_by_a_policy(document: &TenantDocument, text: &str) -> bool {
    // In JSON; in Cedar text; in Cedar text within JSON.
    names_any(document, &[format!("\"{text}\""), format!("\\\"{text}\\\"")])
}

fn names_any(document: &TenantDocument, ids: &[String]) -> bool {
    let names = |text: &str| ids.iter().any(|id| text.contains(id.as_str()));
    let condition = |condition: &Option<Value>| condition.as_ref().is_some_and(|json| names(&json.to_string()));
    let entries = |entries: &[PermissionEntry]| entries.iter().any(|entry| condition(&entry.conditions));
    document.role_permission.iter().any(|row| condition(&row.conditions))
        || document.role.iter().any(|row| entries(&row.permissions))
        || document.service_account.iter().any(|row| entries(&row.permissions))
        || document.access_request.iter().any(|row| entries(&row.requested_permissions))
        || document.feature_flag.iter().any(|row| names(&Value::Object(row.configuration.clone()).to_string()))
        || document
            .tenant_setting
            .iter()
            .filter(|row| row.category == SettingCategory::Auth && row.setting_key.starts_with("policy."))
            .any(|row| row.setting_value.as_str().is_some_and(names))
}
