//! Governance: what was done, up to where that was exported, and who tried to sign in.

use crate::guard::Route;

pub mod audit_export;
pub mod audit_log;
pub mod audit_root;
pub mod login_attempt;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [audit_log::routes(), audit_export::routes(), audit_root::routes(), login_attempt::routes()]
        .into_iter()
        .flatten()
        .collect()
}
