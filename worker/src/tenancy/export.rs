//! A tenant as a document: `GET /v1/tenants/{id}/export`, for operators. Secrets are not in it.

use parapet::model::{Row, TABLES, TableInfo, Tenant};
use serde_json::{Map, Value};

use super::tenant::{operators_only, read_one};
use crate::administration::{Actor, Elsewhere, Plan, RowChange, commit, read_head};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{Row as SqlRow, Statement};
use crate::response::Response;

/// The longest document, in characters of values and names. While it is made it is there several times over: as rows, as
/// JSON and as text; an isolate has 128 MiB for everything.
const LONGEST: i64 = 4 * 1024 * 1024;

/// Tables that no document needs: logs, which are exported by themselves; and what is under way or published, which
/// means nothing elsewhere.
const LEFT_OUT: &[&str] = &[
    "audit_log",
    "audit_root",
    "audit_subject",
    "decision_log",
    "login_attempt",
    "outbox",
    "password_reset",
    "snapshot",
    "user_notification",
    "user_session",
    "webhook_delivery",
];

/// `GET /v1/tenants/{id}/export`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/tenants/{id}/export",
        access: Access::Permission("tenant.read", |app, call, actor| Box::pin(export(app, call, actor))),
    }]
}

/// That it was exported is written to both chains.
async fn export(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    call.no_query()?;
    let id = call.row_id()?;
    let size = app.db.first(Statement::new(size()).bind(id)).await.map_err(ApiError::database)?;
    let size: i64 = size.unwrap_or_default().values().filter_map(Value::as_f64).map(|size| size as i64).sum();
    if size > LONGEST {
        let detail =
            format!("the document would have about {size} characters, and no more than {LONGEST} are made at once");
        return Err(ApiError::Conflict { code: "export.too_large", detail, findings: Vec::new() });
    }
    let reads: Vec<Statement> = tables().map(|table| Statement::new(read(table)).bind(id)).collect();
    let mut statements = vec![read_one(&actor, id)];
    statements.extend(reads);
    let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
    let tenant = answers.next().unwrap_or_default();
    let document = document(tenant.first().cloned().ok_or(ApiError::NotFound)?, answers);
    let response =
        Response::json(&document)?.with("content-disposition", format!("attachment; filename=\"tenant-{id}.json\""));
    let tenant = rows::<Tenant>(tenant)?.pop().ok_or(ApiError::NotFound)?;
    commit(app, call, actor, vec![read_head(id)], |state| {
        let mut plan = Plan::new(state, response.clone());
        let noted = || RowChange::noted(Some(&tenant), Some(&tenant), "exported");
        plan.change(noted());
        if id != state.tenant {
            let mut its = Elsewhere::of(state, id, 0)?;
            its.change(noted());
            plan.elsewhere(its);
        }
        Ok(plan)
    })
    .await
}

/// The tables of a document beside the tenant, each after those that it refers to.
fn tables() -> impl Iterator<Item = &'static TableInfo> {
    TABLES.iter().filter(|table| table.name != Tenant::TABLE && !LEFT_OUT.contains(&table.name))
}

fn document(tenant: SqlRow, answers: impl Iterator<Item = Vec<SqlRow>>) -> Value {
    let mut document = Map::new();
    let info = const { &Tenant::INFO };
    document.insert(Tenant::TABLE.to_owned(), Value::Object(info.document_row(tenant)));
    for (table, rows) in tables().zip(answers) {
        if !rows.is_empty() {
            let rows = rows.into_iter().map(|row| Value::Object(table.document_row(row))).collect();
            document.insert(table.name.to_owned(), Value::Array(rows));
        }
    }
    Value::Object(document)
}

/// The tenant's rows; of permissions also the operator's catalogue, without which its roles say nothing.
fn of_tenant(table: &TableInfo) -> &'static str {
    match table.name {
        "permission" => "(tenant_id = ?1 OR tenant_id IS NULL)",
        _ => "tenant_id = ?1",
    }
}

fn read(table: &TableInfo) -> String {
    let columns: Vec<String> = shown(table).map(|column| format!("\"{column}\"")).collect();
    let order: Vec<String> = table.key.iter().map(|column| format!("\"{column}\"")).collect();
    let condition = of_tenant(table);
    format!("SELECT {} FROM \"{}\" WHERE {condition} ORDER BY {}", columns.join(", "), table.name, order.join(", "))
}

/// How long each table would be.
fn size() -> String {
    let sizes: Vec<String> = tables()
        .map(|table| {
            let names: usize = shown(table).map(|column| column.len() + 6).sum();
            let values: Vec<String> = shown(table).map(|column| format!("coalesce(length(\"{column}\"), 4)")).collect();
            let condition = of_tenant(table);
            let (name, values) = (table.name, values.join(" + "));
            format!("(SELECT coalesce(sum({names} + {values}), 0) FROM \"{name}\" WHERE {condition}) AS \"{name}\"")
        })
        .collect();
    format!("SELECT {}", sizes.join(", "))
}

fn shown(table: &TableInfo) -> impl Iterator<Item = &'static str> + use<> {
    table.columns.iter().filter(|column| !column.secret).map(|column| column.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_are_tables() {
        for name in LEFT_OUT {
            assert!(TABLES.iter().any(|table| table.name == *name), "{name}");
        }
        assert!(tables().count() >= 20);
    }
}
