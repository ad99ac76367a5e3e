//! The newest snapshot of a tenant: from this isolate's memory, else from KV, else compiled from the rows and published.
//!
//! KV is a cache that may be stale, broken or forged: what comes from there is opened only under its key, tenant,
//! version and content hash. The rows are the truth, and compiling them gives the same content each time.

use std::rc::Rc;

use parapet::compile::compile_again;
use parapet::decision_log::Logging;
use parapet::gateway::Routes;
use parapet::snapshot::{SectionKind, Snapshot, SnapshotError};
use parapet::{Compiled, Engine};
use uuid::Uuid;

use crate::app::App;
use crate::document;
use crate::error::ApiError;
use crate::memory::{Candidate, Newest, Published};
use crate::platform::db::Statement;
use crate::platform::kv::PutOptions;
use crate::platform::log;

// A compiler that writes another format gives the same rows another hash: the row follows the newest publication.
const INSERT_SNAPSHOT: &str = "
    INSERT INTO snapshot (tenant_id, policy_version, content_hash, created_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (tenant_id, policy_version) DO UPDATE
    SET content_hash = excluded.content_hash, created_at = excluded.created_at
    WHERE content_hash <> excluded.content_hash";

/// The snapshot to decide by. 503 where there is none that can be trusted.
pub async fn current(app: &App, newest: Newest<'_>, request_id: &str) -> Result<Published, ApiError> {
    let (tenant, version) = (newest.tenant, newest.versions.policy);
    // Without the key nothing was ever verified.
    app.config()?.signing_key()?;
    if let Some(held) = app.memory.published(tenant)
        && held.version == version
        && newest.content_hash.is_none_or(|hash| *hash == held.content_hash)
    {
        return Ok(held);
    }
    let published = match newest.content_hash {
        Some(hash) => match stored(app, tenant, version, hash, request_id).await? {
            Some(published) => published,
            None => publish(app, tenant, version, request_id).await?,
        },
        None => publish(app, tenant, version, request_id).await?,
    };
    app.memory.keep_published(tenant, published.clone());
    Ok(published)
}

/// The snapshot that lies in KV, if it is there and is what it should be.
async fn stored(
    app: &App,
    tenant: Uuid,
    version: u64,
    hash: &str,
    request_id: &str,
) -> Result<Option<Published>, ApiError> {
    let bytes = match app.kv.get(&key(tenant, version, hash)).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) => {
            log::error(request_id, "snapshot.store_unavailable", &error.to_string());
            return Ok(None);
        }
    };
    match open(app, bytes, tenant, version) {
        Ok(published) if published.content_hash == hash => Ok(Some(published)),
        Ok(published) => {
            log::error(request_id, "snapshot.other_content", &published.content_hash);
            Ok(None)
        }
        Err(Unopened::Misconfigured(error)) => Err(error),
        Err(unopened) => {
            log::error(request_id, "snapshot.not_opened", &unopened.to_string());
            Ok(None)
        }
    }
}

/// Compiles the rows of the tenant, and publishes what comes out.
async fn publish(app: &App, tenant: Uuid, asked: u64, request_id: &str) -> Result<Published, ApiError> {
    let (document, version) = document::load(app, tenant).await?;
    if version < asked {
        let cause = format!("version {version} after version {asked}");
        return Err(ApiError::unavailable("epoch.older", "the database went back in time", cause));
    }
    let known = app.memory.known(tenant);
    let compiled = compile_again(&document, &known).map_err(|findings| ApiError::DoesNotCompile { findings })?;
    let (published, insert) = store(app, compiled, tenant, version, request_id).await?;
    if let Err(error) = app.db.all(insert).await {
        log::error(request_id, "snapshot.not_recorded", &error.to_string());
    }
    Ok(published)
}

/// Signs a compiled tenant as this version and puts it into KV; with it comes the statement that says so, which whoever
/// changes the version puts into the same batch. What compiling found out is remembered for the next time: it is true of
/// its policies, whether or not they become the tenant's.
pub async fn store(
    app: &App,
    compiled: Compiled,
    tenant: Uuid,
    version: u64,
    request_id: &str,
) -> Result<(Published, Statement), ApiError> {
    let now = app.clock.now();
    let bytes = compiled.snapshot(version, now, app.config()?.signing_key()?);
    app.memory.keep_known(tenant, compiled.into_known());
    // These bytes were made here just now: that they have the form of a snapshot and an engine is all that can be wrong.
    let snapshot = Snapshot::open_trusted(bytes.clone()).map_err(Unopened::Snapshot);
    let published = snapshot.and_then(|snapshot| opened(snapshot, version)).map_err(|unopened| {
        ApiError::unavailable("snapshot.not_opened", "the snapshot could not be opened", unopened)
    })?;
    // The value before the row: whoever reads the row finds the value, or compiles it as well.
    let key = key(tenant, version, &published.content_hash);
    if let Err(error) = app.kv.put(&key, &bytes, PutOptions::default()).await {
        log::error(request_id, "snapshot.not_stored", &error.to_string());
    }
    let insert = Statement::new(INSERT_SNAPSHOT)
        .bind(tenant)
        .bind(i64::try_from(version).map_err(ApiError::internal)?)
        .bind(published.content_hash.as_str())
        .bind(now.to_string());
    Ok((published, insert))
}

