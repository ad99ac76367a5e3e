//! The directory: people, programs, and the resources that the tenant registers.

use crate::guard::Route;

pub mod attributes;
pub mod person;
pub mod resource;
pub mod service_account;
pub mod user;
pub mod user_deletion;
pub mod user_purge;
pub mod user_state;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [user::routes(), service_account::routes(), resource::routes()].into_iter().flatten().collect()
}
