//! D1 through its binding. Without a session D1 answers from the primary, as `tenant_epoch` needs.

use std::cell::OnceCell;

use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env};

use super::{DbError, Parameter, Row, Statement};

/// A database, perhaps one that is not bound: then each statement fails. It is looked up where it is asked: most
/// decisions need none.
pub struct Db {
    env: Env,
    name: &'static str,
    found: OnceCell<Result<D1Database, String>>,
}

impl Clone for Db {
    fn clone(&self) -> Self {
        Self::bound(&self.env, self.name)
    }
}

impl Db {
    /// The database bound as `name`.
    pub fn bound(env: &Env, name: &'static str) -> Self {
        Self { env: env.clone(), name, found: OnceCell::new() }
    }

    /// The first row of the answer.
    pub async fn first(&self, statement: Statement) -> Result<Option<Row>, DbError> {
        Ok(self.all(statement).await?.into_iter().next())
    }

    /// All rows of the answer.
    pub async fn all(&self, statement: Statement) -> Result<Vec<Row>, DbError> {
        let result = self.prepare(statement)?.all().await?;
        Ok(result.results::<Row>()?)
    }

    /// All statements in one transaction and one round trip; the rows of each.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError> {
        let prepared =
            statements.into_iter().map(|statement| self.prepare(statement)).collect::<Result<Vec<_>, _>>()?;
        let results = self.database()?.batch(prepared).await?;
        results.iter().map(|result| Ok(result.results::<Row>()?)).collect()
    }

    fn prepare(&self, statement: Statement) -> Result<D1PreparedStatement, DbError> {
        let values: Vec<JsValue> = statement.parameters.iter().map(JsValue::from).collect();
        let prepared = self.database()?.prepare(statement.sql);
        Ok(prepared.bind(&values)?)
    }

    fn database(&self) -> Result<&D1Database, DbError> {
        let found = self.found.get_or_init(|| self.env.d1(self.name).map_err(|error| error.to_string()));
        found.as_ref().map_err(|reason| DbError(reason.clone()))
    }
}

impl From<&Parameter> for JsValue {
    fn from(parameter: &Parameter) -> Self {
        match parameter {
            Parameter::Null => Self::NULL,
            // D1 knows no BigInt: integers go as doubles, exact to 2^53.
            Parameter::Integer(integer) => Self::from_f64(*integer as f64),
            Parameter::Text(text) => Self::from_str(text),
        }
    }
}

impl From<worker::Error> for DbError {
    fn from(error: worker::Error) -> Self {
        Self(error.to_string())
    }
}
