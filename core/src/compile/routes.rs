//! What stands before an application: the tenant's route maps, and the role of whoever does not say who they are.

use super::tenant::json;
use crate::Finding;
use crate::gateway::{RouteMap, Routes};
use crate::model::{SettingCategory, TenantDocument, TenantSetting};
use crate::schema::Schema;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The section of the snapshot; nothing where the tenant has nothing behind the gateway.
pub(super) fn section(document: &TenantDocument, schema: &Schema, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
    let mut maps: BTreeMap<&str, &Json> = BTreeMap::new();
    let mut anonymous_role = None;
    for row in document.tenant_setting.iter().filter(|row| row.category == SettingCategory::Auth) {
        if let Some(name) = row.setting_key.strip_prefix(Routes::SETTING_PREFIX) {
            check(row, name, schema, findings);
            maps.insert(name, &row.setting_value);
        } else if row.setting_key == Routes::ANONYMOUS_ROLE_SETTING {
            let role = document.role.iter().find(|role| row.setting_value.as_str() == Some(role.name.as_str()));
            anonymous_role = role.map(|role| role.id);
            if role.is_none() {
                let message = format!("there is no role with the name {}", row.setting_value);
                findings.push(error(row, "setting_value", "routes.unknown_role", message));
            }
        }
    }
    let is_nothing = maps.is_empty() && anonymous_role.is_none();
    (!is_nothing).then(|| json(&serde_json::json!({"anonymous_role": anonymous_role, "maps": maps})))
}

fn check(row: &TenantSetting, name: &str, schema: &Schema, findings: &mut Vec<Finding>) {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        let message = format!("`{name}`: a route map's name is of letters, digits, `_` and `-`");
        findings.push(error(row, "setting_key", "routes.name", message));
    }
    let mut faults = Vec::new();
    RouteMap::read(&row.setting_value, schema, &mut faults);
    let finding = |fault: crate::gateway::Fault| {
        error(row, &format!("setting_value{}", fault.pointer), fault.code, fault.message)
    };
    findings.extend(faults.into_iter().map(finding));
}

fn error(row: &TenantSetting, field: &str, code: &str, message: String) -> Finding {
    Finding::error("tenant_setting", code, message).row(row.id).field(field)
}
