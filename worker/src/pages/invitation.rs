//! `/invitation`: whoever was invited follows the link, chooses a password, and can sign in.

use super::form::{Field, Filled, Kind};
use super::handed::{self, Brought};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Invitation;

impl Page for Invitation {
    const PATH: &'static str = "/invitation";
    const NAME: &'static str = "invitation";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[
        Field::new("first_name", Kind::Text, "given-name").optional(),
        Field::new("last_name", Kind::Text, "family-name").optional(),
        Field::new("password", Kind::Password, "new-password"),
    ];
    const TEMPLATE: &'static str = r#"{{#if page.has_token}}<p>{{t "invitation.how"}}</p>
{{> form}}{{else}}<p>{{t "error.link.refused"}}</p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        handed::brought(visit, Self::PATH).map(Brought::shown)
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let body = handed::with_token(visit, Self::PATH, filled.json(Self::FIELDS)?);
        visit.post("/v1/auth/invitation/accept", body).await?;
        Ok(handed::done(visit.go("/sign-in?done=invitation_accepted")))
    }
}
