//! Access: deciding by the AuthZEN API, and the rows that say who may do what.

use crate::administration::routes as table;
use crate::guard::Route;
use parapet::model::{Permission, Role, RolePermission, UserRole};

pub mod evaluation;
pub mod metadata;
pub mod permission;
pub mod preview;
pub mod principal;
pub mod role;
pub mod role_permission;
pub mod rollback;
pub mod snapshot;
pub mod user_role;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [
        evaluation::routes(),
        metadata::routes(),
        preview::routes(),
        snapshot::routes(),
        rollback::routes(),
        table::<Role>(),
        table::<Permission>(),
        table::<RolePermission>(),
        table::<UserRole>(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
