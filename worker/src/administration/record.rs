//! What is written of a change beside the change: rows of the audit log and of the outbox.

use std::collections::{BTreeSet, HashMap};

use parapet::Finding;
use parapet::audit::{Changes, Entry, Head, Personal, SubjectKey, event_data, seal_personal};
use parapet::model::{AttemptResult, AuditSubject, Outbox, Row, TABLES, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::actor::{Actor, address};
use super::plan::{RowChange, fresh_id};
use crate::app::App;
use crate::authenticate::Credential;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::{Row as SqlRow, Statement, Violation};
use crate::platform::random;

/// The newest row of a tenant's chain.
pub const READ_HEAD: &str = "SELECT sequence, hash FROM audit_log WHERE tenant_id = ?1 ORDER BY sequence DESC LIMIT 1";

const READ_SUBJECT: &str = "SELECT * FROM audit_subject WHERE tenant_id = ?1 AND id = ?2";

const READ_SUBJECTS: &str =
    "SELECT * FROM audit_subject WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))";

/// How often a row of the log is tried, while others take its place in the chain.
pub const TRIES: usize = 64;

/// The longest wait before a further try, in milliseconds.
const LONGEST_WAIT: u64 = 1000;

/// Waits before a further try: for a random while, up to twice as long each time. Without it, of fifty who write at
/// once each may lose to all others before it wins, and all of them compile in vain meanwhile.
pub async fn wait(app: &App, tried: usize) -> Result<(), ApiError> {
    let longest = 20_u64.checked_shl(u32::try_from(tried).unwrap_or(u32::MAX).min(16)).unwrap_or(LONGEST_WAIT);
    let random = u64::from_le_bytes(random::bytes().map_err(ApiError::internal)?);
    app.clock.sleep(random % longest.clamp(1, LONGEST_WAIT)).await;
    Ok(())
}

/// The end of the chain, from what [`READ_HEAD`] gave.
pub fn head(rows: &[SqlRow]) -> Result<Head, ApiError> {
    let Some(row) = rows.first() else { return Ok(Head::default()) };
    let (sequence, hash) = (row.get("sequence").and_then(Value::as_f64), row.get("hash").and_then(Value::as_str));
    match (sequence, hash) {
        (Some(sequence), Some(hash)) => Ok(Head { sequence: sequence as i64, hash: hash.to_owned() }),
        _ => Err(ApiError::internal("the end of the audit chain cannot be read")),
    }
}

/// Who is written down as having done something, and from where.
pub struct Author {
    user: Option<Uuid>,
    described: Value,
    request_id: Option<String>,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl Author {
    /// The service itself, which nobody asked.
    pub fn service() -> Self {
        let described = json!({ "type": "system" });
        Self { user: None, described, request_id: None, ip_address: None, user_agent: None }
    }

    /// Somebody who administers; also whose they are, where that is another tenant than the one that is written to.
    pub fn actor(call: &Call, actor: &Actor, tenant: Uuid) -> Self {
        let mut described = actor.describe();
        if let Some(members) = described.as_object_mut().filter(|_| actor.tenant != tenant) {
            members.insert("tenant_id".to_owned(), json!(actor.tenant));
        }
        Self::of(call, actor.user(), described)
    }

    /// A user, who does what everybody may do with what is their own.
    pub fn user(call: &Call, user: Uuid, credential: Option<Credential>) -> Self {
        let mut described = json!({ "type": "User", "id": user });
        if let (Some(members), Some(credential)) = (described.as_object_mut(), credential) {
            members.extend(credential.named().map(|(name, id)| (name.to_owned(), json!(id))));
        }
        Self::of(call, Some(user), described)
    }

    /// Somebody who has not shown who they are.
    pub fn stranger(call: &Call) -> Self {
        Self::of(call, None, json!({ "type": "anonymous" }))
    }

    fn of(call: &Call, user: Option<Uuid>, described: Value) -> Self {
        Self {
            user,
            described,
            request_id: Some(call.id.clone()),
            ip_address: address(call).map(|ip| ip.to_string()),
            user_agent: call.request.header("user-agent").map(str::to_owned),
        }
    }

    /// The user, where it is one.
    pub fn user_id(&self) -> Option<Uuid> {
        self.user
    }

    fn describe(&self, data: &mut Map<String, Value>) {
        data.insert("actor".to_owned(), self.described.clone());
        data.extend(self.request_id.clone().map(|id| ("request_id".to_owned(), json!(id))));
    }
}

/// The keys of subjects, as far as they were read.
#[derive(Default)]
pub struct Subjects {
    rows: HashMap<Uuid, Option<AuditSubject>>,
    keys: HashMap<Uuid, Option<SubjectKey>>,
}

impl Subjects {
    /// Reads the key of a subject.
    pub fn read(tenant: Uuid, subject: Uuid) -> Statement {
        Statement::new(READ_SUBJECT).bind(tenant).bind(subject)
    }

    /// With what that gave.
    pub fn with(mut self, subject: Uuid, found: Vec<SqlRow>) -> Result<Self, ApiError> {
        self.rows.insert(subject, rows(found)?.pop());
        Ok(self)
    }

    /// Opens the keys of all whom changes say something personal of, and asks for those that were not read. Gives the rows
    /// of those who had none yet, to be stored in the same batch.
    async fn open(
        &mut self,
        app: &App,
        tenant: Uuid,
        now: Timestamp,
        changes: &[RowChange],
    ) -> Result<Vec<AuditSubject>, ApiError> {
        let wanted: BTreeSet<Uuid> = changes.iter().filter_map(about_somebody).map(|(subject, _)| subject).collect();
        let unread: Vec<Uuid> = wanted.iter().copied().filter(|subject| !self.rows.contains_key(subject)).collect();
        if !unread.is_empty() {
            let read = Statement::new(READ_SUBJECTS).bind(tenant).bind(json!(unread).to_string());
            let found = rows::<AuditSubject>(app.db.all(read).await.map_err(ApiError::database)?)?;
            self.rows.extend(found.into_iter().map(|row| (row.id, Some(row))));
        }
        let mut made = Vec::new();
        for subject in wanted {
            let keyring = app.config()?.data_keys()?;
            let key = match self.rows.remove(&subject).flatten() {
                Some(row) => SubjectKey::open(&row, keyring).map_err(ApiError::internal)?,
                None => {
                    let key = SubjectKey::new(subject, random::bytes().map_err(ApiError::internal)?);
                    let sealed = key.seal(keyring, random::bytes().map_err(ApiError::internal)?);
                    made.push(AuditSubject {
                        id: subject,
                        tenant_id: tenant,
                        subject_key: Some(sealed),
                        created_at: now,
                        destroyed_at: None,
                    });
                    Some(key)
                }
            };
            self.keys.insert(subject, key);
        }
        Ok(made)
    }
}

/// The statements that record changes of a tenant, in their order, after the `head` of its chain. The keys of subjects
/// that are not among the known ones are asked for.
pub async fn changes(
    app: &App,
    author: &Author,
    tenant: Uuid,
    now: Timestamp,
    head: Head,
    changes: &[RowChange],
    mut subjects: Subjects,
) -> Result<Vec<Statement>, ApiError> {
    let keys = subjects.open(app, tenant, now, changes).await?;
    let (mut log, mut events) = (Vec::new(), Vec::new());
    let mut head = head;
    for change in changes {
        let id = fresh_id(now)?;
        let personal = personal(change, id, &subjects)?;
        let (public, _) = change.changes.split(change.table);
        let mut data = event_data(public, personal);
        data.extend(key(change).map(|key| ("key".to_owned(), key)));
        author.describe(&mut data);
        if let Some(cause) = &change.cause {
            data.insert("cause".to_owned(), cause.clone());
        }
        let entry = Entry {
            id,
            tenant_id: tenant,
            user_id: author.user,
            event_type: change.event.clone(),
            resource_type: Some(change.table.to_owned()),
            resource_id: change.id,
            event_data: data,
            ip_address: author.ip_address.clone(),
            user_agent: author.user_agent.clone(),
            result: change.result,
            created_at: now,
        };
        let (row, next) = head.append(entry);
        head = next;
        log.push(row);
        events.push(event(author, tenant, now, change)?);
    }
    Ok([inserts(&keys), inserts(&log), inserts(&events)].concat())
}

/// Writes that the actor tried something and may not.
pub async fn refused(app: &App, call: &Call, actor: &Actor, findings: &[Finding]) -> Result<(), ApiError> {
    let mut data = Map::new();
    let author = Author::actor(call, actor, actor.tenant);
    author.describe(&mut data);
    let action = actor.actions.last();
    data.insert("action".to_owned(), json!(action));
    data.insert("request".to_owned(), json!(format!("{} {}", call.request.method, call.request.path)));
    let rules: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    data.insert("refused_by".to_owned(), json!(rules));
    let resource_type = action.and_then(|action| action.split_once('.')).map(|(table, _)| table.to_owned());
    for tried in 0..TRIES {
        let now = app.clock.now();
        let read = Statement::new(READ_HEAD).bind(actor.tenant);
        let head = head(&app.db.all(read).await.map_err(ApiError::database)?)?;
        let entry = Entry {
            id: fresh_id(now)?,
            tenant_id: actor.tenant,
            user_id: author.user,
            event_type: "access.denied".to_owned(),
            resource_type: resource_type.clone(),
            resource_id: call.row_id().ok(),
            event_data: data.clone(),
            ip_address: author.ip_address.clone(),
            user_agent: author.user_agent.clone(),
            result: AttemptResult::Failure,
            created_at: now,
        };
        let (row, _) = head.append(entry);
        match app.db.batch(vec![Statement::insert(&row)]).await {
            Ok(_) => return Ok(()),
            Err(error) if is_taken(error.violation().as_ref()) => wait(app, tried).await?,
            Err(error) => return Err(ApiError::database(error)),
        }
    }
    Err(contended())
}

/// Whether somebody else took the place in the chain.
pub fn is_taken(violation: Option<&Violation>) -> bool {
    matches!(violation, Some(Violation::Unique { table, .. }) if table == "audit_log")
}

/// Others write faster than this request.
pub fn contended() -> ApiError {
    ApiError::unavailable("audit.contended", "too many changes at once", "the audit chain was always longer")
}

/// Inserts rows, as many a statement as it has parameters for.
pub fn inserts<R: Row>(rows: &[R]) -> Vec<Statement> {
    Statement::joined(rows.iter().map(Statement::insert))
}

/// The personal part of a change, under its subject's key.
fn personal(change: &RowChange, row: Uuid, subjects: &Subjects) -> Result<Option<Personal>, ApiError> {
    let Some((subject, personal)) = about_somebody(change) else { return Ok(None) };
    // Of somebody whose key was destroyed nothing personal is written any more.
    let Some(Some(key)) = subjects.keys.get(&subject) else { return Ok(None) };
    Ok(Some(seal_personal(key, personal, row, random::bytes().map_err(ApiError::internal)?)))
}

/// Whom a change says something personal of, and what.
fn about_somebody(change: &RowChange) -> Option<(Uuid, Changes)> {
    let (_, personal) = change.changes.split(change.table);
    parapet::audit::subject(change.table, &change.object).filter(|_| !personal.is_empty()).map(|id| (id, personal))
}

/// The key of a row that has another one than an id.
fn key(change: &RowChange) -> Option<Value> {
    let table = TABLES.iter().find(|table| table.name == change.table).filter(|table| table.key != ["id"])?;
    let columns = table.key.iter().filter(|column| **column != "tenant_id");
    Some(columns.filter_map(|name| Some(((*name).to_owned(), change.object.get(*name)?.clone()))).collect())
}

fn event(author: &Author, tenant: Uuid, now: Timestamp, change: &RowChange) -> Result<Outbox, ApiError> {
    Ok(Outbox {
        id: fresh_id(now)?,
        tenant_id: tenant,
        event_type: change.event.clone(),
        payload: change.payload(&author.described, author.request_id.as_deref()),
        created_at: now,
        published_at: None,
    })
}
