//! `/account`: who is signed in.

use serde_json::{Value, json};

use super::form::Filled;
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;

/// The page.
pub struct Account;

impl Page for Account {
    const PATH: &'static str = "/account";
    const NAME: &'static str = "account";
    const IS_OWN: bool = true;
    const TEMPLATE: &'static str = r#"<dl>
{{#if page.name}}<dt>{{t "field.name"}}</dt><dd>{{page.name}}</dd>{{/if}}
<dt>{{t "field.email"}}</dt><dd>{{page.me.email}} <span class="faint">({{#if page.me.email_verified}}{{t "account.confirmed"}}{{else}}{{t "account.unconfirmed"}}{{/if}})</span></dd>
{{#if page.me.username}}<dt>{{t "field.username"}}</dt><dd>{{page.me.username}}</dd>{{/if}}
{{#if page.me.phone}}<dt>{{t "field.phone"}}</dt><dd>{{page.me.phone}}</dd>{{/if}}
</dl>
{{#if page.unread}}<p><a href="/account/notifications">{{t "account.unread" count=page.unread}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let me = visit.read("/v1/me", "").await?;
        let names = ["first_name", "last_name"].map(|name| me.get(name).and_then(Value::as_str));
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let unread = visit.read("/v1/me/notifications/unread", "").await?;
        let unread = unread.get("unread").and_then(Value::as_i64).filter(|unread| *unread > 0);
        Ok(Shown::Page(json!({ "me": me, "name": name, "unread": unread.map(|unread| unread.to_string()) })))
    }
}
