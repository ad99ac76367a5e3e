//! `/account/factors/codes`: backup codes, shown once to be kept on paper, and others in their place.

use serde_json::{Map, Value, json};

use super::adding;
use super::form::{Field, Filled};
use super::page::{self, Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct BackupCodes;

impl Page for BackupCodes {
    const PATH: &'static str = "/account/factors/codes";
    const NAME: &'static str = "backup_codes";
    const IS_OWN: bool = true;
    const IS_GUARDED: bool = true;
    const FIELDS: &'static [Field] = &[Field::own("renew")];
    const TEMPLATE: &'static str = r#"{{#if page.once}}<p>{{t "backup_codes.keep"}}</p>
{{> once}}
<p><a class="button" href="/account/factors">{{t "backup_codes.kept"}}</a></p>{{else}}<p>{{t "backup_codes.why"}}</p>
<p>{{t "backup_codes.left" count=page.left}}</p>
<form method="post" action="{{path}}">{{> hidden}}<p><button name="renew" value="yes">{{submit}}</button></p></form>
<p><a href="/account/factors">{{t "factors.title"}}</a></p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, _: &Filled) -> Result<Shown, ApiError> {
        let factors = visit.read("/v1/me/factors", "").await?;
        let left = factors.get("backup_codes_left").and_then(Value::as_i64).unwrap_or_default();
        Ok(Shown::Page(shown(None, left)))
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let answer = visit.post("/v1/me/backup-codes", Map::new()).await?;
        page::render::<Self>(visit, filled, None, &shown(adding::codes(&answer)?, 0))
    }
}

/// The codes, where they are new; else how many are left.
pub fn shown(codes: Option<String>, left: i64) -> Value {
    json!({ "once": codes, "left": left.to_string() })
}
