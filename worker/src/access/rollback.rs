//! `POST /v1/snapshots/{version}/rollback`: the rules of then, as a new and higher version.
//!
//! What is written again are roles, their permissions, permissions, the schema and the tenant's own policies. Users,
//! assignments, keys and groups stay as they are. What was then is in `rule_history`, which triggers write and the clock
//! prunes (`scheduled/prune_rule_history.rs`).

use std::collections::BTreeSet;

use parapet::model::{Permission, Role, RolePermission, RoleType, Row, SnapshotVersion, TenantSetting};
use parapet::rights::{Rights, RightsOf};
use parapet::{Finding, TenantDocument, setting};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::administration::{Actor, Plan, RowChange, State, commit};
use crate::app::App;
use crate::document::{Rule, contradictions, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::{Row as SqlRow, Statement};
use crate::response::Response;

/// What each row was right after a version: what the first change after it found.
const READ_HISTORY: &str = "
    SELECT table_name, row_id, before, min(entry) AS entry FROM rule_history
    WHERE tenant_id = ?1 AND policy_version > ?2
    GROUP BY table_name, row_id ORDER BY entry LIMIT ?3";

/// Of the roles that were made since, those that rows which stay refer to.
const READ_USED_ROLES: &str = "
    SELECT h.row_id AS role_id FROM rule_history h
    WHERE h.tenant_id = ?1 AND h.policy_version > ?2 AND h.table_name = 'role' AND (
        EXISTS (SELECT 1 FROM user_role u WHERE u.tenant_id = ?1 AND u.role_id = h.row_id)
        OR EXISTS (SELECT 1 FROM user_group_role g WHERE g.tenant_id = ?1 AND g.role_id = h.row_id)
        OR EXISTS (SELECT 1 FROM access_request a WHERE a.tenant_id = ?1 AND a.role_id = h.row_id))";

/// So many rows are written again at once: each has its audit row and its event in the same batch.
const MOST: usize = 1000;

/// The one route.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/snapshots/{version}/rollback",
        access: Access::Permission("snapshot.write", |app, call, actor| Box::pin(roll_back(app, call, actor))),
    }]
}

async fn roll_back(app: &App, call: &Call, actor: Actor) -> Result<Response, ApiError> {
    call.says_nothing()?;
    // A sign or a zero before it would give one version two addresses.
    let stated = call.parameter("version");
    let version = stated.parse::<i64>().ok().filter(|version| *version >= 0 && version.to_string() == stated);
    let version = version.ok_or(ApiError::NotFound)?;
    let of_version = |statement: Statement| statement.bind(version);
    let most = i64::try_from(MOST).map_err(ApiError::internal)?;
    let reads = vec![
        of_version(select::<SnapshotVersion>("tenant_id = ?1 AND policy_version = ?2", actor.tenant)),
        of_version(Statement::new(READ_HISTORY).bind(actor.tenant)).bind(most.saturating_add(1)),
        of_version(Statement::new(READ_USED_ROLES).bind(actor.tenant)),
    ];
    commit(app, call, actor, reads, |state| plan(state, version)).await
}

