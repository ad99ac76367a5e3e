//! The directory: the organisation, its groups and who is in them.

use crate::administration::routes as table;
use crate::guard::Route;
use parapet::model::{OrganizationUnit, UserGroupMembership};

pub mod membership;
pub mod named;
pub mod organization_unit;
pub mod user_group;
pub mod user_group_membership;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [table::<OrganizationUnit>(), user_group::routes(), table::<UserGroupMembership>()].into_iter().flatten().collect()
}
