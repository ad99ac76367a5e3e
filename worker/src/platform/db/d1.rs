//! D1 through its binding. Without a session D1 answers from the primary, as `tenant_epoch` needs.

use std::cell::OnceCell;

use js_sys::{Error, Promise};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{D1Database, Env};

use super::{DbError, Row, Statement};

#[wasm_bindgen(module = "/src/platform/db/d1.js")]
extern "C" {
    /// The rows of a statement.
    fn all(database: &JsValue, sql: &str, parameters: &str) -> Promise;

    /// The rows of each statement.
    fn batch(database: &JsValue, statements: &str) -> Promise;
}

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
        let parameters = serde_json::to_string(&statement.parameters)?;
        read(all(self.database()?.as_ref(), &statement.sql, &parameters)).await
    }

    /// All statements in one transaction and one round trip; the rows of each.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DbError> {
        let statements: Vec<_> = statements.iter().map(|its| (&its.sql, &its.parameters)).collect();
        read(batch(self.database()?.as_ref(), &serde_json::to_string(&statements)?)).await
    }

    fn database(&self) -> Result<&D1Database, DbError> {
        let found = self.found.get_or_init(|| self.env.d1(self.name).map_err(|error| error.to_string()));
        found.as_ref().map_err(|reason| DbError(reason.clone()))
    }
}

/// Reads the JSON that is promised.
async fn read<T: DeserializeOwned>(promise: Promise) -> Result<T, DbError> {
    let said = |thrown: JsValue| match thrown.dyn_ref::<Error>() {
        Some(error) => DbError(error.message().into()),
        None => DbError(format!("{thrown:?}")),
    };
    let text = JsFuture::from(promise).await.map_err(said)?;
    Ok(serde_json::from_str(&text.as_string().unwrap_or_default())?)
}

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}
