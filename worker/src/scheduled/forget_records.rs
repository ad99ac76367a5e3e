//! Forgetting what a tenant keeps no longer: tries to sign in, decisions, events and deliveries that are over, and
//! notifications, each for as long as a setting says; and of the audit log, where the tenant has set that, what was exported.

use parapet::model::{SettingCategory, TenantStatus, Timestamp};
use parapet::setting;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Done, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row, Statement};
use crate::platform::log;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A run looks at so many tenants.
const TENANTS: i64 = 100;

/// A run removes something of no more tables of tenants.
const DUE: usize = 60;

/// A run removes no more rows, but for those of the last table.
const ROWS: i64 = 5_000;

/// So many at once of one table.
const AT_ONCE: i64 = 1_000;

/// What is forgotten: the table, the setting that says after how many days, when it was, and what is over.
struct Kind {
    table: &'static str,
    category: SettingCategory,
    key: &'static str,
    time: &'static str,
    over: &'static str,
}

/// Each by an index of its own.
const KINDS: [Kind; 5] = [
    logs("login_attempt", "attempted_at"),
    logs("decision_log", "created_at"),
    messages("outbox", "delivery_retention_days", "published_at", " AND published_at IS NOT NULL"),
    messages("webhook_delivery", "delivery_retention_days", "created_at", " AND next_attempt_at IS NULL"),
    messages("user_notification", "notification_retention_days", "created_at", " AND next_attempt_at IS NULL"),
];

const fn logs(table: &'static str, time: &'static str) -> Kind {
    Kind { table, category: SettingCategory::Security, key: "log_retention_days", time, over: "" }
}

const fn messages(table: &'static str, key: &'static str, time: &'static str, over: &'static str) -> Kind {
    Kind { table, category: SettingCategory::Integration, key, time, over }
}

/// The next tenants, with what they have set.
const READ: &str = "
    SELECT e.tenant_id, t.status, t.settings,
           (SELECT json_group_object(s.category || '/' || s.setting_key, json(s.setting_value)) FROM tenant_setting s
            WHERE s.tenant_id = e.tenant_id AND (s.category, s.setting_key) IN (
                VALUES ('security', 'log_retention_days'), ('security', 'audit_retention_days'),
                       ('integration', 'delivery_retention_days'), ('integration', 'notification_retention_days'))
           ) AS own
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id WHERE e.tenant_id > ?1 ORDER BY e.tenant_id LIMIT ?2";

/// The oldest rows of the log below an exported root. The newest row is never among them, exported or not: the next one
/// is chained to it.
const READ_PREFIX: &str = "
    SELECT sequence, created_at FROM audit_log
    WHERE tenant_id = ?1 AND sequence <= (SELECT max(sequence) FROM audit_root WHERE tenant_id = ?1)
      AND sequence < (SELECT max(sequence) FROM audit_log WHERE tenant_id = ?1)
    ORDER BY sequence LIMIT ?2";

/// Triggers hold it to that: a row goes only where it is the oldest one there is and below a root. SQLite removes them in
/// the order in which they were written, which is the chain's.
const REMOVE_PREFIX: &str = "DELETE FROM audit_log WHERE tenant_id = ?1 AND sequence <= ?2 RETURNING 1 AS gone";

/// A tenant of this run.
struct Its {
    id: Uuid,
    /// What of each of [`KINDS`] is too old.
    until: Vec<Timestamp>,
    /// What of the audit log is.
    audit: Option<Timestamp>,
}

