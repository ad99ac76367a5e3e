//! What is wrong with an AuthZEN request, and where in it.

use crate::engine::SearchError;
use thiserror::Error;

/// Why a request, or an item of it, is not evaluated. Each has a stable [`code`](Self::code) and a
/// [`pointer`](Self::pointer) to its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthzenError {
    /// The body is longer than [`MAX_BODY`](super::MAX_BODY).
    #[error("the request has {length} bytes, at most {limit} are allowed")]
    TooLarge {
        /// The bytes of the body.
        length: usize,
        /// The bytes that are allowed.
        limit: usize,
    },
    /// The body is no JSON (RFC 8259), in UTF-8.
    #[error("the request is no JSON: line {line}, column {column}")]
    MalformedJson {
        /// The line, from 1.
        line: usize,
        /// The column in bytes, from 1; 0 before the first.
        column: usize,
    },
    /// An object holds a key twice.
    #[error("`{pointer}` is there twice")]
    DuplicateKey {
        /// The place of the second.
        pointer: String,
    },
    /// Arrays and objects lie in each other too deep.
    #[error("`{pointer}` is nested too deep, at most {limit} levels are allowed")]
    TooDeep {
        /// The place of what is too deep, or holds it.
        pointer: String,
        /// The levels that are allowed.
        limit: usize,
    },
    /// A required field is not there.
    #[error("`{pointer}` is required")]
    MissingField {
        /// The place where it should be.
        pointer: String,
    },
    /// A value is of another JSON type than it must be.
    #[error("`{pointer}` is not {expected}")]
    WrongType {
        /// The place of the value.
        pointer: String,
        /// What it must be: `an object`.
        expected: &'static str,
    },
    /// The context says what only a trusted caller may say.
    #[error("`{pointer}` needs the scope `access:context`")]
    UntrustedContext {
        /// The place of it.
        pointer: String,
    },
    /// `options.evaluations_semantic` is none of the three that there are.
    #[error("`{found}` is no evaluations semantic")]
    UnknownSemantic {
        /// What was asked for, at most its first 64 characters.
        found: String,
    },
    /// There are more items than [`MAX_EVALUATIONS`](super::MAX_EVALUATIONS).
    #[error("the request has {found} evaluations, at most {limit} are allowed")]
    TooManyEvaluations {
        /// The items in the request.
        found: usize,
        /// The items that are allowed.
        limit: usize,
    },
    /// The page of a search that is asked for cannot be answered.
    #[error(transparent)]
    Page(#[from] SearchError),
}

impl AuthzenError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "authzen.too_large",
            Self::MalformedJson { .. } => "authzen.malformed_json",
            Self::DuplicateKey { .. } => "authzen.duplicate_key",
            Self::TooDeep { .. } => "authzen.too_deep",
            Self::MissingField { .. } => "authzen.missing_field",
            Self::WrongType { .. } => "authzen.wrong_type",
            Self::UntrustedContext { .. } => "authzen.untrusted_context",
            Self::UnknownSemantic { .. } => "authzen.unknown_semantic",
            Self::TooManyEvaluations { .. } => "authzen.too_many_evaluations",
            Self::Page(error) => error.code(),
        }
    }

    /// The place as a JSON pointer (RFC 6901); empty for the request as a whole.
    pub fn pointer(&self) -> &str {
        match self {
            Self::TooLarge { .. } | Self::MalformedJson { .. } => "",
            Self::DuplicateKey { pointer }
            | Self::TooDeep { pointer, .. }
            | Self::MissingField { pointer }
            | Self::WrongType { pointer, .. }
            | Self::UntrustedContext { pointer } => pointer,
            Self::UnknownSemantic { .. } => "/options/evaluations_semantic",
            Self::TooManyEvaluations { .. } => "/evaluations",
            Self::Page(SearchError::Limit) => "/page/limit",
            Self::Page(SearchError::Token(_)) => "/page/token",
        }
    }
}
