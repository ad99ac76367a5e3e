//! Names of permissions: one each, none hides the catalogue's, and those that are named exist.

use super::{AccessRequest, Permission, PermissionEntry, PermissionTarget, Role, ServiceAccount};
use crate::Finding;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

pub(super) fn check(
    permissions: &[Permission],
    roles: &[Role],
    service_accounts: &[ServiceAccount],
    requests: &[AccessRequest],
    findings: &mut Vec<Finding>,
) {
    check_catalogue(permissions, findings);
    let names: HashSet<&str> = permissions.iter().map(|permission| permission.name.as_str()).collect();
    for role in roles {
        check_entries("role", role.id, "permissions", &role.permissions, &names, findings);
    }
    for account in service_accounts {
        check_entries("service_account", account.id, "permissions", &account.permissions, &names, findings);
    }
    for request in requests {
        let entries = &request.requested_permissions;
        check_entries("access_request", request.id, "requested_permissions", entries, &names, findings);
    }
}

/// A tenant's permission takes neither a name of the catalogue nor gives a second one to its resource and action.
/// (Within the catalogue and within the tenant these are unique keys.)
fn check_catalogue(permissions: &[Permission], findings: &mut Vec<Finding>) {
    let (catalogue, own): (Vec<_>, Vec<_>) = permissions.iter().partition(|permission| permission.tenant_id.is_none());
    let names: HashSet<&str> = catalogue.iter().map(|permission| permission.name.as_str()).collect();
    let actions: HashMap<(&str, &str), &str> = (catalogue.iter())
        .map(|permission| ((permission.resource.as_str(), permission.action.as_str()), permission.name.as_str()))
        .collect();
    for permission in own {
        let mut add = |field: &str, code: &str, message: String| {
            findings.push(Finding::error("permission", code, message).row(permission.id).field(field));
        };
        if names.contains(permission.name.as_str()) {
            let message = format!("the catalogue has a permission `{}`", permission.name);
            add("name", "permission.shadows_catalogue", message);
        }
        if let Some(name) = actions.get(&(permission.resource.as_str(), permission.action.as_str())) {
            let message = format!("the catalogue calls this resource and action `{name}`");
            add("action", "permission.two_names", message);
        }
    }
}

fn check_entries(
    table: &str,
    row: Uuid,
    field: &str,
    entries: &[PermissionEntry],
    names: &HashSet<&str>,
    findings: &mut Vec<Finding>,
) {
    for (index, entry) in entries.iter().enumerate() {
        if let PermissionTarget::Name { permission } = &entry.target
            && !names.contains(permission.as_str())
        {
            let message = format!("there is no permission `{permission}` in the document");
            let finding = Finding::error(table, "document.no_such_permission", message);
            findings.push(finding.row(row).field(format!("{field}/{index}/permission")));
        }
    }
}
