//! SQLite in memory, with D1's API and D1's limits on a statement.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;

use super::{DbError, MOST_PARAMETERS, Parameter, Row, Statement};
use crate::platform::fuse::Fuse;

/// A database, perhaps one that is not bound: then each statement fails.
#[derive(Clone)]
pub struct Db {
    connection: Option<Rc<Connection>>,
    round_trips: Rc<Cell<usize>>,
    failing: Rc<Cell<bool>>,
    fuse: Fuse,
    recorded: Rc<RefCell<Option<Vec<Statement>>>>,
}

impl Db {
    /// A fresh database, after `migrations` in their order.
    pub fn in_memory<'a>(migrations: impl IntoIterator<Item = &'a str>) -> Result<Self, DbError> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch("PRAGMA foreign_keys = ON")?;
        for migration in migrations {
            connection.execute_batch(migration)?;
        }
        Ok(Self { connection: Some(Rc::new(connection)), ..Self::missing() })
    }

    /// No database is bound.
    pub fn missing() -> Self {
        Self {
            connection: None,
            round_trips: Rc::default(),
            failing: Rc::default(),
            fuse: Fuse::default(),
            recorded: Rc::default(),
        }
    }

    /// Guarded by a fuse.
    #[must_use]
    pub fn fused(mut self, fuse: &Fuse) -> Self {
        self.fuse = fuse.clone();
        self
    }

    /// From now on each statement fails, or no longer.
    pub fn fail(&self, failing: bool) {
        self.failing.set(failing);
    }

    /// How often the database was asked: what would be round trips at the edge.
    pub fn round_trips(&self) -> usize {
        self.round_trips.get()
    }

    /// How many rows were ever written, or nothing where no database is bound. No round trip.
    pub fn written(&self) -> Option<u64> {
        Some(self.connection.as_ref()?.total_changes())
    }

    /// How many rows a table has. No round trip.
    pub fn count(&self, table: &str) -> Option<i64> {
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        self.connection.as_ref()?.query_row(&sql, [], |row| row.get(0)).ok()
    }

    /// All rows of a table. No round trip.
    pub fn rows(&self, table: &str) -> Vec<Row> {
        let statement = Statement::new(format!("SELECT * FROM \"{table}\" ORDER BY rowid"));
        self.connection.as_ref().and_then(|connection| execute(connection, &statement).ok()).unwrap_or_default()
    }

    /// The statements that `asking` has executed, with what it gives.
    pub fn recording<T>(&self, asking: impl FnOnce() -> T) -> (T, Vec<Statement>) {
        self.recorded.replace(Some(Vec::new()));
        let given = asking();
        (given, self.recorded.take().unwrap_or_default())
    }

    /// How SQLite would find the rows of a statement, step by step.
    pub fn plan(&self, statement: &Statement) -> Result<Vec<String>, DbError> {
        let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", statement.sql).into(), ..statement.clone() };
        let steps = execute(self.connection()?, &explain)?;
        Ok(steps.iter().filter_map(|step| Some(step.get("detail")?.as_str()?.to_owned())).collect())
    }

    /// The first row of the answer.
    pub async fn first(&self, statement: Statement) -> Result<Option<Row>, DbError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// All rows of the answer.
    pub async fn all(&self, statement: Statement) -> Result<Vec<Row>, DbError> {
        let connection = self.connection()?;
        self.record(std::slice::from_ref(&statement));
        execute(connection, &statement)
    }

    /// All statements in one transaction and one round trip; the rows of each.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError> {
        let connection = self.connection()?;
        self.record(&statements);
        let transaction = connection.unchecked_transaction()?;
        let rows = statements.iter().map(|statement| execute(&transaction, statement)).collect::<Result<_, _>>()?;
        transaction.commit()?;
        Ok(rows)
    }

    fn record(&self, statements: &[Statement]) {
        if let Some(recorded) = self.recorded.borrow_mut().as_mut() {
            recorded.extend_from_slice(statements);
        }
    }

    fn connection(&self) -> Result<&Connection, DbError> {
        self.round_trips.set(self.round_trips.get() + 1);
        if self.failing.get() || self.fuse.is_blown() {
            return Err(DbError("made to fail".to_owned()));
        }
        self.connection.as_deref().ok_or_else(|| DbError("not bound".to_owned()))
    }
}

fn execute(connection: &Connection, statement: &Statement) -> Result<Vec<Row>, DbError> {
    if statement.parameters.len() > MOST_PARAMETERS {
        return Err(DbError(format!("more than {MOST_PARAMETERS} parameters")));
    }
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let mut answer = prepared.query(params_from_iter(statement.parameters.iter()))?;
    let mut rows = Vec::new();
    while let Some(row) = answer.next()? {
        let mut map = Row::new();
        for (index, name) in names.iter().enumerate() {
            map.insert(name.clone(), to_json(row.get_ref(index)?)?);
        }
        rows.push(map);
    }
    Ok(rows)
}

fn to_json(value: ValueRef<'_>) -> Result<Value, DbError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(_) => return Err(DbError("no column of ours is a blob".to_owned())),
    })
}

impl rusqlite::ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Null => rusqlite::types::Null.to_sql(),
            Self::Integer(integer) => integer.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}
