//! A table under a path: list, make, see, change and remove, with what is the table's own stated in its file.

use parapet::Finding;
use parapet::model::{Kind, Row, TenantDocument};
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
    /// Columns that refer to users, none of whom is deleted.
    const LIVING: &'static [&'static str] = &[];
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

    /// What stays of a row that is removed; nothing where it goes whole.
    fn remains(_before: &Self, _state: &State<'_>) -> Option<Self> {
        None
    }

    /// Adds to the plan what the change does beyond its row: who gains what, and what goes with it.
    fn rules(edit: &Edit<'_, Self>, plan: &mut Plan, findings: &mut Vec<Finding>) -> Result<(), ApiError>;

    /// The row as the log and events have it: as it is shown, where nothing more is left out.
    fn told(&self) -> Map<String, Value> {
        self.to_object()
    }

    /// The row as it is shown: without secrets.
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

/// The key of the row that a path names: one value for each column of [`ListOf::KEY`].
pub fn key<R: ListOf>(call: &Call) -> Result<Vec<String>, ApiError> {
    if R::KEY == ["id"] {
        return Ok(vec![call.row_id()?.to_string()]);
    }
    R::KEY.iter().map(|column| call.decoded(column)).collect()
}

/// Reads the one row of the tenant that has this key.
pub fn select_one<R: ListOf>(tenant: Uuid, key: &[String]) -> Statement {
    let columns: Vec<String> =
        R::KEY.iter().zip(2..).map(|(column, place)| format!(" AND \"{column}\" = ?{place}")).collect();
    let statement = select::<R>(&format!("{}{}", R::TENANT, columns.concat()), tenant);
    key.iter().fold(statement, |statement, value| statement.bind(value.as_str()))
}

async fn get<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let statement = select_one::<R>(actor.tenant, &key::<R>(call)?);
    let mut found = rows::<R>(app.db.all(statement).await.map_err(ApiError::database)?)?;
    row_answer(&found.pop().ok_or(ApiError::NotFound)?)
}

async fn create<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    create_with::<R>(app, call, actor, &Map::new(), &Map::new(), |_, _| Ok(())).await
}

/// Makes a row, of which the service sets the columns of `own` as well, and whose answer shows `once` beside the row:
/// this time, and not when the request comes again.
pub async fn create_showing<R: Collection>(
    app: &App,
    call: &Call,
    actor: Actor,
    own: &Map<String, Value>,
    once: &Map<String, Value>,
) -> Result<Response, ApiError> {
    create_with::<R>(app, call, actor, own, once, |_, _| Ok(())).await
}

/// `POST`, with what else it does: what was worked out before from more than one statement reads.
pub async fn create_and<R: Collection>(
    app: &App,
    call: &Call,
    actor: Actor,
    also: impl Fn(&Edit<'_, R>, &mut Plan) -> Result<(), ApiError>,
) -> Result<Response, ApiError> {
    create_with::<R>(app, call, actor, &Map::new(), &Map::new(), also).await
}

/// Makes a row with all of that.
pub async fn create_with<R: Collection>(
    app: &App,
    call: &Call,
    actor: Actor,
    own: &Map<String, Value>,
    once: &Map<String, Value>,
    also: impl Fn(&Edit<'_, R>, &mut Plan) -> Result<(), ApiError>,
) -> Result<Response, ApiError> {
    call.no_query()?;
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
        let mut given = given::<R>(state)?;
        given.extend(own.clone());
        lengths::<R>(&stated, &body, &mut findings);
        let row = R::from_json_within(stated, &given, "new", &mut findings);
        reference::check::<R>(state, &body, references, &mut findings);
        let Some(mut row) = row else { return Err(ApiError::Invalid { findings }) };
        let mut plan = Plan::new(state, Response::default());
        plan_new(state, &mut row, 0, &mut plan, &mut findings)?;
        let edit = Edit { state, before: None, after: Some(&row), first: 0 };
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        also(&edit, &mut plan)?;
        answer_showing(&mut plan, &row, once)?;
        Ok(plan)
    })
    .await
}

async fn update<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    update_and::<R>(app, call, actor, |_, _| Ok(())).await
}

/// `PATCH`, with what else it does.
pub async fn update_and<R: Collection>(
    app: &App,
    call: &Call,
    actor: Actor,
    also: impl Fn(&Edit<'_, R>, &mut Plan) -> Result<(), ApiError>,
) -> Result<Response, ApiError> {
    call.no_query()?;
    let (key, patch) = (key::<R>(call)?, call.object()?);
    let mut reads = vec![select_one::<R>(actor.tenant, &key)];
    reads.extend(R::reads(actor.tenant, call.row_id().ok(), &patch));
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
        let merged = after_patch::<R>(object, &patch);
        lengths::<R>(&merged, &patch, &mut findings);
        let row = R::from_json_within(merged, &Map::new(), &key.join("/"), &mut findings);
        reference::check::<R>(state, &patch, references, &mut findings);
        let Some(after) = row else { return Err(ApiError::Invalid { findings }) };
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let mut plan = Plan::new(state, Response::default());
        let after = plan_change(state, &before, after, 1, &mut plan, &mut findings)?;
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        if after.to_sql() != before.to_sql() {
            also(&Edit { state, before: Some(&before), after: Some(&after), first: 1 }, &mut plan)?;
        }
        plan.answer(row_answer(&after)?);
        Ok(plan)
    })
    .await
}

