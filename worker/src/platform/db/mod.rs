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

use serde::Serialize;

/// One row of an answer: column name to value. SQLite's integers, reals, texts and nulls only.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// A statement with its parameters, which are never part of its text.
#[derive(Clone, Debug)]
pub struct Statement {
    sql: Cow<'static, str>,
    parameters: Vec<Parameter>,
    /// Whether it inserts one row by `VALUES (?1, …)` at its end, so that others like it can go along.
    inserts: bool,
}

/// D1 takes no more parameters in one statement.
pub const MOST_PARAMETERS: usize = 100;

impl Statement {
    /// A statement without parameters yet.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), parameters: Vec::new(), inserts: false }
    }

    /// Inserts one row.
    pub fn insert<R: parapet::model::Row>(row: &R) -> Self {
        let statement = row.to_sql().into_iter().fold(Self::new(R::INFO.insert()), Self::bind);
        Self { inserts: true, ..statement }
    }

    /// Whether it inserts one row.
    pub fn is_insert(&self) -> bool {
        self.inserts
    }

    /// Statements that do the same, in the same order: of those that insert rows of one table one after the other, as many
    /// in one as it has parameters for. D1 takes a thousand statements a request.
    pub fn joined(statements: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut joined: Vec<Self> = Vec::new();
        // How many columns the rows of the last one have, and its text with one row.
        let mut last: Option<(usize, Cow<'static, str>)> = None;
        for statement in statements {
            let columns = statement.parameters.len();
            match (joined.last_mut(), &last) {
                (Some(before), Some((its, sql)))
                    if statement.inserts
                        && *its == columns
                        && *sql == statement.sql
                        && before.parameters.len() + columns <= MOST_PARAMETERS =>
                {
                    let from = before.parameters.len() + 1;
                    let places: Vec<String> = (from..from + columns).map(|place| format!("?{place}")).collect();
                    before.sql.to_mut().push_str(&format!(", ({})", places.join(", ")));
                    before.parameters.extend(statement.parameters);
                }
                _ => {
                    last = statement.inserts.then(|| (columns, statement.sql.clone()));
                    joined.push(statement);
                }
            }
        }
        joined
    }

    /// Its text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Binds the next parameter: the first call `?1`, the second `?2`.
    #[must_use]
    pub fn bind(mut self, parameter: impl Into<Parameter>) -> Self {
        self.parameters.push(parameter.into());
        self
    }
}

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Parameter {
    /// SQL's null.
    Null,
    /// An integer; D1 takes it as a double, exact to 2^53.
    Integer(i64),
    /// Text.
    Text(String),
}

impl From<parapet::model::SqlValue> for Parameter {
    fn from(value: parapet::model::SqlValue) -> Self {
        use parapet::model::SqlValue;
        match value {
            SqlValue::Null => Self::Null,
            SqlValue::Integer(integer) => Self::Integer(integer),
            SqlValue::Text(text) => Self::Text(text),
        }
    }
}

impl From<parapet::Timestamp> for Parameter {
    fn from(value: parapet::Timestamp) -> Self {
        Self::Text(value.to_string())
    }
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

/// Which rule of the database a statement broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Another row has these columns already: the table, and the columns without the tenant's.
    Unique {
        /// The table.
        table: String,
        /// The columns that no two rows share.
        columns: Vec<String>,
    },
    /// A row refers to none, or is referred to by others.
    Reference,
}

impl DbError {
    /// Which rule of the database was broken; nothing where it failed otherwise. SQLite says it in words alone, and D1
    /// puts its own around them.
    pub fn violation(&self) -> Option<Violation> {
        if self.0.contains("FOREIGN KEY constraint failed") {
            return Some(Violation::Reference);
        }
        // The migrations' triggers, where a key or a reference goes beyond what SQL's own can say.
        if self.0.contains("is of another tenant") {
            return Some(Violation::Reference);
        }
        if self.0.contains("permission: the name is taken between catalogue and tenant") {
            return Some(Violation::Unique { table: "permission".to_owned(), columns: vec!["name".to_owned()] });
        }
        let (_, columns) = self.0.split_once("UNIQUE constraint failed: ")?;
        let columns = columns.split([':', '\n']).next()?;
        let mut table = "";
        let mut names = Vec::new();
        for column in columns.split(", ") {
            let (its, name) = column.trim().split_once('.')?;
            table = its;
            if name != "tenant_id" {
                names.push(name.to_owned());
            }
        }
        Some(Violation::Unique { table: table.to_owned(), columns: names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_read_with_and_without_d1s_words() {
        let unique = |table: &str, columns: &[&str]| {
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            Some(Violation::Unique { table: table.to_owned(), columns })
        };
        for (text, violation) in [
            ("UNIQUE constraint failed: role.tenant_id, role.name", unique("role", &["name"])),
            (
                "D1_ERROR: UNIQUE constraint failed: audit_log.tenant_id, audit_log.sequence: SQLITE_CONSTRAINT",
                unique("audit_log", &["sequence"]),
            ),
            ("FOREIGN KEY constraint failed", Some(Violation::Reference)),
            ("D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT", Some(Violation::Reference)),
            (
                "D1_ERROR: permission: the name is taken between catalogue and tenant: SQLITE_CONSTRAINT",
                unique("permission", &["name"]),
            ),
            ("role_permission: the permission is of another tenant", Some(Violation::Reference)),
            ("no such table: x", None),
        ] {
            assert_eq!(DbError(text.to_owned()).violation(), violation, "{text}");
        }
    }
}
