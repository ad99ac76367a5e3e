//! The log of decisions: what the service decided for others, for those who ask later why, and what another rule would do.
//!
//! A decision that the tenant's rules say is logged is noted in memory. After the answer, what was noted goes to a queue
//! ([`send`]), whose consumer writes it ([`write`]). Nobody waits for it, and it may be lost: of a queue that takes nothing
//! the operator's log tells, with how many decisions were lost.

mod export;
mod list;
mod note;
mod send;
mod shadow;
mod write;

use crate::guard::Route;

pub use list::one;
pub use note::{Asked, Noted, note, note_unrouted};
pub use send::send;
pub use write::{are_decisions, write};

/// Why nobody was asked: no rule of the route map speaks of the request.
pub const NO_ROUTE: &str = "no_route";

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [list::routes(), export::routes()].into_iter().flatten().collect()
}
