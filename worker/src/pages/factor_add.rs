//! `/account/factors/add`: which second factor is to be added, and what it is called.

use super::adding;
use super::factor_confirm::FactorConfirm;
use super::form::{Field, Filled};
use super::page::{self, Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct FactorAdd;

impl Page for FactorAdd {
    const PATH: &'static str = "/account/factors/add";
    const NAME: &'static str = "factor_add";
    const IS_OWN: bool = true;
    const IS_GUARDED: bool = true;
    const FIELDS: &'static [Field] = adding::WANTED;
    const TEMPLATE: &'static str = adding::CHOICE;

    fn asks(visit: &Visit<'_>, filled: &Filled, field: &Field) -> bool {
        adding::asks(visit, filled, field)
    }

    async fn fill(visit: &Visit<'_>, filled: Filled) -> Result<Filled, ApiError> {
        Ok(adding::fill(visit, filled))
    }

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        Ok(Shown::Page(adding::choice(visit, filled, "factor_add.why")))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = visit.post("/v1/me/factors", adding::wanted(visit, filled)?).await?;
        let begun = adding::begun(filled, &answer)?;
        page::render::<FactorConfirm>(visit, &begun, None, &adding::needs(&begun))
    }
}
