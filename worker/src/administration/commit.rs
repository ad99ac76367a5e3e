//! From a plan to the database: one batch with the change, its audit and outbox rows and the tenant's new versions.

use std::rc::Rc;

use parapet::Finding;
use parapet::compile::compile_again;
use parapet::model::TenantEpoch;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::actor::Actor;
use super::plan::{Plan, State};
use super::record::{self, Author, Subjects};
use crate::app::App;
use crate::document::{self, rows, select};
use crate::error::ApiError;
use crate::guard::Call;
use crate::memory::Versions;
use crate::platform::db::{Row as SqlRow, Statement, Violation};
use crate::publish;
use crate::response::Response;

const UPDATE_EPOCH: &str = "UPDATE tenant_epoch SET policy_version = ?2, directory_version = ?3 WHERE tenant_id = ?1";

/// Of another tenant: in the same batch as a row of its chain, so nobody else wrote it in between.
const BUMP_POLICY: &str = "UPDATE tenant_epoch SET policy_version = policy_version + 1 WHERE tenant_id = ?1";

const READ_ANSWER: &str = "
    SELECT request_hash, status, etag, location, body FROM idempotency_key
    WHERE tenant_id = ?1 AND credential_id = ?2 AND idempotency_key = ?3";

const INSERT_ANSWER: &str = "
    INSERT INTO idempotency_key (tenant_id, credential_id, idempotency_key, request_hash, status, etag, location, body,
                                 created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// The longest Idempotency-Key.
const LONGEST_KEY: usize = 255;

/// Reads, plans and writes. Where somebody else changed the tenant in between, it begins anew: `plan` sees rows of one
/// instant and must do nothing but plan.
pub async fn commit(
    app: &App,
    call: &Call,
    actor: Actor,
    reads: Vec<Statement>,
    plan: impl Fn(&State<'_>) -> Result<Plan, ApiError>,
) -> Result<Response, ApiError> {
    // Compiled once, and not for each plan that there is.
    committed(app, call, actor, reads, &plan).await
}

async fn committed(
    app: &App,
    call: &Call,
    actor: Actor,
    reads: Vec<Statement>,
    plan: &dyn Fn(&State<'_>) -> Result<Plan, ApiError>,
) -> Result<Response, ApiError> {
    let repeatable = Repeatable::of(call)?;
    let mut actor = actor;
    for tried in 0..record::TRIES {
        let now = app.clock.now();
        let mut statements = vec![
            select::<TenantEpoch>("tenant_id = ?1", actor.tenant),
            Statement::new(record::READ_HEAD).bind(actor.tenant),
        ];
        statements.extend(repeatable.as_ref().map(|key| key.read(&actor)));
        statements.extend(reads.iter().cloned());
        let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?;
        let own = answers.split_off(2 + usize::from(repeatable.is_some()));
        let versions = versions(answers.first())?;
        if versions != actor.versions() {
            actor = actor.again(app, call).await?;
            continue;
        }
        if let (Some(key), Some(row)) = (&repeatable, answers.get(2).and_then(|rows| rows.first())) {
            return key.answer(row);
        }
        let head = record::head(answers.get(1).map_or(&[], Vec::as_slice))?;
        let Some(document) = document::at(app, actor.tenant, versions.policy).await? else { continue };
        let planned = {
            let state = State::new(now, &actor, &document, own);
            plan(&state)?
        };
        guard(app, call, &actor, &planned).await?;
        if planned.changes.is_empty() && planned.statements.is_empty() && planned.elsewhere.is_none() {
            return Ok(planned.answer);
        }
        let changing = planned.changes.iter().filter(|change| !change.noted);
        let (policy, directory) = changing.fold((false, false), |(policy, directory), change| {
            let (p, d) = bumps(change.table);
            (policy || p, directory || d)
        });
        let next = Versions {
            policy: versions.policy + u64::from(policy),
            directory: versions.directory + u64::from(directory),
        };
        let mut batch: Vec<Statement> = Vec::new();
        // Before the rows: what is kept of them (`rule_history`) is kept under the version that the change makes.
        if policy || directory {
            let bound = Statement::new(UPDATE_EPOCH).bind(actor.tenant);
            let policy = i64::try_from(next.policy).map_err(ApiError::internal)?;
            batch.push(bound.bind(policy).bind(i64::try_from(next.directory).map_err(ApiError::internal)?));
        }
        batch.extend(planned.changes.iter().filter_map(|change| change.statement.clone()));
        batch.extend(planned.statements.iter().cloned());
        let published = if policy {
            // Changed where they lie, rather than copied for the sake of one row. The memory no longer has them until the
            // change is made: where it is not, they are read again.
            app.memory.forget_document(actor.tenant);
            let mut after = Rc::unwrap_or_clone(document);
            planned.apply(&mut after);
            let known = app.memory.known(actor.tenant);
            let compiled = compile_again(&after, &known).map_err(|findings| ApiError::Invalid { findings })?;
            let (published, statement) = publish::store(app, compiled, actor.tenant, next.policy, &call.id).await?;
            batch.push(statement);
            Some((after, published))
        } else {
            None
        };
        let author = Author::actor(call, &actor, actor.tenant);
        batch.extend(
            record::changes(app, &author, actor.tenant, now, head, &planned.changes, Subjects::default()).await?,
        );
        if let Some(elsewhere) = &planned.elsewhere {
            batch.extend(elsewhere.changes.iter().filter_map(|change| change.statement.clone()));
            batch.extend(elsewhere.statements.iter().cloned());
            batch.extend(elsewhere.bumps.then(|| Statement::new(BUMP_POLICY).bind(elsewhere.tenant)));
            let (tenant, head) = (elsewhere.tenant, elsewhere.head.clone());
            let author = Author::actor(call, &actor, tenant);
            batch.extend(
                record::changes(app, &author, tenant, now, head, &elsewhere.changes, Subjects::default()).await?,
            );
        }
        if let Some(key) = &repeatable {
            batch.push(key.insert(&actor, &planned, now.to_string()));
        }
        match app.db.batch(Statement::joined(batch)).await {
            Ok(_) => {
                app.memory.saw(actor.tenant, next);
                app.waiting.borrow_mut().extend((!planned.changes.is_empty()).then_some(actor.tenant));
                app.waiting.borrow_mut().extend(planned.elsewhere.as_ref().map(|elsewhere| elsewhere.tenant));
                if let Some((document, published)) = published {
                    app.memory.keep_document(actor.tenant, next.policy, Rc::new(document));
                    app.memory.keep_published(actor.tenant, published);
                }
                return Ok(planned.answer);
            }
            Err(error) => match error.violation() {
                Some(violation) if record::is_taken(Some(&violation)) || is_repeated(&violation) => {
                    record::wait(app, tried).await?;
                    actor = actor.again(app, call).await?;
                }
                Some(violation) => return Err(conflict(violation)),
                None => return Err(ApiError::database(error)),
            },
        }
    }
    Err(record::contended())
}

/// Which of a tenant's versions a change of a table makes newer: that of the rules, that of the directory.
pub(super) fn bumps(table: &str) -> (bool, bool) {
    match table {
        "tenant" | "tenant_setting" | "feature_flag" | "permission" | "role" | "role_permission"
        | "organization_unit" | "user_group" | "user_group_role" | "resource" => (true, false),
        "service_account" | "access_request" => (true, true),
        "federated_identity"
        | "gateway_host"
        | "identity_provider"
        | "webhook"
        | "webhook_delivery"
        | "notification_template"
        | "message_suppression"
        | "user_session"
        | "login_attempt"
        | "mfa_device"
        | "password_reset"
        | "snapshot_candidate"
        | "token_key"
        | "token_revocation" => (false, false),
        // Going back (`snapshot`), too: a role that comes back must not count for those who are remembered to have it.
        _ => (false, true),
    }
}

fn versions(rows_of_epoch: Option<&Vec<SqlRow>>) -> Result<Versions, ApiError> {
    let missing = || ApiError::unavailable("epoch.missing", "the tenant's versions are not known", "no row");
    let epoch = rows::<TenantEpoch>(rows_of_epoch.cloned().unwrap_or_default())?.pop().ok_or_else(missing)?;
    let version = |version: i64| u64::try_from(version).map_err(ApiError::internal);
    Ok(Versions { policy: version(epoch.policy_version)?, directory: version(epoch.directory_version)? })
}

/// Asks the rules of administration; a refusal is audited.
async fn guard(app: &App, call: &Call, actor: &Actor, plan: &Plan) -> Result<(), ApiError> {
    let row = plan.changes.first().map_or_else(
        || call.request.path.clone(),
        |change| format!("{}/{}", change.table, change.id.map(|id| id.to_string()).unwrap_or_default()),
    );
    let findings = [plan.refused.clone(), plan.judged(actor.id(), &row)].concat();
    if findings.is_empty() {
        return Ok(());
    }
    record::refused(app, call, actor, &findings).await?;
    Err(ApiError::Refused { findings })
}

fn is_repeated(violation: &Violation) -> bool {
    matches!(violation, Violation::Unique { table, .. } if table == "idempotency_key")
}

fn conflict(violation: Violation) -> ApiError {
    match violation {
        Violation::Unique { table, columns } => {
            let message = format!("there is one with this {} already", columns.join(" and "));
            let findings = columns
                .iter()
                .map(|column| Finding::error(&table, "row.taken", message.clone()).field(column.as_str()))
                .collect();
            ApiError::Conflict { code: "row.taken", detail: message, findings }
        }
        Violation::Reference => ApiError::Conflict {
            code: "row.referenced",
            detail: "other rows refer to it, or what it refers to is gone".to_owned(),
            findings: Vec::new(),
        },
    }
}

/// A request that is safe to repeat, by its Idempotency-Key.
struct Repeatable {
    key: String,
    hash: String,
}

impl Repeatable {
    fn of(call: &Call) -> Result<Option<Self>, ApiError> {
        let Some(key) = call.request.header("idempotency-key").filter(|_| call.request.method == "POST") else {
            return Ok(None);
        };
        if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
            let detail = format!("an `Idempotency-Key` is 1 to {LONGEST_KEY} visible characters");
            let findings = Vec::new();
            return Err(ApiError::Malformed { code: "request.idempotency_key".to_owned(), detail, findings });
        }
        let mut hash = Sha256::new();
        hash.update(format!("{} {}?{}\n", call.request.method, call.request.path, call.request.query));
        hash.update(call.body()?);
        Ok(Some(Self { key: key.to_owned(), hash: hex::encode(hash.finalize()) }))
    }

    fn read(&self, actor: &Actor) -> Statement {
        Statement::new(READ_ANSWER)
            .bind(actor.tenant)
            .bind(actor.caller.standing.credential.lasting().id())
            .bind(self.key.as_str())
    }

    fn insert(&self, actor: &Actor, plan: &Plan, now: String) -> Statement {
        let body = plan.repeated.as_deref().unwrap_or(&plan.answer.body);
        Statement::new(INSERT_ANSWER)
            .bind(actor.tenant)
            .bind(actor.caller.standing.credential.lasting().id())
            .bind(self.key.as_str())
            .bind(self.hash.as_str())
            .bind(i64::from(plan.answer.status))
            .bind(plan.answer.header("etag"))
            .bind(plan.answer.header("location"))
            .bind(String::from_utf8_lossy(body).into_owned())
            .bind(now)
    }

    fn answer(&self, row: &SqlRow) -> Result<Response, ApiError> {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        if text("request_hash") != Some(self.hash.as_str()) {
            return Err(ApiError::IdempotencyReused);
        }
        let status = row.get("status").and_then(Value::as_f64).unwrap_or(500.0) as u16;
        let body = text("body").unwrap_or_default().as_bytes().to_vec();
        let mut response = Response { status, body, ..Response::default() }.with("idempotency-replayed", "true");
        if !response.body.is_empty() {
            response = response.with("content-type", "application/json");
        }
        for name in ["etag", "location"] {
            if let Some(value) = text(name) {
                response = response.with(name, value);
            }
        }
        Ok(response)
    }
}
