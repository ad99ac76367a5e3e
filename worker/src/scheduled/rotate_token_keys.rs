//! Changing the keys that sign access tokens: each has a successor after 90 days, which is published a day before it
//! signs, and goes when nothing that it signed counts any more.

use std::collections::BTreeSet;

use parapet::model::TokenKey;
use serde_json::Value;
use uuid::Uuid;

use super::{Done, Turn};
use crate::administration::{Author, Deed, RowChange, enact};
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::login::token::key::{read_all, succeed};
use crate::platform::db::Statement;
use crate::platform::log;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// So long a key signs, in milliseconds.
const PERIOD: i64 = 90 * DAY;

/// So long before it signs its successor is published: whoever keeps the keys for a day, though they may be kept for five
/// minutes, has it in time.
const LEAD: i64 = DAY;

/// A run changes the keys of no more tenants for either reason.
const TENANTS: i64 = 20;

/// Whose newest key has signed for long enough.
const READ_OLD: &str = "
    SELECT tenant_id FROM token_key WHERE retires_at IS NULL AND signs_from <= ?1 ORDER BY signs_from, id LIMIT ?2";

/// Whose keys have ended.
const READ_ENDED: &str = "
    SELECT tenant_id FROM token_key WHERE retires_at IS NOT NULL AND retires_at <= ?1 ORDER BY retires_at, id LIMIT ?2";

/// Changes what is due, tenant by tenant.
pub async fn rotate(app: &App, turn: Turn) -> Result<Done, ApiError> {
    let old = turn.now.plus_millis(LEAD - PERIOD);
    let reads =
        vec![Statement::new(READ_OLD).bind(old).bind(TENANTS), Statement::new(READ_ENDED).bind(turn.now).bind(TENANTS)];
    let answers = app.db.batch(reads).await.map_err(ApiError::database)?;
    let ids = answers.iter().flatten().filter_map(|row| row.get("tenant_id").and_then(Value::as_str)?.parse().ok());
    let tenants: BTreeSet<Uuid> = ids.collect();
    let (mut items, mut failed) = (0, None);
    for tenant in tenants {
        let outcome = enact(app, &Author::service(), tenant, vec![read_all(tenant)], |_, answers| {
            let keys = rows::<TokenKey>(answers.into_iter().next().unwrap_or_default())?;
            let mut deed = Deed::default();
            for key in keys.iter().filter(|key| key.retires_at.is_some_and(|end| end <= turn.now)) {
                deed.changes.push(RowChange::remove_beside(key, "deleted"));
            }
            if keys.iter().any(|key| key.retires_at.is_none() && key.signs_from <= old) {
                succeed(app, tenant, turn.now, &keys, LEAD, &mut deed)?;
            }
            Ok((deed, ()))
        })
        .await;
        match outcome {
            Ok(()) => items += 1,
            // The others' turn all the same.
            Err(error) => {
                log::error("-", "scheduled.failed_for_tenant", &format!("{tenant}: {}", error.cause()));
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(Done { items, ..Done::default() }),
    }
}
