//! Who calls: the credential of a request, and what the database says of it.
//!
//! `Authorization: Bearer` (RFC 6750) with an API key (`pk_…`), the token of a session (`ps_…`) or an access token that was
//! got by either, or a session's cookie. At an application's host also a token of another issuer that its tenant trusts, or
//! the certificate of the connection. One statement reads the credential, its tenant and owner, and the tenant's newest
//! versions, so that a request costs one round trip even where nothing may be remembered.

mod access_token;
mod external;
mod presented;
mod standing;

pub use access_token::{For, verified};
pub use standing::{Owner, Proof, Standing, candidate};

use std::rc::Rc;

use parapet::model::{Timestamp, is_reserved_slug};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::guard::Call;
use crate::memory::{Newest, Use};
use crate::platform::db::Statement;
use crate::platform::log;
use crate::rate;
use crate::request::Request;
use presented::Presented;

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
    /// An access token of ours.
    AccessToken {
        /// The token itself: `jti`.
        id: Uuid,
        /// By what it was got.
        by: Lasting,
    },
    /// A token of another issuer.
    External {
        /// Of which: the identity provider.
        provider: Uuid,
        /// Whose it is: the user or the service account.
        subject: Uuid,
    },
}

/// What lasts: what an access token is got by, and uses are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lasting {
    /// An API key.
    ApiKey(Uuid),
    /// A session.
    Session(Uuid),
    /// Whoever another issuer's tokens are of: of these none lasts.
    Subject(Uuid),
}

impl Credential {
    /// The row that it is, or that it was got by: uses are counted by it.
    pub fn lasting(self) -> Lasting {
        match self {
            Self::ApiKey(id) => Lasting::ApiKey(id),
            Self::Session(id) => Lasting::Session(id),
            Self::AccessToken { by, .. } => by,
            Self::External { subject, .. } => Lasting::Subject(subject),
        }
    }

    /// The session, where it is one itself: a token that was got by one proves less.
    pub fn session(self) -> Option<Uuid> {
        match self {
            Self::Session(id) => Some(id),
            Self::ApiKey(_) | Self::AccessToken { .. } | Self::External { .. } => None,
        }
    }

    /// What the log and events say of it.
    pub fn named(self) -> impl Iterator<Item = (&'static str, Uuid)> {
        let token = match self {
            Self::AccessToken { id, .. } => Some(("access_token_id", id)),
            Self::External { provider, .. } => Some(("identity_provider_id", provider)),
            Self::ApiKey(_) | Self::Session(_) => None,
        };
        let (name, id) = match self.lasting() {
            Lasting::ApiKey(id) => ("api_key_id", id),
            Lasting::Session(id) => ("session_id", id),
            Lasting::Subject(id) => ("subject_id", id),
        };
        std::iter::once((name, id)).chain(token)
    }
}

impl Lasting {
    /// The row's id.
    pub fn id(self) -> Uuid {
        match self {
            Self::ApiKey(id) | Self::Session(id) | Self::Subject(id) => id,
        }
    }
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
    /// Its tenant's newest rules and people.
    pub fn newest(&self) -> Newest<'_> {
        self.standing.newest()
    }

    /// Whether the key may be used for this.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.standing.scopes.iter().any(|its| its == scope)
    }
}

/// The caller of a request; 401 where there is none, 503 where that cannot be known.
pub async fn caller(app: &App, call: &Call) -> Result<Caller, ApiError> {
    let config = app.config()?;
    let presented = Presented::by(&call.request);
    let caller = known_for(app, call, presented, call.request.freshness(config), config.max_stale).await?;
    call.is_of(&caller);
    rate::take(app, &caller).await?;
    Ok(caller)
}

/// The caller of a request to an application of this tenant, whose own tokens have this issuer. There more counts: tokens of
/// other issuers that the tenant trusts, and a certificate, where nothing else says who calls.
pub async fn caller_at(app: &App, call: &Call, tenant: Uuid, issuer: &str) -> Result<Caller, ApiError> {
    let config = app.config()?;
    let presented = Presented::at(&call.request, tenant, issuer);
    let caller = known_for(app, call, presented, call.request.freshness(config), config.max_stale).await?;
    call.is_of(&caller);
    rate::take(app, &caller).await?;
    Ok(caller)
}

