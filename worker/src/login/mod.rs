//! People: signing in and out, and what is each user's own in that.
//!
//! All of it happens at a tenant's host ([`Site`]), and is written by [`crate::administration::enact`]. Every try to sign in
//! is counted before a password is looked at ([`throttle`]), is a row, and ends in one of the [`Step`]s.

mod attempt;
pub mod factor;
pub mod flow;
mod own_session;
mod password;
mod sent;
mod session;
mod sign_in;
mod site;
pub mod step_up;
mod throttle;
mod user_session;

pub use session::NewSession;
pub use site::Site;

use crate::guard::Route;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [sign_in::routes(), step_up::routes(), factor::routes(), own_session::routes(), user_session::routes()]
        .into_iter()
        .flatten()
        .collect()
}
