//! Notifications to people: made from events and by request, sent by channels, with what became of each.
//!
//! [`notify`](notify::notify) gives statements for the batch of what somebody is told of, so that a notification is there
//! exactly where its cause is. [`send`](send::send) sends one; the queue names it, and [`due`](send::due) finds those that
//! the queue lost.

pub mod event;
pub mod inbox;
pub mod notify;
mod outcome;
pub mod preference;
pub mod purpose;
pub mod sealed;
pub mod send;
pub mod sent;
pub mod suppression;
pub mod template;
pub mod version;

pub use event::for_event;
pub use notify::{Notices, Wanted, name, notify};
pub use send::{due, shortened};

use crate::guard::Route;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [
        template::routes(),
        version::routes(),
        sent::routes(),
        suppression::routes(),
        inbox::routes(),
        preference::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
