//! Rules that decide beside the tenant's own: `/v1/snapshots/candidate`. They are made of the rules of now and a change of
//! them, and whoever decides tells where they would decide otherwise. They count for nobody until they are promoted, which
//! changes the rows as anybody would who changed them one by one.

use std::collections::BTreeSet;

use parapet::compile::compile_again;
use parapet::model::{
    Outcome, Permission, Role, RolePermission, SettingCategory, SnapshotCandidate, TenantSetting, Timestamp,
};
use parapet::{Finding, TenantDocument, setting};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::preview::{Change, MOST_CHANGES, apply};
use crate::administration::{
    Actor, Collection, Edit, Plan, RowChange, SERVICE, State, commit, fresh_id, read_only, touched,
};
use crate::app::App;
use crate::directory::membership::{self, Evaluated};
use crate::document::{self, Rule, rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::publish;
use crate::response::Response;

const PATH: &str = "/v1/snapshots/candidate";
const READ: &str = "snapshot.read";
const WRITE: &str = "snapshot.write";

/// So many hours a candidate decides where nothing is said.
pub const HOURS: i64 = 24;
/// A candidate decides for no more hours.
pub const MOST_HOURS: i64 = 720;

const HOUR: i64 = 60 * 60 * 1000;

/// What a candidate may change: what a way back brings back.
pub const TABLES: [&str; 4] = ["permission", "role", "role_permission", "tenant_setting"];

const REMOVE: &str = "DELETE FROM snapshot_candidate WHERE tenant_id = ?1";

/// Differences are counted so far.
const MOST: i64 = 10_000;

const COUNT: &str = "
    SELECT outcome, shadow_outcome, count(*) AS n FROM (
        SELECT outcome, shadow_outcome FROM decision_log WHERE tenant_id = ?1 AND candidate = ?2 LIMIT ?3)
    GROUP BY outcome, shadow_outcome";

/// To make one, see it, discard it and promote it.
pub fn routes() -> Vec<Route> {
    let route = |method, path, access| Route { method, path, access };
    vec![
        route("GET", PATH, Access::Permission(READ, |app, call, actor| Box::pin(get(app, call, actor)))),
        route("POST", PATH, Access::Permission(WRITE, |app, call, actor| Box::pin(make(app, call, actor)))),
        route("DELETE", PATH, Access::Permission(WRITE, |app, call, actor| Box::pin(discard(app, call, actor)))),
        route(
            "POST",
            "/v1/snapshots/candidate/promote",
            Access::Permission(WRITE, |app, call, actor| Box::pin(promote(app, call, actor))),
        ),
    ]
}

fn read(tenant: Uuid) -> Statement {
    select::<SnapshotCandidate>("tenant_id = ?1", tenant)
}

async fn get(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let found = app.db.all(read(actor.tenant)).await.map_err(ApiError::database)?;
    let row = rows::<SnapshotCandidate>(found)?.pop().ok_or(ApiError::NotFound)?;
    let count = Statement::new(COUNT).bind(actor.tenant).bind(row.id).bind(MOST);
    let counts = app.db.all(count).await.map_err(ApiError::database)?;
    let allow = Outcome::Allow.as_str();
    let (mut to_deny, mut to_allow, mut otherwise) = (0, 0, 0);
    for its in &counts {
        let text = |column: &str| its.get(column).and_then(Value::as_str);
        let number = its.get("n").and_then(Value::as_f64).map_or(0, |number| number as i64);
        match (text("outcome") == Some(allow), text("shadow_outcome") == Some(allow)) {
            (true, _) => to_deny += number,
            (_, true) => to_allow += number,
            _ => otherwise += number,
        }
    }
    let mut shown = shown(&row, &actor, app.clock.now());
    if let Some(members) = shown.as_object_mut() {
        let differences = json!({ "allow_to_deny": to_deny, "deny_to_allow": to_allow, "denied_otherwise": otherwise });
        members.insert("differences".to_owned(), differences);
    }
    Response::json(&shown)
}

/// The row, and whether it decides.
fn shown(row: &SnapshotCandidate, actor: &Actor, now: Timestamp) -> Value {
    let state = match () {
        () if is_outdated(row, actor) => "outdated",
        () if row.expires_at <= now => "expired",
        () => "deciding",
    };
    let mut shown = json!(row);
    if let Some(members) = shown.as_object_mut() {
        members.insert("state".to_owned(), json!(state));
    }
    shown
}

/// Whether the rules that it changes are no longer those of now.
fn is_outdated(row: &SnapshotCandidate, actor: &Actor) -> bool {
    u64::try_from(row.base_version) != Ok(actor.versions().policy)
}

fn outdated() -> ApiError {
    let detail = "the rules have changed since the candidate was made of them".to_owned();
    ApiError::Conflict { code: "candidate.outdated", detail, findings: Vec::new() }
}

async fn make(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let now = app.clock.now();
    let (changes, hours) = wanted(call.object()?, now)?;
    let base = actor.versions().policy;
    let before = document::at(app, actor.tenant, base).await?.ok_or_else(outdated)?;
    let after = changed(app, actor.tenant, &before, &changes)?;
    let compiled = compile_again(&after, &app.memory.known(actor.tenant));
    let compiled = compiled.map_err(|findings| ApiError::Invalid { findings })?;
    let warnings = json!(compiled.warnings());
    let id = fresh_id(now)?;
    let (tenant, live) = (actor.tenant, hours.saturating_mul(HOUR));
    let content_hash = publish::store_candidate(app, &compiled, tenant, base, id, live).await?;
    let row = SnapshotCandidate {
        tenant_id: tenant,
        id,
        base_version: i64::try_from(base).map_err(ApiError::internal)?,
        content_hash,
        changes,
        created_at: now,
        expires_at: now.plus_millis(live),
    };
    commit(app, call, actor, vec![read(tenant)], |state| {
        if is_outdated(&row, state.actor) {
            return Err(outdated());
        }
        // One that does not decide any more is replaced.
        let is_deciding = |its: &SnapshotCandidate| !is_outdated(its, state.actor) && its.expires_at > state.now;
        if state.rows::<SnapshotCandidate>(0)?.iter().any(is_deciding) {
            let detail = "there is a candidate already: discard it first".to_owned();
            return Err(ApiError::Conflict { code: "candidate.exists", detail, findings: Vec::new() });
        }
        let mut body = shown(&row, state.actor, state.now);
        if let Some(members) = body.as_object_mut() {
            members.insert("findings".to_owned(), warnings.clone());
        }
        let mut plan = Plan::new(state, Response { status: 201, ..Response::json(&body)? });
        plan.facts().needs_owner = true;
        // Whoever would be refused to promote it is told so now.
        differences(state, &after, &mut plan)?;
        plan.change(RowChange::noted(None, Some(&row), "created"));
        plan.also(Statement::new(REMOVE).bind(tenant));
        plan.also(Statement::insert(&row));
        Ok(plan)
    })
    .await
}

/// The changes, each with the id of the row that it makes, and for how many hours the candidate decides.
fn wanted(body: Map<String, Value>, now: Timestamp) -> Result<(Value, i64), ApiError> {
    let mut findings = Vec::new();
    let mut wrong = |field: &str, message: String| {
        findings.push(Finding::error("request", "candidate.malformed", message).field(field));
    };
    let (mut changes, mut hours) = (Vec::new(), HOURS);
    for (name, value) in body {
        match (name.as_str(), value) {
            ("changes", Value::Array(entries)) if entries.len() <= MOST_CHANGES => changes = entries,
            ("changes", _) => wrong("changes", format!("expected an array of at most {MOST_CHANGES}")),
            ("hours", value) => match value.as_i64().filter(|hours| (1..=MOST_HOURS).contains(hours)) {
                Some(stated) => hours = stated,
                None => wrong("hours", format!("expected 1 to {MOST_HOURS}")),
            },
            _ => wrong(&name, "there is no such member".to_owned()),
        }
    }
    if changes.is_empty() {
        wrong("changes", "at least one change".to_owned());
    }
    for entry in &mut changes {
        // What is promoted is what decided: its rows have the ids that they had.
        if let Some(row) = entry.get_mut("insert").and_then(Value::as_object_mut) {
            row.entry("id").or_insert(json!(fresh_id(now)?));
        }
    }
    if findings.is_empty() { Ok((Value::Array(changes), hours)) } else { Err(ApiError::Invalid { findings }) }
}

/// The rules with the changes.
fn changed(app: &App, tenant: Uuid, before: &TenantDocument, changes: &Value) -> Result<TenantDocument, ApiError> {
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for (position, entry) in changes.as_array().into_iter().flatten().enumerate() {
        let at = format!("changes/{position}");
        let mut wrong =
            |code: &str, message: String| findings.push(Finding::error("request", code, message).field(at.as_str()));
        match Change::read(entry.clone()) {
            Ok(change) if TABLES.contains(&change.table.as_str()) => read.push(change),
            Ok(change) => {
                wrong("candidate.table", format!("`{}` is none of {}", change.table, TABLES.join(", ")));
            }
            Err(message) => wrong("candidate.malformed", message),
        }
    }
    let mut after = before.clone();
    if findings.is_empty() {
        findings = apply(app, tenant, &mut after, read)?;
    }
    for (was, is) in differing::<TenantSetting>(before, &after) {
        findings.extend(was.iter().chain(&is).filter_map(unfit));
    }
    ApiError::unless_empty(&findings)?;
    let is_same = differing::<Permission>(before, &after).is_empty()
        && differing::<Role>(before, &after).is_empty()
        && differing::<RolePermission>(before, &after).is_empty()
        && differing::<TenantSetting>(before, &after).is_empty();
    if is_same {
        let finding = Finding::error("request", "candidate.nothing", "these changes change nothing");
        return Err(ApiError::invalid(finding.field("changes")));
    }
    Ok(after)
}

/// What keeps a setting from being what a candidate may change: a rule, with what it may hold.
fn unfit(row: &TenantSetting) -> Option<Finding> {
    match setting::find(row.category, &row.setting_key).filter(|known| known.is_compiled()) {
        Some(known) => known.check(&row.setting_value).map(|finding| finding.row(row.id)),
        None => {
            let message = format!("`{}/{}` is no rule", row.category.as_str(), row.setting_key);
            Some(Finding::error("tenant_setting", "candidate.setting", message).row(row.id).field("setting_key"))
        }
    }
}

/// The rows of a table that differ, as they are and as they will be. When they were written says nothing.
fn differing<R: Rule>(before: &TenantDocument, after: &TenantDocument) -> Vec<(Option<R>, Option<R>)> {
    let said = |row: &R| {
        let mut object = row.object();
        object.remove("updated_at");
        object.remove("created_at");
        object
    };
    let id = |row: &R| row.value("id");
    let find = |rows: &[R], of: &R| rows.iter().find(|row| id(row) == id(of)).cloned();
    let (was, is) = (R::rows(before), R::rows(after));
    let gone_or_changed = was.iter().filter_map(|row| match find(is, row) {
        None => Some((Some(row.clone()), None)),
        Some(now) if said(&now) != said(row) => Some((Some(row.clone()), Some(now))),
        Some(_) => None,
    });
    let made = is.iter().filter(|row| find(was, row).is_none()).map(|row| (None, Some(row.clone())));
    gone_or_changed.chain(made).collect()
}

async fn discard(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let tenant = actor.tenant;
    commit(app, call, actor, vec![read(tenant)], |state| {
        let row = state.rows::<SnapshotCandidate>(0)?.pop().ok_or(ApiError::NotFound)?;
        let mut plan = Plan::new(state, Response { status: 204, ..Response::default() });
        plan.facts().needs_owner = true;
        plan.change(RowChange::noted(Some(&row), None, "deleted"));
        plan.also(Statement::new(REMOVE).bind(tenant));
        Ok(plan)
    })
    .await
}

async fn promote(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = promoted(call.object()?)?;
    let tenant = actor.tenant;
    membership::retried(app, call, actor, async |actor| {
        let found = app.db.all(read(tenant)).await.map_err(ApiError::database)?;
        let candidate = rows::<SnapshotCandidate>(found)?.pop().ok_or(ApiError::NotFound)?;
        check(&candidate, &actor, id, app.clock.now())?;
        let base = document::at(app, tenant, actor.versions().policy).await?.ok_or_else(outdated)?;
        let after = changed(app, tenant, &base, &candidate.changes)?;
        let evaluated = evaluated(app, &actor, &base, &after).await?;
        drop(base);
        commit(app, call, actor, vec![read(tenant)], |state| {
            let candidate = state.rows::<SnapshotCandidate>(0)?.pop().ok_or(ApiError::NotFound)?;
            check(&candidate, state.actor, id, state.now)?;
            let mut plan = Plan::new(state, Response::default());
            plan.facts().needs_owner = true;
            let changes = differences(state, &after, &mut plan)?;
            let rows = changes.len();
            changes.into_iter().for_each(|change| plan.change(change));
            if let Some(evaluated) = &evaluated {
                evaluated.write(state, &mut plan)?;
            }
            plan.change(RowChange::noted(Some(&candidate), None, "promoted"));
            plan.also(Statement::new(REMOVE).bind(tenant));
            let version = candidate.base_version.saturating_add(1);
            plan.answer(Response::json(&json!({ "policy_version": version, "promoted": id, "rows": rows }))?);
            Ok(plan)
        })
        .await
    })
    .await
}

/// Which candidate is to be promoted: the one that somebody has looked at, and no other that came in its place.
fn promoted(mut body: Map<String, Value>) -> Result<Uuid, ApiError> {
    let id = body.remove("id");
    let id = id.as_ref().and_then(Value::as_str).filter(|id| id.len() == 36).and_then(|id| Uuid::try_parse(id).ok());
    let finding =
        |field: &str, message: &str| Finding::error("request", "candidate.malformed", message).field(field.to_owned());
    let mut findings: Vec<Finding> = body.keys().map(|name| finding(name, "there is no such member")).collect();
    if id.is_none() {
        findings.push(finding("id", "expected the id of the candidate"));
    }
    id.filter(|_| findings.is_empty()).ok_or(ApiError::Invalid { findings })
}

fn check(candidate: &SnapshotCandidate, actor: &Actor, id: Uuid, now: Timestamp) -> Result<(), ApiError> {
    let conflict =
        |code, detail: &str| Err(ApiError::Conflict { code, detail: detail.to_owned(), findings: Vec::new() });
    match () {
        () if candidate.id != id => conflict("candidate.other", "the candidate is another one by now"),
        () if is_outdated(candidate, actor) => Err(outdated()),
        () if candidate.expires_at <= now => conflict("candidate.expired", "the candidate has ended"),
        () => Ok(()),
    }
}

/// What another schema does to the memberships of automatic groups.
async fn evaluated(
    app: &App,
    actor: &Actor,
    before: &TenantDocument,
    after: &TenantDocument,
) -> Result<Option<Evaluated>, ApiError> {
    let is_schema = |row: &TenantSetting| row.category == SettingCategory::Auth && row.setting_key == "schema";
    let differs = differing::<TenantSetting>(before, after);
    if !differs.iter().any(|(was, is)| was.iter().chain(is).any(is_schema)) {
        return Ok(None);
    }
    let groups = after.user_group.iter().filter(|group| group.auto_assignment_rules.is_some());
    let groups: BTreeSet<Uuid> = groups.map(|group| group.id).collect();
    membership::evaluate(app, actor, after.clone(), &groups, membership::MOST).await.map(Some)
}

/// Each row that differs, changed as a request that changes it alone would, with what that does beyond the row.
fn differences(state: &State<'_>, after: &TenantDocument, plan: &mut Plan) -> Result<Vec<RowChange>, ApiError> {
    let mut changes = Changes::default();
    changes.of::<Permission>(state, after, plan)?;
    changes.of::<Role>(state, after, plan)?;
    changes.of::<RolePermission>(state, after, plan)?;
    changes.of::<TenantSetting>(state, after, plan)?;
    ApiError::unless_empty(&changes.findings)?;
    // References go before what they refer to, and come after it.
    changes.removed.reverse();
    Ok(changes.removed.into_iter().chain(changes.updated).chain(changes.made).collect())
}

/// What is written, by what must come before what.
#[derive(Default)]
struct Changes {
    removed: Vec<RowChange>,
    updated: Vec<RowChange>,
    made: Vec<RowChange>,
    findings: Vec<Finding>,
}

impl Changes {
    fn of<R: Rule + Collection>(
        &mut self,
        state: &State<'_>,
        after: &TenantDocument,
        plan: &mut Plan,
    ) -> Result<(), ApiError> {
        for (was, is) in differing::<R>(state.document, after) {
            let is = is.map(|row| touched(row, state)).transpose()?;
            match (&was, &is) {
                (None, None) => {}
                (None, Some(is)) => self.made.push(RowChange::insert(is, R::EVENTS[0])),
                (Some(was), Some(is)) => {
                    let (old, new) = (was.object(), is.object());
                    let fixed = SERVICE.iter().chain(R::GIVEN).chain(R::FIXED).filter(|name| **name != "updated_at");
                    let changed = fixed.filter(|name| old.get(**name) != new.get(**name));
                    self.findings.extend(changed.map(|name| read_only::<R>(name)));
                    self.updated.push(RowChange::update(was, is, R::EVENTS[1]));
                }
                (Some(was), None) => self.removed.push(RowChange::delete(was, R::EVENTS[2])),
            }
            let edit = Edit { state, before: was.as_ref(), after: is.as_ref(), first: 0 };
            R::rules(&edit, plan, &mut self.findings)?;
        }
        Ok(())
    }
}
