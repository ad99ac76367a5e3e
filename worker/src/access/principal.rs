//! Who asks for access, as the directory knows them: from this isolate's memory, else from KV, else from the rows.
//!
//! A record's key in KV holds the directory's version, so it is never out of date; what lies there is signed like a
//! snapshot, and says whom it is of, so that nobody who can write to KV makes or swaps a principal.

use std::collections::HashMap;
use std::rc::Rc;

use parapet::directory::PrincipalRecord;
use parapet::model::{AccessRequest, ServiceAccount, User, UserGroupMembership, UserRole};
use parapet::snapshot::{SectionKind, Snapshot, SnapshotBuilder};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::memory::{Newest, PrincipalKey};
use crate::platform::db::Statement;
use crate::platform::kv::PutOptions;
use crate::platform::log;

/// KV takes no longer keys.
const LONGEST_KEY: usize = 512;

/// A day: a directory that changes leaves its old records behind.
const EXPIRE_AFTER: u64 = 24 * 60 * 60;

/// The principal of this type with this id, username or e-mail address; nothing where there is none.
pub async fn find(
    app: &App,
    newest: Newest<'_>,
    kind: &'static str,
    id: &str,
    request_id: &str,
) -> Result<Option<Rc<PrincipalRecord>>, ApiError> {
    let key =
        PrincipalKey { tenant: newest.tenant, directory_version: newest.versions.directory, kind, id: id.to_owned() };
    if let Some(known) = app.memory.principal(&key) {
        return Ok(known);
    }
    let record = match stored(app, &key, request_id).await? {
        Some(record) => Some(Rc::new(record)),
        None => {
            let record = read(app, &key).await?.map(Rc::new);
            if let Some(record) = &record {
                store(app, &key, record, request_id).await?;
            }
            record
        }
    };
    app.memory.keep_principal(key, record.clone());
    Ok(record)
}

/// What lies in KV.
#[derive(Serialize, Deserialize)]
struct Stored<R> {
    kind: String,
    id: String,
    record: R,
}

async fn stored(app: &App, key: &PrincipalKey, request_id: &str) -> Result<Option<PrincipalRecord>, ApiError> {
    let Some(name) = name(key) else { return Ok(None) };
    let bytes = match app.kv.get(&name).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(error) => {
            log::error(request_id, "principal.store_unavailable", &error.to_string());
            return Ok(None);
        }
    };
    let keyring = app.config()?.keyring()?.tenant(key.tenant).at_least(key.directory_version);
    let opened = Snapshot::open(bytes, &keyring).map_err(|error| error.to_string()).and_then(|signed| {
        let section = signed.required(SectionKind::Principal).map_err(|error| error.to_string())?;
        let stored: Stored<PrincipalRecord> = serde_json::from_slice(section).map_err(|error| error.to_string())?;
        let is_it = signed.policy_version() == key.directory_version && stored.kind == key.kind && stored.id == key.id;
        if is_it { Ok(stored.record) } else { Err("it is of another principal or version".to_owned()) }
    });
    match opened {
        Ok(record) => Ok(Some(record)),
        Err(reason) => {
            log::error(request_id, "principal.not_opened", &reason);
            Ok(None)
        }
    }
}

async fn store(app: &App, key: &PrincipalKey, record: &PrincipalRecord, request_id: &str) -> Result<(), ApiError> {
    let Some(name) = name(key) else { return Ok(()) };
    let stored = Stored { kind: key.kind.to_owned(), id: key.id.clone(), record };
    let section = serde_json::to_vec(&stored).map_err(ApiError::internal)?;
    let bytes = SnapshotBuilder::new(key.tenant).section(SectionKind::Principal, section).build(
        key.directory_version,
        app.clock.now().as_millis(),
        app.config()?.signing_key()?,
    );
    let options = PutOptions { expire_after: Some(EXPIRE_AFTER), metadata: None };
    if let Err(error) = app.kv.put(&name, &bytes, options).await {
        log::error(request_id, "principal.not_stored", &error.to_string());
    }
    Ok(())
}

fn name(key: &PrincipalKey) -> Option<String> {
    let PrincipalKey { tenant, directory_version, kind, id } = key;
    let name = format!("principal/{tenant}/{directory_version}/{kind}/{id}");
    (name.len() <= LONGEST_KEY).then_some(name)
}

