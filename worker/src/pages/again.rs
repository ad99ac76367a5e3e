//! `/sign-in/again`: who is signed in proves again who they are, for what asks for a recent proof.

use serde_json::{Value, json};

use super::form::{Field, Filled, Kind};
use super::handed;
use super::page::{Page, Shown};
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
{{> form}}
{{#if page.passkey}}<p><a class="button plain" href="{{page.passkey}}">{{t "again_passkey.title"}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        let factors = visit.read("/v1/me/factors", "").await?;
        let mut items = factors.get("items").and_then(Value::as_array).into_iter().flatten();
        let has_passkey = items.any(|factor| factor.get("is_passkey") == Some(&true.into()));
        let passkey = has_passkey.then(|| visit.on_the_way("/sign-in/again/passkey", filled));
        Ok(Shown::Page(json!({ "passkey": passkey })))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = visit.post("/v1/auth/step-up", filled.json(Self::FIELDS)?).await?;
        handed::next(visit, &answer, visit.return_to(filled))
    }
}
