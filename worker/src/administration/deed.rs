//! What is done without the rules of administration being asked: by the service itself, or by people with what is their
//! own. It is written to the log and the outbox like anything else.

use parapet::model::{Outbox, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::commit::bumps;
use super::plan::RowChange;
use super::record::{self, Author, READ_HEAD, Subjects, TRIES, contended, head, is_taken, wait};
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::{Row as SqlRow, Statement};

/// In the same batch as a row of the chain, so nobody else wrote them in between.
const BUMP: &str = "
    UPDATE tenant_epoch SET policy_version = policy_version + ?2, directory_version = directory_version + ?3
    WHERE tenant_id = ?1";

/// What is to be written: statements, and the changes that the log and the outbox have of them.
#[derive(Default)]
pub struct Deed {
    /// Statements beside those of the changes.
    pub statements: Vec<Statement>,
    /// Changes of rows.
    pub changes: Vec<RowChange>,
}

/// Reads, plans and writes one batch for a tenant. Where somebody else changed the tenant in between, it begins anew:
/// `plan` sees rows of one instant and must do nothing but plan. What it gives beside the deed is given back.
///
/// The key of the author's own personal data is read with the rest: most of what people do is about themselves.
///
/// The rules are not compiled: what is changed must be something that they compile without.
pub async fn enact<T>(
    app: &App,
    author: &Author,
    tenant: Uuid,
    reads: Vec<Statement>,
    plan: impl Fn(Timestamp, Vec<Vec<SqlRow>>) -> Result<(Deed, T), ApiError>,
) -> Result<T, ApiError> {
    let mut refused = None;
    for tried in 0..TRIES {
        let now = app.clock.now();
        let mut statements = vec![Statement::new(READ_HEAD).bind(tenant)];
        statements.extend(author.user_id().map(|user| Subjects::read(tenant, user)));
        statements.extend(reads.iter().cloned());
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
        let end = head(&answers.next().unwrap_or_default())?;
        // What nobody else's change explains is a fault.
        if let Some((_, error)) = refused.take_if(|(before, _)| *before == end) {
            return Err(ApiError::database(error));
        }
        let mut subjects = Subjects::default();
        if let Some(user) = author.user_id() {
            subjects = subjects.with(user, answers.next().unwrap_or_default())?;
        }
        let (deed, outcome) = plan(now, answers.collect())?;
        let before = end.clone();
        let mut batch = versions(tenant, &deed.changes);
        batch.extend(deed.statements);
        batch.extend(deed.changes.iter().filter_map(|change| change.statement.clone()));
        batch.extend(record::changes(app, author, tenant, now, end, &deed.changes, subjects).await?);
        if batch.is_empty() {
            return Ok(outcome);
        }
        match app.db.batch(Statement::joined(batch)).await {
            Ok(_) => {
                if !deed.changes.is_empty() {
                    app.waiting.borrow_mut().insert(tenant);
                }
                return Ok(outcome);
            }
            Err(error) if is_taken(error.violation().as_ref()) => wait(app, tried).await?,
            // A key that somebody else's row took in between is found taken before the place in the chain is.
            Err(error) if error.violation().is_some() => {
                refused = Some((before, error));
                wait(app, tried).await?;
            }
            Err(error) => return Err(ApiError::database(error)),
        }
    }
    Err(contended())
}

/// The event of what the service did.
pub fn event_by_service(id: Uuid, tenant: Uuid, now: Timestamp, change: &RowChange) -> Outbox {
    Outbox {
        id,
        tenant_id: tenant,
        event_type: change.event.clone(),
        payload: change.payload(&json!({ "type": "system" }), None),
        created_at: now,
        published_at: None,
    }
}

/// The new versions of what changes. They come first: what is kept of a row (`rule_history`) is kept under its version.
/// There is no published file of it yet: whoever asks next makes it from the rows.
fn versions(tenant: Uuid, changes: &[RowChange]) -> Vec<Statement> {
    let bumps = changes.iter().filter(|change| !change.noted).map(|change| bumps(change.table));
    let (policy, directory) = bumps.fold((false, false), |all, its| (all.0 || its.0, all.1 || its.1));
    let bump = Statement::new(BUMP).bind(tenant).bind(i64::from(policy)).bind(i64::from(directory));
    (policy || directory).then_some(bump).into_iter().collect()
}

impl RowChange {
    /// What an event says of it.
    pub(super) fn payload(&self, actor: &Value, request_id: Option<&str>) -> Map<String, Value> {
        let changed = self.changes.after.as_ref().filter(|_| self.changes.before.is_some());
        let mut payload = Map::new();
        payload.insert("actor".to_owned(), actor.clone());
        payload.insert("request_id".to_owned(), json!(request_id));
        payload.insert("resource".to_owned(), json!({ "type": self.table, "id": self.object.get("id") }));
        payload.insert("object".to_owned(), Value::Object(self.object.clone()));
        payload.insert("changed".to_owned(), json!(changed.map(|after| after.keys().collect::<Vec<_>>())));
        payload.extend(self.cause.clone().map(|cause| ("cause".to_owned(), cause)));
        payload
    }
}
