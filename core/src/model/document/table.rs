//! Reading one table after the other: rows, ids, unique keys and references.

use super::{GIVEN_BY_TENANT, Row, SqlValue, Tenant};
use crate::Finding;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Reads tables, each after those that it refers to.
#[derive(Default)]
pub(super) struct TableReader {
    pub(super) findings: Vec<Finding>,
    /// The document's tenant, where its id could be read.
    tenant: Option<Uuid>,
    given: Map<String, Value>,
    /// The ids of the rows so far, also of those with something wrong: a reference to one is no second finding.
    ids: HashMap<&'static str, HashSet<Uuid>>,
}

impl TableReader {
    /// Reads the tenant. Where it cannot be read, its rows are read against a stand-in: it alone is the finding.
    pub(super) fn read_tenant(&mut self, tenant: Option<Value>) -> Option<Tenant> {
        let tenant = self.tenant_row(tenant);
        if tenant.is_none() {
            for name in GIVEN_BY_TENANT {
                self.given.insert((*name).to_owned(), "1970-01-01T00:00:00Z".into());
            }
            self.given.insert("tenant_id".to_owned(), self.tenant.unwrap_or_default().to_string().into());
        }
        tenant
    }

    fn tenant_row(&mut self, tenant: Option<Value>) -> Option<Tenant> {
        let mut row = match tenant {
            Some(Value::Object(row)) => row,
            Some(_) => {
                self.findings.push(Finding::error("tenant", "row.wrong_type", "expected an object"));
                return None;
            }
            None => {
                self.findings.push(Finding::error("tenant", "document.no_tenant", "`tenant` is required"));
                return None;
            }
        };
        self.tenant = row.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
        if let Some(created_at) = row.get("created_at").cloned() {
            if !row.contains_key("updated_at") {
                row.insert("updated_at".to_owned(), created_at.clone());
            }
            for name in GIVEN_BY_TENANT {
                self.given.insert((*name).to_owned(), created_at.clone());
            }
        }
        self.given.insert("tenant_id".to_owned(), row.get("id").cloned().unwrap_or_default());
        let label = label(&row, 0);
        Tenant::from_json(row, &label, &mut self.findings)
    }

    pub(super) fn read_table<R: Row>(&mut self, table: Option<Value>) -> Vec<R> {
        let rows = match table {
            None => return Vec::new(),
            Some(Value::Array(rows)) => rows,
            Some(_) => {
                self.findings.push(Finding::error(R::TABLE, "row.wrong_type", "expected an array of rows"));
                return Vec::new();
            }
        };
        let has_id = R::INFO.key == ["id"];
        let mut ids = HashSet::with_capacity(if has_id { rows.len() } else { 0 });
        let mut read = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let Value::Object(row) = row else {
                let finding = Finding::error(R::TABLE, "row.wrong_type", "expected an object");
                self.findings.push(finding.row(format!("#{index}")));
                continue;
            };
            let label = label(&row, index);
            if has_id
                && let Some(id) = row.get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok())
                && !ids.insert(id)
            {
                let finding = Finding::error(R::TABLE, "document.duplicate_id", "another row has the same id");
                self.findings.push(finding.row(&label).field("id"));
            }
            if let Some(row) = R::from_json_within(row, &self.given, &label, &mut self.findings) {
                read.push((label, row));
            }
        }
        self.ids.insert(R::TABLE, ids);
        self.check_keys(&read);
        self.check_references(&read);
        read.into_iter().map(|(_, row)| row).collect()
    }

    fn check_keys<R: Row>(&mut self, rows: &[(String, R)]) {
        if R::INFO.key != ["id"] {
            self.check_key(rows, R::INFO.key, None);
        }
        for unique in R::UNIQUE {
            self.check_key(rows, unique.columns, unique.while_null);
        }
    }

    fn check_key<R: Row>(&mut self, rows: &[(String, R)], columns: &[&str], while_null: Option<&str>) {
        // All rows of a document are of one tenant, but for those that may be of none.
        let of_one_tenant = R::COLUMNS.iter().any(|column| column.name == "tenant_id" && !column.nullable);
        let compared: Vec<&str> = (columns.iter().copied())
            .filter(|column| !(of_one_tenant && *column == "tenant_id" && columns.len() > 1))
            .collect();
        let mut seen: HashMap<Vec<SqlValue>, &str> = HashMap::with_capacity(rows.len());
        for (label, row) in rows {
            if while_null.is_some_and(|column| row.value(column) != Some(SqlValue::Null)) {
                continue;
            }
            // A row with a null in the key clashes with none, as in SQL.
            let key: Option<Vec<SqlValue>> =
                compared.iter().map(|column| row.value(column).filter(|value| *value != SqlValue::Null)).collect();
            let Some(key) = key else { continue };
            if let Some(other) = seen.get(&key) {
                let names: Vec<&str> = columns.iter().copied().filter(|name| *name != "tenant_id").collect();
                let message = format!("row `{other}` has the same {}", quoted(&names));
                let field = names.last().copied().unwrap_or("tenant_id");
                let finding = Finding::error(R::TABLE, "document.duplicate_key", message);
                self.findings.push(finding.row(label).field(field));
            } else {
                seen.insert(key, label);
            }
        }
    }

    fn check_references<R: Row>(&mut self, rows: &[(String, R)]) {
        let may_be_of_none = R::COLUMNS.iter().any(|column| column.name == "tenant_id" && column.nullable);
        for (label, row) in rows {
            if may_be_of_none && R::TABLE != "permission" && row.value("tenant_id") == Some(SqlValue::Null) {
                let message = "a row of no tenant is the operator's, and stands in no tenant's document";
                let finding = Finding::error(R::TABLE, "document.other_tenant", message);
                self.findings.push(finding.row(label).field("tenant_id"));
            }
            let (ids, tenant, findings) = (&self.ids, self.tenant, &mut self.findings);
            row.references(&mut |column, table, id| {
                let (code, message) = match table {
                    "tenant" if tenant.is_none_or(|tenant| tenant == id) => return,
                    "tenant" => ("document.other_tenant", format!("the document's tenant is not `{id}`")),
                    // A notification may be made from a system template, which no tenant's document holds.
                    "notification_template" => return,
                    _ if ids.get(table).is_some_and(|ids| ids.contains(&id)) => return,
                    _ => ("document.no_such_row", format!("there is no `{table}` `{id}` in the document")),
                };
                findings.push(Finding::error(R::TABLE, code, message).row(label).field(column));
            });
        }
    }
}

fn label(row: &Map<String, Value>, index: usize) -> String {
    row.get("id").and_then(Value::as_str).map_or_else(|| format!("#{index}"), str::to_owned)
}

fn quoted(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}
