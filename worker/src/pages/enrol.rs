//! `/sign-in/enrol`: the second factor that the tenant asks for, before there is a session.

use super::adding;
use super::enrol_confirm::EnrolConfirm;
use super::form::{Field, Filled};
use super::handed::Handed;
use super::page::{self, Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Enrol;

impl Page for Enrol {
    const PATH: &'static str = "/sign-in/enrol";
    const NAME: &'static str = "enrol";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = adding::WANTED;
    const TEMPLATE: &'static str = adding::CHOICE;

    fn asks(visit: &Visit<'_>, filled: &Filled, field: &Field) -> bool {
        adding::asks(visit, filled, field)
    }

    async fn fill(visit: &Visit<'_>, filled: Filled) -> Result<Filled, ApiError> {
        Ok(adding::fill(visit, filled))
    }

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        Ok(match begun(visit) {
            Some(_) => Shown::Page(adding::choice(visit, filled, "enrol.why")),
            None => Shown::Elsewhere(visit.go("/sign-in")),
        })
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let mut body = adding::wanted(visit, filled)?;
        body.insert("flow".to_owned(), begun(visit).unwrap_or_default().secret.into());
        let answer = visit.post("/v1/auth/enrol", body).await?;
        let begun = adding::begun(filled, &answer)?;
        page::render::<EnrolConfirm>(visit, &begun, None, &adding::needs(&begun))
    }
}

/// The step that was begun.
pub fn begun(visit: &Visit<'_>) -> Option<Handed> {
    Handed::read(&visit.call.request, Enrol::PATH)
}
