//! What went wrong with a form, in sentences: what the API refuses is said beside the field that it is about.

use parapet::Finding;
use serde_json::{Value, json};

use super::form::Field;
use super::language::Language;
use crate::error::ApiError;

/// Why a form is shown again.
pub struct Failure {
    /// The status of the page.
    pub status: u16,
    /// In how many seconds to try again, where there is a time.
    pub retry_after: Option<i64>,
    sentences: Vec<Sentence>,
}

struct Sentence {
    /// The field that it is about, one of the form's.
    field: Option<&'static str>,
    text: String,
}

impl Failure {
    /// What an error means for a form with these fields; nothing where it is not about what was sent.
    pub fn of(error: &ApiError, fields: &[Field], language: &Language) -> Option<Self> {
        let one = |status, name: &str, values: &[(&str, &str)]| {
            let text = language.find(name).map_or_else(|| sentence(&error.to_string()), |_| language.say(name, values));
            Self { status, retry_after: None, sentences: vec![Sentence { field: None, text }] }
        };
        let code = format!("error.{}", error.code());
        Some(match error {
            ApiError::CrossSite | ApiError::Forbidden { .. } => one(403, &code, &[]),
            ApiError::TooManyRequests { retry_after } => {
                let failure = one(429, &code, &[("seconds", &retry_after.to_string())]);
                Self { retry_after: Some(*retry_after), ..failure }
            }
            // Of whoever is signed in the session has ended: that is not about what was sent.
            ApiError::Unauthenticated { code: its, .. } if its.starts_with("key.") || its.starts_with("session.") => {
                return None;
            }
            ApiError::Invalid { findings }
            | ApiError::Malformed { findings, .. }
            | ApiError::Conflict { findings, .. }
                if !findings.is_empty() =>
            {
                let sentences = findings.iter().map(|finding| said(finding, fields, language)).collect();
                Self { status: 422, retry_after: None, sentences }
            }
            ApiError::Unauthenticated { .. }
            | ApiError::Invalid { .. }
            | ApiError::Malformed { .. }
            | ApiError::Conflict { .. } => one(422, &code, &[]),
            _ => return None,
        })
    }

    /// What is said of a field.
    pub fn of_field(&self, name: &str) -> Option<&str> {
        self.sentences.iter().find(|sentence| sentence.field == Some(name)).map(|sentence| sentence.text.as_str())
    }

    /// All that is said, each with its field where it has one.
    pub fn shown(&self) -> Value {
        self.sentences
            .iter()
            .map(|Sentence { field, text }| json!({ "field": field.unwrap_or_default(), "text": text }))
            .collect()
    }
}

/// By the finding's code, with the last number that its message has; else by the message, which is in English.
fn said(finding: &Finding, fields: &[Field], language: &Language) -> Sentence {
    let name = finding.field.as_deref().and_then(|path| path.split('/').next());
    let field = fields.iter().find(|field| field.has_place() && Some(field.name) == name).map(|field| field.name);
    let code = format!("error.{}", finding.code);
    let number = finding.message.split(|character: char| !character.is_ascii_digit()).rfind(|part| !part.is_empty());
    let text = match language.find(&code) {
        Some(_) => language.say(&code, &[("number", number.unwrap_or_default())]),
        None => sentence(&finding.message),
    };
    Sentence { field, text }
}

/// A message of ours as a sentence: it begins in lower case and ends without a stop.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", characters.as_str().replace('`', "\"").trim_end_matches('.'))
}
