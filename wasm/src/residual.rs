//! Residuals: for which resources of a type a subject is allowed an action, as a predicate, as SQL and as JSON.

use crate::Failure;
use crate::engine::{Asked, Engine};
use parapet::authzen::ResourceSearch;
use parapet::engine::residual::{Columns, Dialect};
use parapet::schema::Attributes;
use serde_json::{Map, Value as Json};
use wasm_bindgen::prelude::wasm_bindgen;

/// What must hold of a resource.
#[wasm_bindgen]
pub struct Residual {
    residual: parapet::engine::Residual,
    /// What its type declares.
    declared: Attributes,
}

#[wasm_bindgen]
impl Engine {
    /// What must hold of a resource, asked as an AuthZEN resource search; its page is passed over.
    pub fn residual(&self, request: &str, options: &str, clock: f64) -> Result<Residual, Failure> {
        let asked = Asked::read(options, clock)?;
        let search = ResourceSearch::parse(request.as_bytes())?;
        let residual = self.engine().residual(&search.request(&asked.caller)?, asked.now);
        let ty = self.engine().schema().types.get(&residual.resource_type);
        let declared = ty.map(|ty| ty.attributes.clone()).unwrap_or_default();
        Ok(Residual { residual, declared })
    }
}

#[wasm_bindgen]
impl Residual {
    /// As JSON text.
    pub fn json(&self) -> String {
        let mut json = self.residual.json();
        exact(&mut json);
        json.to_string()
    }

    /// Whether it allows the resource of this id and these attributes, which are a JSON object. An attribute that does
    /// not fit its type denies, as in a decision.
    pub fn allows(&self, id: &str, attributes: &str) -> Result<bool, Failure> {
        let invalid = |_| Failure::new("residual.attributes", "attributes are an object");
        let attributes: Map<String, Json> = serde_json::from_str(attributes).map_err(invalid)?;
        Ok(self.residual.allows(id, &self.declared, &attributes).unwrap_or(false))
    }

    /// A condition for a `WHERE` and its parameters, as JSON text. Without columns, each attribute lies in one of its name.
    pub fn sql(&self, dialect: &str, columns: Option<String>) -> Result<String, Failure> {
        let dialect = match dialect {
            "sqlite" => Dialect::Sqlite,
            "postgresql" => Dialect::PostgreSql,
            _ => return Err(Failure::new("sql.dialect", "the dialect is `sqlite` or `postgresql`")),
        };
        let columns = match columns {
            Some(text) => {
                serde_json::from_str(&text).map_err(|error| Failure::new("sql.columns", error.to_string()))?
            }
            None => Columns::by_name(&self.declared),
        };
        let mut sql = serde_json::to_value(self.residual.sql(dialect, &columns)?).unwrap_or_default();
        exact(&mut sql);
        Ok(sql.to_string())
    }
}

/// The name, which no attribute has, under which JavaScript reads the text of a whole number that its own numbers do not
/// hold exactly.
const INTEGER: &str = "\0integer";

/// 2^53 - 1, JavaScript's `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: u64 = (1 << 53) - 1;

fn exact(json: &mut Json) {
    match json {
        Json::Number(number) if number.as_i64().is_some_and(|it| it.unsigned_abs() > MAX_SAFE) => {
            *json = Json::Object(Map::from_iter([(INTEGER.to_owned(), number.to_string().into())]));
        }
        Json::Array(parts) => parts.iter_mut().for_each(exact),
        Json::Object(parts) => parts.values_mut().for_each(exact),
        _ => {}
    }
}