fn plan(state: &State<'_>, version: i64) -> Result<Plan, ApiError> {
    let history = state.sql_rows(1);
    let conflict = |code, detail: String| Err(ApiError::Conflict { code, detail, findings: Vec::new() });
    // With the history below a version goes its own row, so this is asked first.
    if history.iter().any(|entry| text(entry, "table_name") == Some("tenant")) {
        return conflict("snapshot.not_kept", format!("what the rules were at version {version} was not kept"));
    }
    if state.rows::<SnapshotVersion>(0)?.is_empty() {
        return Err(ApiError::NotFound);
    }
    if history.len() > MOST {
        return conflict("snapshot.too_far", format!("more than {MOST} rows have changed since version {version}"));
    }
    let used: BTreeSet<&str> = state.sql_rows(2).iter().filter_map(|row| text(row, "role_id")).collect();
    let mut changes = Changes::default();
    for entry in history {
        let then = match entry.get("before") {
            None | Some(Value::Null) => None,
            Some(Value::String(json)) => match serde_json::from_str(json).map_err(ApiError::internal)? {
                Value::Object(row) => Some(row),
                _ => return Err(ApiError::internal("a row of the history is no object")),
            },
            Some(_) => return Err(ApiError::internal("a row of the history is no text")),
        };
        let id = text(entry, "row_id").unwrap_or_default();
        match text(entry, "table_name") {
            Some("role") => changes.role(state, id, then, used.contains(id))?,
            Some("role_permission") => changes.row::<RolePermission>(state, id, then)?,
            Some("permission") => changes.row::<Permission>(state, id, then)?,
            Some("tenant_setting") => changes.setting(state, id, then)?,
            other => return Err(ApiError::internal(format!("the history has the table {other:?}"))),
        }
    }
    let mut plan = Plan::new(state, Response::default());
    plan.facts().needs_owner = true;
    let changed = changes.len();
    for change in changes.in_order() {
        plan.change(change);
    }
    let mut after = state.document.clone();
    plan.apply(&mut after);
    let findings = changes_findings(&after, &changes.written);
    if !findings.is_empty() {
        return Err(ApiError::Invalid { findings });
    }
    plan.gains(state, &gained(state.document, &after));
    let current = i64::try_from(state.actor.versions().policy).map_err(ApiError::internal)?;
    let published = if changed == 0 { current } else { current.saturating_add(1) };
    if changed > 0 {
        let object = json!({ "policy_version": published, "rolled_back_to": version, "rows": changed });
        let object = object.as_object().cloned().unwrap_or_default();
        plan.change(RowChange::happened("snapshot", "rolled_back", object));
    }
    plan.answer(Response::json(&json!({
        "policy_version": published, "rolled_back_to": version, "rows": changed,
    }))?);
    Ok(plan)
}

/// What is written again, by what must come before what.
#[derive(Default)]
struct Changes {
    /// References go before what they refer to.
    removed: [Vec<RowChange>; 4],
    updated: Vec<RowChange>,
    /// What is referred to comes before its references.
    made: [Vec<RowChange>; 4],
    /// What is to be looked at once all of it is there.
    written: Vec<(&'static str, String)>,
}

impl Changes {
    /// A role that was made since and that somebody has stays theirs, and gives nothing; those of the system stay.
    fn role(&mut self, state: &State<'_>, id: &str, then: Option<SqlRow>, used: bool) -> Result<(), ApiError> {
        let now = find::<Role>(state.document, id);
        let then = then.map(read::<Role>).transpose()?;
        if now.iter().chain(&then).any(|role| role.r#type == RoleType::System) {
            return Ok(());
        }
        let then = match (&now, then) {
            (Some(now), None) if used => Some(Role { permissions: Vec::new(), is_active: false, ..now.clone() }),
            (_, then) => then,
        };
        self.restore(now, then.map(|role| Role { updated_at: state.now, ..role }));
        Ok(())
    }

    /// Of settings, what the compiler reads.
    fn setting(&mut self, state: &State<'_>, id: &str, then: Option<SqlRow>) -> Result<(), ApiError> {
        let is_rule = |row: &TenantSetting| {
            setting::find(row.category, &row.setting_key).is_some_and(setting::Known::is_compiled)
        };
        let now = find::<TenantSetting>(state.document, id).filter(is_rule);
        let then = then.map(read::<TenantSetting>).transpose()?.filter(is_rule);
        self.restore(now, then.map(|row| TenantSetting { updated_at: state.now, ..row }));
        Ok(())
    }

    fn row<R: Rule>(&mut self, state: &State<'_>, id: &str, then: Option<SqlRow>) -> Result<(), ApiError> {
        let then = then.map(read::<R>).transpose()?;
        self.restore(find::<R>(state.document, id), then);
        Ok(())
    }

