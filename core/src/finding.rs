//! Findings: what is wrong with a document that somebody wrote, each with its place.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that is wrong with what was written, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The table, or the document's part, such as `role_permission`.
    pub table: String,
    /// The row's id, or its position (`#3`) where the row has none that can be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub row: Option<String>,
    /// The field, with the way into it as a JSON pointer: `conditions/all/0/StringEquals`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// Whether it stops the document from being compiled.
    pub severity: Severity,
    /// Stable and dotted, for programs: `condition.unknown_operator`.
    pub code: String,
    /// For people: lower case, what the user wrote in backticks.
    pub message: String,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is compiled or published while it stands.
    Error,
    /// Allowed, but probably not what was meant.
    Warning,
}

impl Finding {
    /// An error in a table, without a row yet: add one with [`Finding::row`].
    pub fn error(table: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            table: table.to_owned(),
            row: None,
            field: None,
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// A warning in a table.
    pub fn warning(table: &str, code: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(table, code, message) }
    }

    /// The same finding, at a row.
    #[must_use]
    pub fn row(mut self, row: impl ToString) -> Self {
        self.row = Some(row.to_string());
        self
    }

    /// The same finding, at a field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Whether it stops the document from being compiled.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}] {}", self.code, self.table)?;
        if let Some(row) = &self.row {
            write!(f, " {row}")?;
        }
        if let Some(field) = &self.field {
            write!(f, " {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Finding {}