/// The same, as the database says it now: for whoever changes something.
pub async fn caller_now(app: &App, call: &Call) -> Result<Caller, ApiError> {
    let caller = known_for(app, call, Presented::by(&call.request), 0, 0).await?;
    call.is_of(&caller);
    rate::take(app, &caller).await?;
    Ok(caller)
}

/// The caller of a key by its id, as the database says it now: for whoever has shown in another way than by its text that
/// it is theirs.
pub async fn caller_of_key(app: &App, call: &Call, key: Uuid) -> Result<Caller, ApiError> {
    let host = Host::of(&call.request, app.config()?.base_domain.as_deref());
    let row = app.db.first(presented::read_key(key, &host)).await.map_err(ApiError::database)?;
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
            Lasting::ApiKey(_) => WRITE_KEY_USE,
            Lasting::Session(_) => WRITE_SESSION_USE,
            Lasting::Subject(_) => return None,
        };
        Some(Statement::new(sql).bind(used.tenant).bind(used.credential.id()).bind(used.at))
    };
    let statements: Vec<Statement> = app.memory.take_uses().into_iter().filter_map(statement).collect();
    if statements.is_empty() {
        return;
    }
    if let Err(error) = app.db.batch(statements).await {
        log::error("-", "key.use_not_written", &error.to_string());
    }
}

/// The caller as known for less than `freshness` milliseconds; while the database does not answer, `max_stale`.
async fn known_for(
    app: &App,
    call: &Call,
    presented: Result<Presented<'_>, ApiError>,
    freshness: i64,
    max_stale: i64,
) -> Result<Caller, ApiError> {
    let request = &call.request;
    let presented = match presented {
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
    let read = presented.read(&hash, &host, now).ok_or_else(|| presented.unknown())?;
    let found = match app.db.first(read).await {
        Ok(Some(row)) => Ok(presented.standing(app, call, row, now).await?),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    match found {
        Ok(None) => {
            app.memory.forget_standing(&known_as);
            Err(presented.unknown())
        }
        Ok(Some(standing)) => {
            if let Some(stranger) = stranger {
                stranger.give_back(app);
            }
            let standing = Rc::new(standing);
            app.memory.see(standing.tenant, standing.versions)?;
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
        Self::named(&request.host(), base)
    }

    /// The host with this name.
    pub fn named(host: &str, base: Option<&str>) -> Self {
        let Some(base) = base else { return Self::Named(host.to_owned()) };
        match host.strip_suffix(base) {
            Some("") => Self::Service,
            Some(label) if label.ends_with('.') => match label.trim_end_matches('.') {
                label if is_reserved_slug(label) => Self::Service,
                label => Self::Slug(label.to_owned()),
            },
            _ => Self::Named(host.to_owned()),
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

/// The session is over, whatever ended it; or there never was one.
fn ended() -> ApiError {
    ApiError::Unauthenticated { code: "session.ended", detail: "the session has ended" }
}

/// What a credential may lose at any instant is judged at each request, remembered or not.
fn admit(app: &App, standing: Rc<Standing>, host: &Host, now: Timestamp, stale: bool) -> Result<Caller, ApiError> {
    let used = standing.used(app);
    let wrong = match host.serves(&standing) {
        true => standing.wrong(used, now),
        false => Some(("key.other_tenant", "the key is of another tenant than the host")),
    };
    if let Some((code, detail)) = wrong {
        return Err(match standing.credential {
            Credential::ApiKey(_) => ApiError::Unauthenticated { code, detail },
            Credential::Session(_) => ended(),
            Credential::AccessToken { .. } | Credential::External { .. } => access_token::refused(),
        });
    }
    // A token is used instead of what it was got by.
    if matches!(standing.credential, Credential::ApiKey(_) | Credential::Session(_)) {
        let credential = standing.credential.lasting();
        let often = standing.idle.map_or(USE_EVERY, |idle| (idle / 4).min(MINUTE));
        if used.is_none_or(|at| now >= at.plus_millis(often)) {
            app.memory.note_use(Use { tenant: standing.tenant, credential, at: now }, often);
        }
    }
    Ok(Caller { standing, stale })
}
