//! Lists and searches (RFC 7644, section 3.4.2; cursors: RFC 9865): one statement each, and one more for the members of
//! groups, where they are shown.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use parapet::model::{SqlValue, UserGroup};
use parapet::scim::projection::Projection;
use parapet::scim::sql::Compiler;
use parapet::scim::{AttributePath, ErrorType, Filter, ResourceType, ScimError};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::asked::Asked;
use super::{answer, base, body, group, statement, user, users};
use crate::administration::Actor;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Row as SqlRow;
use crate::response::Response;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The routes of lists and of searches.
pub fn routes() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    vec![
        route(
            "GET",
            "/scim/v2/Users",
            Access::Permission("user.read", |app, call, actor| {
                Box::pin(async move { list_users(app, call, actor, Asked::in_query(call)?).await })
            }),
        ),
        route(
            "POST",
            "/scim/v2/Users/.search",
            Access::Permission("user.read", |app, call, actor| {
                Box::pin(async move { list_users(app, call, actor, Asked::in_body(&body(call)?)?).await })
            }),
        ),
        route(
            "GET",
            "/scim/v2/Groups",
            Access::Permission("user_group.read", |app, call, actor| {
                Box::pin(async move { list_groups(app, call, actor, Asked::in_query(call)?).await })
            }),
        ),
        route(
            "POST",
            "/scim/v2/Groups/.search",
            Access::Permission("user_group.read", |app, call, actor| {
                Box::pin(async move { list_groups(app, call, actor, Asked::in_body(&body(call)?)?).await })
            }),
        ),
        route(
            "POST",
            "/scim/v2/.search",
            Access::Permission("user.read", |app, call, actor| {
                Box::pin(async move { search(app, call, actor, Asked::in_body(&body(call)?)?).await })
            }),
        ),
    ]
}

async fn list_users(app: &App, call: &Call, actor: Actor, asked: Asked) -> Result<Response, ApiError> {
    let resource = users(&actor.published);
    let (found, projection) = found_users(app, &actor, &resource, &asked).await?;
    let resources = show_users(call, &resource, &projection, &found.rows)?;
    listed(&asked, &found, resources)
}

async fn list_groups(app: &App, call: &Call, actor: Actor, asked: Asked) -> Result<Response, ApiError> {
    let resource = ResourceType::group();
    let (found, projection) = found_groups(app, &actor, &resource, &asked).await?;
    let resources = show_groups(app, call, &actor, &resource, &projection, &found.rows).await?;
    listed(&asked, &found, resources)
}

/// A search over all there is: users first, then groups. A filter on what one of them does not have finds none of it.
async fn search(app: &App, call: &Call, actor: Actor, asked: Asked) -> Result<Response, ApiError> {
    if asked.cursor.is_some() {
        return Err(ScimError::new(ErrorType::InvalidCursor, "a search over all resources has no cursors").into());
    }
    let actor = actor.also(app, call, "user_group.read").await?;
    let (people, groups) = (users(&actor.published), ResourceType::group());
    let of_none = |error: ApiError| match error {
        ApiError::Scim(error) if [ErrorType::InvalidFilter, ErrorType::InvalidPath].contains(&error.kind) => Ok(error),
        error => Err(error),
    };
    let mut found = Found::default();
    let mut resources = Vec::new();
    let first = match found_users(app, &actor, &people, &asked).await {
        Ok((users, projection)) => {
            resources.extend(show_users(call, &people, &projection, &users.rows)?);
            found.total += users.total;
            None
        }
        Err(error) => Some(of_none(error)?),
    };
    let shown = i64::try_from(resources.len()).map_err(ApiError::internal)?;
    let rest =
        Asked { start_index: (asked.start_index - found.total).max(1), count: asked.count - shown, ..asked.clone() };
    match found_groups(app, &actor, &groups, &rest).await {
        Ok((its, projection)) => {
            resources.extend(show_groups(app, call, &actor, &groups, &projection, &its.rows).await?);
            found.total += its.total;
        }
        // What neither of them has, or is no filter at all.
        Err(error) => {
            of_none(error)?;
            if let Some(first) = first {
                return Err(first.into());
            }
        }
    }
    listed(&asked, &found, resources)
}

