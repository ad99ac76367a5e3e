//! `/reset`: the way to a new password, which a link leads to. There is no session at its end.

use super::form::{Field, Filled, Kind};
use super::handed::{self, Brought};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Reset;

impl Page for Reset {
    const PATH: &'static str = "/reset";
    const NAME: &'static str = "reset";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[Field::new("new_password", Kind::Password, "new-password")];
    const TEMPLATE: &'static str = r#"{{#if page.has_token}}{{> form}}{{else}}<p>{{t "error.link.refused"}}</p>{{/if}}
<p><a href="/forgot">{{t "reset.again"}}</a></p>"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        handed::brought(visit, Self::PATH).map(Brought::shown)
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let body = handed::with_token(visit, Self::PATH, filled.json(Self::FIELDS)?);
        visit.post("/v1/auth/password-reset/confirm", body).await?;
        Ok(handed::done(visit.go("/sign-in?done=password_set")))
    }
}
