//! Whether what a row refers to is there: asked before it is written, so that the answer can say which column is wrong.

use parapet::Finding;
use parapet::model::Row;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::collection::Collection;
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
            "user" => "SELECT id, deleted_at FROM user WHERE tenant_id = ?1 AND id = ?2".to_owned(),
            _ => format!("SELECT id FROM \"{table}\" WHERE tenant_id = ?1 AND id = ?2"),
        };
        Statement::new(sql).bind(tenant).bind(reference.id)
    };
    references::<R>(body).map(statement).collect()
}

/// Adds what is not there, by the answers of [`statements`], which begin at `first`.
pub fn check<R: Collection>(state: &State<'_>, body: &Map<String, Value>, first: usize, findings: &mut Vec<Finding>) {
    for (Reference { column, table, id }, index) in references::<R>(body).zip(first..) {
        let found = state.sql_rows(index).first();
        let is_deleted = found.map(|row| row.get("deleted_at").is_some_and(|at| !at.is_null()));
        findings.extend(wrong_reference::<R>(column, table, id, is_deleted));
    }
}

/// What is wrong with a reference to a row that is not there (`is_deleted` is nothing), or to somebody who is deleted:
/// deleting took everything, and whoever is restored begins with nothing.
pub fn wrong_reference<R: Collection>(
    column: &'static str,
    table: &str,
    id: Uuid,
    is_deleted: Option<bool>,
) -> Option<Finding> {
    let (code, message) = match is_deleted {
        None => ("reference.not_found", format!("there is no {} `{id}`", table.replace('_', " "))),
        Some(true) if R::LIVING.contains(&column) => ("user.deleted", "the user is deleted".to_owned()),
        Some(_) => return None,
    };
    Some(Finding::error(R::TABLE, code, message).field(column))
}

fn references<R: Row>(body: &Map<String, Value>) -> impl Iterator<Item = Reference> {
    R::COLUMNS.iter().filter_map(|column| {
        let table = column.references.filter(|table| *table != "tenant")?;
        // What is no id at all is a finding of the row's own.
        let id = Uuid::try_parse(body.get(column.name)?.as_str()?).ok()?;
        Some(Reference { column: column.name, table, id })
    })
}
