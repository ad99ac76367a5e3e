//! The hosted pages of a tenant's own host: for people with a browser, with or without JavaScript.
//!
//! A page decides nothing. What it shows it has asked the API for, and what a form sends it asks the API to do, in this
//! process and as any program would: by the same route, through its guard, with the same answer (`Visit::ask`). So there is
//! no second way through the rules. Pages stand over several areas, which is why they lie beside these and in none.
//!
//! A page is one file that says what it is (`page::Page`), a line here, and its words in `text/`.

mod accept;
mod account;
mod adding;
mod again;
mod again_passkey;
mod api_key_new;
mod api_keys;
mod backup_codes;
mod confirm;
mod enrol;
mod enrol_confirm;
pub mod explanation;
mod factor_add;
mod factor_change;
mod factor_confirm;
mod factors;
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
mod passkey;
mod profile;
mod reset;
mod return_to;
mod script;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_in_passkey;
mod sign_out;
mod sign_up;
mod sign_up_confirm;
mod sign_up_sent;
pub mod style;
mod template;
mod visit;

pub use accept::prefers_pages;
pub use instead::instead;
pub use language::Language;
pub use look::Look;
pub use return_to::own_path;

use crate::guard::Route;

/// What stands in the menu of who is signed in: paths, and the names of their words.
const MENU: [(&str, &str); 8] = [
    ("/account", "account"),
    ("/account/profile", "profile"),
    ("/account/email", "own_email"),
    ("/account/password", "own_password"),
    ("/account/factors", "factors"),
    ("/account/sessions", "sessions"),
    ("/account/api-keys", "api_keys"),
    ("/account/notifications", "notifications"),
];

/// The routes of all pages.
pub fn routes() -> Vec<Route> {
    [
        home::routes(),
        style::routes(),
        script::routes(),
        page::routes::<sign_in::SignIn>(),
        page::routes::<sign_in_passkey::SignInPasskey>(),
        page::routes::<second_factor::SecondFactor>(),
        page::routes::<enrol::Enrol>(),
        page::routes::<enrol_confirm::EnrolConfirm>(),
        page::routes::<new_password::NewPassword>(),
        page::routes::<again::Again>(),
        page::routes::<again_passkey::AgainPasskey>(),
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
        page::routes::<factors::Factors>(),
        page::routes::<factor_add::FactorAdd>(),
        page::routes::<factor_confirm::FactorConfirm>(),
        page::routes::<factor_change::FactorChange>(),
        page::routes::<backup_codes::BackupCodes>(),
        page::routes::<sessions::Sessions>(),
        page::routes::<api_keys::ApiKeys>(),
        page::routes::<api_key_new::ApiKeyNew>(),
        page::routes::<notifications::Notifications>(),
        page::routes::<explanation::Explanation>(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
