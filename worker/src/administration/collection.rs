//! A table under a path: list, make, see, change and remove, with what is the table's own stated in its file.

use parapet::Finding;
use parapet::model::{Row, TenantDocument};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::actor::Actor;
use super::commit::commit;
use super::list::{ListOf, list};
use super::plan::{Plan, RowChange, State};
use super::reference;
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// A table whose rows are administered one by one.
pub trait Collection: ListOf + Clone {
    /// Where one row is: `/v1/users/{id}`.
    const ITEM: &'static str;
    /// The action that changing it needs: `user.write`.
    const WRITE: &'static str;
    /// Columns that the service sets, beside the id, the tenant and the times.
    const GIVEN: &'static [&'static str] = &[];
    /// Columns that are set once, when the row is made.
    const FIXED: &'static [&'static str] = &[];
    /// What making, changing and removing one is called.
    const EVENTS: [&'static str; 3] = ["created", "updated", "deleted"];

    /// Its rows among the rules; nothing where it is no part of them.
    fn rows(_document: &mut TenantDocument) -> Option<&mut Vec<Self>> {
        None
    }

    /// What must be read for its rules, beside the row itself and what it refers to.
    fn reads(_tenant: Uuid, _id: Option<Uuid>, _body: &Map<String, Value>) -> Vec<Statement> {
        Vec::new()
    }

    /// Sets the columns that follow from others.
    fn complete(
        _row: &mut Self,
        _before: Option<&Self>,
        _state: &State<'_>,
        _findings: &mut Vec<Finding>,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// Adds to the plan what the change does beyond its row: who gains what, and what goes with it.
    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError>;

    /// The row as it is shown, and as the log and events have it: without secrets.
    fn to_object(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) => object,
            // A row is a struct of text keys, and nothing in it fails to serialize.
            _ => Map::new(),
        }
    }
}

/// A row before and after, with what was read for its rules.
pub struct Edit<'a, R> {
    /// Everything that was read.
    pub state: &'a State<'a>,
    /// The row as it is; nothing where it is made.
    pub before: Option<&'a R>,
    /// The row as it will be; nothing where it is removed.
    pub after: Option<&'a R>,
    /// The position of the first answer to [`Collection::reads`].
    pub first: usize,
}

impl<R> Edit<'_, R> {
    /// The row that it is about: as it will be, else as it was.
    pub fn row(&self) -> Option<&R> {
        self.after.or(self.before)
    }
}

/// The routes of a table.
pub fn routes<R: Collection>() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    vec![
        route("GET", R::PATH, Access::Permission(R::READ, |app, call, actor| Box::pin(list::<R>(app, call, actor)))),
        route(
            "POST",
            R::PATH,
            Access::Permission(R::WRITE, |app, call, actor| Box::pin(create::<R>(app, call, actor))),
        ),
        route("GET", R::ITEM, Access::Permission(R::READ, |app, call, actor| Box::pin(get::<R>(app, call, actor)))),
        route(
            "PATCH",
            R::ITEM,
            Access::Permission(R::WRITE, |app, call, actor| Box::pin(update::<R>(app, call, actor))),
        ),
        route(
            "DELETE",
            R::ITEM,
            Access::Permission(R::WRITE, |app, call, actor| Box::pin(remove::<R>(app, call, actor))),
        ),
    ]
}

/// The condition for one row, `?1` being the tenant and `?2` its id.
fn one<R: ListOf>() -> String {
    format!("{} AND id = ?2", R::TENANT)
}

async fn get<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let statement = select::<R>(&one::<R>(), actor.tenant).bind(call.row_id()?);
    let mut found = rows::<R>(app.db.all(statement).await.map_err(ApiError::database)?)?;
    row_answer(&found.pop().ok_or(ApiError::NotFound)?)
}

async fn create<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let body = call.object()?;
    let mut reads = R::reads(actor.tenant, None, &body);
    let references = reads.len();
    reads.extend(reference::statements::<R>(actor.tenant, &body));
    commit(app, call, actor, reads, |state| {
        let mut findings = Vec::new();
        let read_only = SERVICE.iter().chain(R::GIVEN).filter(|column| body.contains_key(**column));
        findings.extend(read_only.map(|column| self::read_only::<R>(column)));
        let mut stated = body.clone();
        stated.retain(|name, _| !SERVICE.contains(&name.as_str()) && !R::GIVEN.contains(&name.as_str()));
        let row = R::from_json_within(stated, &given::<R>(state)?, "new", &mut findings);
        reference::check::<R>(state, &body, references, &mut findings);
        let Some(mut row) = row else { return Err(ApiError::Invalid { findings }) };
        R::complete(&mut row, None, state, &mut findings)?;
        let mut plan = Plan::new(state, Response::default());
        plan.change(RowChange::insert(&row, R::EVENTS[0]));
        R::rules(&Edit { state, before: None, after: Some(&row), first: 0 }, &mut plan, &mut findings)?;
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        plan.answer(created::<R>(&row)?);
        Ok(plan)
    })
    .await
}

