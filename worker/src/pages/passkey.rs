//! What pages need that ask for a passkey or security key: the options that the script hands to the browser, and the answer
//! that it sends. `passkey.hbs` is the form.

use parapet::Finding;
use serde_json::{Map, Value, json};

use super::form::{Field, Filled};
use super::visit::Visit;
use crate::error::ApiError;
use crate::response::Response;

/// The field with what the key answered.
pub const CREDENTIAL: Field = Field::own("credential");

/// The field with what an answer comes with, where the page before has not brought it.
pub const FLOW: Field = Field::own("flow");

/// Begins to ask for a key at a route of the API.
pub async fn asked(visit: &Visit<'_>, path: &'static str, body: Map<String, Value>) -> Result<Value, ApiError> {
    let answer = visit.post(path, body).await?;
    let answer: Value = serde_json::from_slice(&answer.body).map_err(ApiError::internal)?;
    Ok(shown("get", answer.get("options").unwrap_or(&Value::Null).to_string(), answer.get("flow"), "passkey.use"))
}

/// What the form is made of: which act it is, and with which options.
pub fn shown(act: &str, options: String, flow: Option<&Value>, button: &str) -> Value {
    json!({ "act": act, "options": options, "flow": flow, "button": button })
}

/// Sends what the key answered to a route of the API, with the flow that it belongs to.
pub async fn answered(visit: &Visit<'_>, path: &'static str, filled: &Filled) -> Result<Response, ApiError> {
    let flow = filled.text(FLOW.name).into();
    visit.post(path, Map::from_iter([(FLOW.name.to_owned(), flow), credential(filled)?])).await
}

/// What the key answered, as the API takes it.
pub fn credential(filled: &Filled) -> Result<(String, Value), ApiError> {
    let missing = || {
        let message = "the browser sent no answer of a key";
        ApiError::invalid(Finding::error("form", "passkey.missing", message).field(CREDENTIAL.name))
    };
    let read = serde_json::from_str::<Value>(filled.text(CREDENTIAL.name)).ok().filter(Value::is_object);
    Ok((CREDENTIAL.name.to_owned(), read.ok_or_else(missing)?))
}
