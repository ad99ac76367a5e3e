//! From one step of signing in to the next: what the API answered leads to the page that asks for what is still needed.
//!
//! What that page needs goes with the browser in a cookie that lives as long as the step ([`LIFETIME`]): it stands in no
//! address and in no history. Nobody is trusted to have left it as it was: the flow in it is a secret of the API's own, and
//! the rest is looked at again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::return_to::return_to;
use super::visit::{Visit, with_cookies};
use crate::cookie;
use crate::error::ApiError;
use crate::login::flow::LIFETIME;
use crate::request::Request;
use crate::response::Response;

/// The pages of the steps, by what the API calls them.
const STEPS: [(&str, &str); 2] =
    [("second_factor_required", "/sign-in/second-factor"), ("password_change_required", "/sign-in/new-password")];

/// What a step hands to the next one.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// What the API is asked with.
    pub flow: String,
    /// The methods by which it can be taken, the preferred one first.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Where to go at the end.
    #[serde(default)]
    return_to: String,
}

#[expect(dead_code, reason = "for the pages of the steps")]
impl Handed {
    /// What the page before handed on.
    pub fn read(request: &Request) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(cookie::step(request)?).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// Where to go at the end.
    pub fn return_to(&self) -> &str {
        return_to(Some(&self.return_to))
    }
}

/// What comes after an answer of signing in: the session's cookies and where one wanted to go, or the next step.
pub fn next(visit: &Visit<'_>, answer: &Response, wanted: &str) -> Result<Response, ApiError> {
    let said: serde_json::Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
    let status = said.get("status").and_then(|status| status.as_str()).unwrap_or_default();
    if status == "signed_in" {
        return Ok(with_cookies(visit.go(wanted), answer).with("set-cookie", cookie::clear_step()));
    }
    let (_, path) = STEPS
        .iter()
        .find(|(its, _)| *its == status)
        .ok_or_else(|| ApiError::internal(format!("signing in leads to `{status}`")))?;
    let handed = Handed { return_to: wanted.to_owned(), ..serde_json::from_value(said).map_err(ApiError::internal)? };
    let handed = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&handed).map_err(ApiError::internal)?);
    Ok(visit.go(path).with("set-cookie", cookie::set_step(&handed, LIFETIME / 1000)))
}
