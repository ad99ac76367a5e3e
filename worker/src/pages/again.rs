//! `/sign-in/again`: who is signed in proves again who they are, for what asks for a recent proof.

use super::form::{Field, Filled, Kind};
use super::handed;
use super::page::Page;
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Again;

impl Page for Again {
    const PATH: &'static str = "/sign-in/again";
    const NAME: &'static str = "again";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[Field::new("password", Kind::Password, "current-password")];
    const TEMPLATE: &'static str = r#"<p>{{t "again.why"}}</p>
{{> form}}"#;

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = visit.post("/v1/auth/step-up", filled.json(Self::FIELDS)?).await?;
        handed::next(visit, &answer, visit.return_to(filled))
    }
}
