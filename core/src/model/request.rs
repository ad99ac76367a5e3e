//! Access requests: asking for a role or a permission, for a while.

use super::permission::{Effect, PermissionEntry};
use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words};
use uuid::Uuid;

words! {
    /// What is asked for.
    AccessRequestType {
        /// A role.
        Role = "role",
        /// Permissions, on every resource of their types.
        Permission = "permission",
        /// Permissions, each on one resource.
        ResourceAccess = "resource_access",
    }
}

words! {
    /// What came of it.
    AccessRequestStatus {
        /// Not answered yet.
        Pending = "pending",
        /// Given, until it expires.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
        /// Taken back.
        Cancelled = "cancelled",
    }
}

row! {
    /// Somebody asks for access. Approved, it gives it until it expires.
    AccessRequest in access_request {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Who asks, for themselves.
        requester_id: Uuid => user,
        /// What they ask for.
        request_type: AccessRequestType,
        /// The role, in a request of type `role`.
        role_id: Option<Uuid> => role,
        /// The permissions, in the other types; each with `resource_id` in type `resource_access`.
        requested_permissions: Vec<PermissionEntry> = Vec::new(),
        /// Why.
        justification: Option<String>,
        /// What came of it.
        status: AccessRequestStatus = AccessRequestStatus::Pending,
        /// Who approved it, never the requester; set where the status is `approved`.
        approved_by: Option<Uuid> => user,
        /// Until when; at exactly this time it has ended.
        expires_at: Option<Timestamp>,
        /// When it was asked.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
}

impl Invariants for AccessRequest {
    fn check(&self, problems: &mut Problems<'_>) {
        let for_role = self.request_type == AccessRequestType::Role;
        problems.require(
            for_role == self.role_id.is_some(),
            "role_id",
            "access_request.role_id",
            "`role_id` is set exactly in a request of type `role`",
        );
        problems.require(
            for_role == self.requested_permissions.is_empty(),
            "requested_permissions",
            "access_request.requested_permissions",
            "permissions are named exactly in a request of type `permission` or `resource_access`",
        );
        let for_resource = self.request_type == AccessRequestType::ResourceAccess;
        for (index, entry) in self.requested_permissions.iter().enumerate() {
            let field = |name: &str| format!("requested_permissions/{index}/{name}");
            problems.require(
                for_resource == entry.resource_id.is_some(),
                &field("resource_id"),
                "permission_entry.resource_id",
                "`resource_id` is set exactly in a request of type `resource_access`",
            );
            problems.require(
                entry.effect == Effect::Allow,
                &field("effect"),
                "access_request.effect",
                "nobody asks for a denial",
            );
        }
        problems.require(
            self.status != AccessRequestStatus::Approved || self.approved_by.is_some(),
            "approved_by",
            "access_request.approved_by",
            "an approved request says who approved it",
        );
        problems.require(
            self.approved_by != Some(self.requester_id),
            "approved_by",
            "access_request.own_request",
            "nobody approves their own request",
        );
        problems.require(
            self.expires_at.is_none_or(|end| end > self.created_at),
            "expires_at",
            "access_request.expires_at",
            "a request ends after it was made",
        );
    }
}
