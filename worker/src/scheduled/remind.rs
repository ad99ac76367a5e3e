//! Telling before something ends: API keys and roles of users, a week before, once for each end that they get.
//!
//! What lives for no longer than that is not told of: whoever made it has just said when it ends.

use parapet::model::{ApiKey, Row, UserRole};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::ending::{Kind, Table, walk};
use super::{Done, MINUTE, Turn};
use crate::administration::RowChange;
use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::platform::db::Statement;

/// So long before the end somebody is told, in milliseconds.
const BEFORE: i64 = 7 * 24 * 60 * MINUTE;

/// A run forgets no more of what was told.
const FORGOTTEN: i64 = 500;

/// Told already, or not worth it.
const KEY_SETTLED: &str = "
    (strftime('%Y-%m-%dT%H:%M:%fZ', t.created_at, '+7 days') >= t.expires_at OR EXISTS (
        SELECT 1 FROM reminder r WHERE r.tenant_id = t.tenant_id AND r.table_name = 'api_key' AND r.row_id = t.id
           AND r.expires_at = t.expires_at))";

/// The same, or switched off.
const ROLE_SETTLED: &str = "
    (t.is_active = 0 OR strftime('%Y-%m-%dT%H:%M:%fZ', t.assigned_at, '+7 days') >= t.expires_at OR EXISTS (
        SELECT 1 FROM reminder r WHERE r.tenant_id = t.tenant_id AND r.table_name = 'user_role' AND r.row_id = t.id
           AND r.expires_at = t.expires_at))";

const REMEMBER: &str = "
    INSERT INTO reminder (tenant_id, table_name, row_id, expires_at)
    SELECT ?1, ?2, id, expires_at FROM \"{table}\" WHERE +tenant_id = ?1 AND id IN (SELECT value FROM json_each(?3))";

const FORGET: &str = "
    DELETE FROM reminder WHERE rowid IN (
        SELECT rowid FROM reminder WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

fn kind<R: Row + Serialize>(only: &'static str, settled: &'static str) -> Kind {
    Kind {
        table: Table { name: R::TABLE, only, settled },
        read: |tenant, ids, now| {
            let table = R::TABLE;
            let condition = format!(
                "+tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2)) AND is_active = 1
                 AND expires_at > ?3 AND expires_at <= ?4 AND NOT EXISTS (
                     SELECT 1 FROM reminder r WHERE r.tenant_id = ?1 AND r.table_name = '{table}'
                        AND r.row_id = \"{table}\".id AND r.expires_at = \"{table}\".expires_at)"
            );
            select::<R>(&condition, tenant).bind(json!(ids).to_string()).bind(now).bind(now.plus_millis(BEFORE))
        },
        plan: |tenant, found, _, deed| {
            let ending = rows::<R>(found)?;
            if ending.is_empty() {
                return Ok(());
            }
            let changes: Vec<RowChange> =
                ending.iter().map(|row| RowChange::noted(None, Some(row), "expiring")).collect();
            let ids: Vec<Option<Uuid>> = changes.iter().map(RowChange::id).collect();
            let remember = Statement::new(REMEMBER.replace("{table}", R::TABLE)).bind(tenant).bind(R::TABLE);
            deed.statements.push(remember.bind(json!(ids).to_string()));
            deed.changes.extend(changes);
            Ok(())
        },
    }
}

/// Tells of what ends next, and forgets what was told of what has ended.
pub async fn remind(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let forget = Statement::new(FORGET).bind(turn.now).bind(FORGOTTEN);
    app.db.all(forget).await.map_err(ApiError::database)?;
    let kinds = [kind::<ApiKey>(" AND t.is_active = 1", KEY_SETTLED), kind::<UserRole>("", ROLE_SETTLED)];
    walk(app, &turn, &kinds, Some(turn.now), turn.now.plus_millis(BEFORE)).await
}
