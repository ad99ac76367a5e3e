//! Purging tenants whose grace is over: everything goes but the audit chain and the row that it hangs on.
//!
//! - **The chain stays**, without anything that says who: the subjects' keys go first, so what is personal in it cannot be
//!   read any more, and the chain still verifies. Removing it is retention's, below an exported root (invariant 10); to
//!   say of rows that nobody fetched that they were exported, in order to remove them, would be a lie. What stays of
//!   persons are the log's own columns for addresses and programs, until retention takes them.
//! - **The row stays**, blank, since the chain refers to it, and with it the slug: hosts, links and configurations of
//!   others still name it, and whoever came under it next would be taken for the tenant that was. An operator who knows
//!   better gives the old tenant another slug. The domain is free: whoever proves it may have it.
//!
//! It begins in one batch with a row of both chains, so that a tenant which is restored at the same time is not purged,
//! and one that is being purged is not restored. From there on each run removes a bounded number of rows, wherever the run
//! before ended; it is over when a run finds nothing more to remove.

use parapet::administration::SYSTEM_TENANT;
use parapet::audit::{Entry, Head};
use parapet::model::{AttemptResult, Outbox, Row as _, TABLES, Tenant, TenantStatus, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Done, Turn};
use crate::administration::{READ_HEAD, fresh_id, head, inserts, is_taken};
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::platform::db::{Statement, Violation};
use crate::tenancy::tenant::grace;

/// A run begins with no more tenants, and goes on with no more.
const TENANTS: i64 = 5;

/// A run removes no more rows.
const ROWS: i64 = 5_000;

/// A run removes no more values from KV a tenant: each is a request of its own.
const VALUES: usize = 50;

const READ_GRACE: &str = "
    SELECT setting_value FROM tenant_setting
    WHERE tenant_id = ?1 AND category = 'security' AND setting_key = 'tenant_grace_days'";

const READ_DUE: &str = "
    SELECT t.id FROM tenant t LEFT JOIN tenant_purge p ON p.tenant_id = t.id
    WHERE t.status = 'deleted' AND t.deleted_at <= ?1 AND p.tenant_id IS NULL ORDER BY t.deleted_at LIMIT ?2";

const READ_UNDER_WAY: &str = "
    SELECT tenant_id FROM tenant_purge WHERE finished_at IS NULL ORDER BY begun_at LIMIT ?1";

const COUNT_LEFT: &str = "SELECT count(*) AS tenants FROM tenant_purge WHERE finished_at IS NULL";

const BEGIN: &str = "INSERT INTO tenant_purge (tenant_id, begun_at, items) VALUES (?1, ?2, 0)";

const BLANK: &str = "
    UPDATE tenant SET name = slug, domain = NULL, logo_url = NULL, primary_color = NULL, secondary_color = NULL,
                      branding_config = '{}', settings = '{}', updated_at = ?2
    WHERE id = ?1 AND status = 'deleted'";

const COUNT: &str = "UPDATE tenant_purge SET items = items + ?2 WHERE tenant_id = ?1";

const FINISH: &str =
    "UPDATE tenant_purge SET finished_at = ?2 WHERE tenant_id = ?1 AND finished_at IS NULL RETURNING items";

/// What makes the log say nothing of anybody; `?2` rows at once.
const DESTROY_KEYS: &str = "
    UPDATE audit_subject SET subject_key = NULL, destroyed_at = ?3 WHERE rowid IN (
        SELECT rowid FROM audit_subject WHERE tenant_id = ?1 AND subject_key IS NOT NULL LIMIT ?2)
    RETURNING 1 AS gone";

/// What opens the service goes first; then what would keep a history of all that follows.
const FIRST: [&str; 3] = ["api_key", "rule_history", "tenant_epoch"];

/// What no document has, beside those.
const OF_THE_SERVICE: [&str; 14] = [
    "former_password",
    "idempotency_key",
    "issuer_key_set",
    "known_device",
    "login_flow",
    "login_throttle",
    "lone_password",
    "one_time_link",
    "pending_sign_up",
    "rate_limit",
    "reminder",
    "session_host",
    "terms_acceptance",
    "used_assertion",
];

/// What stays.
const STAYS: [&str; 4] = ["tenant", "audit_log", "audit_root", "audit_subject"];

