//! Permissions: `/v1/permissions`. The operator's catalogue is among them, and not to be changed here.

use parapet::Finding;
use parapet::administration::RESOURCE;
use parapet::model::{Permission, TenantDocument};

use crate::administration::{Collection, Edit, ListOf, Plan, read_only};
use crate::directory::named;
use crate::error::ApiError;

impl ListOf for Permission {
    const PATH: &'static str = "/v1/permissions";
    const READ: &'static str = "permission.read";
    const FILTERS: &'static [&'static str] = &["name", "resource", "action", "category", "tenant_id"];
    const SORTS: &'static [&'static str] = &["name"];
    const TENANT: &'static str = "(tenant_id = ?1 OR tenant_id IS NULL)";
}

impl Collection for Permission {
    const ITEM: &'static str = "/v1/permissions/{id}";
    const WRITE: &'static str = "permission.write";
    // What a permission means stays: whoever holds it would hold another one.
    const FIXED: &'static [&'static str] = &["resource", "action"];

    fn rows(document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        Some(&mut document.permission)
    }

    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError> {
        let Some(row) = edit.row() else { return Ok(()) };
        if edit.before.is_some() && row.tenant_id.is_none() {
            findings.push(read_only::<Permission>("tenant_id"));
        }
        if row.tenant_id.is_some() && row.resource == RESOURCE {
            let message = format!("`{RESOURCE}` is what the admin API itself is called");
            findings.push(Finding::error("permission", "permission.reserved", message).field("resource"));
        }
        // A policy on a category gives the action to whomever it speaks of.
        if edit.before.is_none_or(|before| edit.after.is_some_and(|after| after.category != before.category)) {
            let categories = [edit.before, edit.after].into_iter().flatten();
            let mut categories = categories.map(|row| row.category.as_str());
            plan.facts().needs_owner |=
                categories.any(|category| named::literal_by_a_policy(edit.state.document, category));
        }
        // Entries of roles, accounts and requests name permissions; what they name must stay.
        if let Some(before) = edit.before
            && edit.after.is_none_or(|after| after.name != before.name)
            && let Some(user) = named_by(edit, before)
        {
            let message = format!("{user} names `{}`", before.name);
            findings.push(Finding::error("permission", "permission.in_use", message).field("name"));
        }
        Ok(())
    }
}

/// What names a permission, by its name or by its resource and action, if anything does.
fn named_by(edit: &Edit<'_, Permission>, permission: &Permission) -> Option<String> {
    use parapet::model::{PermissionEntry, PermissionTarget};
    let names = |entries: &[PermissionEntry]| {
        entries.iter().any(|entry| match &entry.target {
            PermissionTarget::Name { permission: name } => *name == permission.name,
            PermissionTarget::Action { resource, action } => {
                *resource == permission.resource && *action == permission.action && edit.after.is_none()
            }
        })
    };
    let document = edit.state.document;
    let role =
        document.role.iter().find(|role| names(&role.permissions)).map(|role| format!("the role `{}`", role.name));
    let account = || {
        let account = document.service_account.iter().find(|account| names(&account.permissions));
        account.map(|account| format!("the service account `{}`", account.name))
    };
    let request = || {
        let request = document.access_request.iter().find(|request| names(&request.requested_permissions));
        request.map(|request| format!("the access request `{}`", request.id))
    };
    role.or_else(account).or_else(request)
}
