//! What is wrong with a request, in SCIM's words.

/// Why a request is refused (RFC 7644, section 3.12, table 9; RFC 9865, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorType {
    /// The filter does not follow the grammar, or compares what cannot be compared.
    InvalidFilter,
    /// More would change, or be found, than is done at once.
    TooMany,
    /// Somebody else has this already.
    Uniqueness,
    /// An attribute that is not the client's to change.
    Mutability,
    /// The body is not what the request needs.
    InvalidSyntax,
    /// The path does not follow the grammar, or leads to no attribute.
    InvalidPath,
    /// The path finds nothing to change.
    NoTarget,
    /// A value that the attribute cannot have.
    InvalidValue,
    /// The cursor is of another list, or of none.
    InvalidCursor,
    /// No number of resources.
    InvalidCount,
}

impl ErrorType {
    /// The word for it: `scimType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// One thing that is wrong; the detail says where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// Of which kind it is.
    pub kind: ErrorType,
    /// For people: lower case, what the client wrote in backticks.
    pub detail: String,
}

impl ScimError {
    /// Something wrong.
    pub fn new(kind: ErrorType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// A value that is wrong, at a place in the body such as `emails[0].value`.
    pub fn value(place: &str, detail: impl std::fmt::Display) -> Self {
        Self::new(ErrorType::InvalidValue, format!("{place}: {detail}"))
    }
}
