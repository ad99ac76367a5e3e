//! Tenants, as operators make, suspend and delete them: `/v1/tenants`. For everybody else there is nothing here.
//!
//! What happens to a tenant is written to two chains: that of the operators, who did it, and the tenant's own.

use parapet::Finding;
use parapet::administration::{FOUNDING_IDS, SYSTEM_TENANT, founding};
use parapet::api_key::ApiKeyToken;
use parapet::model::{Row, SettingCategory, Tenant, TenantDocument, TenantStatus, Timestamp, User};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::administration::{
    Actor, Elsewhere, ListOf, Plan, RowChange, State, after_patch, commit, if_match, lengths, list, read_head,
    read_only, row_answer,
};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::{Site, invitation};
use crate::platform::db::Statement;
use crate::platform::random;
use crate::response::Response;

/// One tenant, asked for by the operators' tenant.
const ONE: &str = "?1 = '00000000-0000-7000-8000-000000000000' AND id = ?2";

/// What a tenant was before it was deleted stands in its own log.
const READ_DELETION: &str = "
    SELECT event_data FROM audit_log WHERE tenant_id = ?1 AND event_type = 'tenant.deleted'
    ORDER BY sequence DESC LIMIT 1";

/// Since when a tenant is being purged: then nothing brings it back, whatever its grace is made by now.
const READ_PURGE: &str = "SELECT begun_at FROM tenant_purge WHERE tenant_id = ?1";

/// For so many days a deleted tenant can be restored, where the operators' setting `security/tenant_grace_days` says
/// nothing.
const GRACE_DAYS: i64 = 30;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// What operators set when they make a tenant; the rest is the tenant's own to set.
pub const STATED: &[&str] = &["name", "slug"];

/// What they set of its first owner.
pub const OWNER_STATED: &[&str] = &["email", "username", "first_name", "last_name", "phone"];

impl ListOf for Tenant {
    const PATH: &'static str = "/v1/tenants";
    const READ: &'static str = "tenant.read";
    const FILTERS: &'static [&'static str] = &["name", "slug", "domain", "status"];
    const SELECTIVE: &'static [&'static str] = &["name"];
    const SORTS: &'static [&'static str] = &["name", "slug"];
    // The operators' tenant sees all, and no other one sees any.
    const TENANT: &'static str = "?1 = '00000000-0000-7000-8000-000000000000'";
}

/// `/v1/tenants`.
pub fn routes() -> Vec<Route> {
    let read = |path, handler| Route { method: "GET", path, access: Access::Permission("tenant.read", handler) };
    let write = |method, path, handler| Route { method, path, access: Access::Permission("tenant.write", handler) };
    vec![
        read(Tenant::PATH, |app, call, actor| Box::pin(list_all(app, call, actor))),
        write("POST", Tenant::PATH, |app, call, actor| Box::pin(create(app, call, actor))),
        read("/v1/tenants/{id}", |app, call, actor| Box::pin(get(app, call, actor))),
        write("PATCH", "/v1/tenants/{id}", |app, call, actor| Box::pin(update(app, call, actor))),
        write("POST", "/v1/tenants/{id}/suspend", |app, call, actor| Box::pin(suspend(app, call, actor))),
        write("POST", "/v1/tenants/{id}/reactivate", |app, call, actor| Box::pin(reactivate(app, call, actor))),
        write("POST", "/v1/tenants/{id}/delete", |app, call, actor| Box::pin(delete(app, call, actor))),
        write("POST", "/v1/tenants/{id}/restore", |app, call, actor| Box::pin(restore(app, call, actor))),
    ]
}

/// Lets operators alone pass; to others the path is not there.
pub fn operators_only(actor: &Actor) -> Result<(), ApiError> {
    if actor.tenant == SYSTEM_TENANT { Ok(()) } else { Err(ApiError::NotFound) }
}

/// The statement that reads one tenant for an operator.
fn read_one(actor: &Actor, id: Uuid) -> Statement {
    select::<Tenant>(ONE, actor.tenant).bind(id)
}

async fn list_all(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    list::<Tenant>(app, call, actor).await
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    call.no_query()?;
    let statement = read_one(&actor, call.row_id()?);
    let mut found = rows::<Tenant>(app.db.all(statement).await.map_err(ApiError::database)?)?;
    row_answer(&found.pop().ok_or(ApiError::NotFound)?)
}

