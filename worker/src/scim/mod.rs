//! SCIM 2.0 (RFC 7643, RFC 7644): users and groups for provisioning clients, below `/scim/v2`.
//!
//! It is another form of what `/v1` administers, and goes the same way: the tenant's rules let the actor in, and each
//! request is one plan with its rows of log and outbox. It is not in the OpenAPI document: clients read what it is by its
//! own discovery, which says for each tenant what there is.

mod asked;
mod discovery;
mod group;
mod list;
mod me;
mod refused;
mod user;

use parapet::Finding;
use parapet::model::{Row, SqlValue, Timestamp, User};
use parapet::scim::{ResourceType, ScimError};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::administration::{Actor, Collection, State, given, lengths};
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Call, Route};
use crate::memory::Published;
use crate::platform::db::{Parameter, Row as SqlRow, Statement};
use crate::request::Request;
use crate::response::Response;

pub use refused::refused;

/// What a document makes of a row.
type After<'a, R> = &'a dyn Fn(&R) -> Result<Map<String, Value>, ScimError>;

/// Where it is.
const PATH: &str = "/scim/v2";

/// What is sent and taken (RFC 7644, section 3.1).
const MEDIA_TYPE: &str = "application/scim+json";

/// The routes.
pub fn routes() -> Vec<Route> {
    [discovery::routes(), user::routes(), group::routes(), list::routes(), me::routes()].into_iter().flatten().collect()
}

/// Whether a request is answered in SCIM's form, whatever becomes of it.
pub fn is_spoken(request: &Request) -> bool {
    request.path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The users of a tenant: with the attributes that its schema declares, and without those that callers say.
fn users(published: &Published) -> ResourceType {
    let schema = published.engine.schema();
    let mut declared = schema.user.clone();
    let is_column = |name: &String| User::COLUMNS.iter().any(|column| column.name == name);
    declared.retain(|name, _| !schema.caller.contains(name) && !is_column(name));
    ResourceType::user(&declared)
}

/// Where SCIM is, for addresses in answers.
fn base(call: &Call) -> String {
    format!("{}{PATH}", call.request.origin)
}

/// The body, as JSON.
fn body(call: &Call) -> Result<Map<String, Value>, ApiError> {
    call.object_as(&[MEDIA_TYPE, "application/json"])
}

/// An answer of SCIM's media type.
fn answer(status: u16, value: &impl serde::Serialize) -> Result<Response, ApiError> {
    Ok(Response {
        status,
        headers: vec![("content-type", MEDIA_TYPE.into())],
        body: serde_json::to_vec(value).map_err(ApiError::internal)?,
        ..Response::default()
    })
}

/// What is read of a table: its columns, and expressions beside them.
fn columns<R: Row>(beside: &str) -> String {
    let columns = R::COLUMNS.iter().filter(|column| !column.secret).map(|column| format!("\"{}\"", column.name));
    columns.chain([beside.to_owned()]).collect::<Vec<_>>().join(", ")
}

/// A statement with what was bound for it.
fn statement(sql: String, parameters: Vec<SqlValue>) -> Statement {
    parameters.into_iter().map(Parameter::from).fold(Statement::new(sql), Statement::bind)
}

/// The row among what was read, without what stands beside its columns.
fn row<R: Row>(found: &SqlRow) -> Result<R, ApiError> {
    rows::<R>(vec![found.clone()])?.pop().ok_or_else(|| ApiError::internal("a row was not read back"))
}

/// A JSON array that stands beside a row's columns.
fn beside(found: &SqlRow, name: &str) -> Vec<Value> {
    found.get(name).and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// What `meta` says of a row (RFC 7643, section 3.1).
fn meta(created: Timestamp, changed: Timestamp, version: &str) -> Map<String, Value> {
    let meta = json!({ "created": created, "lastModified": changed, "version": version });
    meta.as_object().cloned().unwrap_or_default()
}

/// The version of what a client may change: weak, since two answers of one version may differ in what it may not.
fn version(document: &impl serde::Serialize) -> Result<String, ApiError> {
    let bytes = serde_json::to_vec(document).map_err(ApiError::internal)?;
    let hash: String = hex::encode(Sha256::digest(bytes)).chars().take(32).collect();
    Ok(format!("W/\"{hash}\""))
}

/// Refuses a change of what is not as the client has seen it (RFC 7644, section 3.14). Versions are weak, and `If-Match`
/// takes them all the same, as SCIM's examples do.
fn if_match(call: &Call, version: &str) -> Result<(), ApiError> {
    let wanted = call.request.header("if-match");
    if wanted.is_none_or(|wanted| names(wanted, version)) { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}

/// `200` with a resource, or `304` where the client has it.
fn shown(call: &Call, version: &str, document: &Map<String, Value>) -> Result<Response, ApiError> {
    let known =
        call.request.header("if-none-match").filter(|_| ["GET", "HEAD"].contains(&call.request.method.as_str()));
    if known.is_some_and(|known| names(known, version)) {
        return Ok(Response { status: 304, ..Response::default() }.with("etag", version));
    }
    Ok(answer(200, document)?.with("etag", version))
}

fn names(tags: &str, version: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(version))
}

/// The id in the path; 404 where it is none.
fn id(call: &Call) -> Result<Uuid, ApiError> {
    call.row_id()
}

/// The tenant of an actor and the time, which every statement here begins with.
fn bound(tenant: Uuid, now: Timestamp) -> Vec<SqlValue> {
    vec![SqlValue::Text(tenant.to_string()), SqlValue::Text(now.to_string())]
}

/// Lets the actor do another thing as well, where a request asks for it.
async fn also(
    app: &crate::app::App,
    call: &Call,
    actor: Actor,
    action: &'static str,
    asked: bool,
) -> Result<Actor, ApiError> {
    if asked { actor.also(app, call, action).await } else { Ok(actor) }
}

/// Reads a row of columns; `stated` are those that the client says.
fn read<R: Collection>(
    state: &State<'_>,
    mut columns: Map<String, Value>,
    stated: &Map<String, Value>,
    findings: &mut Vec<Finding>,
) -> Result<R, ApiError> {
    columns.retain(|_, value| !value.is_null());
    lengths::<R>(&columns, stated, findings);
    let row = R::from_json_within(columns, &given::<R>(state)?, R::TABLE, findings);
    ApiError::unless_empty(findings)?;
    row.ok_or_else(|| ApiError::internal("a row was not read"))
}

/// Where what was made is, and its id.
fn made(response: &Response) -> Result<(String, Uuid), ApiError> {
    let location = response.header("location").unwrap_or_default().to_owned();
    let id = location.rsplit('/').next().and_then(|id| Uuid::try_parse(id).ok()).ok_or(ApiError::NotFound)?;
    Ok((location, id))
}
