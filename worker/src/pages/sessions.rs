//! `/account/sessions`: where one is signed in, and ending that.

use serde_json::Map;

use super::form::{Field, Filled};
use super::page::{Page, Shown};
use super::visit::{Visit, with_cookies};
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct Sessions;

/// What the field `end` says beside an id.
const OTHERS: &str = "others";

impl Page for Sessions {
    const PATH: &'static str = "/account/sessions";
    const NAME: &'static str = "sessions";
    const IS_OWN: bool = true;
    const FIELDS: &'static [Field] = &[Field::own("end")];
    const TEMPLATE: &'static str = r#"<form method="post" action="{{path}}">
{{> hidden}}
<ul class="list">
{{#each page.items}}
<li><div>
<p><strong id="device-{{id}}">{{#if device_info}}{{device_info}}{{else}}{{t "sessions.unknown"}}{{/if}}</strong>{{#if is_current}} ({{t "sessions.this"}}){{/if}}</p>
<p class="faint">{{#if ip_address}}{{ip_address}} · {{/if}}{{t "sessions.since"}} <time datetime="{{created_at}}">{{time created_at}}</time></p>
<p class="faint">{{t "sessions.used"}} <time datetime="{{used_at}}">{{time used_at}}</time> · {{t "sessions.ends"}} <time datetime="{{expires_at}}">{{time expires_at}}</time></p>
</div><button class="plain" id="end-{{id}}" name="end" value="{{id}}" aria-labelledby="end-{{id}} device-{{id}}">{{t "sessions.end"}}</button></li>
{{/each}}
</ul>
{{#if page.others}}<p><button name="end" value="others">{{t "sessions.end_others"}}</button></p>{{/if}}
</form>"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let mut page = visit.read("/v1/me/sessions", "").await?;
        let sessions = page.get_mut("items").and_then(|items| items.as_array_mut());
        let mut others = false;
        for session in sessions.into_iter().flatten().filter_map(|session| session.as_object_mut()) {
            let used = session.get("last_accessed_at").filter(|used| !used.is_null()).or(session.get("created_at"));
            let used = used.cloned().unwrap_or_default();
            session.insert("used_at".to_owned(), used);
            others |= session.get("is_current") == Some(&false.into());
        }
        if let Some(page) = page.as_object_mut() {
            page.insert("others".to_owned(), others.into());
        }
        Ok(Shown::Page(page))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let end = filled.text("end");
        if end == OTHERS {
            visit.post("/v1/me/sessions/end-others", Map::new()).await?;
            return Ok(visit.go("/account/sessions?done=others_ended"));
        }
        match visit.delete("/v1/me/sessions/{id}", end).await {
            // The cookie goes with the session of this browser; the list then leads to the door.
            Ok(answer) => Ok(with_cookies(visit.go("/account/sessions?done=session_ended"), &answer)),
            // It has ended by itself meanwhile.
            Err(ApiError::NotFound) => Ok(visit.go("/account/sessions")),
            Err(error) => Err(error),
        }
    }
}
