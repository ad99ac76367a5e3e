//! Tenancy: the tenants that operators make, and what a tenant sets of its own: settings, feature flags, its domain.

use crate::guard::Route;

pub mod domain;
pub mod feature_flag;
pub mod own;
mod proof_of_name;
pub mod tenant;
pub mod tenant_setting;

pub use proof_of_name::ProofOfName;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [tenant::routes(), own::routes(), domain::routes(), tenant_setting::routes(), feature_flag::routes()]
        .into_iter()
        .flatten()
        .collect()
}