/// Begins with tenants whose grace is over, and goes on with those that it began with.
pub async fn purge(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let mut failed = None;
    for tenant in due(app, turn.now).await? {
        if let Err(error) = begin(app, tenant, turn.now).await {
            failed = Some(error);
        }
    }
    let mut left = ROWS;
    for tenant in ids(app, Statement::new(READ_UNDER_WAY).bind(TENANTS), "tenant_id").await? {
        if left == 0 {
            break;
        }
        match go_on(app, tenant, turn.now, left).await {
            Ok(removed) => left = left.saturating_sub(removed),
            // The others' turn all the same.
            Err(error) => failed = Some(error),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let count = app.db.first(Statement::new(COUNT_LEFT)).await.map_err(ApiError::database)?;
    let remaining = count.and_then(|row| row.get("tenants")?.as_f64()).map(|count| count as i64);
    Ok(Done { items: ROWS - left, remaining, cursor: None })
}

async fn due(app: &App, now: Timestamp) -> Result<Vec<Uuid>, ApiError> {
    let setting = app.db.first(Statement::new(READ_GRACE).bind(SYSTEM_TENANT)).await.map_err(ApiError::database)?;
    let setting = setting.and_then(|row| serde_json::from_str::<Value>(row.get("setting_value")?.as_str()?).ok());
    let until = now.plus_millis(-grace(setting.as_ref()));
    ids(app, Statement::new(READ_DUE).bind(until).bind(TENANTS), "id").await
}

async fn ids(app: &App, statement: Statement, column: &str) -> Result<Vec<Uuid>, ApiError> {
    let found = app.db.all(statement).await.map_err(ApiError::database)?;
    let id = |row: &Map<String, Value>| row.get(column)?.as_str()?.parse().ok();
    Ok(found.iter().filter_map(id).collect())
}

/// From here on nothing brings the tenant back.
async fn begin(app: &App, tenant: Uuid, now: Timestamp) -> Result<(), ApiError> {
    let mut chains = Chains::read(app, tenant, now).await?;
    let before = chains.row.clone();
    if before.status != TenantStatus::Deleted || tenant == SYSTEM_TENANT {
        return Ok(());
    }
    let after = Tenant { name: before.slug.clone(), domain: None, ..before.clone() };
    let data = json!({ "before": { "name": before.name, "domain": before.domain }, "after": { "slug": after.slug } });
    let Value::Object(data) = data else { return Err(ApiError::internal("what happened is an object")) };
    let mut batch = vec![Statement::new(BEGIN).bind(tenant).bind(now), Statement::new(BLANK).bind(tenant).bind(now)];
    batch.extend(chains.record(&after, "tenant.purge_begun", data)?);
    write(app, batch).await
}

/// Removes a piece of it, and says how many rows that was. A run that finds nothing is the last.
async fn go_on(app: &App, tenant: Uuid, now: Timestamp, most: i64) -> Result<i64, ApiError> {
    let mut left = most;
    let destroy = |left: i64| Statement::new(DESTROY_KEYS).bind(tenant).bind(left).bind(now);
    left = left.saturating_sub(gone(app, destroy(left)).await?);
    for sql in removals() {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(gone(app, Statement::new(sql).bind(tenant).bind(left)).await?);
    }
    let removed = most - left;
    if removed > 0 {
        let count = Statement::new(COUNT).bind(tenant).bind(removed);
        app.db.all(count).await.map_err(ApiError::database)?;
    }
    if forget_values(app, tenant).await? == 0 && removed == 0 {
        finish(app, tenant, now).await?;
    }
    Ok(removed)
}

async fn gone(app: &App, statement: Statement) -> Result<i64, ApiError> {
    let rows = app.db.all(statement).await.map_err(ApiError::database)?;
    i64::try_from(rows.len()).map_err(ApiError::internal)
}

/// What refers goes before what it refers to, so that a statement removes about as many rows as it says.
fn removals() -> Vec<String> {
    let named = |name: &&str| !FIRST.contains(name) && !STAYS.contains(name);
    let tables = TABLES.iter().rev().map(|table| table.name).filter(named);
    FIRST.into_iter().chain(OF_THE_SERVICE).chain(tables).map(removal).collect()
}

fn removal(table: &str) -> String {
    // Units refer to each other: the lowest go first.
    let order = if table == "organization_unit" { "ORDER BY level DESC " } else { "" };
    format!(
        "DELETE FROM \"{table}\" WHERE rowid IN (
             SELECT rowid FROM \"{table}\" WHERE tenant_id = ?1 {order}LIMIT ?2)
         RETURNING 1 AS gone"
    )
}

/// Snapshots and principals in KV, as far as they are listed by now; principals go by themselves within a day.
async fn forget_values(app: &App, tenant: Uuid) -> Result<usize, ApiError> {
    let unavailable = |error| ApiError::unavailable("store.unavailable", "the store does not answer", error);
    let mut removed = 0;
    for prefix in [format!("snapshot/{tenant}/"), format!("principal/{tenant}/")] {
        let listed = app.kv.list(&prefix, VALUES - removed, None).await.map_err(unavailable)?;
        for key in &listed.keys {
            app.kv.delete(key).await.map_err(unavailable)?;
        }
        removed += listed.keys.len();
        if removed == VALUES {
            break;
        }
    }
    Ok(removed)
}

async fn finish(app: &App, tenant: Uuid, now: Timestamp) -> Result<(), ApiError> {
    let mut chains = Chains::read(app, tenant, now).await?;
    let (row, head) = (chains.row.clone(), &chains.own);
    // The operators' chain says where the tenant's ended: one more row says that it was purged.
    let data = json!({ "purged_at": now, "audit_head": { "sequence": head.sequence, "hash": head.hash } });
    let data = Map::from_iter([("after".to_owned(), data)]);
    let mut batch = vec![Statement::new(FINISH).bind(tenant).bind(now)];
    batch.extend(chains.record(&row, "tenant.purged", data)?);
    write(app, batch).await
}

/// Where somebody else wrote to one of the chains meanwhile, nothing is written: the next run tries again, by what is
/// there then.
async fn write(app: &App, batch: Vec<Statement>) -> Result<(), ApiError> {
    match app.db.batch(batch).await {
        Ok(_) => Ok(()),
        Err(error) => match error.violation() {
            violation if is_taken(violation.as_ref()) => Ok(()),
            Some(Violation::Unique { table, .. }) if table == "tenant_purge" => Ok(()),
            _ => Err(ApiError::database(error)),
        },
    }
}

/// A tenant as it is at an instant, with the ends of its own chain and of the operators'.
struct Chains {
    now: Timestamp,
    row: Tenant,
    own: Head,
    operators: Head,
}

impl Chains {
    async fn read(app: &App, tenant: Uuid, now: Timestamp) -> Result<Self, ApiError> {
        let of = |tenant: Uuid| Statement::new(READ_HEAD).bind(tenant);
        let reads = vec![select::<Tenant>("id = ?1", tenant), of(tenant), of(SYSTEM_TENANT)];
        let answers = app.db.batch(reads).await.map_err(ApiError::database)?;
        let [row, own, operators] = answers.try_into().map_err(|_| ApiError::internal("three answers"))?;
        let row = rows::<Tenant>(row)?.pop().ok_or(ApiError::NotFound)?;
        Ok(Self { now, row, own: head(&own)?, operators: head(&operators)? })
    }

    /// Writes what happened to both chains, and tells the operators.
    fn record(&mut self, row: &Tenant, event: &str, data: Map<String, Value>) -> Result<Vec<Statement>, ApiError> {
        let mut log = Vec::new();
        for (tenant, head) in [(row.id, &mut self.own), (SYSTEM_TENANT, &mut self.operators)] {
            let mut data = data.clone();
            data.insert("actor".to_owned(), actor());
            let entry = Entry {
                id: fresh_id(self.now)?,
                tenant_id: tenant,
                user_id: None,
                event_type: event.to_owned(),
                resource_type: Some(Tenant::TABLE.to_owned()),
                resource_id: Some(row.id),
                event_data: data,
                ip_address: None,
                user_agent: None,
                result: AttemptResult::Success,
                created_at: self.now,
            };
            let (written, next) = head.append(entry);
            *head = next;
            log.push(written);
        }
        let payload = json!({
            "actor": actor(), "request_id": null, "resource": { "type": Tenant::TABLE, "id": row.id },
            "object": { "id": row.id, "slug": row.slug }, "changed": null,
        });
        let Value::Object(payload) = payload else { return Err(ApiError::internal("an event is an object")) };
        let told = Outbox {
            id: fresh_id(self.now)?,
            tenant_id: SYSTEM_TENANT,
            event_type: event.to_owned(),
            payload,
            created_at: self.now,
            published_at: None,
        };
        Ok(inserts(&log).into_iter().chain(inserts(&[told])).collect())
    }
}

/// Who did it: nobody's key, but the service by the clock.
fn actor() -> Value {
    json!({ "type": "Duty", "id": "purge_tenants" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_goes_or_stays() {
        let removed = removals();
        for table in TABLES {
            let goes =
                removed.iter().filter(|sql| sql.contains(&format!("FROM \"{}\" WHERE rowid", table.name))).count();
            assert_eq!(goes, usize::from(!STAYS.contains(&table.name)), "{}", table.name);
        }
    }
}