async fn remove<R: Collection>(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let mut reads = vec![select_one::<R>(actor.tenant, &key::<R>(call)?)];
    reads.extend(R::reads(actor.tenant, call.row_id().ok(), &Map::new()));
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<R>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        let mut findings = Vec::new();
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan_removal(state, &before, 1, &mut plan, &mut findings)?;
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        Ok(plan)
    })
    .await
}

/// Plans a new row: the columns that follow, and its rules. `first` is the position of the first answer to
/// [`Collection::reads`].
pub fn plan_new<R: Collection>(
    state: &State<'_>,
    row: &mut R,
    first: usize,
    plan: &mut Plan,
    findings: &mut Vec<Finding>,
) -> Result<(), ApiError> {
    R::complete(row, None, state, findings)?;
    plan.change(RowChange::insert(row, R::EVENTS[0]));
    R::rules(&Edit { state, before: None, after: Some(row), first }, plan, findings)
}

/// Plans that a row becomes another, which is given back as it will be; nothing where they are the same.
pub fn plan_change<R: Collection>(
    state: &State<'_>,
    before: &R,
    mut after: R,
    first: usize,
    plan: &mut Plan,
    findings: &mut Vec<Finding>,
) -> Result<R, ApiError> {
    R::complete(&mut after, Some(before), state, findings)?;
    if after.to_sql() != before.to_sql() {
        after = touched(after, state)?;
        plan.change(RowChange::update(before, &after, R::EVENTS[1]));
        R::rules(&Edit { state, before: Some(before), after: Some(&after), first }, plan, findings)?;
    }
    Ok(after)
}

/// Plans that a row goes, or what remains of it.
pub fn plan_removal<R: Collection>(
    state: &State<'_>,
    before: &R,
    first: usize,
    plan: &mut Plan,
    findings: &mut Vec<Finding>,
) -> Result<(), ApiError> {
    plan.change(match R::remains(before, state) {
        Some(remains) => RowChange::update(before, &remains, R::EVENTS[2]),
        None => RowChange::delete(before, R::EVENTS[2]),
    });
    R::rules(&Edit { state, before: Some(before), after: None, first }, plan, findings)
}

/// So many characters fit a column of text, where its own shape allows no less.
pub const LONGEST_TEXT: usize = 65_536;

/// So many bytes of JSON fit a column.
const LONGEST_JSON: usize = 262_144;

/// Refuses what is longer than a column takes, of those that `stated` sets. The database takes no row above two megabytes,
/// and an audit row holds a column as it was and as it is.
pub fn lengths<R: Row>(row: &Map<String, Value>, stated: &Map<String, Value>, findings: &mut Vec<Finding>) {
    for column in R::COLUMNS.iter().filter(|column| stated.contains_key(column.name)) {
        let (is, most, unit) = match (column.kind, row.get(column.name)) {
            (Kind::Json, Some(value)) => (value.to_string().len(), LONGEST_JSON, "bytes of JSON"),
            (_, Some(Value::String(text))) => (text.chars().count(), LONGEST_TEXT, "characters"),
            _ => continue,
        };
        if is > most {
            let message = format!("it has {is} {unit}, at most {most} are allowed");
            findings.push(Finding::error(R::TABLE, "row.too_long", message).field(column.name));
        }
    }
}

/// Columns that the service sets in every table.
pub const SERVICE: &[&str] = &["id", "tenant_id", "created_at", "updated_at", "assigned_at"];

/// What the service sets in a new row.
pub fn given<R: Row>(state: &State<'_>) -> Result<Map<String, Value>, ApiError> {
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
pub fn touched<R: Collection>(row: R, state: &State<'_>) -> Result<R, ApiError> {
    if !R::COLUMNS.iter().any(|column| column.name == "updated_at") {
        return Ok(row);
    }
    let mut object = row.to_object();
    object.insert("updated_at".to_owned(), Value::String(state.now.to_string()));
    object.retain(|_, value| !value.is_null());
    R::from_json(object, "row", &mut Vec::new()).ok_or_else(|| ApiError::internal("a sound row was not read back"))
}

/// A row after a merge patch, without its nulls. What is no column stays, whatever it is set to, so that reading the row
/// refuses it: a misspelt name that is made null would else be passed over.
pub fn after_patch<R: Row>(mut row: Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
    for (name, value) in patch {
        merge(row.entry(name.clone()).or_insert(Value::Null), value);
    }
    row.retain(|name, value| !value.is_null() || !R::COLUMNS.iter().any(|column| column.name == *name));
    row
}

/// JSON Merge Patch (RFC 7396, section 2).
fn merge(target: &mut Value, patch: &Value) {
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

/// Answers with a new row, and with what is shown beside it this once.
pub fn answer_showing<R: Collection>(plan: &mut Plan, row: &R, once: &Map<String, Value>) -> Result<(), ApiError> {
    let mut answer = created::<R>(row)?;
    if !once.is_empty() {
        let mut shown = row.to_object();
        shown.extend(once.clone());
        let whole = serde_json::to_vec(&shown).map_err(ApiError::internal)?;
        plan.answer_repeated(std::mem::replace(&mut answer.body, whole));
    }
    plan.answer(answer);
    Ok(())
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