async fn read(app: &App, key: &PrincipalKey) -> Result<Option<PrincipalRecord>, ApiError> {
    let unavailable = |error| ApiError::unavailable("database.unavailable", "the database does not answer", error);
    let is_id = Uuid::try_parse(&key.id).is_ok();
    let by = |statement: Statement| statement.bind(key.id.as_str());
    if key.kind == "ServiceAccount" {
        if !is_id {
            return Ok(None);
        }
        let statement = by(select::<ServiceAccount>("tenant_id = ?1 AND id = ?2", key.tenant));
        let mut found = rows::<ServiceAccount>(app.db.all(statement).await.map_err(unavailable)?)?;
        return Ok(found.pop().as_ref().map(PrincipalRecord::of_service_account));
    }
    // A username holds no `@` and is no UUID, so the form tells which of the three it is.
    let (user, owner) = if is_id {
        ("tenant_id = ?1 AND id = ?2", "?2")
    } else if key.id.contains('@') {
        (
            "tenant_id = ?1 AND email = ?2 AND deleted_at IS NULL",
            "(SELECT id FROM user WHERE tenant_id = ?1 AND email = ?2 AND deleted_at IS NULL)",
        )
    } else {
        (
            "tenant_id = ?1 AND username = ?2 AND deleted_at IS NULL",
            "(SELECT id FROM user WHERE tenant_id = ?1 AND username = ?2 AND deleted_at IS NULL)",
        )
    };
    let statements = of_users(key.tenant, user, |column| format!("tenant_id = ?1 AND {column} = {owner}"))
        .into_iter()
        .map(by)
        .collect();
    let mut answers = app.db.batch(statements).await.map_err(unavailable)?.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let Some(user) = rows::<User>(next())?.pop() else { return Ok(None) };
    let (roles, memberships, requests) = (rows::<UserRole>(next())?, rows(next())?, rows(next())?);
    Ok(Some(PrincipalRecord::of_user(&user, &roles, &memberships, &requests)))
}

/// The users with these ids, in the order of their ids.
pub async fn find_users(app: &App, tenant: Uuid, ids: &[String]) -> Result<Vec<PrincipalRecord>, ApiError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = serde_json::json!(ids).to_string();
    let among = |column: &str| format!("tenant_id = ?1 AND {column} IN (SELECT value FROM json_each(?2))");
    let statements = of_users(tenant, &among("id"), among);
    let statements = statements.into_iter().map(|statement| statement.bind(ids.as_str())).collect();
    let mut answers = app.db.batch(statements).await.map_err(ApiError::database)?.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let users = rows::<User>(next())?;
    let roles = by_user(rows::<UserRole>(next())?, |row| row.user_id);
    let memberships = by_user(rows::<UserGroupMembership>(next())?, |row| row.user_id);
    let requests = by_user(rows::<AccessRequest>(next())?, |row| row.requester_id);
    Ok(users
        .iter()
        .map(|user| PrincipalRecord::of_user(user, its(&roles, user), its(&memberships, user), its(&requests, user)))
        .collect())
}

/// What is read of users: themselves, and what is theirs, by a condition on the column that names them.
fn of_users(tenant: Uuid, users: &str, theirs: impl Fn(&str) -> String) -> Vec<Statement> {
    vec![
        select::<User>(users, tenant),
        select::<UserRole>(&theirs("user_id"), tenant),
        select::<UserGroupMembership>(&theirs("user_id"), tenant),
        select::<AccessRequest>(&format!("{} AND status = 'approved'", theirs("requester_id")), tenant),
    ]
}

fn by_user<R>(rows: Vec<R>, user: fn(&R) -> Uuid) -> HashMap<Uuid, Vec<R>> {
    let mut by_user: HashMap<Uuid, Vec<R>> = HashMap::new();
    for row in rows {
        by_user.entry(user(&row)).or_default().push(row);
    }
    by_user
}

fn its<'r, R>(rows: &'r HashMap<Uuid, Vec<R>>, user: &User) -> &'r [R] {
    rows.get(&user.id).map(Vec::as_slice).unwrap_or_default()
}
