//! A tenant as a document, for operators (`GET /v1/tenants/{id}/export`), or as lines, for its owners too (`GET
//! /v1/export`). Secrets are not in it.
//!
//! A small one is read in one transaction and made at once. A large one is sent while it is read, a bounded page of a table
//! at a time, so that it is never in memory as a whole. Its pages are of one state or there is no document: where the
//! tenant's versions change in between, the answer breaks off. A tenant that is suspended stays as it is meanwhile.

use futures_util::stream::try_unfold;
use parapet::model::{Row, TABLES, TableInfo, Tenant};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::line::MEDIA_TYPES;
use crate::administration::{Actor, Elsewhere, Plan, RowChange, commit, read_head};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::Db;
use crate::platform::db::{Parameter, Row as SqlRow, Statement};
use crate::platform::log;
use crate::response::{Pieces, Response};
use crate::tenancy::tenant::operators_only;

/// The longest document that is made at once, in characters of values and names. While it is made it is there several
/// times over: as rows, as JSON and as text; an isolate has 128 MiB for everything.
const LONGEST: i64 = 4 * 1024 * 1024;

/// A page of a longer one has no more rows, and ends with the row that makes it longer than so many characters.
const PAGE_ROWS: i64 = 2_000;
const PAGE: i64 = 1024 * 1024;

const READ_VERSIONS: &str = "SELECT policy_version, directory_version FROM tenant_epoch WHERE tenant_id = ?1";

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
    "snapshot_candidate",
    "token_key",
    "token_revocation",
    "user_notification",
    "user_session",
    "webhook_delivery",
];

/// `GET /v1/tenants/{id}/export` and `GET /v1/export`.
pub fn routes() -> Vec<Route> {
    let route = |path, access| Route { method: "GET", path, access };
    vec![
        route(
            "/v1/tenants/{id}/export",
            Access::Permission("tenant.read", |app, call, actor| Box::pin(export_any(app, call, actor))),
        ),
        route(
            "/v1/export",
            Access::Permission("tenant.read", |app, call, actor| Box::pin(export_own(app, call, actor))),
        ),
    ]
}

/// How a tenant is written down.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// A tenant document: one object, with an array a table.
    Document,
    /// A line a row, as an import takes them.
    Lines,
}

async fn export_any(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    let accepts = call.request.header("accept").unwrap_or_default();
    let form = if MEDIA_TYPES.iter().any(|lines| accepts.contains(lines)) { Form::Lines } else { Form::Document };
    export(app, call, actor, call.row_id()?, form, false).await
}

async fn export_own(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let id = actor.tenant;
    export(app, call, actor, id, Form::Lines, true).await
}

