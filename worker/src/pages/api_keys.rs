//! `/account/api-keys`: the API keys that act for oneself.

use serde_json::{Value, json};

use super::form::{Field, Filled};
use super::page::{Page, Shown, with};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct ApiKeys;

impl Page for ApiKeys {
    const PATH: &'static str = "/account/api-keys";
    const NAME: &'static str = "api_keys";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[Field::own("revoke")];
    const TEMPLATE: &'static str = r#"<p>{{t "api_keys.why"}}</p>
{{#if page.items}}<form method="post" action="{{path}}">
{{> hidden}}
<ul class="list">
{{#each page.items}}<li><div>
<p><strong id="key-{{id}}">{{name}}</strong>{{#unless is_active}} ({{t "api_keys.off"}}){{/unless}}</p>
<p><code>{{key_prefix}}…</code></p>
<p>{{t "api_keys.scopes"}} {{for}}</p>
<p class="faint">{{#if last_used_at}}{{t "api_keys.used"}} <time datetime="{{last_used_at}}">{{time last_used_at}}</time>{{else}}{{t "api_keys.unused"}}{{/if}} · {{#if expires_at}}{{t "api_keys.ends"}} <time datetime="{{expires_at}}">{{time expires_at}}</time>{{else}}{{t "api_keys.endless"}}{{/if}}</p>
</div><button class="danger" id="revoke-{{id}}" name="revoke" value="{{id}}" aria-labelledby="revoke-{{id}} key-{{id}}">{{t "api_keys.submit"}}</button></li>
{{/each}}
</ul>
</form>{{else}}<p>{{t "api_keys.none"}}</p>{{/if}}
{{#if page.scopes}}<p><a class="button" href="/account/api-keys/new">{{t "api_key_new.title"}}</a></p>{{else}}<p>{{t "error.api_key.not_allowed"}}</p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let keys = visit.read("/v1/me/api-keys", "").await?;
        let items = keys.get("items").and_then(Value::as_array).into_iter().flatten();
        let items: Vec<Value> = items
            .map(|key| {
                let scopes = key.get("scopes").and_then(Value::as_array).into_iter().flatten();
                let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
                with(key.clone(), "for", scopes.join(", "))
            })
            .collect();
        Ok(Shown::Page(json!({ "items": items, "scopes": keys.get("scopes") })))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        match visit.delete("/v1/me/api-keys/{id}", filled.text("revoke")).await {
            Ok(_) => Ok(visit.go("/account/api-keys?done=key_revoked")),
            // Somebody else has taken it back meanwhile.
            Err(ApiError::NotFound) => Ok(visit.go("/account/api-keys")),
            Err(error) => Err(error),
        }
    }
}
