//! The hosted pages of a tenant's own host: for people with a browser, with or without JavaScript.
//!
//! A page decides nothing. What it shows it has asked the API for, and what a form sends it asks the API to do, in this
//! process and as any program would: by the same route, through its guard, with the same answer (`Visit::ask`). So there is
//! no second way through the rules. Pages stand over several areas, which is why they lie beside these and in none.
//!
//! A page is one file that says what it is (`page::Page`), a line here, and its words in `text/`.

mod accept;
mod account;
mod again;
mod confirm;
mod failure;
mod forgot;
mod form;
mod handed;
mod home;
mod instead;
mod invitation;
mod language;
mod look;
mod new_password;
mod notifications;
mod own_email;
mod own_password;
mod page;
mod profile;
mod reset;
mod return_to;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod sign_up_confirm;
mod sign_up_sent;
mod style;
mod template;
mod visit;

pub use accept::prefers_pages;
pub use instead::instead;
pub use language::Language;
pub use return_to::own_path;

use crate::guard::Route;

/// What stands in the menu of who is signed in: paths, and the names of their words.
const MENU: [(&str, &str); 6] = [
    ("/account", "account"),
    ("/account/profile", "profile"),
    ("/account/email", "own_email"),
    ("/account/password", "own_password"),
    ("/account/sessions", "sessions"),
    ("/account/notifications", "notifications"),
];

/// The routes of all pages.
pub fn routes() -> Vec<Route> {
    [
        home::routes(),
        style::routes(),
        page::routes::<sign_in::SignIn>(),
        page::routes::<new_password::NewPassword>(),
        page::routes::<again::Again>(),
        sign_out::routes(),
        page::routes::<forgot::Forgot>(),
        page::routes::<reset::Reset>(),
        page::routes::<invitation::Invitation>(),
        page::routes::<sign_up::SignUp>(),
        page::routes::<sign_up_sent::SignUpSent>(),
        page::routes::<sign_up_confirm::SignUpConfirm>(),
        page::routes::<confirm::Confirm>(),
        page::routes::<account::Account>(),
        page::routes::<profile::Profile>(),
        page::routes::<own_email::OwnEmail>(),
        own_password::routes(),
        page::routes::<sessions::Sessions>(),
        page::routes::<notifications::Notifications>(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
