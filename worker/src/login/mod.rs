//! How people and programs show who they are, and what they get for it.

pub mod token;

use crate::guard::Route;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    token::routes()
}
