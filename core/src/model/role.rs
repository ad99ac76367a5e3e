//! Roles, what they give, and who has them.

use super::permission::{Effect, PermissionEntry, refuse_resource_ids};
use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words, shape};
use serde_json::Value;
use uuid::Uuid;

words! {
    /// Who made a role.
    RoleType {
        /// Made with the tenant, and not to be changed.
        System = "system",
        /// Made by the tenant.
        Custom = "custom",
    }
}

row! {
    /// A set of permissions under a name.
    Role in role {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Unique within the tenant.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// Who made it.
        r#type: RoleType = RoleType::Custom,
        /// What it gives, beside its `role_permission` rows; both forms mean the same.
        permissions: Vec<PermissionEntry> = Vec::new(),
        /// An inactive role gives nothing.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "name"]
}

impl Invariants for Role {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(shape::is_name(&self.name), "name", "role.name", "a name is 1 to 255 characters, not blank");
        refuse_resource_ids(&self.permissions, "permissions", problems);
    }
}

row! {
    /// A permission of a role. A role may have one permission several times, under different conditions.
    RolePermission in role_permission {
        /// UUIDv7.
        id: Uuid,
        /// The role's tenant.
        tenant_id: Uuid => tenant,
        /// Which role.
        role_id: Uuid => role,
        /// Which permission, of the same tenant or of the catalogue.
        permission_id: Uuid => permission,
        /// Whether it is given or taken away. An addition to the diagram.
        effect: Effect = Effect::Allow,
        /// A condition of the condition language; it holds only while that does.
        conditions: Option<Value>,
        /// When it was given.
        created_at: Timestamp,
    }
}

impl Invariants for RolePermission {
    fn check(&self, _: &mut Problems<'_>) {}
}

row! {
    /// A user has a role.
    UserRole in user_role {
        /// UUIDv7.
        id: Uuid,
        /// The tenant of both.
        tenant_id: Uuid => tenant,
        /// Who.
        user_id: Uuid => user,
        /// Which role.
        role_id: Uuid => role,
        /// Who gave it; null where a service account or the set-up did.
        assigned_by: Option<Uuid> => user,
        /// Since when.
        assigned_at: Timestamp,
        /// Until when; at exactly this time it has ended.
        expires_at: Option<Timestamp>,
        /// An inactive assignment gives nothing.
        is_active: bool = true,
    }
    unique ["user_id", "role_id"]
}

impl Invariants for UserRole {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.expires_at.is_none_or(|end| end > self.assigned_at),
            "expires_at",
            "user_role.expires_at",
            "an assignment ends after it begins",
        );
    }
}
