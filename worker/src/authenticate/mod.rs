//! Who calls: the credential of a request, and what the database says of it.
//!
//! `Authorization: Bearer` (RFC 6750) with an API key (`pk_…`) or the token of a session (`ps_…`), or a session's cookie.
//! One statement reads the credential, its tenant and owner, and the tenant's newest versions, so that a request costs one
//! round trip even where nothing may be remembered.

use std::cell::Cell;
use std::rc::Rc;

use parapet::api_key::ApiKeyToken;
use parapet::model::{Timestamp, is_reserved_slug};
use parapet::opaque_token::{OpaqueToken, TokenKind};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::administration::{OWN_SCOPE, READ_SCOPE, WRITE_SCOPE};
use crate::app::App;
use crate::cookie;
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

const READ_SESSION: &str = "
    SELECT s.id, s.tenant_id, s.user_id, s.auth_time, s.amr, s.expires_at, s.created_at,
           s.last_accessed_at AS last_used_at,
           coalesce((SELECT o.setting_value FROM tenant_setting o WHERE o.tenant_id = s.tenant_id
                     AND o.category = 'security' AND o.setting_key = 'session_idle_minutes'),
                    json_extract(t.settings, '$.security.session_idle_minutes')) AS idle_minutes,
           t.status AS tenant_status, t.slug AS tenant_slug,
           (SELECT h.id FROM tenant h WHERE h.domain = ?2) AS host_tenant_id,
           u.is_active AS user_is_active, u.state AS user_state, u.deleted_at AS user_deleted_at,
           e.policy_version, e.directory_version, n.content_hash
    FROM user_session s
    JOIN tenant t ON t.id = s.tenant_id
    JOIN user u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    LEFT JOIN tenant_epoch e ON e.tenant_id = s.tenant_id
    LEFT JOIN snapshot n ON n.tenant_id = s.tenant_id AND n.policy_version = e.policy_version
    WHERE s.session_token = ?1";

/// What a session may do: what is its user's own, and what the tenant's rules let the user administer.
const SESSION_SCOPES: [&str; 3] = [OWN_SCOPE, READ_SCOPE, WRITE_SCOPE];

/// A session unused for so many minutes ends, where nothing else is set.
const IDLE_MINUTES: i64 = 60;

const MINUTE: i64 = 60 * 1000;

/// How exactly `api_key.last_used_at` is known: to the hour.
const USE_EVERY: i64 = 60 * MINUTE;

/// No epoch and no audit row: using a key changes nothing.
const WRITE_KEY_USE: &str = "
    UPDATE api_key SET last_used_at = ?3 WHERE tenant_id = ?1 AND id = ?2 AND (last_used_at IS NULL OR last_used_at < ?3)";

const WRITE_SESSION_USE: &str = "
    UPDATE user_session SET last_accessed_at = ?3
    WHERE tenant_id = ?1 AND id = ?2 AND (last_accessed_at IS NULL OR last_accessed_at < ?3)";

/// By what somebody shows who they are: the row's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// An API key.
    ApiKey(Uuid),
    /// A session.
    Session(Uuid),
}

impl Credential {
    /// The row's id.
    pub fn id(self) -> Uuid {
        match self {
            Self::ApiKey(id) | Self::Session(id) => id,
        }
    }

    /// What the log calls that id.
    pub fn column(self) -> &'static str {
        match self {
            Self::ApiKey(_) => "api_key_id",
            Self::Session(_) => "session_id",
        }
    }
}

/// When and how a session's user last proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When: at sign-in, or at a step-up since.
    pub at: Timestamp,
    /// By which methods, in the words of RFC 8176.
    pub amr: Vec<String>,
}

impl Proof {
    /// Whether it was by more than one factor. A passkey that verified its user is two (NIST 800-63B-4, section 2.2.1).
    pub fn is_multi_factor(&self) -> bool {
        self.amr.iter().any(|method| method == "mfa")
    }
}

/// A credential and its tenant, as the database said at an instant.
#[derive(Debug)]
pub struct Standing {
    /// The credential.
    pub credential: Credential,
    /// Of a session, its proof.
    pub proof: Option<Proof>,
    /// Its tenant.
    pub tenant: Uuid,
    /// For whom it acts.
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
    /// Milliseconds: unused for so long, it has ended.
    idle: Option<i64>,
    active: bool,
    owner_active: bool,
}

/// Whom a credential acts for.
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

