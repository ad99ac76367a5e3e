//! Many rows at once: a tenant goes out as a document or as lines, and lines come in.

mod export;
mod import;
mod line;
mod table;

pub use import::MOST_LINES;

use crate::guard::Route;

/// The routes.
pub fn routes() -> Vec<Route> {
    [export::routes(), import::routes()].into_iter().flatten().collect()
}
