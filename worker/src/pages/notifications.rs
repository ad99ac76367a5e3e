//! `/account/notifications`: what one was told.

use serde_json::Map;

use super::form::{Field, Filled};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Notifications;

impl Page for Notifications {
    const PATH: &'static str = "/account/notifications";
    const NAME: &'static str = "notifications";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[Field::own("up_to")];
    const TEMPLATE: &'static str = r#"{{#if page.items}}
{{#if page.up_to}}<form method="post" action="{{path}}">{{> hidden}}<button class="plain" name="up_to" value="{{page.up_to}}">{{t "notifications.read"}}</button></form>{{/if}}
<ul class="list">
{{#each page.items}}
<li><div>
<p{{#unless read_at}} class="new"{{/unless}}>{{subject}}{{#unless read_at}} ({{t "notifications.new"}}){{/unless}}</p>
<p class="said">{{content}}</p>
<p class="faint"><time datetime="{{created_at}}">{{time created_at}}</time></p>
</div></li>
{{/each}}
</ul>
{{#if page.next_cursor}}<p><a href="{{path}}?cursor={{page.next_cursor}}">{{t "notifications.older"}}</a></p>{{/if}}
{{else}}<p>{{t "notifications.none"}}</p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let cursor = visit.queried("cursor");
        let query = cursor
            .map(|cursor| form_urlencoded::Serializer::new(String::new()).append_pair("cursor", &cursor).finish());
        let mut page = visit.read("/v1/me/notifications", &query.unwrap_or_default()).await?;
        let items = page.get("items").and_then(|items| items.as_array());
        let unread =
            items.and_then(|items| items.iter().find(|item| item.get("read_at").is_none_or(|at| at.is_null())));
        let up_to = unread.and_then(|item| item.get("id")).cloned().unwrap_or_default();
        if let Some(page) = page.as_object_mut() {
            page.entry("next_cursor").or_insert_with(|| "".into());
            page.insert("up_to".to_owned(), up_to);
        }
        Ok(Shown::Page(page))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let body = Map::from_iter([("up_to".to_owned(), filled.text("up_to").into())]);
        visit.post("/v1/me/notifications/read", body).await?;
        Ok(visit.go("/account/notifications"))
    }
}
