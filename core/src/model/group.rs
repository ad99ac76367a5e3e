//! Groups of users, who is in them, and the roles that they give.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words, shape};
use serde_json::Value;
use uuid::Uuid;

words! {
    /// How somebody comes into a group.
    AssignmentType {
        /// Put there by somebody.
        Manual = "manual",
        /// By the group's rules.
        Automatic = "automatic",
    }
}

row! {
    /// A group of users.
    UserGroup in user_group {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// The unit that it is part of.
        organization_unit_id: Option<Uuid> => organization_unit,
        /// Unique within the tenant.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// How users come into it.
        r#type: AssignmentType = AssignmentType::Manual,
        /// A condition of the condition language over `principal`; set exactly where the type is `automatic`.
        auto_assignment_rules: Option<Value>,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
        /// The id by which a provisioning client knows the group.
        external_id: Option<String>,
    }
    unique ["tenant_id", "name"]
}

impl Invariants for UserGroup {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "user_group.name",
            "a name is 1 to 255 characters, not blank",
        );
        problems.require(
            (self.r#type == AssignmentType::Automatic) == self.auto_assignment_rules.is_some(),
            "auto_assignment_rules",
            "user_group.auto_assignment_rules",
            "rules are set exactly where the type is `automatic`",
        );
    }
}

row! {
    /// A user is in a group.
    UserGroupMembership in user_group_membership {
        /// UUIDv7.
        id: Uuid,
        /// The tenant of both.
        tenant_id: Uuid => tenant,
        /// Who.
        user_id: Uuid => user,
        /// Which group.
        user_group_id: Uuid => user_group,
        /// Who put them there; null where a rule, a service account or the set-up did.
        assigned_by: Option<Uuid> => user,
        /// How they came there. In an automatic group somebody may still be put by hand.
        assignment_type: AssignmentType = AssignmentType::Manual,
        /// Since when.
        assigned_at: Timestamp,
        /// Until when; at exactly this time it has ended.
        expires_at: Option<Timestamp>,
    }
    unique ["user_id", "user_group_id"]
}

impl Invariants for UserGroupMembership {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.expires_at.is_none_or(|end| end > self.assigned_at),
            "expires_at",
            "user_group_membership.expires_at",
            "a membership ends after it begins",
        );
    }
}

row! {
    /// A group gives its members a role. An addition to the diagram: without it groups could give no access.
    UserGroupRole in user_group_role {
        /// UUIDv7.
        id: Uuid,
        /// The tenant of both.
        tenant_id: Uuid => tenant,
        /// Which group.
        user_group_id: Uuid => user_group,
        /// Which role.
        role_id: Uuid => role,
        /// Who gave it; null where a service account or the set-up did.
        assigned_by: Option<Uuid> => user,
        /// Since when.
        assigned_at: Timestamp,
        /// Until when; at exactly this time it has ended.
        expires_at: Option<Timestamp>,
    }
    unique ["user_group_id", "role_id"]
}

impl Invariants for UserGroupRole {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.expires_at.is_none_or(|end| end > self.assigned_at),
            "expires_at",
            "user_group_role.expires_at",
            "an assignment ends after it begins",
        );
    }
}
