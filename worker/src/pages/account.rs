//! `/account`: who is signed in.

use parapet::model::User;
use serde_json::json;

use super::form::Filled;
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::document::{rows, select};
use crate::error::ApiError;

/// The page.
pub struct Account;

impl Page for Account {
    const PATH: &'static str = "/account";
    const NAME: &'static str = "account";
    const IS_OWN: bool = true;
    const TEMPLATE: &'static str = r#"<dl>
{{#if page.name}}<dt>{{t "field.name"}}</dt><dd>{{page.name}}</dd>{{/if}}
<dt>{{t "field.email"}}</dt><dd>{{page.email}} <span class="faint">({{#if page.email_verified}}{{t "account.confirmed"}}{{else}}{{t "account.unconfirmed"}}{{/if}})</span></dd>
{{#if page.username}}<dt>{{t "field.username"}}</dt><dd>{{page.username}}</dd>{{/if}}
</dl>
{{#if page.unread}}<p><a href="/account/notifications">{{t "account.unread" count=page.unread}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let me = visit.me()?;
        let read = select::<User>("tenant_id = ?1 AND id = ?2", me.tenant).bind(me.user);
        let user = rows::<User>(visit.app.db.all(read).await.map_err(ApiError::database)?)?.pop();
        let user = user.ok_or(ApiError::NotFound)?;
        let names = [user.first_name, user.last_name].into_iter().flatten().collect::<Vec<_>>();
        let unread = visit.read("/v1/me/notifications/unread", "").await?;
        let unread = unread.get("unread").and_then(serde_json::Value::as_i64).filter(|unread| *unread > 0);
        Ok(Shown::Page(json!({
            "name": names.join(" "),
            "email": user.email,
            "email_verified": user.email_verified,
            "username": user.username,
            "unread": unread.map(|unread| unread.to_string()),
        })))
    }
}
