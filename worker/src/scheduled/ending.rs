//! Walking along what ends, in the order of its end, a bounded piece a run: for whoever ends it and for whoever tells of it.

use std::collections::{BTreeMap, BTreeSet};

use parapet::model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Done, Turn};
use crate::administration::{Author, Deed, enact};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};
use crate::platform::log;

/// A run looks at so many rows of each table.
const ROWS: usize = 100;

/// A run deals with so many tenants: each takes about ten statements.
const TENANTS: usize = 20;

/// A table whose rows end, and what is done about them.
pub struct Kind {
    pub table: Table,
    /// Reads those of a tenant's rows with these ids of which it is still true, at this time.
    pub read: fn(Uuid, &[String], Timestamp) -> Statement,
    /// What is written of them, at this time.
    pub plan: fn(Uuid, Vec<SqlRow>, Timestamp, &mut Deed) -> Result<(), ApiError>,
}

/// A table: its name, what else holds of a row (`t`) that is looked at, so that an index finds it, and what says of a row
/// that there is nothing to do.
#[derive(Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    pub only: &'static str,
    pub settled: &'static str,
}

/// Deals with the next rows that end after `from` and at `to` at the latest, each tenant's in one batch with what the log
/// and the outbox say of them. One that fails keeps no other from its turn.
pub async fn walk(
    app: &App,
    turn: &Turn,
    kinds: &[Kind],
    from: Option<Timestamp>,
    to: Timestamp,
) -> Result<Done, ApiError> {
    let tables: Vec<Table> = kinds.iter().map(|kind| kind.table).collect();
    let mut walk = Walk::new(turn.cursor.as_deref());
    let is_anew = walk.0.is_empty();
    let found = walk.next(app, &tables, from, to).await?;
    let (mut items, mut wrong) = (0, None);
    for (tenant, its) in found {
        let its: Vec<(&Kind, &Vec<String>)> =
            kinds.iter().filter_map(|kind| Some((kind, its.get(kind.table.name)?))).collect();
        let reads = its.iter().map(|(kind, ids)| (kind.read)(tenant, ids, turn.now)).collect();
        let outcome = enact(app, &Author::service(), tenant, reads, |_, answers| {
            let mut deed = Deed::default();
            for ((kind, _), found) in its.iter().zip(answers) {
                (kind.plan)(tenant, found, turn.now, &mut deed)?;
            }
            let count = deed.changes.len();
            Ok((deed, count))
        })
        .await;
        match outcome {
            Ok(count) => items += i64::try_from(count).map_err(ApiError::internal)?,
            Err(error) => {
                log::error("-", "scheduled.failed_for_tenant", &format!("{tenant}: {}", error.cause()));
                wrong = Some(error);
            }
        }
    }
    match wrong {
        // A run that fails goes on from where it began, and there it would stay. Further on, what failed is looked at
        // again when the walk begins anew.
        Some(error) if is_anew && walk.0.is_empty() => Err(error),
        _ => Ok(Done { items, remaining: None, cursor: walk.cursor()? }),
    }
}

/// How far the walk is: of each table the end and the id of the last row.
#[derive(Default, Serialize, Deserialize)]
struct Walk(BTreeMap<String, (String, String)>);

/// Rows to deal with: by tenant, the ids by table.
type Found = BTreeMap<Uuid, BTreeMap<&'static str, Vec<String>>>;

impl Walk {
    /// Where the run before left it.
    fn new(cursor: Option<&str>) -> Self {
        cursor.and_then(|cursor| serde_json::from_str(cursor).ok()).unwrap_or_default()
    }

    /// Where the next run goes on; nothing where it begins anew.
    fn cursor(&self) -> Result<Option<String>, ApiError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        serde_json::to_string(self).map(Some).map_err(ApiError::internal)
    }

    /// The next rows that end after `from` and at `to` at the latest.
    async fn next(
        &mut self,
        app: &App,
        tables: &[Table],
        from: Option<Timestamp>,
        to: Timestamp,
    ) -> Result<Found, ApiError> {
        let mut reads = Vec::new();
        for table in tables {
            let (end, id) = self.0.get(table.name).cloned().unwrap_or_default();
            let (name, only, settled) = (table.name, table.only, table.settled);
            let sql = format!(
                "SELECT t.tenant_id, t.id, t.expires_at, {settled} AS settled FROM \"{name}\" t
                 WHERE t.expires_at > ?1 AND t.expires_at <= ?2 AND (t.expires_at, t.id) > (?3, ?4){only}
                 ORDER BY t.expires_at, t.id LIMIT ?5"
            );
            let from = from.map(|from| from.to_string()).unwrap_or_default();
            let rows = i64::try_from(ROWS).map_err(ApiError::internal)?;
            reads.push(Statement::new(sql).bind(from).bind(to).bind(end).bind(id).bind(rows));
        }
        let answers = app.db.batch(reads).await.map_err(ApiError::database)?;
        let (mut found, mut tenants) = (Found::new(), BTreeSet::new());
        for (table, rows) in tables.iter().zip(answers) {
            let mut is_whole = rows.len() < ROWS;
            for row in &rows {
                let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
                if row.get("settled").and_then(Value::as_f64) != Some(1.0)
                    && let Ok(tenant) = text("tenant_id").parse::<Uuid>()
                {
                    if tenants.len() == TENANTS && !tenants.contains(&tenant) {
                        is_whole = false;
                        break;
                    }
                    tenants.insert(tenant);
                    found.entry(tenant).or_default().entry(table.name).or_default().push(text("id").to_owned());
                }
                self.0.insert(table.name.to_owned(), (text("expires_at").to_owned(), text("id").to_owned()));
            }
            if is_whole {
                self.0.remove(table.name);
            }
        }
        Ok(found)
    }
}
