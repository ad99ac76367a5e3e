//! Who calls: the API key of a request, and what the database says of it.
//!
//! `Authorization: Bearer pk_…` (RFC 6750). One statement reads the key, its tenant and owner, and the tenant's newest
//! versions, so that a request costs one round trip even where nothing may be remembered.

use std::cell::Cell;
use std::rc::Rc;

use parapet::api_key::ApiKeyToken;
use parapet::model::{Timestamp, is_reserved_slug};
use serde::Deserialize;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::memory::{Use, Versions};
use crate::platform::db::{Row, Statement};
use crate::platform::log;
use crate::rate;
use crate::request::Request;

const READ_KEY: &str = "
    SELECT k.id, k.tenant_id, k.user_id, k.service_account_id, k.scopes, k.expires_at, k.last_used_at, k.is_active,
           t.status AS tenant_status, t.slug AS tenant_slug,
           (SELECT h.id FROM tenant h WHERE h.domain = ?2) AS host_tenant_id,
           (SELECT o.setting_value FROM tenant_setting o WHERE o.tenant_id = k.tenant_id AND o.category = 'security'
            AND o.setting_key = 'cors_origins') AS cors_origins,
           u.is_active AS user_is_active, u.state AS user_state, u.deleted_at AS user_deleted_at,
           a.is_active AS service_account_is_active,
           e.policy_version, e.directory_version, s.content_hash
    FROM api_key k
    JOIN tenant t ON t.id = k.tenant_id
    LEFT JOIN user u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
    LEFT JOIN service_account a ON a.tenant_id = k.tenant_id AND a.id = k.service_account_id
    LEFT JOIN tenant_epoch e ON e.tenant_id = k.tenant_id
    LEFT JOIN snapshot s ON s.tenant_id = k.tenant_id AND s.policy_version = e.policy_version
    WHERE k.key_hash = ?1";

/// How exactly `api_key.last_used_at` is known: to the hour.
const USE_EVERY: i64 = 60 * 60 * 1000;

/// No epoch and no audit row: using a key changes nothing.
const WRITE_USE: &str = "
    UPDATE api_key SET last_used_at = ?3 WHERE tenant_id = ?1 AND id = ?2 AND (last_used_at IS NULL OR last_used_at < ?3)";

/// A key and its tenant, as the database said at an instant.
#[derive(Debug)]
pub struct Standing {
    /// The key's row.
    pub key: Uuid,
    /// Its tenant.
    pub tenant: Uuid,
    /// Whom it acts for.
    pub owner: Owner,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Whether the tenant is active. Asking for decisions goes on where it is not, and each is `forbidden`.
    pub tenant_active: bool,
    /// The tenant's slug.
    pub slug: String,
    /// The tenant whose own the host is that was asked.
    pub host_tenant: Option<Uuid>,
    /// The origins whose pages may read answers, as the tenant's setting names them.
    pub origins: Vec<String>,
    /// The tenant's newest versions.
    pub versions: Versions,
    /// The content hash of the newest snapshot, where it was published.
    pub content_hash: Option<String>,
    /// When the database was asked.
    pub as_of: Timestamp,
    /// Whether a request asks again already.
    asked_again: Cell<bool>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    active: bool,
    owner_active: bool,
}

/// Whom a key acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The tenant alone: the key is a policy enforcement point's.
    Tenant,
    /// A user.
    User(Uuid),
    /// A service account.
    ServiceAccount(Uuid),
}

/// Who calls, known and allowed in.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key and its tenant.
    pub standing: Rc<Standing>,
    /// Whether the database did not answer, and what was known before still counts.
    pub stale: bool,
}

impl Caller {
    /// Whether the key may be used for this.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.standing.scopes.iter().any(|its| its == scope)
    }
}

/// The caller of a request; 401 where there is none, 503 where that cannot be known.
pub async fn caller(app: &App, call: &Call) -> Result<Caller, ApiError> {
    let config = app.config()?;
    let caller = known_for(app, &call.request, config.freshness, config.max_stale).await?;
    call.is_of(&caller);
    rate::take(app, &caller).await?;
    Ok(caller)
}

/// The same, as the database says it now: for whoever changes something.
pub async fn caller_now(app: &App, call: &Call) -> Result<Caller, ApiError> {
    let caller = known_for(app, &call.request, 0, 0).await?;
    call.is_of(&caller);
    rate::take(app, &caller).await?;
    Ok(caller)
}

