//! `/account/factors`: one's second factors.

use serde_json::{Value, json};

use super::form::Filled;
use super::page::{Page, Shown, with};
use super::visit::Visit;
use crate::error::ApiError;

/// The page.
pub struct Factors;

impl Page for Factors {
    const PATH: &'static str = "/account/factors";
    const NAME: &'static str = "factors";
    const IS_OWN: bool = true;
    const TEMPLATE: &'static str = r#"<p>{{t "factors.why"}}</p>
{{#if page.items}}<ul class="list">
{{#each page.items}}<li><div>
<p><strong id="factor-{{id}}">{{device_name}}</strong>{{#if is_primary}} ({{t "factors.primary"}}){{/if}}</p>
<p>{{t words}}{{#if address}}: {{address}}{{/if}}{{#if is_weak}} · {{t "factors.weak"}}{{/if}}</p>
<p class="faint">{{t "factors.added"}} <time datetime="{{created_at}}">{{time created_at}}</time> · {{#if last_used_at}}{{t "factors.used"}} <time datetime="{{last_used_at}}">{{time last_used_at}}</time>{{else}}{{t "factors.unused"}}{{/if}}</p>
</div><a class="button plain" id="change-{{id}}" href="/account/factors/change?id={{id}}" aria-labelledby="change-{{id}} factor-{{id}}">{{t "factors.change"}}</a></li>
{{/each}}
</ul>{{else}}<p>{{t "factors.none"}}</p>{{/if}}
<p><a class="button" href="/account/factors/add">{{t "factor_add.title"}}</a></p>
{{#if page.items}}<h2>{{t "backup_codes.title"}}</h2>
<p>{{t "backup_codes.left" count=page.left}}</p>
<p><a class="button plain" href="/account/factors/codes">{{t "factors.codes"}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let factors = visit.read("/v1/me/factors", "").await?;
        let left = factors.get("backup_codes_left").and_then(Value::as_i64).unwrap_or_default();
        let items = factors.get("items").and_then(Value::as_array).into_iter().flatten();
        let items: Vec<Value> = items.map(|factor| with_words(factor.clone())).collect();
        Ok(Shown::Page(json!({ "items": items, "left": left.to_string() })))
    }
}

/// A factor, and what it is called here.
pub fn with_words(factor: Value) -> Value {
    let is_passkey = factor.get("is_passkey") == Some(&true.into());
    let is_weak = factor.get("strength").is_some_and(|strength| strength == "weak");
    let what = match factor.get("type").and_then(Value::as_str).unwrap_or_default() {
        "webauthn" if is_passkey => "passkey",
        "webauthn" => "key",
        kind => kind,
    };
    let words = format!("adding.{what}");
    with(with(factor, "words", words), "is_weak", is_weak)
}
