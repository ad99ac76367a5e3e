//! The directory: people, programs, the organisation, groups, and the resources that the tenant registers.

use crate::administration::routes as table;
use crate::guard::Route;
use parapet::model::{OrganizationUnit, UserGroupMembership};

pub mod assignment;
pub mod attributes;
pub mod membership;
pub mod named;
pub mod organization_unit;
pub mod person;
pub mod resource;
pub mod service_account;
pub mod user;
pub mod user_deletion;
pub mod user_group;
pub mod user_group_membership;
pub mod user_purge;
pub mod user_state;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [
        user::routes(),
        service_account::routes(),
        table::<OrganizationUnit>(),
        user_group::routes(),
        table::<UserGroupMembership>(),
        resource::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