/// So long, in milliseconds, a candidate that could not be had is not asked for again.
const CANDIDATE_MISSED_FOR: i64 = 30_000;

/// Signs rules that do not count and puts them where [`candidate`] finds them; their content hash comes back. Nothing that
/// lies there is ever taken for what counts: that has another key, and its hash stands in the row of its version.
pub async fn store_candidate(
    app: &App,
    compiled: &Compiled,
    tenant: Uuid,
    base_version: u64,
    id: Uuid,
    live: i64,
) -> Result<String, ApiError> {
    let bytes = compiled.snapshot(base_version, app.clock.now(), app.config()?.signing_key()?);
    let unopened = |error| ApiError::unavailable("snapshot.not_opened", "the snapshot could not be opened", error);
    let content_hash = Snapshot::open_trusted(bytes.clone()).map_err(unopened)?.content_hash_hex();
    let expire_after = u64::try_from(live / 1000).map_err(ApiError::internal)?;
    let options = PutOptions { expire_after: Some(expire_after), metadata: None };
    app.kv
        .put(&candidate_key(tenant, id, &content_hash), &bytes, options)
        .await
        .map_err(|error| ApiError::unavailable("snapshot.store_unavailable", "the candidate cannot be kept", error))?;
    Ok(content_hash)
}

/// A tenant's candidate; nothing where it is not to be had, for which nobody waits.
pub async fn candidate(app: &App, tenant: Uuid, wanted: &Candidate, request_id: &str) -> Option<Published> {
    let now = app.clock.now();
    if let Some(known) = app.memory.candidate(tenant, wanted.id, now, CANDIDATE_MISSED_FOR) {
        return known;
    }
    let missed = |reason: &str| log::error(request_id, "candidate.not_opened", reason);
    let published = match app.kv.get(&candidate_key(tenant, wanted.id, &wanted.content_hash)).await {
        Ok(Some(bytes)) => match open(app, bytes, tenant, wanted.base_version) {
            Ok(published) if published.content_hash == wanted.content_hash => Some(published),
            Ok(_) => {
                missed("it has another content");
                None
            }
            Err(unopened) => {
                missed(&unopened.to_string());
                None
            }
        },
        Ok(None) => {
            missed("it is not there, or not yet");
            None
        }
        Err(error) => {
            missed(&error.to_string());
            None
        }
    };
    app.memory.keep_candidate(tenant, wanted.id, now, published.clone());
    published
}

fn candidate_key(tenant: Uuid, id: Uuid, hash: &str) -> String {
    format!("candidate/{tenant}/{id}/{hash}")
}

fn open(app: &App, bytes: Vec<u8>, tenant: Uuid, version: u64) -> Result<Published, Unopened> {
    let keyring = app.config().and_then(|config| config.keyring()).map_err(Unopened::Misconfigured)?;
    opened(Snapshot::open(bytes, &keyring.tenant(tenant).at_least(version))?, version)
}

fn opened(snapshot: Snapshot, version: u64) -> Result<Published, Unopened> {
    if snapshot.policy_version() != version {
        return Err(Unopened::OtherVersion(snapshot.policy_version()));
    }
    let content_hash = snapshot.content_hash_hex();
    let engine = Engine::new(snapshot).map_err(|error| Unopened::NoEngine(error.to_string()))?;
    let routes = match engine.snapshot().section(SectionKind::Routes) {
        Some(section) => Routes::of_section(section, engine.schema()).map_err(Unopened::NoRoutes)?,
        None => Routes::default(),
    };
    let logging = match engine.snapshot().section(SectionKind::DecisionLog) {
        Some(section) => Logging::of_section(section, engine.schema()).map_err(Unopened::NoLogging)?,
        None => Logging::default(),
    };
    Ok(Published { engine, version, content_hash, routes: Rc::new(routes), logging: Rc::new(logging) })
}

/// Where a snapshot lies in KV. An old content may come back under a new version, so both stand in it.
fn key(tenant: Uuid, version: u64, hash: &str) -> String {
    format!("snapshot/{tenant}/{version}/{hash}")
}

/// Why bytes are no snapshot to decide by.
#[derive(Debug, thiserror::Error)]
enum Unopened {
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error("it is of version {0}")]
    OtherVersion(u64),
    #[error("no engine: {0}")]
    NoEngine(String),
    #[error("no routes: {0}")]
    NoRoutes(String),
    #[error("no setting of the log of decisions: {0}")]
    NoLogging(String),
    #[error(transparent)]
    Misconfigured(ApiError),
}
