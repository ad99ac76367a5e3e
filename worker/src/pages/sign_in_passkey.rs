//! `/sign-in/passkey`: a passkey instead of a name and a password.

use serde_json::Map;

use super::form::{Field, Filled};
use super::handed;
use super::page::{Page, Shown, with};
use super::passkey;
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct SignInPasskey;

impl Page for SignInPasskey {
    const PATH: &'static str = "/sign-in/passkey";
    const NAME: &'static str = "sign_in_passkey";
    const IS_OWN: bool = false;
    const HAS_SCRIPT: bool = true;
    const FIELDS: &'static [Field] = &[passkey::FLOW, passkey::CREDENTIAL];
    const TEMPLATE: &'static str = r#"<p>{{t "sign_in_passkey.how"}}</p>
{{> passkey}}
<p><a href="{{page.door}}">{{t "sign_in_passkey.password"}}</a></p>"#;

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        let door = visit.on_the_way("/sign-in", filled);
        if !visit.factors.contains(&"webauthn") {
            return Ok(Shown::Elsewhere(visit.go(&door)));
        }
        match passkey::asked(visit, "/v1/auth/passkey/begin", Map::new()).await {
            Ok(page) => Ok(Shown::Page(with(page, "door", door))),
            // Whoever comes from elsewhere begins at the door.
            Err(ApiError::CrossSite) => Ok(Shown::Elsewhere(visit.go(&door))),
            Err(error) => Err(error),
        }
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = passkey::answered(visit, "/v1/auth/passkey", filled).await?;
        handed::next(visit, &answer, visit.return_to(filled))
    }
}