/// What a page found.
#[derive(Default)]
struct Found {
    total: i64,
    rows: Vec<SqlRow>,
    next: Option<String>,
}

async fn found_users(
    app: &App,
    actor: &Actor,
    resource: &ResourceType,
    asked: &Asked,
) -> Result<(Found, Projection), ApiError> {
    let projection = Projection::parse(resource, asked.attributes.as_deref(), asked.excluded.as_deref())?;
    let columns = user::columns(&projection);
    let condition = "tenant_id = ?1 AND deleted_at IS NULL";
    Ok((page(app, actor.tenant, resource, asked, "user", condition, &columns).await?, projection))
}

async fn found_groups(
    app: &App,
    actor: &Actor,
    resource: &ResourceType,
    asked: &Asked,
) -> Result<(Found, Projection), ApiError> {
    let projection = Projection::parse(resource, asked.attributes.as_deref(), asked.excluded.as_deref())?;
    let columns = group::columns();
    Ok((page(app, actor.tenant, resource, asked, "user_group", "tenant_id = ?1", &columns).await?, projection))
}

fn show_users(
    call: &Call,
    resource: &ResourceType,
    projection: &Projection,
    rows: &[SqlRow],
) -> Result<Vec<Value>, ApiError> {
    let base = base(call);
    let show = |row| Ok(Value::Object(projection.of(resource, user::shown(resource, row, &base)?.1)));
    rows.iter().map(show).collect()
}

async fn show_groups(
    app: &App,
    call: &Call,
    actor: &Actor,
    resource: &ResourceType,
    projection: &Projection,
    found: &[SqlRow],
) -> Result<Vec<Value>, ApiError> {
    let base = base(call);
    let groups = found.iter().map(super::row::<UserGroup>).collect::<Result<Vec<_>, ApiError>>()?;
    let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
    let members = match projection.shows("members") && !ids.is_empty() {
        true => group::members_of(app, actor.tenant, &ids).await?,
        false => Default::default(),
    };
    let show = |row| Ok(Value::Object(projection.of(resource, group::shown(resource, row, &members, &base)?.1)));
    found.iter().map(show).collect()
}