    fn restore<R: Rule>(&mut self, now: Option<R>, then: Option<R>) {
        if same(now.as_ref(), then.as_ref()) {
            return;
        }
        let change = RowChange::restore(now.as_ref(), then.as_ref());
        // Permissions first, then roles, then what both are referred to by; and the other way round.
        let order = match R::TABLE {
            "permission" => 0,
            "role" => 1,
            "role_permission" => 2,
            _ => 3,
        };
        let group = match (&now, &then) {
            (_, None) => self.removed.get_mut(3 - order),
            (None, _) => self.made.get_mut(order),
            _ => Some(&mut self.updated),
        };
        if let Some(group) = group {
            group.push(change);
        }
        if let Some(id) = then.and_then(|row| row.object().get("id").and_then(Value::as_str).map(str::to_owned)) {
            self.written.push((R::TABLE, id));
        }
    }

    fn len(&self) -> usize {
        self.removed.iter().chain(&self.made).map(Vec::len).sum::<usize>() + self.updated.len()
    }

    fn in_order(&mut self) -> Vec<RowChange> {
        let removed = self.removed.iter_mut().flat_map(std::mem::take);
        let mut all: Vec<RowChange> = removed.collect();
        all.append(&mut self.updated);
        all.extend(self.made.iter_mut().flat_map(std::mem::take));
        all
    }
}

/// What the rows of then contradict among those that are there now.
fn changes_findings(after: &TenantDocument, written: &[(&'static str, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, id) in written {
        findings.extend(match *table {
            "permission" => of_row::<Permission>(after, id),
            "role" => of_row::<Role>(after, id),
            "role_permission" => of_row::<RolePermission>(after, id),
            _ => of_row::<TenantSetting>(after, id),
        });
    }
    findings.sort();
    findings
}

fn of_row<R: Rule>(after: &TenantDocument, id: &str) -> Vec<Finding> {
    find::<R>(after, id).map(|row| contradictions(after, &row)).unwrap_or_default()
}

/// What anybody gains: by a role, and by what service accounts and requests name.
fn gained(before: &TenantDocument, after: &TenantDocument) -> Rights {
    let mut gained = Rights::default();
    let (was, is) = (RightsOf::new(before), RightsOf::new(after));
    let role = |document: &TenantDocument, of: &RightsOf<'_>, id: Uuid| {
        let active = document.role.iter().any(|role| role.id == id && role.is_active);
        if active { of.role(id) } else { Rights::default() }
    };
    for id in after.role.iter().map(|role| role.id) {
        gained.add(Rights::gained(&role(before, &was, id), &role(after, &is, id)));
    }
    for account in &after.service_account {
        let rights = |of: &RightsOf<'_>| of.entries(&account.permissions, None);
        gained.add(Rights::gained(&rights(&was), &rights(&is)));
    }
    for request in &after.access_request {
        let rights = |of: &RightsOf<'_>| of.entries(&request.requested_permissions, request.expires_at);
        gained.add(Rights::gained(&rights(&was), &rights(&is)));
    }
    gained
}

fn find<R: Rule>(document: &TenantDocument, id: &str) -> Option<R> {
    let id = parapet::model::SqlValue::Text(id.to_owned());
    R::rows(document).iter().find(|row| row.value("id").as_ref() == Some(&id)).cloned()
}

fn read<R: Row>(row: SqlRow) -> Result<R, ApiError> {
    let broken = |findings: Vec<Finding>| {
        ApiError::internal(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    R::from_sql(row).map_err(broken)
}

/// Whether two rows say the same; when they were written says nothing.
fn same<R: Rule>(one: Option<&R>, other: Option<&R>) -> bool {
    let said = |row: &R| {
        let mut object: Map<String, Value> = row.object();
        object.remove("updated_at");
        object
    };
    one.map(said) == other.map(said)
}

fn text<'r>(row: &'r SqlRow, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}