/// Makes a tenant with the roles of the system, its first owner and a key for the owner, which is shown this once. The owner
/// is invited to choose a password.
async fn create(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    call.no_query()?;
    let body = call.object()?;
    commit(app, call, actor, Vec::new(), |state| {
        let mut findings = Vec::new();
        let mut stated = body.clone();
        let owner = stated.remove("owner");
        let id = state.fresh_id()?;
        let tenant = made::<Tenant>(stated, STATED, &times(state, &[("id", id)]), "", &mut findings);
        let owner = match owner {
            Some(Value::Object(owner)) => {
                let given = times(state, &[("id", state.fresh_id()?), ("tenant_id", id)]);
                made::<User>(owner, OWNER_STATED, &given, "owner/", &mut findings)
            }
            Some(_) => {
                findings.push(Finding::error("tenant", "row.wrong_type", "expected an object").field("owner"));
                None
            }
            None => {
                findings.push(Finding::error("tenant", "row.missing", "`owner` is required").field("owner"));
                None
            }
        };
        let (Some(tenant), Some(owner)) = (tenant, owner) else { return Err(ApiError::Invalid { findings }) };
        if !findings.is_empty() {
            return Err(ApiError::Invalid { findings });
        }
        let mut ids = [Uuid::nil(); FOUNDING_IDS];
        for id in &mut ids {
            *id = state.fresh_id()?;
        }
        let token = ApiKeyToken::from_random(random::bytes().map_err(ApiError::internal)?);
        let begun = founding(&owner, &token, ids);

        let key = json!({ "id": begun.key.id, "key_prefix": begun.key.key_prefix, "scopes": begun.key.scopes });
        let mut answer = json!({ "tenant": tenant, "owner": owner, "api_key": key });
        let repeated = serde_json::to_vec(&answer).map_err(ApiError::internal)?;
        if let Some(key) = answer.get_mut("api_key").and_then(Value::as_object_mut) {
            key.insert("key".to_owned(), Value::from(token.expose()));
        }
        let mut response = Response::json(&answer)?.with("location", format!("{}/{id}", Tenant::PATH));
        response.status = 201;

        let mut its = Elsewhere::made(id);
        its.change(RowChange::made(&tenant, "created"));
        its.also(begun.epoch.to_sql().into_iter().fold(Statement::new(insert_epoch()), Statement::bind));
        for role in &begun.roles {
            its.change(RowChange::made(role, "created"));
        }
        its.change(RowChange::made(&owner, "created"));
        its.change(RowChange::made(&begun.assignment, "assigned"));
        its.change(RowChange::made(&begun.key, "created"));
        its.also(invitation::at(&Site::of_new(&tenant), owner.id, state.now)?);
        let mut plan = Plan::new(state, response);
        plan.answer_repeated(repeated);
        plan.change(RowChange::noted(None, Some(&tenant), "created"));
        plan.elsewhere(its);
        Ok(plan)
    })
    .await
}

fn insert_epoch() -> String {
    parapet::model::TenantEpoch::INFO.insert()
}

/// What the service sets in a new row.
fn times(state: &State<'_>, ids: &[(&str, Uuid)]) -> Map<String, Value> {
    let times = ["created_at", "updated_at"].map(|name| (name.to_owned(), Value::from(state.now.to_string())));
    ids.iter().map(|(name, id)| ((*name).to_owned(), Value::from(id.to_string()))).chain(times).collect()
}

/// A new row of which a caller states some columns; the findings' fields stand under `place`.
fn made<R: Row>(
    mut stated: Map<String, Value>,
    columns: &[&str],
    given: &Map<String, Value>,
    place: &str,
    findings: &mut Vec<Finding>,
) -> Option<R> {
    let mut found = Vec::new();
    for column in R::COLUMNS.iter().filter(|column| !columns.contains(&column.name)) {
        if stated.remove(column.name).is_some() {
            found.push(read_only::<R>(column.name));
        }
    }
    lengths::<R>(&stated, &stated, &mut found);
    let row = R::from_json_within(stated, given, "new", &mut found);
    findings.extend(found.into_iter().map(|mut finding| {
        finding.field = finding.field.map(|field| format!("{place}{field}"));
        finding
    }));
    row
}

/// A row after a merge patch that may set some columns.
pub(super) fn patched(
    before: &Tenant,
    patch: &Map<String, Value>,
    columns: &[&str],
    findings: &mut Vec<Finding>,
) -> Result<Tenant, ApiError> {
    let Value::Object(row) = serde_json::to_value(before).map_err(ApiError::internal)? else {
        return Err(ApiError::internal("a row is an object"));
    };
    for column in Tenant::COLUMNS.iter().filter(|column| !columns.contains(&column.name)) {
        // Whoever sends back what they got changes nothing by it.
        if patch.get(column.name).is_some_and(|value| row.get(column.name) != Some(value)) {
            findings.push(read_only::<Tenant>(column.name));
        }
    }
    let mut patch = patch.clone();
    patch.retain(|name, _| columns.contains(&name.as_str()) || !Tenant::COLUMNS.iter().any(|its| its.name == name));
    let merged = after_patch::<Tenant>(row, &patch);
    lengths::<Tenant>(&merged, &patch, findings);
    let row = Tenant::from_json(merged, &before.id.to_string(), findings);
    row.ok_or_else(|| ApiError::Invalid { findings: std::mem::take(findings) })
}

async fn update(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    call.no_query()?;
    let patch = call.object()?;
    change(app, call, actor, "updated", |before, _| {
        let mut findings = Vec::new();
        let after = patched(before, &patch, STATED, &mut findings)?;
        if findings.is_empty() { Ok(after) } else { Err(ApiError::Invalid { findings }) }
    })
    .await
}

