//! Access reviews: who still needs what they have.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// What a review looks at.
    AccessReviewType {
        /// What users have.
        UserAccess = "user_access",
        /// Who has a role.
        RoleCertification = "role_certification",
        /// The same again and again.
        Periodic = "periodic",
    }
}

words! {
    /// How far a review is.
    AccessReviewStatus {
        /// Being prepared.
        Draft = "draft",
        /// Being answered.
        Active = "active",
        /// Answered.
        Completed = "completed",
        /// Given up.
        Cancelled = "cancelled",
    }
}

words! {
    /// What a reviewer said.
    AccessReviewItemStatus {
        /// Nothing yet.
        Pending = "pending",
        /// It stays.
        Approved = "approved",
        /// It goes.
        Rejected = "rejected",
        /// Left undecided.
        Skipped = "skipped",
    }
}

row! {
    /// A round of review.
    AccessReview in access_review {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// What people call it.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// What it looks at.
        r#type: AccessReviewType,
        /// How far it is.
        status: AccessReviewStatus = AccessReviewStatus::Draft,
        /// Who made it.
        created_by: Uuid => user,
        /// When it begins.
        start_date: Timestamp,
        /// When it ends.
        end_date: Timestamp,
        /// Scope (a condition), reviewers, recurrence, what happens to what nobody answered.
        configuration: Map<String, Value> = Map::new(),
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
}

impl Invariants for AccessReview {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "access_review.name",
            "a name is 1 to 255 characters, not blank",
        );
        problems.require(
            self.end_date > self.start_date,
            "end_date",
            "access_review.end_date",
            "a review ends after it begins",
        );
    }
}

row! {
    /// One question of a review: should this user keep this role or permission?
    AccessReviewItem in access_review_item {
        /// UUIDv7.
        id: Uuid,
        /// The review's tenant.
        tenant_id: Uuid => tenant,
        /// Which review.
        access_review_id: Uuid => access_review,
        /// Whose access.
        user_id: Uuid => user,
        /// Which role.
        role_id: Option<Uuid> => role,
        /// Which permission.
        permission_id: Option<Uuid> => permission,
        /// Who answers; never the user themselves.
        reviewer_id: Uuid => user,
        /// What they said.
        status: AccessReviewItemStatus = AccessReviewItemStatus::Pending,
        /// Why.
        justification: Option<String>,
        /// When they said it; set exactly once it is not pending.
        reviewed_at: Option<Timestamp>,
        /// When it was asked.
        created_at: Timestamp,
    }
}

impl Invariants for AccessReviewItem {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.role_id.is_some() || self.permission_id.is_some(),
            "role_id",
            "access_review_item.subject",
            "an item is about a role or a permission",
        );
        problems.require(
            self.reviewer_id != self.user_id,
            "reviewer_id",
            "access_review_item.own_access",
            "nobody reviews their own access",
        );
        problems.require(
            (self.status != AccessReviewItemStatus::Pending) == self.reviewed_at.is_some(),
            "reviewed_at",
            "access_review_item.reviewed_at",
            "`reviewed_at` is set exactly once the status is not `pending`",
        );
    }
}
