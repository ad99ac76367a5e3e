//! The OpenFeature Remote Evaluation Protocol (OFREP): requests read from bytes, flags evaluated, answers and failures written.
//!
//! <https://github.com/open-feature/protocol>, `service/openapi.yaml`. A flag of ours is on or off, so its value is a truth
//! value, in the variants `on` and `off`. Unknown members of a request are ignored; what an evaluation context says counts
//! as far as the schema declares it.

use crate::authzen::{Attributes, AuthzenError, Object};
use crate::directory::PrincipalRecord;
use crate::engine::{Engine, FlagReason, FlagValue};
use crate::model::Timestamp;
use crate::schema::Schema;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The body of an evaluation, of one flag or in bulk (`evaluationRequest`, `bulkEvaluationRequest`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EvaluationRequest {
    /// Whom it is for: `context.targetingKey`. Nothing where it is not said or empty.
    pub targeting_key: Option<String>,
    /// What else the context says.
    pub context: Attributes,
}

/// What OFREP calls what went wrong (`errorCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The body is no JSON, or holds a key twice.
    ParseError,
    /// The flag is not for everybody, and nobody is named.
    TargetingKeyMissing,
    /// The context is not what it must be, or one of its attributes does not fit its declared type.
    InvalidContext,
    /// There is no such flag.
    FlagNotFound,
}

/// Why a flag, or the request as a whole, is not evaluated (`evaluationFailure`, `bulkEvaluationFailure`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The flag; absent for the request as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The same for people, with its place.
    pub error_details: String,
}

/// What a flag is (`evaluationSuccess`).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Success {
    /// The flag.
    pub key: String,
    /// Whether it is on.
    pub value: bool,
    /// `on` or `off`.
    pub variant: &'static str,
    /// Why.
    pub reason: FlagReason,
    /// `policyVersion`: the version of the rules that it is of.
    pub metadata: Map<String, Value>,
}

/// What a flag is, or why that cannot be said.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Evaluation {
    /// What it is.
    Success(Success),
    /// Why not.
    Failure(Failure),
}

/// Whom flags are evaluated for.
#[derive(Debug, Clone, Copy)]
pub enum Target<'p> {
    /// There was no targeting key: what is for everybody can be said, and nothing else.
    Unsaid,
    /// The targeting key names nobody, or somebody who may not act: every flag is off.
    Nobody,
    /// Somebody who may act.
    Principal(&'p PrincipalRecord),
}

impl EvaluationRequest {
    /// Reads the body of an evaluation.
    ///
    /// # Errors
    /// `PARSE_ERROR` or `INVALID_CONTEXT`.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let read = || {
            let mut request = Object::parse(body)?;
            let mut context = request.attributes("context")?.unwrap_or_default();
            let targeting_key = match context.remove("targetingKey") {
                None => None,
                Some(Value::String(key)) => Some(key).filter(|key| !key.is_empty()),
                Some(_) => {
                    let pointer = "/context/targetingKey".to_owned();
                    return Err(AuthzenError::WrongType { pointer, expected: "a string" });
                }
            };
            Ok(Self { targeting_key, context })
        };
        read().map_err(|error| match error {
            AuthzenError::WrongType { ref pointer, .. } | AuthzenError::TooDeep { ref pointer, .. }
                if pointer.starts_with("/context") =>
            {
                Failure::new(ErrorCode::InvalidContext, error.to_string())
            }
            error => Failure::new(ErrorCode::ParseError, error.to_string()),
        })
    }

    /// The first attribute of the context that only a trusted caller may say: `ip`, `mfa` or `auth_time`.
    pub fn trusted_only(&self) -> Option<&'static str> {
        Schema::TRUSTED_CALLER_ONLY.into_iter().find(|name| self.context.contains_key(*name))
    }
}

impl Failure {
    fn new(error_code: ErrorCode, error_details: String) -> Self {
        Self { key: None, error_code, error_details }
    }

    /// There is no flag of this name.
    pub fn not_found(key: &str) -> Self {
        Self::new(ErrorCode::FlagNotFound, format!("there is no flag `{key}`")).of(key)
    }

