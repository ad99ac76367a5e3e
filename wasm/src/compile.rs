//! Compiling a tenant document to policies, and to a snapshot.

use crate::Failure;
use crate::options::{self, SnapshotOptions};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

/// Compiles a tenant document, as JSON text: `{"policies", "schema", "warnings"}`.
#[wasm_bindgen]
pub fn compile(document: &str) -> Result<String, Failure> {
    let (_, compiled) = parapet::compile_text(document)?;
    let answer = json!({
        "policies": compiled.cedar(),
        "schema": compiled.cedar_schema(),
        "warnings": compiled.warnings(),
    });
    Ok(answer.to_string())
}

/// Compiles a tenant document, as JSON text, to a signed snapshot.
#[wasm_bindgen(js_name = compileSnapshot)]
pub fn compile_snapshot(document: &str, options: &str) -> Result<Vec<u8>, Failure> {
    let options: SnapshotOptions = options::read(options)?;
    let (created, key) = (options.created()?, options.key()?);
    let (_, compiled) = parapet::compile_text(document)?;
    Ok(compiled.snapshot(options.version(), created, &key))
}
