//! People: signing in and out, and what is each user's own in that.
//!
//! All of it happens at a tenant's host ([`Site`]), and is written by [`crate::administration::enact`]. Every try to sign in
//! is counted before a password is looked at ([`throttle`]), is a row, and ends in one of the [`Step`]s. What is sent to an
//! address to be followed once is a [`link`].

mod attempt;
mod breach;
pub mod factor;
pub mod flow;
mod forced_change;
pub mod invitation;
pub mod link;
mod new_password;
pub mod own_email;
mod own_password;
pub mod own_profile;
mod own_session;
mod password;
mod proof;
pub mod recovery;
mod sent;
mod session;
mod sign_in;
pub mod sign_up;
mod site;
pub mod step_up;
mod terms;
mod throttle;
pub mod token;
mod user_session;

pub use session::NewSession;
pub use site::{Known as KnownSite, Site};

use crate::guard::Route;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [
        sign_in::routes(),
        sign_up::routes(),
        terms::routes(),
        step_up::routes(),
        factor::routes(),
        forced_change::routes(),
        recovery::routes(),
        invitation::routes(),
        own_email::routes(),
        own_password::routes(),
        own_profile::routes(),
        own_session::routes(),
        user_session::routes(),
        token::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
