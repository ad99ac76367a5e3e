//! `/explain`: why a request to an application was refused, for whoever may read rules and people. What was asked stands in
//! the address, as the page that says so gives it.

use parapet::model::Timestamp;
use parapet::{Request, schema};
use serde_json::{Map, Value, json};

use super::form::Filled;
use super::page::{Page, Shown, render};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// Where it lies.
pub const PATH: &str = "/explain";

/// What the decision point knows of the circumstances.
const CIRCUMSTANCES: [&str; 3] = ["ip", "mfa", "auth_time"];

/// What was asked, for the address of the page. What the request's content, headers and query said stands in no address:
/// it may be anything, and addresses are kept by many.
pub fn query(asked: &Request, now: Timestamp) -> String {
    let is_account = asked.principal.r#type == schema::SERVICE_ACCOUNT;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("subject_type", if is_account { "service_account" } else { "user" })
        .append_pair("subject", &asked.principal.id)
        .append_pair("action", &asked.action)
        .append_pair("resource_type", &asked.resource.r#type)
        .append_pair("resource", &asked.resource.id)
        .append_pair("now", &now.to_string());
    for name in CIRCUMSTANCES {
        match asked.context.get(name) {
            Some(Value::String(text)) => query.append_pair(name, text),
            Some(value) => query.append_pair(name, &value.to_string()),
            None => &mut query,
        };
    }
    query.finish()
}

/// The page.
pub struct Explanation;

impl Page for Explanation {
    const PATH: &'static str = PATH;
    const NAME: &'static str = "explanation";
    const IS_OWN: bool = true;
    const TEMPLATE: &'static str = r#"{{#if page.asked}}{{#if page.may}}<ul class="sentences">
{{#each page.sentences}}<li>{{#each this}}{{#if code}}<code>{{text}}</code>{{else}}{{text}}{{/if}}{{/each}}</li>
{{/each}}
</ul>
<p class="faint">{{t "explanation.of_now" version=page.version}}</p>{{else}}<p>{{t "explanation.may_not"}}</p>{{/if}}{{else}}<p>{{t "explanation.nothing"}}</p>{{/if}}"#;

    async fn show(visit: &Visit<'_>, filled: &Filled) -> Result<Shown, ApiError> {
        let Some(question) = question(visit) else { return Ok(Shown::Page(json!({ "asked": false }))) };
        let answer = match visit.post("/v1/decisions/explain", question).await {
            Ok(answer) => answer,
            Err(ApiError::MissingPermission { .. }) => {
                let page = render::<Self>(visit, filled, None, &json!({ "asked": true, "may": false }))?;
                return Ok(Shown::Elsewhere(Response { status: 403, ..page }));
            }
            // A name that no tenant could have asked for was typed into the address.
            Err(ApiError::Invalid { .. }) => return Ok(Shown::Page(json!({ "asked": false }))),
            Err(error) => return Err(error),
        };
        let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
        let sentences = answer.get("sentences").and_then(Value::as_array).into_iter().flatten();
        let sentences: Vec<Value> = sentences.filter_map(Value::as_str).map(parts).collect();
        let version = answer.pointer("/as_of/policy_version").unwrap_or(&Value::Null).to_string();
        Ok(Shown::Page(json!({ "asked": true, "may": true, "sentences": sentences, "version": version })))
    }
}

/// What the address asks; nothing where it asks nothing.
fn question(visit: &Visit<'_>) -> Option<Map<String, Value>> {
    let mut context = Map::new();
    for name in CIRCUMSTANCES {
        let value = visit.queried(name).map(|text| match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => Value::from(text),
        });
        context.extend(value.map(|value| (name.to_owned(), value)));
    }
    let mut question = json!({
        "subject": { "type": visit.queried("subject_type")?, "id": visit.queried("subject")? },
        "action": { "name": visit.queried("action")? },
        "resource": { "type": visit.queried("resource_type")?, "id": visit.queried("resource")? },
        "context": context,
    });
    let question = question.as_object_mut()?;
    question.extend(visit.queried("now").map(|now| ("now".to_owned(), now.into())));
    Some(std::mem::take(question))
}

/// A sentence in parts: what stands within backticks is written as it is in the rules.
fn parts(sentence: &str) -> Value {
    let parts = sentence.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    parts.map(|(at, text)| json!({ "code": at % 2 == 1, "text": text })).collect()
}