/// The caller of a key by its id, as the database says it now: for whoever has shown in another way than by its text that
/// it is theirs.
pub async fn caller_of_key(app: &App, call: &Call, key: Uuid) -> Result<Caller, ApiError> {
    let host = Host::of(&call.request, app.config()?.base_domain.as_deref());
    let read = Statement::new(READ_KEY.replace("k.key_hash = ?1", "k.id = ?1")).bind(key).bind(host.name());
    let row = app.db.first(read).await.map_err(ApiError::database)?;
    let row = row.ok_or(ApiError::Unauthenticated { code: "key.unknown", detail: "the key is not known" })?;
    let now = app.clock.now();
    let caller = admit(app, Rc::new(Standing::read(row, now)?), &host, now, false)?;
    call.is_of(&caller);
    rate::take(app, &caller).await?;
    Ok(caller)
}

/// Writes when keys were last used, after the answer was given. What fails is not tried again within the hour.
pub async fn write_uses(app: &App) {
    let statement = |used: Use| Statement::new(WRITE_USE).bind(used.tenant).bind(used.key).bind(used.at);
    let statements: Vec<Statement> = app.memory.take_uses().into_iter().map(statement).collect();
    if statements.is_empty() {
        return;
    }
    if let Err(error) = app.db.batch(statements).await {
        log::error("-", "key.use_not_written", &error.to_string());
    }
}

/// The caller as known for less than `freshness` milliseconds; while the database does not answer, `max_stale`.
async fn known_for(app: &App, request: &Request, freshness: i64, max_stale: i64) -> Result<Caller, ApiError> {
    let token = match token(request) {
        Ok(token) => token,
        Err(error) => {
            rate::stranger(app, request)?;
            return Err(error);
        }
    };
    let host = Host::of(request, app.config()?.base_domain.as_deref());
    // What is known of a key is known of it at a host.
    let hash = token.hash();
    let known_as = host.name().map_or_else(|| hash.clone(), |name| format!("{hash} {name}"));
    let now = app.clock.now();
    let known =
        app.memory.standing(&known_as).filter(|known| !known.versions.older_than(app.memory.newest(known.tenant)));
    let is_known_for = |known: &&Rc<Standing>, limit| known.age(now).is_some_and(|age| age < limit);
    let fresh = known.as_ref().filter(|known| is_known_for(known, freshness));
    if let Some(fresh) = fresh.filter(|fresh| !fresh.is_mine_to_ask(now, freshness)) {
        return admit(app, fresh.clone(), &host, now, false);
    }
    // Whoever comes with a key that is not known here may come with any: that costs a question each time.
    let stranger = if known.is_none() { Some(rate::stranger(app, request)?) } else { None };
    match app.db.first(Statement::new(READ_KEY).bind(hash.as_str()).bind(host.name())).await {
        Ok(None) => {
            app.memory.forget_standing(&known_as);
            Err(ApiError::Unauthenticated { code: "key.unknown", detail: "the key is not known" })
        }
        Ok(Some(row)) => {
            if let Some(stranger) = stranger {
                stranger.give_back(app);
            }
            let standing = Rc::new(Standing::read(row, now)?);
            let newest = app.memory.newest(standing.tenant);
            if standing.versions.older_than(newest) {
                let cause = format!("the database says {:?}, this isolate has seen {newest:?}", standing.versions);
                return Err(ApiError::unavailable("epoch.older", "the database went back in time", cause));
            }
            app.memory.keep_standing(&known_as, standing.clone());
            admit(app, standing, &host, now, false)
        }
        Err(error) => match known.as_ref().filter(|known| is_known_for(known, freshness.max(max_stale))) {
            Some(known) => {
                log::error("-", "database.stale", &error.to_string());
                admit(app, known.clone(), &host, now, fresh.is_none())
            }
            None => Err(ApiError::unavailable("database.unavailable", "the database does not answer", error)),
        },
    }
}

/// Whose the host is that was asked: a tenant's by its slug or by its own name, else everybody's.
pub enum Host {
    /// The service's own: the credential tells the tenant.
    Service,
    /// A subdomain of the service's: the tenant's with this slug.
    Slug(String),
    /// Another name, which may be a tenant's own: that the database says.
    Named(String),
}

impl Host {
    /// The host of a request, where tenants are subdomains of `base`.
    pub fn of(request: &Request, base: Option<&str>) -> Self {
        let host = request.host();
        let Some(base) = base else { return Self::Named(host) };
        match host.strip_suffix(base) {
            Some("") => Self::Service,
            Some(label) if label.ends_with('.') => match label.trim_end_matches('.') {
                label if is_reserved_slug(label) => Self::Service,
                label => Self::Slug(label.to_owned()),
            },
            _ => Self::Named(host),
        }
    }

    /// The name that the database is asked for.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Service | Self::Slug(_) => None,
        }
    }

    fn serves(&self, standing: &Standing) -> bool {
        match self {
            Self::Service => true,
            Self::Slug(slug) => *slug == standing.slug,
            Self::Named(_) => standing.host_tenant.is_none_or(|tenant| tenant == standing.tenant),
        }
    }
}

