//! Tenancy: the tenants that operators make, and what a tenant sets of its own.

use crate::guard::Route;

pub mod domain;
pub mod export;
pub mod own;
pub mod tenant;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [tenant::routes(), export::routes(), own::routes(), domain::routes()].into_iter().flatten().collect()
}
