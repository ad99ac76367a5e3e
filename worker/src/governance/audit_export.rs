//! The audit log as its chain needs it: `GET /v1/audit-logs/export`, in the order of the sequence, page by page.
//!
//! As JSONL it is what `parapet audit verify` reads: personal data stays sealed, since the hash covers the sealed text. As
//! CSV it is for people and their spreadsheets.

use parapet::Finding;
use parapet::audit::line;
use parapet::model::{AuditLog, Row};
use serde_json::Value;

use crate::administration::{Actor, ListOf};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// So many rows where nothing is said.
pub const DEFAULT_LIMIT: i64 = 500;

/// No page has more rows.
pub const MOST: i64 = 1000;

/// A page ends with the row that makes it longer than so many characters: rows differ in length by a thousand times.
const LONGEST: i64 = 4 * 1024 * 1024;

/// `GET /v1/audit-logs/export`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/audit-logs/export",
        access: Access::Permission(AuditLog::READ, |app, call, actor| Box::pin(export(app, call, actor))),
    }]
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Jsonl,
    Csv,
}

struct Query {
    format: Format,
    from_sequence: i64,
    limit: i64,
}

impl Query {
    fn read(call: &Call) -> Result<Self, ApiError> {
        let mut query = Self { format: Format::Jsonl, from_sequence: 1, limit: DEFAULT_LIMIT };
        let mut findings = Vec::new();
        let mut seen = Vec::new();
        for (name, value) in call.query() {
            let mut find = |code: &str, message: String| {
                findings.push(Finding::error("query", code, message).field(name.as_str()));
            };
            if seen.contains(&name) {
                find("query.twice", format!("`{name}` is there twice"));
                continue;
            }
            match (name.as_str(), value.as_str()) {
                ("format", "jsonl") => query.format = Format::Jsonl,
                ("format", "csv") => query.format = Format::Csv,
                ("format", _) => find("query.value", "expected `jsonl` or `csv`".to_owned()),
                ("from_sequence", value) => match whole(value).filter(|from| *from >= 1) {
                    Some(from) => query.from_sequence = from,
                    None => find("query.value", "expected a sequence, from 1".to_owned()),
                },
                ("limit", value) => match whole(value).filter(|limit| (1..=MOST).contains(limit)) {
                    Some(limit) => query.limit = limit,
                    None => find("query.limit", format!("expected 1 to {MOST}")),
                },
                _ => find("query.unknown", format!("there is no parameter `{name}`")),
            }
            seen.push(name);
        }
        if findings.is_empty() {
            return Ok(query);
        }
        let detail = "the query is not valid".to_owned();
        Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings })
    }
}

/// A whole number, in the one way to write it.
fn whole(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

/// Rows until the page is long enough, each with the last sequence there is.
fn statement() -> String {
    let columns: Vec<String> = AuditLog::COLUMNS.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let columns = columns.join(", ");
    let length = "length(event_data) + coalesce(length(user_agent), 0)";
    format!(
        "SELECT {columns}, (SELECT max(sequence) FROM audit_log WHERE tenant_id = ?1) AS newest FROM (
             SELECT {columns}, sum({length}) OVER (ORDER BY sequence) - ({length}) AS before_it FROM (
                 SELECT {columns} FROM audit_log WHERE tenant_id = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT ?3
             )
         ) WHERE before_it < ?4 ORDER BY sequence"
    )
}

async fn export(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let query = Query::read(call)?;
    let read = Statement::new(statement()).bind(actor.tenant).bind(query.from_sequence).bind(query.limit).bind(LONGEST);
    let found = app.db.all(read).await.map_err(ApiError::database)?;
    let newest = found.first().and_then(|row| row.get("newest")).and_then(Value::as_f64).map_or(0, |last| last as i64);
    let rows = rows::<AuditLog>(found)?;
    let (media_type, format, body) = match query.format {
        Format::Jsonl => ("application/jsonl", "jsonl", rows.iter().map(|row| line(row) + "\n").collect()),
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv", csv(&rows)),
    };
    let name = format!("attachment; filename=\"audit-log-{}.{format}\"", query.from_sequence);
    let mut response = Response {
        status: 200,
        headers: vec![("content-type", media_type.into()), ("content-disposition", name.into())],
        body: String::into_bytes(body),
        ..Response::default()
    };
    if let Some(last) = rows.last().map(|row| row.sequence).filter(|last| *last < newest) {
        let (path, next, limit) = (AuditLog::PATH, last.saturating_add(1), query.limit);
        let link = format!("<{path}/export?format={format}&from_sequence={next}&limit={limit}>; rel=\"next\"");
        response = response.with("link", link);
    }
    Ok(response)
}

/// RFC 4180, with the columns' names first.
fn csv(rows: &[AuditLog]) -> String {
    let mut text = String::new();
    let names: Vec<String> = AuditLog::COLUMNS.iter().map(|column| column.name.to_owned()).collect();
    push_record(&mut text, &names);
    for row in rows {
        let members = serde_json::to_value(row).unwrap_or_default();
        let fields: Vec<String> = names.iter().map(|name| field(members.get(name.as_str()))).collect();
        push_record(&mut text, &fields);
    }
    text
}

fn field(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless(text),
        Some(value) => value.to_string(),
    }
}

/// A client chooses its own words, and a spreadsheet takes for a formula what begins like one: such text gets an
/// apostrophe before it, which spreadsheets take for the mark of plain text. Whoever needs the exact text has the JSONL.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

fn push_record(text: &mut String, fields: &[String]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        if field.contains(['"', ',', '\r', '\n']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_quoted_where_it_must_be_and_no_formula_stands_in_it() {
        let mut text = String::new();
        let fields = ["plain", "a,b", "say \"hi\"", "two\r\nlines", "=1+1", "+1", "-1", "@x", "\tx", ""];
        push_record(&mut text, &fields.map(harmless));
        assert_eq!(text, "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\",'=1+1,'+1,'-1,'@x,'\tx,\r\n");
    }
}
