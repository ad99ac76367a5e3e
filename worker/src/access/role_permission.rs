//! What roles give, one permission a row, perhaps under a condition: `/v1/role-permissions`.

use parapet::Finding;
use parapet::model::{RolePermission, RoleType, TenantDocument};
use parapet::rights::Rights;

use crate::administration::{Collection, Edit, ListOf, Plan};
use crate::error::ApiError;

impl ListOf for RolePermission {
    const PATH: &'static str = "/v1/role-permissions";
    const READ: &'static str = "role_permission.read";
    const FILTERS: &'static [&'static str] = &["role_id", "permission_id", "effect"];
    const SELECTIVE: &'static [&'static str] = &["role_id", "permission_id"];
}

impl Collection for RolePermission {
    const ITEM: &'static str = "/v1/role-permissions/{id}";
    const WRITE: &'static str = "role_permission.write";
    const FIXED: &'static [&'static str] = &["role_id", "permission_id"];
    const EVENTS: [&'static str; 3] = ["granted", "updated", "revoked"];

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.role_permission)
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let role = edit.row().and_then(|row| edit.state.document.role.iter().find(|role| role.id == row.role_id));
        if role.is_some_and(|role| role.r#type == RoleType::System) {
            plan.facts().system_role = true;
        }
        let of = edit.state.rights();
        let rights = |row: Option<&Self>| row.map(|row| of.role_permission(row)).unwrap_or_default();
        plan.gains(edit.state, &Rights::gained(&rights(edit.before), &rights(edit.after)));
        Ok(())
    }
}
