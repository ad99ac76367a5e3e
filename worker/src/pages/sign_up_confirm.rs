//! `/sign-up/confirm`: whoever signed up follows the link, enters the password that they chose, and is signed in.

use super::form::{Field, Filled, Kind};
use super::handed::{self, Brought};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct SignUpConfirm;

impl Page for SignUpConfirm {
    const PATH: &'static str = "/sign-up/confirm";
    const NAME: &'static str = "sign_up_confirm";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[Field::new("password", Kind::Password, "current-password")];
    const TEMPLATE: &'static str = r#"{{#if page.has_token}}<p>{{t "sign_up_confirm.how"}}</p>
{{> form}}{{else}}<p>{{t "error.link.refused"}}</p>{{/if}}
<p><a href="/sign-in">{{t "sign_in.title"}}</a></p>"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        handed::brought(visit, Self::PATH).map(Brought::shown)
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let body = handed::with_token(visit, Self::PATH, filled.json(Self::FIELDS)?);
        let answer = visit.post("/v1/auth/sign-up/confirm", body).await?;
        handed::next(visit, &answer, visit.return_to(filled))
    }
}
