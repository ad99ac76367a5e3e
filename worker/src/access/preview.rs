//! `POST /v1/policies/preview`: what a change of the rules would do. Nothing is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use parapet::authzen::{Caller as Asking, Evaluation};
use parapet::compile::compile_again;
use parapet::directory::PrincipalRecord;
use parapet::fixture::Answer;
use parapet::model::SqlValue;
use parapet::{Compiled, Engine, Finding, Request, Severity, TenantDocument};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::principal;
use crate::administration::{Actor, after_patch, fresh_id, lengths};
use crate::app::App;
use crate::document::{self, Rule, WithTable, contradictions, with_table};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

/// So many changes are looked at together.
pub const MOST_CHANGES: usize = 1000;

/// So many requests are asked before and after.
pub const MOST_REQUESTS: usize = 100;

/// The one route.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/policies/preview",
        access: Access::Permission("policy.read", |app, call, actor| Box::pin(preview(app, call, actor))),
    }]
}

async fn preview(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let Proposal { changes, asked } = Proposal::read(call.object()?)?;
    let before = match document::at(app, actor.tenant, actor.versions().policy).await? {
        Some(document) => document,
        None => Rc::new(document::load(app, actor.tenant).await?.0),
    };
    let mut after = TenantDocument::clone(&before);
    let findings = apply(app, actor.tenant, &mut after, changes)?;
    if !findings.is_empty() {
        return refused(&findings);
    }
    let known = app.memory.known(actor.tenant);
    let is = match compile_again(&after, &known) {
        Ok(compiled) => compiled,
        Err(findings) => return refused(&findings),
    };
    let was = compile_again(&before, &known).map_err(|findings| ApiError::DoesNotCompile { findings })?;
    let mut records: HashMap<(String, String), Option<Rc<PrincipalRecord>>> = HashMap::new();
    for request in &asked {
        let subject = &request.principal;
        let key = (subject.r#type.clone(), subject.id.clone());
        if let Entry::Vacant(unknown) = records.entry(key) {
            let kind = ["User", "ServiceAccount"].into_iter().find(|kind| *kind == subject.r#type);
            let record = match kind {
                Some(kind) => principal::find(app, actor.caller.newest(), kind, &subject.id, &call.id).await?,
                None => None,
            };
            unknown.insert(record);
        }
    }
    let engine = |compiled: &Compiled| compiled.engine().map_err(ApiError::internal);
    let (old, new) = (engine(&was)?, engine(&is)?);
    let now = app.clock.now();
    let mut differ = Vec::new();
    for (index, request) in asked.iter().enumerate() {
        let record = records.get(&(request.principal.r#type.clone(), request.principal.id.clone()));
        let record = record.and_then(|record| record.as_deref());
        let answer = |engine: &Engine, document: &TenantDocument| {
            let record = in_document(document, record);
            Answer::from(&engine.decide_with(record.as_ref(), request, now))
        };
        let (was, is) = (answer(&old, &before), answer(&new, &after));
        if was != is {
            differ.push(json!({ "request": index, "before": was, "after": is }));
        }
    }
    Response::json(&json!({
        "findings": is.warnings(),
        "policies": policies(&was, &is),
        "requests": differ,
    }))
}

/// What would not be accepted, and so would do nothing.
fn refused(findings: &[Finding]) -> Result<Response, ApiError> {
    Response::json(&json!({
        "findings": findings,
        "policies": { "appear": [], "change": [], "vanish": [] },
        "requests": [],
    }))
}

/// The principal as a document has it: a service account is one of the rules' own rows, a user is not.
fn in_document(document: &TenantDocument, record: Option<&PrincipalRecord>) -> Option<PrincipalRecord> {
    let record = record?;
    if record.r#type != "ServiceAccount" {
        return Some(record.clone());
    }
    let account = document.service_account.iter().find(|account| account.id.to_string() == record.id);
    account.map(PrincipalRecord::of_service_account)
}

fn policies(was: &Compiled, is: &Compiled) -> Value {
    let (was, is): (BTreeMap<_, _>, BTreeMap<_, _>) = (was.policy_texts().collect(), is.policy_texts().collect());
    let only = |ones: &BTreeMap<&str, &str>, others: &BTreeMap<&str, &str>| -> Vec<Value> {
        let only = ones.iter().filter(|(id, _)| !others.contains_key(*id));
        only.map(|(id, cedar)| json!({ "id": id, "cedar": cedar })).collect()
    };
    let change: Vec<Value> = was
        .iter()
        .filter_map(|(id, before)| Some((id, before, is.get(id).filter(|after| *after != before)?)))
        .map(|(id, before, after)| json!({ "id": id, "before": before, "after": after }))
        .collect();
    json!({ "appear": only(&is, &was), "change": change, "vanish": only(&was, &is) })
}

/// What is asked.
struct Proposal {
    changes: Vec<Change>,
    asked: Vec<Request>,
}

/// One change of a row.
pub(super) struct Change {
    /// The table.
    pub table: String,
    what: What,
    row: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Insert,
    Update,
    Delete,
}

impl Proposal {
    fn read(body: Map<String, Value>) -> Result<Self, ApiError> {
        let mut findings = Vec::new();
        let mut wrong = |field: &str, message: String| {
            findings.push(Finding::error("request", "preview.malformed", message).field(field));
        };
        let mut proposal = Self { changes: Vec::new(), asked: Vec::new() };
        for (name, value) in body {
            let most = if name == "changes" { MOST_CHANGES } else { MOST_REQUESTS };
            match (name.as_str(), value) {
                ("changes" | "requests", Value::Array(entries)) if entries.len() > most => {
                    wrong(&name, format!("at most {most} at once"));
                }
                ("changes", Value::Array(entries)) => {
                    for (position, entry) in entries.into_iter().enumerate() {
                        match Change::read(entry) {
                            Ok(change) => proposal.changes.push(change),
                            Err(message) => wrong(&format!("changes/{position}"), message),
                        }
                    }
                }
                ("requests", Value::Array(entries)) => {
                    for (position, entry) in entries.into_iter().enumerate() {
                        let asking = Asking { sets_context: true, scopes: None };
                        let request = Evaluation::parse(entry.to_string().as_bytes())
                            .and_then(|evaluation| evaluation.request(&asking));
                        match request {
                            Ok(request) => proposal.asked.push(request),
                            Err(error) => {
                                wrong(&format!("requests/{position}{}", error.pointer()), error.to_string());
                            }
                        }
                    }
                }
                ("changes" | "requests", _) => wrong(&name, "expected an array".to_owned()),
                _ => wrong(&name, "there is no such member".to_owned()),
            }
        }
        if proposal.changes.is_empty() && findings.is_empty() {
            findings.push(Finding::error("request", "preview.malformed", "at least one change").field("changes"));
        }
        if findings.is_empty() { Ok(proposal) } else { Err(ApiError::Invalid { findings }) }
    }
}

impl Change {
    /// Reads one; what was expected, where it is none.
    pub fn read(entry: Value) -> Result<Self, String> {
        const EXPECTED: &str = "expected `table` with one of `insert`, `update` and `delete`, which is an object";
        let Value::Object(mut entry) = entry else { return Err(EXPECTED.to_owned()) };
        let Some(Value::String(table)) = entry.remove("table") else { return Err(EXPECTED.to_owned()) };
        let mut rest = entry.into_iter();
        let (Some((what, Value::Object(row))), None) = (rest.next(), rest.next()) else {
            return Err(EXPECTED.to_owned());
        };
        let what = match what.as_str() {
            "insert" => What::Insert,
            "update" => What::Update,
            "delete" => What::Delete,
            _ => return Err(EXPECTED.to_owned()),
        };
        Ok(Self { table, what, row })
    }
}

/// Changes the document; everything that is wrong with the changes comes back.
pub(super) fn apply(
    app: &App,
    tenant: Uuid,
    document: &mut TenantDocument,
    changes: Vec<Change>,
) -> Result<Vec<Finding>, ApiError> {
    let (mut findings, now) = (Vec::new(), app.clock.now());
    let mut given = Map::new();
    given.insert("tenant_id".to_owned(), json!(tenant));
    for column in ["created_at", "updated_at", "assigned_at"] {
        given.insert(column.to_owned(), json!(now));
    }
    let mut written = Vec::new();
    for (position, change) in changes.into_iter().enumerate() {
        let at = format!("changes/{position}");
        let table = change.table.clone();
        given.insert("id".to_owned(), json!(fresh_id(now)?));
        let edit = Edit { document, change, given: &given, tenant, at: &at, findings: &mut findings };
        // Requests are answered by people, and a role that one gave lies with its user.
        match with_table(&table, edit).filter(|_| table != "access_request") {
            Some(Some(key)) => written.push((table, key)),
            Some(None) => {}
            None => {
                let message = format!("`{table}` is none of the tables that rules are made of");
                findings.push(Finding::error("request", "preview.table", message).field(format!("{at}/table")));
            }
        }
    }
    for (table, key) in written {
        findings.extend(with_table(&table, Look { document, key: &key }).unwrap_or_default());
    }
    findings.sort();
    findings.dedup();
    Ok(findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect())
}

/// The columns that tell a row of a table from another of the same tenant, with their values.
type Key = Vec<(&'static str, SqlValue)>;

/// The key as it stands in an object; nothing where a part of it is missing.
fn key_of<R: Rule>(row: &Map<String, Value>) -> Option<Key> {
    let columns = R::INFO.key.iter().filter(|column| **column != "tenant_id");
    columns.map(|column| Some((*column, SqlValue::Text(row.get(*column)?.as_str()?.to_owned())))).collect()
}

fn is_it<R: Rule>(row: &R, key: &Key) -> bool {
    key.iter().all(|(column, value)| row.value(column).as_ref() == Some(value))
}

/// One change, on its way to the table that it is for.
struct Edit<'a> {
    document: &'a mut TenantDocument,
    change: Change,
    given: &'a Map<String, Value>,
    tenant: Uuid,
    at: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl WithTable for Edit<'_> {
    /// The key of the row that was written.
    type Answer = Option<Key>;

    fn with<R: Rule>(self) -> Option<Key> {
        let Self { document, change, given, tenant, at, findings } = self;
        let tenant = tenant.to_string();
        if change.row.get("tenant_id").is_some_and(|its| its.as_str() != Some(&tenant)) {
            findings.push(Finding::error(R::TABLE, "row.read_only", "`tenant_id` is not yours to set").row(at));
            return None;
        }
        if change.what == What::Insert {
            lengths::<R>(&change.row, &change.row, findings);
            let row = R::from_json_within(change.row, given, at, findings)?;
            let key = key_of::<R>(&row.object());
            R::rows_mut(document).push(row);
            return key;
        }
        let key = key_of::<R>(&change.row);
        // The operator's catalogue is among them, and not the tenant's to change.
        let tenant = SqlValue::Text(tenant);
        let is_ours = |row: &R| row.value("tenant_id").as_ref() == Some(&tenant);
        let position =
            key.as_ref().and_then(|key| R::rows(document).iter().position(|row| is_ours(row) && is_it(row, key)));
        let Some(position) = position else {
            findings.push(Finding::error(R::TABLE, "reference.not_found", "there is no such row").row(at));
            return None;
        };
        if change.what == What::Delete {
            let row = R::rows_mut(document).remove(position);
            if let Some(id) = row.object().get("id").and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok()) {
                document.remove_referring(R::TABLE, id);
            }
            return None;
        }
        let place = R::rows_mut(document).get_mut(position)?;
        let merged = after_patch::<R>(place.object(), &change.row);
        lengths::<R>(&merged, &change.row, findings);
        *place = R::from_json(merged, at, findings)?;
        key
    }
}

/// A row that was written, once all of them are.
struct Look<'a> {
    document: &'a TenantDocument,
    key: &'a Key,
}

impl WithTable for Look<'_> {
    type Answer = Vec<Finding>;

    fn with<R: Rule>(self) -> Vec<Finding> {
        R::rows(self.document)
            .iter()
            .find(|row| is_it(*row, self.key))
            .map(|row| contradictions(self.document, row))
            .unwrap_or_default()
    }
}
