//! Compiling a tenant document to policies, and to a snapshot.

use crate::Failure;
use crate::options::{self, Fields, Instant, from_hex, one_of_two};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parapet::Timestamp;
use parapet::snapshot::SigningKey;
use serde_json::{Value as Json, json};
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
    let SnapshotOptions { version, created, key } = SnapshotOptions::read(options)?;
    let (_, compiled) = parapet::compile_text(document)?;
    Ok(compiled.snapshot(version, created, &key))
}

/// Of `compileSnapshot`.
struct SnapshotOptions {
    version: u64,
    created: Timestamp,
    key: SigningKey,
}

impl SnapshotOptions {
    fn read(text: &str) -> Result<Self, Failure> {
        let mut fields = Fields::parse(text, "an object with `version`, `created` and `key`")?;
        let parts = (fields.take("version")?, fields.take("created")?, fields.take("key")?);
        let (Some(version), Some(created), Some(key)) = parts else {
            return Err(fields.wrong());
        };
        fields.end()?;
        Ok(Self {
            version: options::version(version)?,
            created: Instant::of(created, "created")?.read("created")?,
            key: signing_key(key)?,
        })
    }
}

fn signing_key(json: Json) -> Result<SigningKey, Failure> {
    let mut fields = Fields::of(json, "a key with `id`, and `hmac` or `es256`")?;
    let id = fields.text("id")?;
    let key = match (fields.take("hmac")?, fields.take("es256")?) {
        (Some(Json::String(hmac)), None) => SigningKey::hmac(&id, &from_hex(&hmac)?)?,
        (None, Some(jwk)) => {
            // What else a JWK holds is not ours to refuse.
            let scalar = Fields::of(jwk, "a secret key with `d`")?.text("d")?;
            let invalid = |_| Failure::options("`es256.d` is no base64url without padding");
            SigningKey::es256(&id, &URL_SAFE_NO_PAD.decode(scalar).map_err(invalid)?)?
        }
        _ => return Err(one_of_two(&id)),
    };
    fields.end()?;
    Ok(key)
}