/// That it was exported is written to the chains of both tenants.
async fn export(
    app: &App,
    call: &Call,
    actor: Actor,
    id: Uuid,
    form: Form,
    needs_owner: bool,
) -> Result<Response, ApiError> {
    call.no_query()?;
    let size = app.db.first(Statement::new(size()).bind(id)).await.map_err(ApiError::database)?;
    let size: i64 = size.unwrap_or_default().values().filter_map(Value::as_f64).map(|size| size as i64).sum();
    let (name, media_type) = match form {
        Form::Document => ("json", "application/json"),
        Form::Lines => ("jsonl", MEDIA_TYPES[0]),
    };
    let disposition = format!("attachment; filename=\"tenant-{id}.{name}\"");
    let (tenant, response) = if size > LONGEST {
        let answers = app.db.batch(vec![read_one(id), Statement::new(READ_VERSIONS).bind(id)]).await;
        let mut answers = answers.map_err(ApiError::database)?.into_iter();
        let tenant = answers.next().unwrap_or_default();
        let row = tenant.first().cloned().ok_or(ApiError::NotFound)?;
        let export = Export::new(app, call, id, form, row, answers.next().unwrap_or_default());
        let pieces = Pieces::new(try_unfold(export, Export::next));
        let response = Response { status: 200, pieces: Some(pieces), ..Response::default() };
        (tenant, response)
    } else {
        let mut statements = vec![read_one(id)];
        statements.extend(tables().map(|table| Statement::new(read(table)).bind(id)));
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
        let tenant = answers.next().unwrap_or_default();
        let row = tenant.first().cloned().ok_or(ApiError::NotFound)?;
        let body = match form {
            Form::Document => serde_json::to_vec(&document(row, answers)).map_err(ApiError::internal)?,
            Form::Lines => {
                let mut body = line(const { &Tenant::INFO }, row)?;
                for (table, rows) in tables().zip(answers) {
                    for row in rows {
                        body.push_str(&line(table, row)?);
                    }
                }
                body.into_bytes()
            }
        };
        (tenant, Response { status: 200, body, ..Response::default() })
    };
    let response = response.with("content-type", media_type).with("content-disposition", disposition);
    let tenant = rows::<Tenant>(tenant)?.pop().ok_or(ApiError::NotFound)?;
    commit(app, call, actor, vec![read_head(id)], |state| {
        let mut plan = Plan::new(state, response.clone());
        // Everything of a tenant is an owner's to take out.
        plan.facts().needs_owner = needs_owner;
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

fn read_one(id: Uuid) -> Statement {
    select::<Tenant>("id = ?1", id)
}

/// A document on its way.
struct Export {
    db: Db,
    call: String,
    tenant: Uuid,
    form: Form,
    /// The piece that begins it; nothing once it was sent.
    row: Option<SqlRow>,
    versions: Vec<SqlRow>,
    tables: std::vec::IntoIter<&'static TableInfo>,
    /// The table that is being read, and the key of the last row that was sent of it.
    table: Option<(&'static TableInfo, Option<Vec<Parameter>>)>,
    ended: bool,
}

impl Export {
    fn new(app: &App, call: &Call, tenant: Uuid, form: Form, row: SqlRow, versions: Vec<SqlRow>) -> Self {
        let tables = tables().collect::<Vec<_>>().into_iter();
        Self {
            db: app.db.clone(),
            call: call.id.clone(),
            tenant,
            form,
            row: Some(row),
            versions,
            tables,
            table: None,
            ended: false,
        }
    }

    /// The next piece, and what comes after it; nothing where the document is whole.
    async fn next(mut self) -> Result<Option<(Vec<u8>, Self)>, ApiError> {
        if let Some(row) = self.row.take() {
            let info = const { &Tenant::INFO };
            self.table = self.tables.next().map(|table| (table, None));
            let piece = match self.form {
                Form::Lines => line(info, row)?,
                Form::Document => {
                    let row = serde_json::to_string(&info.document_row(row)).map_err(ApiError::internal)?;
                    format!("{{\"{}\":{row}", Tenant::TABLE)
                }
            };
            return Ok(Some((piece.into_bytes(), self)));
        }
        while let Some((table, after)) = self.table.take() {
            let rows = self.page(table, after.as_deref()).await?;
            let begun = after.is_some();
            let Some(last) = rows.last() else {
                self.table = self.tables.next().map(|table| (table, None));
                if begun && self.form == Form::Document {
                    return Ok(Some((b"]".to_vec(), self)));
                }
                continue;
            };
            self.table = Some((table, Some(key(table, last)?)));
            if self.form == Form::Lines {
                let lines = rows.into_iter().map(|row| line(table, row)).collect::<Result<String, _>>()?;
                return Ok(Some((lines.into_bytes(), self)));
            }
            let mut piece = if begun { String::new() } else { format!(",\"{}\":[", table.name) };
            for (index, row) in rows.into_iter().enumerate() {
                if begun || index > 0 {
                    piece.push(',');
                }
                piece.push_str(&serde_json::to_string(&table.document_row(row)).map_err(ApiError::internal)?);
            }
            return Ok(Some((piece.into_bytes(), self)));
        }
        if self.form == Form::Lines || std::mem::replace(&mut self.ended, true) {
            return Ok(None);
        }
        Ok(Some((b"}".to_vec(), self)))
    }

    /// The rows of a page, of the same state as all pages before.
    async fn page(&self, table: &'static TableInfo, after: Option<&[Parameter]>) -> Result<Vec<SqlRow>, ApiError> {
        let page = Statement::new(read_page(table, after.is_some())).bind(self.tenant).bind(PAGE_ROWS).bind(PAGE);
        let page = after.into_iter().flatten().cloned().fold(page, Statement::bind);
        let versions = Statement::new(READ_VERSIONS).bind(self.tenant);
        let answers = self.db.batch(vec![page, versions]).await.map_err(ApiError::database)?;
        let [rows, versions] = answers.try_into().map_err(|_| ApiError::internal("two answers"))?;
        if versions != self.versions {
            log::info(&self.call, "export.changed", &format!("tenant {} changed while it was exported", self.tenant));
            let detail = "the tenant changed while it was exported".to_owned();
            return Err(ApiError::Conflict { code: "export.changed", detail, findings: Vec::new() });
        }
        Ok(rows)
    }
}

/// A row as a line, with its end.
fn line(table: &TableInfo, row: SqlRow) -> Result<String, ApiError> {
    let row = serde_json::to_string(&table.document_row(row)).map_err(ApiError::internal)?;
    Ok(format!("{{\"table\":\"{}\",\"row\":{row}}}\n", table.name))
}

/// The key of a row, as it is bound.
fn key(table: &TableInfo, row: &SqlRow) -> Result<Vec<Parameter>, ApiError> {
    let value = |column: &&str| Some(Parameter::from(row.get(*column)?.as_str()?));
    table.key.iter().map(value).collect::<Option<_>>().ok_or_else(|| ApiError::internal("a key that is no text"))
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

/// A page: `?2` rows at most, until they have `?3` characters; after the key in the parameters from `?4` on.
fn read_page(table: &TableInfo, goes_on: bool) -> String {
    let quoted = |column: &str| format!("\"{column}\"");
    let columns = shown(table).map(quoted).collect::<Vec<_>>().join(", ");
    let order = table.key.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
    let length =
        shown(table).map(|column| format!("coalesce(length(\"{column}\"), 4)")).collect::<Vec<_>>().join(" + ");
    let (name, condition) = (table.name, of_tenant(table));
    let after = if goes_on {
        let places: Vec<String> = (4..).take(table.key.len()).map(|place| format!("?{place}")).collect();
        format!(" AND ({order}) > ({})", places.join(", "))
    } else {
        String::new()
    };
    format!(
        "SELECT {columns} FROM (
             SELECT {columns}, sum({length}) OVER (ORDER BY {order}) - ({length}) AS before_it FROM (
                 SELECT {columns} FROM \"{name}\" WHERE {condition}{after} ORDER BY {order} LIMIT ?2
             )
         ) WHERE before_it < ?3 ORDER BY {order}"
    )
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