async fn suspend(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    step(app, call, actor, "suspended", |before, _| {
        only_from(before, &[TenantStatus::Active])?;
        Ok(Tenant { status: TenantStatus::Suspended, ..before.clone() })
    })
    .await
}

async fn reactivate(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    step(app, call, actor, "reactivated", |before, _| {
        only_from(before, &[TenantStatus::Suspended])?;
        Ok(Tenant { status: TenantStatus::Active, ..before.clone() })
    })
    .await
}

/// Marks a tenant as deleted. Nothing is lost before its grace is over.
async fn delete(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    step(app, call, actor, "deleted", |before, state| {
        only_from(before, &[TenantStatus::Active, TenantStatus::Suspended])?;
        Ok(Tenant { status: TenantStatus::Deleted, deleted_at: Some(state.now), ..before.clone() })
    })
    .await
}

/// Makes a deleted tenant what it was before: a suspended one stays suspended.
async fn restore(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    step(app, call, actor, "restored", |before, state| {
        only_from(before, &[TenantStatus::Deleted])?;
        if !within_grace(before, state.document, state.now) || !state.sql_rows(3).is_empty() {
            let detail = "the time in which it could be restored is over".to_owned();
            return Err(ApiError::Conflict { code: "tenant.grace_over", detail, findings: Vec::new() });
        }
        let deletion = state.sql_rows(2).first().and_then(|row| row.get("event_data")).and_then(Value::as_str);
        let was = deletion.and_then(|data| serde_json::from_str::<Value>(data).ok());
        let was_active = was.is_some_and(|data| data.pointer("/before/status") == Some(&json!("active")));
        let status = if was_active { TenantStatus::Active } else { TenantStatus::Suspended };
        Ok(Tenant { status, deleted_at: None, ..before.clone() })
    })
    .await
}

fn within_grace(tenant: &Tenant, operators: &TenantDocument, now: Timestamp) -> bool {
    let setting = operators
        .tenant_setting
        .iter()
        .find(|row| row.category == SettingCategory::Security && row.setting_key == "tenant_grace_days");
    let grace = grace(setting.map(|row| &row.setting_value));
    tenant.deleted_at.is_some_and(|deleted| now.as_millis() - deleted.as_millis() < grace)
}

/// For how many milliseconds a deleted tenant can be restored, by the operators' setting `security/tenant_grace_days`.
pub fn grace(setting: Option<&Value>) -> i64 {
    setting.and_then(Value::as_i64).filter(|days| (0..=3650).contains(days)).unwrap_or(GRACE_DAYS) * DAY
}

fn only_from(tenant: &Tenant, statuses: &[TenantStatus]) -> Result<(), ApiError> {
    if statuses.contains(&tenant.status) {
        return Ok(());
    }
    let status = serde_json::to_value(tenant.status).map_err(ApiError::internal)?;
    let detail = format!("the tenant is {}", status.as_str().unwrap_or_default());
    let finding = Finding::error("tenant", "tenant.status", detail.clone()).row(tenant.id).field("status");
    Err(ApiError::Conflict { code: "tenant.status", detail, findings: vec![finding] })
}

/// Changes one tenant's status, as the path says.
async fn step(
    app: &App,
    call: &Call,
    actor: Actor,
    event: &'static str,
    becomes: impl Fn(&Tenant, &State<'_>) -> Result<Tenant, ApiError>,
) -> Result<Response, ApiError> {
    operators_only(&actor)?;
    call.says_nothing()?;
    change(app, call, actor, event, becomes).await
}

/// Changes one tenant, for the operators and for the tenant itself.
async fn change(
    app: &App,
    call: &Call,
    actor: Actor,
    event: &'static str,
    becomes: impl Fn(&Tenant, &State<'_>) -> Result<Tenant, ApiError>,
) -> Result<Response, ApiError> {
    let id = call.row_id()?;
    let of_tenant = |sql| Statement::new(sql).bind(id);
    let reads = vec![read_one(&actor, id), read_head(id), of_tenant(READ_DELETION), of_tenant(READ_PURGE)];
    commit(app, call, actor, reads, |state| {
        let before = state.rows::<Tenant>(0)?.pop().ok_or(ApiError::NotFound)?;
        if_match(call, &before)?;
        if id == SYSTEM_TENANT {
            let detail = "the operators' own tenant is not changed here".to_owned();
            return Err(ApiError::Conflict { code: "tenant.operators", detail, findings: Vec::new() });
        }
        let mut after = becomes(&before, state)?;
        let mut plan = Plan::new(state, Response::default());
        if after != before {
            after.updated_at = state.now;
            plan.change(RowChange::noted(Some(&before), Some(&after), event));
            let mut its = Elsewhere::of(state, id, 1)?;
            its.change(RowChange::tenant(&before, &after, event));
            plan.elsewhere(its);
        }
        plan.answer(row_answer(&after)?);
        Ok(plan)
    })
    .await
}
