//! Lists: one statement each, by cursor over `(sort, key)`, with filters and a span of time.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parapet::Finding;
use parapet::model::{Column, Kind, Row, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::actor::Actor;
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::{Parameter, Statement};
use crate::response::Response;

/// So many rows where nothing is said.
const DEFAULT_LIMIT: usize = 50;

/// No page is longer.
pub const MOST: usize = 200;

/// A table that can be listed.
pub trait ListOf: Row + Serialize + 'static {
    /// Where it is listed: `/v1/users`.
    const PATH: &'static str;
    /// The action that seeing it needs: `user.read`.
    const READ: &'static str;
    /// The column that says when a row came about; lists are in its order where nothing is said.
    const TIME: &'static str = "created_at";
    /// Whether the newest come first where nothing is said.
    const NEWEST_FIRST: bool = false;
    /// What makes the order of equal times definite.
    const KEY: &'static [&'static str] = &["id"];
    /// Columns that a list can be narrowed by, each to one value.
    const FILTERS: &'static [&'static str];
    /// Filters that leave few rows, each with an index of its own: these rows are found by it and then sorted. Left to
    /// itself, SQLite goes through all of the tenant's rows in their order instead.
    const SELECTIVE: &'static [&'static str] = &[];
    /// Columns beside the time that it can be sorted by; none of them is nullable.
    const SORTS: &'static [&'static str] = &[];
    /// Which rows are the tenant's, `?1` being its id.
    const TENANT: &'static str = "tenant_id = ?1";

    /// The row as it is shown: without what is secret of it.
    #[must_use]
    fn shown(self) -> Self {
        self
    }
}

/// `GET` of a table: `{"items": […], "next_cursor": "…"}`, without a cursor on the last page.
pub async fn list<R: ListOf>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (items, next) = page::<R>(app, call, actor.tenant).await?;
    page_answer(&items, next)
}

/// The rows of a page, and the cursor of the next one.
pub async fn page<R: ListOf>(app: &App, call: &Call, tenant: Uuid) -> Result<(Vec<R>, Option<String>), ApiError> {
    let query = Query::read::<R>(call.query())?;
    let statement = query.statement::<R>(tenant);
    let mut items: Vec<R> = rows(app.db.all(statement).await.map_err(ApiError::database)?)?;
    let more = items.len() > query.limit;
    items.truncate(query.limit);
    let next = items.last().filter(|_| more).map(|last| query.cursor_after(last));
    Ok((items.into_iter().map(R::shown).collect(), next))
}

/// What a page is answered with.
pub fn page_answer<R: Serialize>(items: &[R], next: Option<String>) -> Result<Response, ApiError> {
    let mut page = json!({ "items": items });
    if let (Some(next), Some(page)) = (next, page.as_object_mut()) {
        page.insert("next_cursor".to_owned(), Value::String(next));
    }
    Response::json(&page)
}