/// Goes through the tenants, some of them a run, and begins anew behind the last.
pub async fn forget(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let read = Statement::new(READ).bind(turn.cursor.clone().unwrap_or_default()).bind(TENANTS);
    let found = app.db.all(read).await.map_err(ApiError::database)?;
    let tenants: Vec<Its> = found.iter().filter_map(|row| its(row, turn.now)).collect();
    let due = app.db.all(due(&tenants)).await.map_err(ApiError::database)?;
    let is_due = |tenant: Uuid, table: &str| {
        let row = due.iter().find(|row| row.get("tenant").and_then(Value::as_str) == Some(&tenant.to_string()));
        row.and_then(|row| row.get(table)).and_then(Value::as_f64) == Some(1.0)
    };
    let mut done = Done { cursor: turn.cursor, ..Done::default() };
    let mut touched = 0;
    for its in &tenants {
        for (kind, until) in KINDS.iter().zip(&its.until).filter(|(kind, _)| is_due(its.id, kind.table)) {
            done.items += remove(app, kind, its.id, *until).await?;
            touched += 1;
        }
        if let Some(until) = its.audit {
            touched += 1;
            match remove_prefix(app, its.id, until).await {
                Ok(removed) => done.items += removed,
                // The others' turn all the same.
                Err(error) => log::error("-", "scheduled.failed_for_tenant", &format!("{}: {}", its.id, error.cause())),
            }
        }
        done.cursor = Some(its.id.to_string());
        if done.items >= ROWS || touched >= DUE {
            return Ok(done);
        }
    }
    if i64::try_from(found.len()).map_err(ApiError::internal)? < TENANTS {
        done.cursor = None;
    }
    Ok(done)
}

fn its(row: &Row, now: Timestamp) -> Option<Its> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let json = |name: &str| text(name).and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
    let (own, settings) = (json("own"), json("settings"));
    let days = |category: SettingCategory, key: &str| {
        let known = setting::find(category, key)?;
        let fits = |value: &&Value| known.check(value).is_none();
        let of_tenant = || settings.get(category.as_str()).and_then(|its| its.get(key)).filter(fits);
        let set = own.get(format!("{}/{key}", category.as_str())).filter(fits).or_else(of_tenant).cloned();
        set.unwrap_or_else(|| known.default_value()).as_i64()
    };
    let until = |days: i64| now.plus_millis(-days * DAY);
    // How a deleted tenant comes back stands in its log.
    let keeps = text("status") == Some(TenantStatus::Deleted.as_str());
    let audit = days(SettingCategory::Security, "audit_retention_days").filter(|days| *days > 0 && !keeps);
    Some(Its {
        id: text("tenant_id")?.parse().ok()?,
        until: KINDS.iter().map(|kind| days(kind.category, kind.key).map(until)).collect::<Option<_>>()?,
        audit: audit.map(until),
    })
}

/// Which tables have something that is too old, by one look into the index of each.
fn due(tenants: &[Its]) -> Statement {
    let list = tenants.iter().map(|its| json!({ "tenant": its.id, "until": its.until }));
    let columns = KINDS.iter().enumerate().map(|(index, Kind { table, time, over, .. })| {
        format!(
            "EXISTS (SELECT 1 FROM {table} WHERE tenant_id = json_extract(k.value, '$.tenant')
                     AND {time} < json_extract(k.value, '$.until[{index}]'){over}) AS {table}"
        )
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    Statement::new(format!("SELECT json_extract(k.value, '$.tenant') AS tenant, {columns} FROM json_each(?1) k"))
        .bind(Value::from_iter(list).to_string())
}

async fn remove(app: &App, kind: &Kind, tenant: Uuid, until: Timestamp) -> Result<i64, ApiError> {
    let Kind { table, time, over, .. } = kind;
    let sql = format!(
        "DELETE FROM {table} WHERE rowid IN (
             SELECT rowid FROM {table} WHERE tenant_id = ?1 AND {time} < ?2{over} ORDER BY {time} LIMIT ?3)
         RETURNING 1 AS gone"
    );
    let gone = Statement::new(sql).bind(tenant).bind(until).bind(AT_ONCE);
    let gone = app.db.all(gone).await.map_err(ApiError::database)?;
    i64::try_from(gone.len()).map_err(ApiError::internal)
}

async fn remove_prefix(app: &App, tenant: Uuid, until: Timestamp) -> Result<i64, ApiError> {
    let read = Statement::new(READ_PREFIX).bind(tenant).bind(AT_ONCE);
    let oldest = app.db.all(read).await.map_err(ApiError::database)?;
    let is_old = |row: &&Row| {
        let time = row.get("created_at").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        time.is_some_and(|time| time < until)
    };
    let last = oldest.iter().take_while(is_old).last().and_then(|row| row.get("sequence")?.as_f64());
    let Some(last) = last else { return Ok(0) };
    let gone = Statement::new(REMOVE_PREFIX).bind(tenant).bind(last as i64);
    let gone = app.db.all(gone).await.map_err(ApiError::database)?;
    i64::try_from(gone.len()).map_err(ApiError::internal)
}
