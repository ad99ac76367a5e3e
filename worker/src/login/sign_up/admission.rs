//! Who may sign up, as the tenant has set it.

use serde::Serialize;
use serde_json::Value;

use super::bot_check;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::login::site::Site;
use crate::login::terms::Terms;
use crate::response::Response;

/// What somebody must know who is about to sign up. Which domains are admitted is not said.
#[derive(Serialize)]
pub struct Rules {
    /// What counts of `security/sign_up`: `closed`, `invited`, `domain` or `open`.
    mode: Value,
    /// Whether a service is asked if a person signs up.
    pub bot_check: bool,
    /// What is to be accepted, where there is something.
    pub terms: Option<Terms>,
}

impl Rules {
    /// Those of a place.
    pub fn of(site: &Site) -> Self {
        Self { mode: site.security("sign_up"), bot_check: bot_check::is_asked_for(site), terms: Terms::of(site) }
    }

    /// Whether anybody signs up: with invitations alone it is as closed.
    pub fn is_open(&self) -> bool {
        matches!(self.mode.as_str(), Some("domain" | "open"))
    }
}

/// Answers with the rules of the place.
pub async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    call.no_query()?;
    Response::json(&Rules::of(&*Site::of(app, call).await?))
}

/// Refuses everybody where nobody signs up; what counts there, where somebody does.
pub fn open(site: &Site) -> Result<Rules, ApiError> {
    let closed = ApiError::Forbidden { code: "sign_up.closed", detail: "nobody makes an account here by themselves" };
    Some(Rules::of(site)).filter(Rules::is_open).ok_or(closed)
}

/// Refuses whose address is at no admitted domain; it hangs on nothing but the address.
pub fn admits(site: &Site, email: &str) -> Result<(), ApiError> {
    let rules = open(site)?;
    let domains = site.security("sign_up_domains");
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    let is_admitted = || domains.as_array().into_iter().flatten().any(|its| its.as_str() == domain);
    if rules.mode == "open" || (domain.is_some() && is_admitted()) {
        return Ok(());
    }
    Err(ApiError::Forbidden { code: "sign_up.domain", detail: "addresses of this domain make no account here" })
}
