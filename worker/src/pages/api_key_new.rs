//! `/account/api-keys/new`: an API key that acts for oneself, shown once.

use serde_json::{Value, json};

use super::form::{Field, Filled, Kind};
use super::page::{self, Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct ApiKeyNew;

/// For how many days it is good.
const DAYS: [&str; 3] = ["30", "90", "365"];

/// Where nothing else is chosen.
const USUAL: &str = "90";

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The fields of the scopes: their boxes are ticked one by one.
const SCOPES: [(&str, &str); 2] = [("scope_me", "me"), ("scope_evaluate", "access:evaluate")];

impl Page for ApiKeyNew {
    const PATH: &'static str = "/account/api-keys/new";
    const NAME: &'static str = "api_key_new";
    const IS_OWN: bool = true;
    const IS_GUARDED: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::new("name", Kind::Text, "off"),
        Field::own("scope_me"),
        Field::own("scope_evaluate"),
        Field::own("days"),
    ];
    const TEMPLATE: &'static str = r#"{{#if page.once}}<p>{{t "api_key_new.keep"}}</p>
{{> once}}
<p><a class="button" href="/account/api-keys">{{t "api_key_new.kept"}}</a></p>{{else}}<p>{{t "api_key_new.why"}}</p>
<form class="form" method="post" action="{{path}}">
{{> hidden}}
{{> inputs}}
<fieldset>
<legend>{{t "api_key_new.scopes"}}</legend>
{{#each page.scopes}}<div class="choice"><input type="checkbox" id="{{field}}" name="{{field}}" value="yes"{{#if ticked}} checked{{/if}}><label for="{{field}}">{{t words}}</label></div>
{{/each}}
</fieldset>
<fieldset>
<legend>{{t "api_key_new.days"}}</legend>
{{#each page.days}}<div class="choice"><input type="radio" id="days-{{number}}" name="days" value="{{number}}"{{#if chosen}} checked{{/if}}><label for="days-{{number}}">{{t "api_key_new.for_days" number=number}}</label></div>
{{/each}}
</fieldset>
<button>{{submit}}</button>
</form>
<p><a href="/account/api-keys">{{t "api_keys.title"}}</a></p>{{/if}}"#;

    async fn fill(_: &Visit<'_>, filled: Filled) -> Result<Filled, ApiError> {
        Ok(filled.with("scope_me", "yes"))
    }

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        let keys = visit.read("/v1/me/api-keys", "").await?;
        let allowed = keys.get("scopes").and_then(Value::as_array).cloned().unwrap_or_default();
        if allowed.is_empty() {
            return Ok(Shown::Elsewhere(visit.go("/account/api-keys")));
        }
        let scope = |(field, scope): &(&str, &str)| {
            allowed.iter().any(|its| its == scope).then(|| {
                json!({ "field": field, "words": format!("api_key_new.{field}"), "ticked": !filled.text(field).is_empty() })
            })
        };
        let day = |number: &&str| json!({ "number": number, "chosen": *number == days(filled) });
        let (scopes, days): (Vec<Value>, Vec<Value>) =
            (SCOPES.iter().filter_map(scope).collect(), DAYS.iter().map(day).collect());
        Ok(Shown::Page(json!({ "once": null, "scopes": scopes, "days": days })))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let name: Vec<Field> = Self::FIELDS.iter().filter(|field| field.is_written()).copied().collect();
        let mut body = filled.json(&name)?;
        let ticked = SCOPES.iter().filter(|(field, _)| !filled.text(field).is_empty());
        body.insert("scopes".to_owned(), ticked.map(|(_, scope)| *scope).collect());
        let days: i64 = days(filled).parse().map_err(ApiError::internal)?;
        let end = visit.app.clock.now().plus_millis(days.saturating_mul(DAY));
        body.insert("expires_at".to_owned(), end.to_string().into());
        let answer = visit.post("/v1/me/api-keys", body).await?;
        let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
        page::render::<Self>(visit, filled, None, &json!({ "once": answer.get("key"), "title": "api_key_new.made" }))
    }
}

fn days(filled: &Filled) -> &'static str {
    DAYS.into_iter().find(|days| *days == filled.text("days")).unwrap_or(USUAL)
}
