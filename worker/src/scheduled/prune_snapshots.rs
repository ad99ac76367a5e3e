//! Forgetting published files in KV that nobody decides by any more. Going back needs none: it compiles the rows.
//!
//! KV is walked page by page, so what was put there by a change that did not come about, or lies there of a tenant that is
//! gone, is found as well.

use serde_json::{Value, json};

use super::{Done, Turn};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// For so many milliseconds after a newer version was published an isolate may still ask for the older one.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// A run looks at no more values, and removes no more: each is a request of its own.
const VALUES: usize = 100;

/// Those of a list of keys that a newer publication has replaced long enough ago, or whose tenant is no more.
const READ: &str = "
    SELECT json_extract(k.value, '$.key') AS key FROM json_each(?1) k
    LEFT JOIN tenant_epoch e ON e.tenant_id = json_extract(k.value, '$.tenant')
    WHERE e.tenant_id IS NULL OR EXISTS (
        SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id AND s.created_at <= ?2 AND (
            s.policy_version > json_extract(k.value, '$.version')
            OR (s.policy_version = json_extract(k.value, '$.version')
                AND s.content_hash <> json_extract(k.value, '$.hash'))))";

/// Goes through the values, some of them a run, and begins anew behind the last.
pub async fn prune(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let unavailable = |error| ApiError::unavailable("store.unavailable", "the store does not answer", error);
    let page = app.kv.list("snapshot/", VALUES, turn.cursor.as_deref()).await.map_err(unavailable)?;
    let keys: Vec<Value> = page.keys.iter().filter_map(|key| parts(key)).collect();
    let read = Statement::new(READ).bind(Value::Array(keys).to_string()).bind(turn.now.plus_millis(-KEPT));
    let found = app.db.all(read).await.map_err(ApiError::database)?;
    let mut items = 0;
    for key in found.iter().filter_map(|row| row.get("key")?.as_str()) {
        app.kv.delete(key).await.map_err(unavailable)?;
        items += 1;
    }
    Ok(Done { items, remaining: None, cursor: page.next })
}

/// `snapshot/<tenant>/<version>/<hash>`, as `publish` makes it.
fn parts(key: &str) -> Option<Value> {
    let mut parts = key.split('/').skip(1);
    let (tenant, version, hash) = (parts.next()?, parts.next()?.parse::<i64>().ok()?, parts.next()?);
    Some(json!({ "key": key, "tenant": tenant, "version": version, "hash": hash }))
}
