//! `/forgot`: asking for a way to a new password. What is answered says nothing of whether there is such an account.

use super::form::{Field, Filled, Kind};
use super::page::Page;
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Forgot;

impl Page for Forgot {
    const PATH: &'static str = "/forgot";
    const NAME: &'static str = "forgot";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[Field::new("identifier", Kind::Text, "username")];
    const TEMPLATE: &'static str = r#"<p>{{t "forgot.how"}}</p>
{{> form}}
<p><a href="/sign-in">{{t "sign_in.title"}}</a></p>"#;

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        visit.post("/v1/auth/password-reset", filled.json(Self::FIELDS)?).await?;
        Ok(visit.go("/sign-in?done=reset_sent"))
    }
}