/// A page of a table: the rows, and how many there are on all pages, in one statement.
async fn page(
    app: &App,
    tenant: Uuid,
    resource: &ResourceType,
    asked: &Asked,
    table: &str,
    condition: &str,
    columns: &str,
) -> Result<Found, ApiError> {
    let text = |text: String| SqlValue::Text(text);
    let mut compiler = Compiler::new(resource, text(tenant.to_string()), text(app.clock.now().to_string()));
    let filter = asked.filter.as_deref().map(Filter::parse).transpose()?;
    let mut condition = condition.to_owned();
    if let Some(filter) = &filter {
        condition.push_str(&format!(" AND {}", compiler.condition(filter)?));
    }
    let of_count = compiler.parameters.clone();
    let key = match &asked.sort_by {
        Some(name) => compiler.order(&AttributePath::parse(name)?)?.sql,
        None => "\"id\"".to_owned(),
    };
    // A `+` keeps an expression out of the choice of an index, and changes nothing else.
    let plus = if filter.as_ref().is_some_and(|filter| compiler.is_selective(filter)) { "+" } else { "" };
    let direction = if asked.descending { " DESC" } else { "" };
    let hash = question(asked);
    let after = match asked.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => {
            let [key_value, id] = read_cursor(cursor, &hash)?.map(|value| compiler.bind(value));
            let sign = if asked.descending { "<" } else { ">" };
            format!(" AND ({key}, \"id\") {sign} ({key_value}, {id})")
        }
        None => String::new(),
    };
    let mut parameters = compiler.parameters;
    let limit = parameters.len() + 1;
    let offset = if asked.cursor.is_some() { 0 } else { asked.start_index - 1 };
    // One more tells whether there is a next page.
    parameters.extend([SqlValue::Integer(asked.count + 1), SqlValue::Integer(offset)]);
    // The page is chosen by what lies in an index, and only its rows are read whole: `CROSS` keeps SQLite from going through
    // all rows in their order, and looking for each in the page.
    let sql = format!(
        "SELECT (SELECT count(*) FROM \"{table}\" WHERE {condition}) AS scim_total, page.scim_key, {columns}
         FROM (SELECT \"id\" AS scim_id, {key} AS scim_key FROM \"{table}\" WHERE {condition}{after}
               ORDER BY {plus}{key}{direction}, {plus}\"id\"{direction} LIMIT ?{limit} OFFSET ?{}) page
         CROSS JOIN \"{table}\" ON tenant_id = ?1 AND \"id\" = page.scim_id
         ORDER BY {key}{direction}, \"id\"{direction}",
        limit + 1
    );
    let mut rows = app.db.all(statement(sql, parameters)).await.map_err(ApiError::database)?;
    let total = |row: Option<&SqlRow>| Some(row?.get("scim_total")?.as_f64()? as i64);
    let total = match total(rows.first()) {
        // Behind the last page nothing says how many there are.
        None if offset > 0 || !after.is_empty() => {
            // The time is bound whether the filter asks for it or not.
            let sql = format!("SELECT count(*) AS scim_total, ?2 AS scim_now FROM \"{table}\" WHERE {condition}");
            total(app.db.first(statement(sql, of_count)).await.map_err(ApiError::database)?.as_ref())
        }
        total => total,
    };
    let count = usize::try_from(asked.count).map_err(ApiError::internal)?;
    let more = rows.len() > count;
    rows.truncate(count);
    let next = rows.last().filter(|_| more && asked.cursor.is_some()).map(|row| write_cursor(row, &hash));
    Ok(Found { total: total.unwrap_or(0), rows, next })
}

/// `ListResponse` (RFC 7644, section 3.4.2).
fn listed(asked: &Asked, found: &Found, resources: Vec<Value>) -> Result<Response, ApiError> {
    let mut list = Map::new();
    list.insert("schemas".to_owned(), json!([LIST]));
    list.insert("totalResults".to_owned(), json!(found.total));
    list.insert("itemsPerPage".to_owned(), json!(resources.len()));
    match &asked.cursor {
        Some(_) => list.extend(found.next.as_ref().map(|next| ("nextCursor".to_owned(), json!(next)))),
        None => {
            list.insert("startIndex".to_owned(), json!(asked.start_index));
        }
    }
    list.insert("Resources".to_owned(), Value::Array(resources));
    answer(200, &list)
}

/// What a cursor is good for: the same question.
fn question(asked: &Asked) -> String {
    let question = format!("{:?} {:?} {}", asked.filter, asked.sort_by, asked.descending);
    hex::encode(Sha256::digest(question)).chars().take(16).collect()
}

fn write_cursor(last: &SqlRow, hash: &str) -> String {
    let member = |name: &str| last.get(name).cloned().unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD.encode(json!([hash, member("scim_key"), member("id")]).to_string())
}

fn read_cursor(cursor: &str, hash: &str) -> Result<[SqlValue; 2], ScimError> {
    let read = || {
        let text = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let values: [Value; 3] = serde_json::from_slice(&text).ok()?;
        let [its, key, id] = values;
        let key = match key {
            Value::String(text) => SqlValue::Text(text),
            Value::Number(number) => SqlValue::Integer(number.as_i64()?),
            _ => return None,
        };
        (its.as_str()? == hash).then_some([key, SqlValue::Text(id.as_str()?.to_owned())])
    };
    read().ok_or_else(|| ScimError::new(ErrorType::InvalidCursor, "the cursor is of another list, or of none"))
}
