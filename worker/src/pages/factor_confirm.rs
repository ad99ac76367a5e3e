//! `/account/factors/confirm`: a second factor is confirmed by using it once. The page is what the one before leads to, and
//! lies at no address: what it shows is shown once.

use super::adding;
use super::form::{Field, Filled};
use super::page::{self, Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct FactorConfirm;

const DONE: &str = "/account/factors?done=factor_added";

impl Page for FactorConfirm {
    const PATH: &'static str = "/account/factors/confirm";
    const NAME: &'static str = "factor_confirm";
    const IS_OWN: bool = true;
    const HAS_SCRIPT: bool = true;
    const FIELDS: &'static [Field] = adding::CONFIRMATION;
    const TEMPLATE: &'static str = adding::NEEDS;

    fn asks(_: &Visit<'_>, filled: &Filled, field: &Field) -> bool {
        adding::asks_code(filled, field)
    }

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        if filled.text("flow").is_empty() {
            return Ok(Shown::Elsewhere(visit.go("/account/factors")));
        }
        Ok(Shown::Page(adding::needs(filled)))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let body = adding::confirmation(filled.text("flow"), filled)?;
        let answer = visit.post("/v1/me/factors/confirm", body).await?;
        match adding::kept(&answer, DONE)? {
            Some(page) => page::render::<Self>(visit, &Filled::default(), None, &page),
            None => Ok(visit.go(DONE)),
        }
    }
}
