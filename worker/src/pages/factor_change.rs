//! `/account/factors/change`: a second factor is called otherwise, asked for first, or removed.

use serde_json::{Map, Value};

use super::factors::with_words;
use super::form::{Field, Filled, Kind};
use super::page::{Page, Shown};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The page.
pub struct FactorChange;

const LIST: &str = "/account/factors";

const ITEM: &str = "/v1/me/factors/{id}";

impl Page for FactorChange {
    const PATH: &'static str = "/account/factors/change";
    const NAME: &'static str = "factor_change";
    const IS_OWN: bool = true;
    const IS_GUARDED: bool = true;
    const FIELDS: &'static [Field] = &[
        Field::carried("id"),
        Field::new("device_name", Kind::Text, "off"),
        Field::own("first"),
        Field::own("remove"),
    ];
    const TEMPLATE: &'static str = r#"<p>{{t page.words}}{{#if page.address}}: {{page.address}}{{/if}}</p>
{{> form}}
{{#unless page.is_primary}}<h2>{{t "factor_change.first"}}</h2>
<form method="post" action="{{path}}">{{> hidden}}<p><button class="plain" name="first" value="yes">{{t "factor_change.make_first"}}</button></p></form>{{/unless}}
<h2>{{t "factor_change.removal"}}</h2>
<p>{{t "factor_change.remove_why"}}</p>
<form method="post" action="{{path}}">{{> hidden}}<p><button class="danger" name="remove" value="yes">{{t "factor_change.remove"}}</button></p></form>
<p><a href="/account/factors">{{t "factors.title"}}</a></p>"#;

    async fn fill(visit: &Visit<'_>, filled: Filled) -> Result<Filled, ApiError> {
        let id = visit.queried("id").unwrap_or_default();
        let name = find(visit, &id).await?.and_then(|factor| factor.get("device_name")?.as_str().map(str::to_owned));
        Ok(filled.with("id", id).with("device_name", name.unwrap_or_default()))
    }

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        Ok(match find(visit, filled.text("id")).await? {
            Some(factor) => Shown::Page(with_words(factor)),
            None => Shown::Elsewhere(visit.go(LIST)),
        })
    }

    async fn submit(visit: &Visit<'_>, filled: &Filled) -> Result<Response, ApiError> {
        let id = filled.text("id");
        let (answer, done) = if !filled.text("remove").is_empty() {
            (visit.delete(ITEM, id).await, "/account/factors?done=factor_removed")
        } else {
            let mut body = Map::new();
            if filled.text("first").is_empty() {
                body = filled.json(Self::FIELDS)?;
                body.remove("id");
            } else {
                body.insert("is_primary".to_owned(), true.into());
            }
            (visit.patch(ITEM, Some(id), body).await, "/account/factors?done=factor_changed")
        };
        match answer {
            Ok(_) => Ok(visit.go(done)),
            // It has gone meanwhile, or never was theirs.
            Err(ApiError::NotFound) => Ok(visit.go(LIST)),
            Err(error) => Err(error),
        }
    }
}

async fn find(visit: &Visit<'_>, id: &str) -> Result<Option<Value>, ApiError> {
    let factors = visit.read("/v1/me/factors", "").await?;
    let mut items = factors.get("items").and_then(Value::as_array).into_iter().flatten();
    Ok(items.find(|factor| factor.get("id").is_some_and(|its| its == id)).cloned())
}
