//! Variables and secrets, all of them in one call.

use std::collections::BTreeMap;

use wasm_bindgen::JsValue;
use worker::js_sys::{Array, JSON};
use worker::{Env, Result};

thread_local! {
    static WANTED: Array = crate::app::VARIABLES.iter().map(|name| JsValue::from_str(name)).collect();
}

/// Those that the configuration reads, as a text: the same text, the same configuration.
pub fn text(env: &Env) -> Result<String> {
    Ok(WANTED.with(|wanted| JSON::stringify_with_replacer(env, wanted))?.into())
}

/// What the text says of each.
pub fn parse(text: &str) -> BTreeMap<String, serde_json::Value> {
    serde_json::from_str(text).unwrap_or_default()
}