/// Writes when credentials were last used, after the answer was given. What fails is not tried again at once.
pub async fn write_uses(app: &App) {
    let statement = |used: Use| {
        let sql = match used.credential {
            Credential::ApiKey(_) => WRITE_KEY_USE,
            Credential::Session(_) => WRITE_SESSION_USE,
        };
        Statement::new(sql).bind(used.tenant).bind(used.credential.id()).bind(used.at)
    };
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
    let presented = match Presented::by(request) {
        Ok(presented) => presented,
        Err(error) => {
            rate::stranger(app, request)?;
            return Err(error);
        }
    };
    let host = Host::of(request, app.config()?.base_domain.as_deref());
    // What is known of a credential is known of it at a host.
    let hash = presented.hash();
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
    match app.db.first(Statement::new(presented.read()).bind(hash.as_str()).bind(host.name())).await {
        Ok(None) => {
            app.memory.forget_standing(&known_as);
            Err(presented.unknown())
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

/// What a request brings to show who calls.
enum Presented {
    ApiKey(ApiKeyToken),
    Session(OpaqueToken),
}

impl Presented {
    /// What stands in `Authorization`; without that header, the session of the cookie.
    fn by(request: &Request) -> Result<Self, ApiError> {
        let missing = || ApiError::Unauthenticated {
            code: "key.missing",
            detail: "an API key or a session is needed, as a bearer token",
        };
        let Some(header) = request.header("authorization") else {
            let token = cookie::session(request).ok_or_else(missing)?;
            cookie::is_meant(request, &token)?;
            return Ok(Self::Session(token));
        };
        let (scheme, credential) = header.split_once(' ').ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        let credential = credential.trim();
        ApiKeyToken::parse(credential)
            .map(Self::ApiKey)
            .or_else(|| OpaqueToken::parse(TokenKind::Session, credential).map(Self::Session))
            .ok_or(ApiError::Unauthenticated { code: "key.malformed", detail: "this is no credential of ours" })
    }

    fn hash(&self) -> String {
        match self {
            Self::ApiKey(token) => token.hash(),
            Self::Session(token) => token.hash(),
        }
    }

    /// The statement that says all of it.
    fn read(&self) -> &'static str {
        match self {
            Self::ApiKey(_) => READ_KEY,
            Self::Session(_) => READ_SESSION,
        }
    }

    fn unknown(&self) -> ApiError {
        match self {
            Self::ApiKey(_) => ApiError::Unauthenticated { code: "key.unknown", detail: "the key is not known" },
            Self::Session(_) => ended(),
        }
    }
}

/// The session is over, whatever ended it; or there never was one.
fn ended() -> ApiError {
    ApiError::Unauthenticated { code: "session.ended", detail: "the session has ended" }
}

/// What a credential may lose at any instant is judged at each request, remembered or not.
fn admit(app: &App, standing: Rc<Standing>, host: &Host, now: Timestamp, stale: bool) -> Result<Caller, ApiError> {
    let is_session = matches!(standing.credential, Credential::Session(_));
    let refuse = |code, detail| {
        let error = ApiError::Unauthenticated { code, detail };
        Err(if is_session { ended() } else { error })
    };
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
    // What this isolate has seen of it counts before it is written.
    let used = standing.last_used_at.max(app.memory.used(standing.credential));
    if standing.idle.zip(used).is_some_and(|(idle, used)| now >= used.plus_millis(idle)) {
        return refuse("session.ended", "the session has ended");
    }
    let often = standing.idle.map_or(USE_EVERY, |idle| (idle / 4).min(MINUTE));
    if used.is_none_or(|at| now >= at.plus_millis(often)) {
        app.memory.note_use(Use { tenant: standing.tenant, credential: standing.credential, at: now }, often);
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
        let row: StandingRow = serde_json::from_value(row.into()).map_err(|error| broken(&error))?;
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
        let tenant_active = row.tenant_status == "active";
        let texts = |text: &str| serde_json::from_str::<Vec<String>>(text).map_err(|error| broken(&error));
        let proof = match row.auth_time {
            Some(at) => Some(Proof { at, amr: texts(row.amr.as_deref().unwrap_or_default())? }),
            None => None,
        };
        let is_session = proof.is_some();
        let idle =
            is_session.then(|| row.idle_minutes.and_then(minutes).unwrap_or(IDLE_MINUTES).saturating_mul(MINUTE));
        Ok(Self {
            credential: if is_session { Credential::Session(row.id) } else { Credential::ApiKey(row.id) },
            proof,
            scopes: match row.scopes {
                Some(scopes) => texts(&scopes)?,
                None => SESSION_SCOPES.map(str::to_owned).to_vec(),
            },
            // A session that was never used has not been used since it began.
            last_used_at: row.last_used_at.or(row.created_at),
            idle,
            // A tenant's suspension ends its sessions; a key goes on, to be told so by every decision.
            active: if is_session { tenant_active } else { row.is_active == Some(1) },
            tenant: row.tenant_id,
            owner,
            slug: row.tenant_slug,
            host_tenant: row.host_tenant_id,
            // A setting that is none names nobody.
            origins: row.cors_origins.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            tenant_active,
            versions: Versions { policy, directory },
            content_hash: row.content_hash,
            as_of,
            asked_again: Cell::new(false),
            expires_at: row.expires_at,
            owner_active,
        })
    }
}

/// A setting's minutes: D1 gives a number as one, the JSON of a row as text.
fn minutes(value: Value) -> Option<i64> {
    let minutes = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64().map(|minutes| minutes as i64),
    };
    minutes.filter(|minutes| *minutes > 0)
}

/// What either statement gives.
#[derive(Deserialize)]
struct StandingRow {
    id: Uuid,
    tenant_id: Uuid,
    user_id: Option<Uuid>,
    service_account_id: Option<Uuid>,
    scopes: Option<String>,
    auth_time: Option<Timestamp>,
    amr: Option<String>,
    expires_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    idle_minutes: Option<Value>,
    is_active: Option<i64>,
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