async fn update<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let (id, patch) = (call.row_id()?, call.object()?);
    let mut reads = vec![select::<R>(&one::<R>(), actor.tenant).bind(id)];
    reads.extend(R::reads(actor.tenant, Some(id), &patch));
    let references = reads.len();
    reads.extend(reference::statements::<R>(actor.tenant, &patch));
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<R>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        let mut findings = Vec::new();
        let fixed = SERVICE.iter().chain(R::GIVEN).chain(R::FIXED);
        let object = before.to_object();
        for column in fixed.filter(|column| patch.contains_key(**column)) {
            // Whoever sends back what they got changes nothing by it.
            if patch.get(*column) != object.get(*column) {
                findings.push(self::read_only::<R>(column));
            }
        }
        let mut merged = Value::Object(object);
        merge(&mut merged, &Value::Object(patch.clone()));
        let Value::Object(mut merged) = merged else { return Err(ApiError::NotFound) };
        merged.retain(|_, value| !value.is_null());
        let row = R::from_json_within(merged, &Map::new(), &id.to_string(), &mut findings);
        reference::check::<R>(state, &patch, references, &mut findings);
        let Some(mut after) = row else { return Err(ApiError::Invalid { findings }) };
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let mut plan = Plan::new(state, Response::default());
        R::complete(&mut after, Some(&before), state, &mut findings)?;
        if after.to_sql() != before.to_sql() {
            after = touched(after, state)?;
            plan.change(RowChange::update(&before, &after, R::EVENTS[1]));
            R::rules(&Edit { state, before: Some(&before), after: Some(&after), first: 1 }, &mut plan, &mut findings)?;
        }
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        plan.answer(row_answer(&after)?);
        Ok(plan)
    })
    .await
}

async fn remove<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    let id = call.row_id()?;
    let mut reads = vec![select::<R>(&one::<R>(), actor.tenant).bind(id)];
    reads.extend(R::reads(actor.tenant, Some(id), &Map::new()));
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<R>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        let mut findings = Vec::new();
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan.change(RowChange::delete(&before, R::EVENTS[2]));
        R::rules(&Edit { state, before: Some(&before), after: None, first: 1 }, &mut plan, &mut findings)?;
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        Ok(plan)
    })
    .await
}

/// Columns that the service sets in every table.
const SERVICE: &[&str] = &["id", "tenant_id", "created_at", "updated_at", "assigned_at"];

/// What the service sets in a new row.
fn given<R: Row>(state: &State<'_>) -> Result<Map<String, Value>, ApiError> {
    let mut given = Map::new();
    for column in R::COLUMNS {
        let value = match column.name {
            "id" => state.fresh_id()?.to_string(),
            "tenant_id" => state.tenant.to_string(),
            "created_at" | "updated_at" | "assigned_at" => state.now.to_string(),
            _ => continue,
        };
        given.insert(column.name.to_owned(), Value::String(value));
    }
    Ok(given)
}

/// The row with the time of its change.
fn touched<R: Collection>(row: R, state: &State<'_>) -> Result<R, ApiError> {
    if !R::COLUMNS.iter().any(|column| column.name == "updated_at") {
        return Ok(row);
    }
    let mut object = row.to_object();
    object.insert("updated_at".to_owned(), Value::String(state.now.to_string()));
    object.retain(|_, value| !value.is_null());
    R::from_json(object, "row", &mut Vec::new()).ok_or_else(|| ApiError::internal("a sound row was not read back"))
}

/// JSON Merge Patch (RFC 7396, section 2).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// A column that no caller sets.
pub fn read_only<R: Row>(column: &str) -> Finding {
    Finding::error(R::TABLE, "row.read_only", format!("`{column}` is not yours to set")).field(column)
}

/// A row that another one needs and that is not there.
pub fn not_found<R: Row>(column: &str, message: impl Into<String>) -> Finding {
    Finding::error(R::TABLE, "reference.not_found", message).field(column)
}

/// `200` with a row and its ETag.
pub fn row_answer<R: Serialize>(row: &R) -> Result<Response, ApiError> {
    let response = Response::json(row)?;
    let etag = etag(&response.body);
    Ok(response.with("etag", etag))
}

/// `201` with a new row, its place and its ETag.
pub fn created<R: Collection>(row: &R) -> Result<Response, ApiError> {
    let mut response = row_answer(row)?;
    response.status = 201;
    let id = row.to_object().get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(response.with("location", R::ITEM.replace("{id}", &id)))
}

/// Refuses a change of a row that is not the one the caller saw (RFC 9110, section 13.1.1).
pub fn if_match<R: Serialize>(call: &Call, row: &R) -> Result<(), ApiError> {
    let Some(wanted) = call.request.header("if-match") else { return Ok(()) };
    let current = etag(&serde_json::to_vec(row).map_err(ApiError::internal)?);
    let matches = wanted.split(',').any(|tag| tag.trim() == "*" || tag.trim() == current);
    if matches { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}

/// A strong validator: the hash of what is shown.
fn etag(body: &[u8]) -> String {
    let hash: String = hex::encode(Sha256::digest(body)).chars().take(32).collect();
    format!("\"{hash}\"")
}

#[cfg(test)]
mod tests {
    use super::merge;
    use serde_json::{Value, json};

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn a_merge_patch_is_applied_as_the_rfc_says() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), Value::Null, Value::Null),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut merged = target.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{target} with {patch}");
        }
    }
}
