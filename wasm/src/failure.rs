//! A failure as it crosses to JavaScript: JSON text, from which a `ParapetError` is made there.

use parapet::Finding;
use parapet::authzen::AuthzenError;
use parapet::engine::EngineError;
use parapet::engine::residual::SqlError;
use parapet::snapshot::{KeyError, SnapshotError};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable and dotted, for programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// The place in the request, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pointer: Option<String>,
    /// All that is wrong with a tenant document.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub findings: Option<Vec<Finding>>,
}

impl Failure {
    /// A failure with nothing but its code and message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), pointer: None, findings: None }
    }

    /// Options that are not what the declarations say.
    pub(crate) fn options(message: impl Into<String>) -> Self {
        Self::new("options.invalid", message)
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        // Text and lists of text: their JSON cannot fail.
        Self::from_str(&serde_json::to_string(&failure).unwrap_or_default())
    }
}

impl From<AuthzenError> for Failure {
    fn from(error: AuthzenError) -> Self {
        Self { pointer: Some(error.pointer().to_owned()), ..Self::new(error.code(), error.to_string()) }
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Vec<Finding>> for Failure {
    fn from(findings: Vec<Finding>) -> Self {
        let mut errors = findings.iter().filter(|finding| finding.is_error());
        let message = match (errors.next(), errors.count()) {
            (Some(first), 0) => first.to_string(),
            (Some(first), more) => format!("{first} (and {more} more)"),
            (None, _) => "the tenant document cannot be compiled".to_owned(),
        };
        Self { findings: Some(findings), ..Self::new("document.invalid", message) }
    }
}
