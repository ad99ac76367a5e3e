//! Which decisions are logged: the tenant's setting, validated against its schema.

use super::tenant::json;
use crate::Finding;
use crate::decision_log::Logging;
use crate::model::{SettingCategory, TenantDocument};
use crate::schema::Schema;

/// The section of the snapshot; nothing where the tenant says nothing of it.
pub(super) fn section(document: &TenantDocument, schema: &Schema, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
    let is_it = |category, key: &str| category == SettingCategory::Auth && key == Logging::SETTING;
    let row = document.tenant_setting.iter().find(|row| is_it(row.category, &row.setting_key))?;
    let mut faults = Vec::new();
    Logging::read(&row.setting_value, schema, &mut faults);
    findings.extend(faults.into_iter().map(|fault| {
        let find = if fault.is_error { Finding::error } else { Finding::warning };
        find("tenant_setting", fault.code, fault.message).row(row.id).field(format!("setting_value{}", fault.pointer))
    }));
    Some(json(&row.setting_value))
}
