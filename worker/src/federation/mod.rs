//! Issuers that a tenant trusts: which, how far, who their subjects are here, and their keys.

mod federated_identity;
mod identity_provider;
pub mod key_set;

use crate::administration::routes as table;
use crate::guard::Route;
use parapet::model::FederatedIdentity;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [identity_provider::routes(), table::<FederatedIdentity>()].into_iter().flatten().collect()
}