fn token(request: &Request) -> Result<ApiKeyToken, ApiError> {
    let missing =
        || ApiError::Unauthenticated { code: "key.missing", detail: "an API key is needed, as a bearer token" };
    let malformed = || ApiError::Unauthenticated { code: "key.malformed", detail: "this is no API key" };
    let header = request.header("authorization").ok_or_else(missing)?;
    let (scheme, credential) = header.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    ApiKeyToken::parse(credential.trim()).ok_or_else(malformed)
}

/// What a key may lose at any instant is judged at each request, remembered or not.
fn admit(app: &App, standing: Rc<Standing>, host: &Host, now: Timestamp, stale: bool) -> Result<Caller, ApiError> {
    let refuse = |code, detail| Err(ApiError::Unauthenticated { code, detail });
    if !host.serves(&standing) {
        return refuse("key.other_tenant", "the key is of another tenant than the host");
    }
    if !standing.active {
        return refuse("key.inactive", "the key is not active");
    }
    if standing.expires_at.is_some_and(|end| now >= end) {
        return refuse("key.expired", "the key has expired");
    }
    if !standing.owner_active {
        return refuse("key.owner_inactive", "the key's owner is not active");
    }
    if standing.last_used_at.is_none_or(|at| now >= at.plus_millis(USE_EVERY)) {
        app.memory.note_use(Use { tenant: standing.tenant, key: standing.key, at: now }, USE_EVERY);
    }
    Ok(Caller { standing, stale })
}

impl Standing {
    /// For how many milliseconds this has been known; nothing where the clock went back.
    fn age(&self, now: Timestamp) -> Option<i64> {
        let age = now.as_millis() - self.as_of.as_millis();
        (age >= 0).then_some(age)
    }

    /// Whether this request is the one that asks again ahead of time: the first in the last fifth of `freshness`. Without
    /// it all requests that come within a round trip of the end would ask at once. Only the end binds the others: a request
    /// cannot wait for what another began.
    fn is_mine_to_ask(&self, now: Timestamp, freshness: i64) -> bool {
        let is_near_its_end = self.age(now).is_some_and(|age| age >= freshness - freshness / 5);
        is_near_its_end && !self.asked_again.replace(true)
    }

    fn read(row: Row, as_of: Timestamp) -> Result<Self, ApiError> {
        let broken = |error: &dyn std::fmt::Display| {
            ApiError::unavailable("database.malformed_row", "the database holds something unexpected", error)
        };
        let row: KeyRow = serde_json::from_value(row.into()).map_err(|error| broken(&error))?;
        let (Some(policy), Some(directory)) = (row.policy_version, row.directory_version) else {
            return Err(ApiError::unavailable("epoch.missing", "the tenant's versions are not known", row.tenant_id));
        };
        let owner = match (row.user_id, row.service_account_id) {
            (Some(user), _) => Owner::User(user),
            (None, Some(account)) => Owner::ServiceAccount(account),
            (None, None) => Owner::Tenant,
        };
        let owner_active = match owner {
            Owner::Tenant => true,
            Owner::User(_) => {
                row.user_is_active == Some(1)
                    && row.user_state.as_deref() == Some("active")
                    && row.user_deleted_at.is_none()
            }
            Owner::ServiceAccount(_) => row.service_account_is_active == Some(1),
        };
        Ok(Self {
            key: row.id,
            tenant: row.tenant_id,
            owner,
            scopes: serde_json::from_str(&row.scopes).map_err(|error| broken(&error))?,
            slug: row.tenant_slug,
            host_tenant: row.host_tenant_id,
            // A setting that is none names nobody.
            origins: row.cors_origins.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            tenant_active: row.tenant_status == "active",
            versions: Versions { policy, directory },
            content_hash: row.content_hash,
            as_of,
            asked_again: Cell::new(false),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            active: row.is_active == 1,
            owner_active,
        })
    }
}

#[derive(Deserialize)]
struct KeyRow {
    id: Uuid,
    tenant_id: Uuid,
    user_id: Option<Uuid>,
    service_account_id: Option<Uuid>,
    scopes: String,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    is_active: i64,
    tenant_status: String,
    tenant_slug: String,
    host_tenant_id: Option<Uuid>,
    cors_origins: Option<String>,
    user_is_active: Option<i64>,
    user_state: Option<String>,
    user_deleted_at: Option<String>,
    service_account_is_active: Option<i64>,
    policy_version: Option<u64>,
    directory_version: Option<u64>,
    content_hash: Option<String>,
}
