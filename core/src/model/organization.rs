//! The organisation chart.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, shape};
use uuid::Uuid;

/// How many levels an organisation may have: paths stay short, and reading stays linear.
pub const MAX_LEVELS: i64 = 32;

row! {
    /// A unit of the organisation: a department, a site, a team.
    OrganizationUnit in organization_unit {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// The unit above it; null at the top.
        parent_id: Option<Uuid> => organization_unit,
        /// Unique among the units under the same parent.
        name: String,
        /// What it is.
        description: Option<String>,
        /// The ids from the top to the unit itself, `/<id>/<id>/`: whatever lies below it has a path that starts so.
        /// A document may leave it out: it follows from the parents.
        path: String = String::new(),
        /// How deep it lies: 0 at the top. A document may leave it out.
        level: i64 = -1,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "parent_id", "name"]
    unique ["tenant_id", "name"] while "parent_id"
}

impl Invariants for OrganizationUnit {
    // That path and level follow from the parents is the document's to check: it sees the parents.
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "organization_unit.name",
            "a name is 1 to 255 characters, not blank",
        );
        problems.require(
            self.parent_id != Some(self.id),
            "parent_id",
            "organization_unit.cycle",
            "a unit is not its own parent",
        );
    }
}