    /// The same, of a flag.
    #[must_use]
    pub fn of(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }
}

impl Evaluation {
    /// The flag.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Success(success) => Some(&success.key),
            Self::Failure(failure) => failure.key.as_deref(),
        }
    }
}

/// Evaluates every flag, in the order of their names.
///
/// # Errors
/// `INVALID_CONTEXT`: an attribute does not fit its declared type.
pub fn evaluate(
    engine: &Engine,
    target: Target<'_>,
    context: &Attributes,
    now: Timestamp,
) -> Result<Vec<Evaluation>, Failure> {
    let tenant = engine.tenant();
    let value = |name, on, reason| FlagValue { name, on, reason };
    let policy_version = engine.policy_version();
    let success = |FlagValue { name, on, reason }: FlagValue<'_>| {
        let variant = if on { "on" } else { "off" };
        let metadata = Map::from_iter([("policyVersion".to_owned(), json!(policy_version))]);
        Evaluation::Success(Success { key: name.to_owned(), value: on, variant, reason, metadata })
    };
    let switched_on = tenant.flags.iter();
    let mut flags: Vec<Evaluation> = match target {
        Target::Unsaid => switched_on
            .map(|flag| match flag.is_static() {
                true => success(value(&flag.name, true, FlagReason::Static)),
                false => {
                    let details = "`/context/targetingKey` is required: the flag is not for everybody".to_owned();
                    Evaluation::Failure(Failure::new(ErrorCode::TargetingKeyMissing, details).of(&flag.name))
                }
            })
            .collect(),
        Target::Nobody => switched_on.map(|flag| success(value(&flag.name, false, FlagReason::Default))).collect(),
        Target::Principal(principal) => {
            let values = engine.flag_values(principal, context, now).map_err(|path| {
                let details = format!("`{path}` does not fit the type that the schema declares");
                Failure::new(ErrorCode::InvalidContext, details)
            })?;
            values.into_iter().map(success).collect()
        }
    };
    flags.extend(tenant.flags_off.iter().map(|name| success(value(name, false, FlagReason::Disabled))));
    flags.sort_by(|one, other| one.key().cmp(&other.key()));
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read() {
        let read = |body: &str| EvaluationRequest::parse(body.as_bytes()).unwrap();
        let request = read(r#"{"context": {"targetingKey": "anna", "reason": "x"}, "else": 1}"#);
        assert_eq!(request.targeting_key.as_deref(), Some("anna"));
        assert_eq!(Value::Object(request.context), json!({"reason": "x"}));
        for without in ["{}", r#"{"context": {}}"#, r#"{"context": {"targetingKey": ""}}"#] {
            assert_eq!(read(without), EvaluationRequest::default());
        }
        assert_eq!(read(r#"{"context": {"mfa": true}}"#).trusted_only(), Some("mfa"));
    }

    #[test]
    fn whatever_else_says_where_it_is_wrong() {
        let deep = format!(r#"{{"context": {{"a": {}{}}}}}"#, "[".repeat(40), "]".repeat(40));
        for (body, code, details) in [
            ("", ErrorCode::ParseError, "the request is no JSON: line 1, column 0"),
            ("[]", ErrorCode::ParseError, "`` is not an object"),
            (r#"{"context": {"a": 1, "a": 2}}"#, ErrorCode::ParseError, "`/context/a` is there twice"),
            (r#"{"context": null}"#, ErrorCode::InvalidContext, "`/context` is not an object"),
            (
                r#"{"context": {"targetingKey": 7}}"#,
                ErrorCode::InvalidContext,
                "`/context/targetingKey` is not a string",
            ),
            (&deep, ErrorCode::InvalidContext, "`/context` is nested too deep, at most 32 levels are allowed"),
        ] {
            let failure = EvaluationRequest::parse(body.as_bytes()).unwrap_err();
            assert_eq!((failure.error_code, failure.error_details.as_str()), (code, details), "{body}");
        }
    }
}
