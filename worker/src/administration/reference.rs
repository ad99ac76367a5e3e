//! Whether what a row refers to is there: asked before it is written, so that the answer can say which column is wrong.

use parapet::Finding;
use parapet::model::Row;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::plan::State;
use crate::platform::db::Statement;

/// A column that a body sets, which refers to another row.
struct Reference {
    column: &'static str,
    table: &'static str,
    id: Uuid,
}

/// The statements that look for what the body refers to.
pub fn statements<R: Row>(tenant: Uuid, body: &Map<String, Value>) -> Vec<Statement> {
    let statement = |reference: Reference| {
        // The catalogue's permissions are everybody's to refer to.
        let table = reference.table;
        let sql = match table {
            "permission" => {
                "SELECT id FROM permission WHERE (tenant_id = ?1 OR tenant_id IS NULL) AND id = ?2".to_owned()
            }
            _ => format!("SELECT id FROM \"{table}\" WHERE tenant_id = ?1 AND id = ?2"),
        };
        Statement::new(sql).bind(tenant).bind(reference.id)
    };
    references::<R>(body).map(statement).collect()
}

/// Adds what is not there, by the answers of [`statements`], which begin at `first`.
pub fn check<R: Row>(state: &State<'_>, body: &Map<String, Value>, first: usize, findings: &mut Vec<Finding>) {
    for (reference, index) in references::<R>(body).zip(first..) {
        if state.sql_rows(index).is_empty() {
            let message = format!("there is no {} `{}`", reference.table.replace('_', " "), reference.id);
            findings.push(Finding::error(R::TABLE, "reference.not_found", message).field(reference.column));
        }
    }
}

fn references<R: Row>(body: &Map<String, Value>) -> impl Iterator<Item = Reference> {
    R::COLUMNS.iter().filter_map(|column| {
        let table = column.references.filter(|table| *table != "tenant")?;
        // What is no id at all is a finding of the row's own.
        let id = Uuid::try_parse(body.get(column.name)?.as_str()?).ok()?;
        Some(Reference { column: column.name, table, id })
    })
}
