//! `/sign-in`: a name and a password.

use serde_json::json;

use super::form::{Field, Filled, Kind};
use super::handed;
use super::page::{Page, Shown};
use super::sign_up::has_form;
use super::visit::Visit;
use crate::cookie;
use crate::error::ApiError;
use crate::login::sign_up::Rules;
use crate::response::Response;

/// The page.
pub struct SignIn;

impl Page for SignIn {
    const PATH: &'static str = "/sign-in";
    const NAME: &'static str = "sign_in";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] =
        &[Field::new("identifier", Kind::Text, "username"), Field::new("password", Kind::Password, "current-password")];

    const TEMPLATE: &'static str = r#"{{> form}}
{{#if page.passkey}}<p><a class="button plain" href="{{page.passkey}}">{{t "sign_in_passkey.title"}}</a></p>{{/if}}
<p><a href="/forgot">{{t "forgot.title"}}</a></p>{{#if page.sign_up}}
<p><a href="/sign-up">{{t "sign_up.title"}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        // Who is signed in already goes on; a form that was sent is looked at in any case.
        let is_looking = visit.call.request.method != "POST" && cookie::session(&visit.call.request).is_some();
        if is_looking && visit.read("/v1/me/session", "").await.is_ok() {
            return Ok(Shown::Elsewhere(visit.go(visit.return_to(filled))));
        }
        let has_keys = visit.factors.contains(&"webauthn");
        Ok(Shown::Page(json!({
            "passkey": has_keys.then(|| visit.on_the_way("/sign-in/passkey", filled)),
            "sign_up": has_form(&Rules::of(&visit.site)),
        })))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = visit.post("/v1/auth/sign-in", filled.json(Self::FIELDS)?).await?;
        handed::next(visit, &answer, visit.return_to(filled))
    }
}
