//! Access: deciding by the AuthZEN API, and the rows that say who may do what.

use crate::administration::routes as table;
use crate::guard::Route;
use parapet::model::{Permission, Role, RolePermission, UserGroupRole, UserRole};

pub mod api_key;
pub mod candidate;
pub mod evaluation;
pub mod explanation;
pub mod metadata;
pub mod ofrep;
pub mod own_api_key;
pub mod permission;
pub mod policy;
pub mod preview;
pub mod principal;
pub mod role;
pub mod role_permission;
pub mod rollback;
pub mod search;
pub mod snapshot;
pub mod user_group_role;
pub mod user_role;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [
        evaluation::routes(),
        search::routes(),
        ofrep::routes(),
        explanation::routes(),
        metadata::routes(),
        preview::routes(),
        snapshot::routes(),
        candidate::routes(),
        rollback::routes(),
        table::<Role>(),
        table::<Permission>(),
        table::<RolePermission>(),
        table::<UserRole>(),
        api_key::routes(),
        own_api_key::routes(),
        table::<UserGroupRole>(),
        policy::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
