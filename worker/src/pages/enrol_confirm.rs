//! `/sign-in/enrol/confirm`: the second factor that the tenant asks for is used once, and there is a session.

use super::adding;
use super::enrol;
use super::form::{Field, Filled};
use super::handed;
use super::page::{self, Page, Shown};
use super::visit::{Visit, with_cookies};
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct EnrolConfirm;

impl Page for EnrolConfirm {
    const PATH: &'static str = "/sign-in/enrol/confirm";
    const NAME: &'static str = "enrol_confirm";
    const IS_OWN: bool = false;
    const HAS_SCRIPT: bool = true;
    const FIELDS: &'static [Field] = adding::CONFIRMATION;
    const TEMPLATE: &'static str = adding::NEEDS;

    fn asks(_: &Visit<'_>, filled: &Filled, field: &Field) -> bool {
        adding::asks_code(filled, field)
    }

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        if enrol::begun(visit).is_none() || filled.text("flow").is_empty() {
            return Ok(Shown::Elsewhere(visit.go("/sign-in")));
        }
        Ok(Shown::Page(adding::needs(filled)))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let handed = enrol::begun(visit).unwrap_or_default();
        let body = adding::confirmation(&handed.secret, filled)?;
        let answer = visit.post("/v1/auth/enrol/confirm", body).await?;
        let next = handed::next(visit, &answer, handed.return_to())?;
        match adding::kept(&answer, next.header("location").unwrap_or_default())? {
            Some(page) => Ok(with_cookies(page::render::<Self>(visit, &Filled::default(), None, &page)?, &next)),
            None => Ok(next),
        }
    }
}
