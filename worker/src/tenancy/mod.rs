//! The tenant's own: its settings and its feature flags.

use crate::guard::Route;

pub mod feature_flag;
pub mod tenant_setting;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [tenant_setting::routes(), feature_flag::routes()].into_iter().flatten().collect()
}
