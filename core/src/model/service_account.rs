//! Service accounts: programs that act as themselves.

use super::permission::{PermissionEntry, refuse_resource_ids};
use super::row::{Invariants, Problems, row};
use super::{Timestamp, shape};
use uuid::Uuid;

row! {
    /// A program that acts as itself.
    ServiceAccount in service_account {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Unique within the tenant.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// What it may do.
        permissions: Vec<PermissionEntry> = Vec::new(),
        /// An inactive one may do nothing.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "name"]
}

impl Invariants for ServiceAccount {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "service_account.name",
            "a name is 1 to 255 characters, not blank",
        );
        refuse_resource_ids(&self.permissions, "permissions", problems);
    }
}
