//! Forgetting the rules of long ago: `rule_history`, and the versions that nobody can go back to any more.
//!
//! The newest 1,000 versions are kept, and whatever was published within 90 days, so the horizon is a version that is
//! neither. In one batch with what is first removed below it comes the mark that no way back goes past
//! (`access/rollback.rs`): a version is either kept whole or refused, however far the removal has come.

use serde_json::Value;

use super::{Done, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// So many versions before the newest are kept, however old they are. One way back changes at most 1,000 rows, and each
/// version changed one at least.
pub const VERSIONS: i64 = 1_000;

/// For so many days each version is kept, however many came after it.
pub const DAYS: i64 = 90;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A run looks at so many tenants, and removes something of no more than so many.
const TENANTS: i64 = 200;
const DUE: usize = 40;

/// A run removes no more rows of either table, but for the last tenant's.
const ROWS: i64 = 2_000;

/// The next tenants, each with the version that it is the oldest to go back to, if that is not the beginning; and whether
/// anything lies below it.
const READ: &str = "
    SELECT tenant_id, horizon,
           EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = p.tenant_id AND s.policy_version < horizon)
           OR EXISTS (SELECT 1 FROM rule_history h WHERE h.tenant_id = p.tenant_id AND h.policy_version <= horizon
                      AND NOT (h.policy_version = horizon AND h.table_name = 'tenant')) AS is_due
    FROM (
        SELECT e.tenant_id, (SELECT max(v.policy_version) FROM snapshot v
                             WHERE v.tenant_id = e.tenant_id AND v.policy_version <= e.policy_version - ?2
                               AND v.created_at <= ?3) AS horizon
        FROM tenant_epoch e WHERE e.tenant_id > ?1 ORDER BY e.tenant_id LIMIT ?4
    ) p ORDER BY tenant_id";

/// An entry about no row: what was before it is not known.
const MARK: &str = "
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id)
    SELECT ?1, ?2, 'tenant', ?1 WHERE NOT EXISTS (
        SELECT 1 FROM rule_history WHERE tenant_id = ?1 AND policy_version >= ?2 AND table_name = 'tenant')";

const FORGET: &str = "
    DELETE FROM rule_history WHERE entry IN (
        SELECT entry FROM rule_history
        WHERE tenant_id = ?1 AND policy_version <= ?2 AND NOT (policy_version = ?2 AND table_name = 'tenant')
        ORDER BY policy_version, entry LIMIT ?3)
    RETURNING 1 AS gone";

const FORGET_VERSIONS: &str = "
    DELETE FROM snapshot WHERE rowid IN (
        SELECT rowid FROM snapshot WHERE tenant_id = ?1 AND policy_version < ?2 ORDER BY policy_version LIMIT ?3)
    RETURNING 1 AS gone";

/// Goes through the tenants, some of them a run, and begins anew behind the last.
pub async fn prune(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let read = Statement::new(READ)
        .bind(turn.cursor.clone().unwrap_or_default())
        .bind(VERSIONS)
        .bind(turn.now.plus_millis(-DAYS * DAY))
        .bind(TENANTS);
    let found = app.db.all(read).await.map_err(ApiError::database)?;
    let mut done = Done { cursor: turn.cursor, ..Done::default() };
    let mut due = 0;
    for row in &found {
        let tenant = row.get("tenant_id").and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| row.get(name).and_then(Value::as_f64).map(|number| number as i64);
        if let Some(horizon) = number("horizon").filter(|_| number("is_due") == Some(1)) {
            let of = |sql: &'static str| Statement::new(sql).bind(tenant).bind(horizon);
            let batch = vec![of(MARK), of(FORGET).bind(ROWS), of(FORGET_VERSIONS).bind(ROWS)];
            let gone = app.db.batch(batch).await.map_err(ApiError::database)?;
            let gone: usize = gone.iter().map(Vec::len).sum();
            done.items += i64::try_from(gone).map_err(ApiError::internal)?;
            due += 1;
            if done.items >= ROWS || due == DUE {
                // Perhaps there is more of this tenant's.
                return Ok(done);
            }
        }
        done.cursor = Some(tenant.to_owned());
    }
    if i64::try_from(found.len()).map_err(ApiError::internal)? < TENANTS {
        done.cursor = None;
    }
    Ok(done)
}
