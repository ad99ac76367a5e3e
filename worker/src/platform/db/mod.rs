//! The database: prepared statements with bound parameters. D1 at the edge, SQLite in memory elsewhere.

#[cfg(target_arch = "wasm32")]
mod d1;
#[cfg(not(target_arch = "wasm32"))]
mod sqlite;

#[cfg(target_arch = "wasm32")]
pub use d1::Db;
#[cfg(not(target_arch = "wasm32"))]
pub use sqlite::Db;

use std::borrow::Cow;

/// One row of an answer: column name to value. SQLite's integers, reals, texts and nulls only.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// A statement with its parameters, which are never part of its text.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
    parameters: Vec<Parameter>,
}

impl Statement {
    /// A statement without parameters yet.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), parameters: Vec::new() }
    }

    /// Binds the next parameter: the first call `?1`, the second `?2`.
    #[must_use]
    pub fn bind(mut self, parameter: impl Into<Parameter>) -> Self {
        self.parameters.push(parameter.into());
        self
    }
}

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// SQL's null.
    Null,
    /// An integer; D1 takes only those that a double holds exactly.
    Integer(i64),
    /// Text.
    Text(String),
}

impl From<i64> for Parameter {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<String> for Parameter {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Parameter {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<uuid::Uuid> for Parameter {
    fn from(value: uuid::Uuid) -> Self {
        Self::Text(value.to_string())
    }
}

impl<T: Into<Parameter>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The database is not bound, does not answer, or refuses a statement. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("database: {0}")]
pub struct DbError(String);
