//! Roles: `/v1/roles`.

use parapet::Finding;
use parapet::model::{Role, RoleType, TenantDocument};
use parapet::rights::Rights;

use crate::administration::{Collection, Edit, ListOf, Plan};
use crate::directory::named;
use crate::error::ApiError;

impl ListOf for Role {
    const PATH: &'static str = "/v1/roles";
    const READ: &'static str = "role.read";
    const FILTERS: &'static [&'static str] = &["name", "type", "is_active"];
    const SORTS: &'static [&'static str] = &["name"];
}

impl Collection for Role {
    const ITEM: &'static str = "/v1/roles/{id}";
    const WRITE: &'static str = "role.write";
    const GIVEN: &'static [&'static str] = &["type"];

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.role)
    }

    /// Whoever has the role gains what is added to it; an inactive role gives nothing.
    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, _findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        if edit.row().is_some_and(|role| role.r#type == RoleType::System) {
            plan.facts().system_role = true;
        }
        // Whoever has the role gains, or sheds, what a policy says of it.
        if let Some(before) = edit.before
            && edit.after.is_none_or(|after| after.is_active != before.is_active)
        {
            plan.facts().needs_owner |= named::id_by_a_policy(edit.state.document, before.id);
        }
        let of = edit.state.rights();
        let rights = |role: Option<&Self>| {
            let Some(role) = role.filter(|role| role.is_active) else { return Rights::default() };
            let mut rights = of.entries(&role.permissions, None);
            for row in edit.state.document.role_permission.iter().filter(|row| row.role_id == role.id) {
                rights.add(of.role_permission(row));
            }
            rights
        };
        plan.gains(edit.state, &Rights::gained(&rights(edit.before), &rights(edit.after)));
        Ok(())
    }
}
