//! `/sign-up/sent`: what to do next, for whoever asked for an account.

use super::page::Page;

/// The page.
pub struct SignUpSent;

impl Page for SignUpSent {
    const PATH: &'static str = "/sign-up/sent";
    const NAME: &'static str = "sign_up_sent";
    const IS_OWN: bool = false;
    const TEMPLATE: &'static str = r#"<p>{{t "sign_up_sent.what"}}</p>
<p><a href="/sign-up">{{t "sign_up_sent.again"}}</a></p>"#;
}
