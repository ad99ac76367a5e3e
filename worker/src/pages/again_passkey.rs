//! `/sign-in/again/passkey`: who is signed in proves again who they are, by a passkey alone.

use serde_json::Map;

use super::form::{Field, Filled};
use super::handed;
use super::page::{Page, Shown, with};
use super::passkey;
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct AgainPasskey;

impl Page for AgainPasskey {
    const PATH: &'static str = "/sign-in/again/passkey";
    const NAME: &'static str = "again_passkey";
    const IS_OWN: bool = true;
    const HAS_SCRIPT: bool = true;
    const FIELDS: &'static [Field] = &[passkey::FLOW, passkey::CREDENTIAL];
    const TEMPLATE: &'static str = r#"<p>{{t "again_passkey.why"}}</p>
{{> passkey}}
<p><a href="{{page.password}}">{{t "again_passkey.password"}}</a></p>"#;

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        let page = passkey::asked(visit, "/v1/auth/step-up/passkey/begin", Map::new()).await?;
        Ok(Shown::Page(with(page, "password", visit.on_the_way("/sign-in/again", filled))))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = passkey::answered(visit, "/v1/auth/step-up/passkey", filled).await?;
        handed::next(visit, &answer, visit.return_to(filled))
    }
}
