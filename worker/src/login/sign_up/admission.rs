//! Who may sign up, as the tenant has set it.

use serde_json::{Value, json};

use super::bot_check;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::site::Site;
use crate::login::terms::Terms;
use crate::response::Response;

/// What counts of `security/sign_up`: `closed`, `invited`, `domain` or `open`.
fn mode(site: &Site) -> Value {
    site.security("sign_up")
}

/// What somebody must know who is about to sign up. Which domains are admitted is not said.
pub async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let site = Site::of(app, call).await?;
    let (mode, bot_check) = (mode(&site), bot_check::is_asked_for(&site));
    Response::json(&json!({ "mode": mode, "bot_check": bot_check, "terms": Terms::of(&site) }))
}

/// Refuses everybody where nobody signs up: with invitations alone it is as closed.
pub fn is_open(site: &Site) -> Result<(), ApiError> {
    match mode(site).as_str() {
        Some("domain" | "open") => Ok(()),
        _ => Err(ApiError::Forbidden { code: "sign_up.closed", detail: "nobody makes an account here by themselves" }),
    }
}

/// Refuses whose address is at no admitted domain; it hangs on nothing but the address.
pub fn admits(site: &Site, email: &str) -> Result<(), ApiError> {
    is_open(site)?;
    let domains = site.security("sign_up_domains");
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    let is_admitted = || domains.as_array().into_iter().flatten().any(|its| its.as_str() == domain);
    if mode(site) == "open" || (domain.is_some() && is_admitted()) {
        return Ok(());
    }
    Err(ApiError::Forbidden { code: "sign_up.domain", detail: "addresses of this domain make no account here" })
}
