//! `/confirm`: an address is confirmed, which a link leads to. Looking at the page confirms nothing: programs that look at
//! links in mail are not whoever reads it.

use serde_json::Value;

use super::form::{Field, Filled};
use super::handed::{self, Brought};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Confirm;

impl Page for Confirm {
    const PATH: &'static str = "/confirm";
    const NAME: &'static str = "confirm";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[Field::own("confirm")];
    const TEMPLATE: &'static str = r#"{{#if page.has_token}}<p>{{t "confirm.how"}}</p>
{{> form}}{{else}}{{#unless notice}}<p>{{t "error.link.refused"}}</p>{{/unless}}
<p><a href="/account">{{t "problem.home"}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        handed::brought(visit, Self::PATH).map(Brought::shown)
    }

    async fn submit(visit: &Visit<'_>, _: &Filled) -> Result<Response, ApiError> {
        let body = handed::with_token(visit, Self::PATH, Default::default());
        let answer = visit.post("/v1/auth/email/confirm", body).await?;
        let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
        let is_done = answer.get("status").is_some_and(|status| status == "confirmed");
        let done = if is_done { "/confirm?done=confirmed" } else { "/confirm?done=half_confirmed" };
        Ok(handed::done(visit.go(done)))
    }
}
