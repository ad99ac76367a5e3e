//! `/account/email`: confirming one's address, and asking for another.

use serde_json::{Map, Value, json};

use super::form::{Field, Filled, Kind};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct OwnEmail;

impl Page for OwnEmail {
    const PATH: &'static str = "/account/email";
    const NAME: &'static str = "own_email";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::new("new_email", Kind::Email, "email"),
        Field::new("current_password", Kind::Password, "current-password"),
        Field::own("verify"),
    ];
    const TEMPLATE: &'static str = r#"<p>{{t "own_email.now" email=page.email}}</p>
{{#unless page.email_verified}}<form method="post" action="{{path}}">{{> hidden}}<p><button class="plain" name="verify" value="yes">{{t "own_email.verify"}}</button></p></form>{{/unless}}
<h2>{{t "own_email.other"}}</h2>
<p>{{t "own_email.how"}}</p>
{{> form}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let me = visit.read("/v1/me", "").await?;
        let of = |name: &str| me.get(name).cloned().unwrap_or(Value::Null);
        Ok(Shown::Page(json!({ "email": of("email"), "email_verified": of("email_verified") })))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        if !filled.text("verify").is_empty() {
            visit.post("/v1/me/email/verify", Map::new()).await?;
            return Ok(visit.go("/account/email?done=verification_sent"));
        }
        visit.post("/v1/me/email", filled.json(Self::FIELDS)?).await?;
        Ok(visit.go("/account/email?done=email_asked"))
    }
}