/// What a caller asks of a list.
struct Query {
    limit: usize,
    sort: &'static str,
    descending: bool,
    filters: Vec<(&'static str, Parameter)>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    after: Option<Vec<Parameter>>,
    /// What a cursor is good for: the same question.
    hash: String,
}

impl Query {
    fn read<R: ListOf>(parameters: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut findings = Vec::new();
        let mut query = Self {
            limit: DEFAULT_LIMIT,
            sort: R::TIME,
            descending: R::NEWEST_FIRST,
            filters: Vec::new(),
            from: None,
            to: None,
            after: None,
            hash: String::new(),
        };
        let mut cursor = None;
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in parameters {
            if seen.contains(&name) {
                findings.push(finding(&name, "query.twice", format!("`{name}` is there twice")));
                continue;
            }
            match name.as_str() {
                _ if value.contains(['\0', '\u{fffd}']) => {
                    let message = format!("`{name}` is not text in UTF-8, or holds the character U+0000");
                    findings.push(finding(&name, "query.encoding", message));
                }
                // A sign would be read as well.
                "limit" => match value
                    .parse::<usize>()
                    .ok()
                    .filter(|limit| limit.to_string() == value && (1..=MOST).contains(limit))
                {
                    Some(limit) => query.limit = limit,
                    None => findings.push(finding(&name, "query.limit", format!("expected 1 to {MOST}"))),
                },
                "cursor" => cursor = Some(value),
                "from" | "to" => match value.parse::<Timestamp>() {
                    Ok(time) if name == "from" => query.from = Some(time),
                    Ok(time) => query.to = Some(time),
                    Err(error) => findings.push(finding(&name, "query.time", error.to_string())),
                },
                "sort" => {
                    let column = value.strip_prefix('-').unwrap_or(&value);
                    match R::SORTS.iter().chain([&R::TIME]).find(|known| **known == column) {
                        Some(known) => (query.sort, query.descending) = (known, value.starts_with('-')),
                        None => {
                            let known: Vec<&str> = R::SORTS.iter().chain([&R::TIME]).copied().collect();
                            let message = format!("expected one of {}, perhaps after `-`", known.join(", "));
                            findings.push(finding(&name, "query.sort", message));
                        }
                    }
                }
                _ => match R::FILTERS.iter().find(|filter| **filter == name) {
                    Some(filter) => match parameter(column::<R>(filter), &value) {
                        Some(parameter) => query.filters.push((filter, parameter)),
                        None => findings.push(finding(&name, "query.value", format!("`{value}` is no value of it"))),
                    },
                    None => findings.push(finding(&name, "query.unknown", format!("there is no parameter `{name}`"))),
                },
            }
            seen.push(name);
        }
        query.filters.sort_by_key(|(name, _)| *name);
        query.hash = query.hash();
        if let Some(cursor) = cursor {
            query.after = query.read_cursor::<R>(&cursor);
            if query.after.is_none() {
                let message = "the cursor is of another list, or of none";
                findings.push(finding("cursor", "query.cursor", message.to_owned()));
            }
        }
        if findings.is_empty() {
            return Ok(query);
        }
        let detail = "the query is not valid".to_owned();
        Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings })
    }

    fn statement<R: ListOf>(&self, tenant: Uuid) -> Statement {
        let columns: Vec<String> =
            R::COLUMNS.iter().filter(|column| !column.secret).map(|column| format!("\"{}\"", column.name)).collect();
        let condition = R::TENANT;
        // A `+` keeps a column out of the choice of an index, and changes nothing else.
        let plus = if self.filters.iter().any(|(name, _)| R::SELECTIVE.contains(name)) { "+" } else { "" };
        let mut sql = format!("SELECT {} FROM \"{}\" WHERE {condition}", columns.join(", "), R::TABLE);
        let mut parameters = vec![Parameter::from(tenant)];
        let mut place = |parameter: Parameter| {
            parameters.push(parameter);
            parameters.len()
        };
        for (name, value) in &self.filters {
            match value {
                Parameter::Null => sql.push_str(&format!(" AND \"{name}\" IS NULL")),
                value => sql.push_str(&format!(" AND \"{name}\" = ?{}", place(value.clone()))),
            }
        }
        if let Some(from) = self.from {
            sql.push_str(&format!(" AND {plus}\"{}\" >= ?{}", R::TIME, place(from.into())));
        }
        if let Some(to) = self.to {
            sql.push_str(&format!(" AND {plus}\"{}\" < ?{}", R::TIME, place(to.into())));
        }
        let order: Vec<String> = self.order::<R>().map(|column| format!("{plus}\"{column}\"")).collect();
        if let Some(after) = &self.after {
            let sign = if self.descending { "<" } else { ">" };
            let places: Vec<String> = after.iter().map(|value| format!("?{}", place(value.clone()))).collect();
            sql.push_str(&format!(" AND ({}) {sign} ({})", order.join(", "), places.join(", ")));
        }
        let direction = if self.descending { " DESC" } else { "" };
        let order: Vec<String> = order.iter().map(|column| format!("{column}{direction}")).collect();
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1);
        sql.push_str(&format!(" ORDER BY {} LIMIT ?{}", order.join(", "), place(limit.into())));
        parameters.into_iter().fold(Statement::new(sql), Statement::bind)
    }

    fn order<R: ListOf>(&self) -> impl Iterator<Item = &'static str> + use<R> {
        std::iter::once(self.sort).chain(R::KEY.iter().copied())
    }

    fn cursor_after<R: ListOf>(&self, row: &R) -> String {
        let values = self.order::<R>().map(|column| match row.value(column).map(Parameter::from) {
            Some(Parameter::Text(text)) => Value::String(text),
            Some(Parameter::Integer(integer)) => integer.into(),
            Some(Parameter::Null) | None => Value::Null,
        });
        let cursor = Value::Array(std::iter::once(Value::from(self.hash.as_str())).chain(values).collect());
        BASE64_URL_SAFE_NO_PAD.encode(cursor.to_string())
    }

    fn read_cursor<R: ListOf>(&self, cursor: &str) -> Option<Vec<Parameter>> {
        let text = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let Value::Array(cursor) = serde_json::from_slice(&text).ok()? else { return None };
        let (hash, values) = cursor.split_first()?;
        if hash.as_str()? != self.hash || values.len() != self.order::<R>().count() {
            return None;
        }
        values
            .iter()
            .map(|value| match value {
                Value::String(text) => Some(Parameter::Text(text.clone())),
                Value::Number(number) => number.as_i64().map(Parameter::Integer),
                _ => None,
            })
            .collect()
    }

    fn hash(&self) -> String {
        let filters: Vec<String> = self.filters.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let question = format!("{} {} {filters:?} {:?} {:?}", self.sort, self.descending, self.from, self.to);
        hex::encode(Sha256::digest(question)).chars().take(16).collect()
    }
}

fn column<R: Row>(name: &str) -> Option<&'static Column> {
    R::COLUMNS.iter().find(|column| column.name == name)
}

/// What a column is compared with; `null` stands for no value, where there may be none.
fn parameter(column: Option<&Column>, text: &str) -> Option<Parameter> {
    let column = column?;
    if column.nullable && text == "null" {
        return Some(Parameter::Null);
    }
    match column.kind {
        Kind::Uuid => Uuid::try_parse(text).ok().filter(|_| text.len() == 36).map(Into::into),
        Kind::Integer => text.parse::<i64>().ok().filter(|_| !text.starts_with('+')).map(Into::into),
        Kind::Boolean => text.parse::<bool>().ok().map(|value| i64::from(value).into()),
        Kind::Timestamp => text.parse::<Timestamp>().ok().map(Into::into),
        Kind::Enum(words) => words.contains(&text).then(|| text.into()),
        Kind::Text | Kind::Json => Some(text.into()),
    }
}

fn finding(parameter: &str, code: &str, message: String) -> Finding {
    Finding::error("query", code, message).field(parameter)
}
