//! Permissions: what can be done to which type of resource, and how roles and requests name them.

use super::field::{Field, Kind, SqlValue, json_to_sql, read_array, words};
use super::row::{Invariants, Problems, row};
use super::{Timestamp, shape};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

row! {
    /// An action on a type of resource, under a name.
    Permission in permission {
        /// UUIDv7.
        id: Uuid,
        /// The tenant that defines it; null in the operator's catalogue, which tenants read only.
        tenant_id: Option<Uuid> => tenant,
        /// Unique in the catalogue and within a tenant; a tenant's may not be one of the catalogue's.
        name: String,
        /// The type of resource: one unqualified Cedar identifier, none of Parapet's own types.
        resource: String,
        /// The action: `[A-Za-z0-9_.-]+`.
        action: String,
        /// What it is for.
        description: Option<String>,
        /// An action group: `user`, `admin`, `api` or another lower-case word.
        category: String,
        /// When it was made.
        created_at: Timestamp,
    }
    unique ["tenant_id", "name"]
    unique ["tenant_id", "resource", "action"]
    unique ["name"] while "tenant_id"
    unique ["resource", "action"] while "tenant_id"
}

impl Invariants for Permission {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "permission.name",
            "a name is 1 to 255 characters, not blank",
        );
        check_resource(&self.resource, "resource", problems);
        check_action(&self.action, "action", problems);
        if !shape::is_word(&self.category) {
            problems.add("category", "permission.category", format!("`{}` is no lower-case word", self.category));
        }
    }
}

words! {
    /// Whether a permission is given or taken away.
    #[derive(Default)]
    Effect {
        /// Given: a permit.
        #[default]
        Allow = "allow",
        /// Taken away, whoever else gives it: a forbid.
        Deny = "deny",
    }
}

/// A permission as `role.permissions`, `service_account.permissions` and `access_request.requested_permissions` name it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct PermissionEntry {
    /// Which permission.
    #[serde(flatten)]
    pub target: PermissionTarget,
    /// Whether it is given or taken away.
    #[serde(default, skip_serializing_if = "is_allow")]
    pub effect: Effect,
    /// A condition of the condition language; it holds only while that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Value>,
    /// The one resource that it is for, by its id; in requests of type `resource_access` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
}

/// The two ways to name a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PermissionTarget {
    /// By its name.
    Name {
        /// `permission.name`.
        permission: String,
    },
    /// By type of resource and action.
    Action {
        /// `permission.resource`.
        resource: String,
        /// `permission.action`.
        action: String,
    },
}

fn is_allow(effect: &Effect) -> bool {
    *effect == Effect::Allow
}

impl PermissionEntry {
    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Object(mut entry) = value else {
            problems.wrong_type(field, "an object", &value);
            return None;
        };
        let mut text = |name: &str, problems: &mut Problems<'_>| match entry.remove(name) {
            None => Some(None),
            Some(value) => String::read(value, &format!("{field}/{name}"), problems).map(Some),
        };
        let permission = text("permission", problems);
        let resource = text("resource", problems);
        let action = text("action", problems);
        let resource_id = text("resource_id", problems);
        let effect = match entry.remove("effect") {
            None => Some(Effect::Allow),
            Some(value) => Effect::read(value, &format!("{field}/effect"), problems),
        };
        let conditions = entry.remove("conditions").filter(|conditions| !conditions.is_null());
        for name in entry.keys() {
            let message = format!("a permission entry has no field `{name}`");
            problems.add(&format!("{field}/{name}"), "row.unknown_field", message);
        }
        let target = match (permission?, resource?, action?) {
            (Some(permission), None, None) => PermissionTarget::Name { permission },
            (None, Some(resource), Some(action)) => {
                check_resource(&resource, &format!("{field}/resource"), problems);
                check_action(&action, &format!("{field}/action"), problems);
                PermissionTarget::Action { resource, action }
            }
            _ => {
                let message = "expected either `permission`, or `resource` and `action`";
                problems.add(field, "permission_entry.target", message);
                return None;
            }
        };
        Some(Self { target, effect: effect?, conditions, resource_id: resource_id? })
    }
}

impl Field for Vec<PermissionEntry> {
    const KIND: Kind = Kind::Json;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        read_array(value, field, problems, PermissionEntry::read)
    }

    fn to_sql(&self) -> SqlValue {
        json_to_sql(self)
    }
}

/// Entries of roles and service accounts are for every resource of the type: a single one is a request's.
pub(crate) fn refuse_resource_ids(entries: &[PermissionEntry], field: &str, problems: &mut Problems<'_>) {
    for (index, _) in entries.iter().enumerate().filter(|(_, entry)| entry.resource_id.is_some()) {
        let message = "`resource_id` is for access requests of type `resource_access`";
        problems.add(&format!("{field}/{index}/resource_id"), "permission_entry.resource_id", message);
    }
}

fn check_resource(resource: &str, field: &str, problems: &mut Problems<'_>) {
    if !shape::is_resource_type(resource) {
        let message = format!("`{resource}` is no resource type: an unqualified Cedar identifier, not a reserved one");
        problems.add(field, "permission.resource", message);
    }
}

fn check_action(action: &str, field: &str, problems: &mut Problems<'_>) {
    if !shape::is_action(action) {
        problems.add(field, "permission.action", format!("`{action}` is no action: expected `[A-Za-z0-9_.-]+`"));
    }
}
