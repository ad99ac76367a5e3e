//! `/sign-up`: asking for an account. What is answered says nothing of whether there is one already.
//!
//! A page runs no scripts, and no widget of a bot check works without: where the tenant asks for one, people sign up by its
//! application, and the page says so.

use serde_json::json;

use super::form::{Field, Filled, Kind};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::login::sign_up::Rules;
use crate::response::Response;

/// The page.
pub struct SignUp;

/// The box by which the terms are accepted.
const TERMS: &str = "accepts_terms";

/// Whether people sign up by the page.
pub fn has_form(rules: &Rules) -> bool {
    rules.is_open() && !rules.bot_check
}

impl Page for SignUp {
    const PATH: &'static str = "/sign-up";
    const NAME: &'static str = "sign_up";
    const IS_OWN: bool = false;
    const FIELDS: &'static [Field] = &[
        Field::new("email", Kind::Email, "email"),
        Field::new("first_name", Kind::Text, "given-name").optional(),
        Field::new("last_name", Kind::Text, "family-name").optional(),
        Field::new("password", Kind::Password, "new-password"),
        Field::check(TERMS),
    ];
    const TEMPLATE: &'static str = r#"{{#if page.has_form}}<form class="form" method="post" action="{{path}}">
{{> hidden}}
{{> inputs}}
{{#if page.terms}}
<div class="field">
<div class="choice"><input id="accepts_terms" name="accepts_terms" type="checkbox" value="yes" required{{#if page.accepted}} checked{{/if}}>
<label for="accepts_terms">{{t "sign_up.accept" version=page.terms.version}}</label></div>
<p><a href="{{page.terms.url}}">{{t "sign_up.terms"}}</a></p>
</div>
{{/if}}
<button>{{submit}}</button>
</form>{{else}}<p>{{t "sign_up.by_application"}}</p>{{/if}}
<p><a href="/sign-in">{{t "sign_in.title"}}</a></p>"#;

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        let rules = Rules::of(&visit.site);
        if !rules.is_open() {
            return Err(ApiError::NotFound);
        }
        let accepted = !filled.text(TERMS).is_empty();
        Ok(Shown::Page(json!({ "has_form": has_form(&rules), "terms": rules.terms, "accepted": accepted })))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let mut body = filled.json(Self::FIELDS)?;
        if let Some(accepted) = body.get_mut(TERMS) {
            *accepted = true.into();
        }
        visit.post("/v1/auth/sign-up", body).await?;
        Ok(visit.go("/sign-up/sent"))
    }
}
