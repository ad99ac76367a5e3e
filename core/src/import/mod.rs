//! Tenant documents of what other systems export: Keycloak's realms, Casbin's models and policies, tables of
//! comma-separated values.
//!
//! What cannot be carried over is listed, each with its place, and never dropped in silence. The same export gives the same
//! document, with the same ids.

mod casbin;
mod csv;
mod keycloak;
#[cfg(test)]
mod tests;

pub use casbin::{Casbin, casbin};
pub use csv::{Csv, csv};
pub use keycloak::keycloak;

use crate::Finding;
use crate::model::{TABLES, TenantDocument, Timestamp};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A tenant document, and what is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The document as JSON, with the hashes of passwords, which are secret.
    pub document: Json,
    /// What was not carried over: where it stands in the export, as `table` its part and as `field` a JSON pointer or a line.
    pub left: Vec<Finding>,
}

/// A document's rows as lines `{"table": "user", "row": {…}}`, each after those that it refers to. The tenant itself is none
/// of them: they are for one that is there.
pub fn lines(document: &Json) -> String {
    let mut lines = String::new();
    for table in TABLES.iter().map(|table| table.name).filter(|name| *name != "tenant") {
        for row in document.get(table).and_then(Json::as_array).into_iter().flatten() {
            lines.push_str(&json!({"table": table, "row": row}).to_string());
            lines.push('\n');
        }
    }
    lines
}

/// A document that is being made.
#[derive(Default)]
struct Draft {
    /// What all ids are derived from beside their own.
    slug: String,
    tables: BTreeMap<&'static str, Vec<Json>>,
    left: Vec<Finding>,
}

impl Draft {
    fn new(slug: &str, name: &str, is_active: bool, now: Timestamp) -> Self {
        let mut draft = Self { slug: slug.to_owned(), tables: BTreeMap::new(), left: vec![] };
        let status = if is_active { "active" } else { "suspended" };
        let id = draft.id("tenant", slug);
        let tenant =
            json!({"id": id, "name": name, "slug": slug, "status": status, "created_at": now, "updated_at": now});
        draft.add("tenant", tenant);
        draft
    }

    /// The id of a row that has none, or none of ours: a UUID of version 8 (RFC 9562, section 5.8), of what the row is.
    fn id(&self, table: &str, key: &str) -> Uuid {
        let mut hash = Sha256::new();
        for part in [self.slug.as_str(), table, key] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let [bytes, _] = *hash.finalize().as_chunks().0 else { return Uuid::nil() };
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    fn add(&mut self, table: &'static str, row: Json) {
        self.tables.entry(table).or_default().push(row);
    }

    /// Something that is not carried over: in which part, at which place, and why.
    fn leave(&mut self, part: &str, at: impl Into<String>, code: &str, why: impl Into<String>) {
        self.left.push(Finding::warning(part, code, why).field(at));
    }

    /// The document; all that is wrong with it where it is none.
    fn finish(mut self) -> Result<Imported, Vec<Finding>> {
        let mut document = Map::new();
        for (table, mut rows) in self.tables {
            let rows = if table == "tenant" { rows.swap_remove(0) } else { Json::Array(rows) };
            document.insert(table.to_owned(), rows);
        }
        let document = Json::Object(document);
        TenantDocument::from_value(document.clone())?;
        self.left.sort();
        Ok(Imported { document, left: self.left })
    }
}
