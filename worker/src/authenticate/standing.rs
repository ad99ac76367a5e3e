//! What the database said of a credential, and whether it counts.

use std::cell::Cell;
use std::rc::Rc;

use parapet::model::Timestamp;
use parapet::token::{self, Claims};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Credential, Lasting};
use crate::administration::{OWN_SCOPE, READ_SCOPE, WRITE_SCOPE};
use crate::app::App;
use crate::error::ApiError;
use crate::memory::{Candidate, Newest, Versions};
use crate::platform::db::Row;

/// What a session may do: what is its user's own, and what the tenant's rules let the user administer.
const SESSION_SCOPES: [&str; 3] = [OWN_SCOPE, READ_SCOPE, WRITE_SCOPE];

/// A session unused for so many minutes ends, where nothing else is set.
const IDLE_MINUTES: i64 = 60;

const MINUTE: i64 = 60 * 1000;

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
    /// Of a session, its proof; of an access token, the one that its session had then.
    pub proof: Option<Proof>,
    /// Its tenant.
    pub tenant: Uuid,
    /// For whom it acts.
    pub owner: Owner,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// What another issuer's token says of its user: attributes that the schema lets a caller fill.
    pub said: Map<String, Value>,
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
    /// Rules of the tenant that decide beside those.
    pub candidate: Option<Rc<Candidate>>,
    /// When the database was asked.
    pub as_of: Timestamp,
    /// Whether a request asks again already.
    asked_again: Cell<bool>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    /// Milliseconds: unused for so long, it has ended.
    pub(super) idle: Option<i64>,
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

impl Standing {
    /// Its tenant's newest rules and people.
    pub fn newest(&self) -> Newest<'_> {
        let content_hash = self.content_hash.as_deref();
        Newest { tenant: self.tenant, versions: self.versions, content_hash }
    }

    /// What keeps it from counting now, if anything does, where it was last used then.
    pub(super) fn wrong(&self, used: Option<Timestamp>, now: Timestamp) -> Option<(&'static str, &'static str)> {
        if !self.active {
            return Some(("key.inactive", "the key is not active"));
        }
        if self.expires_at.is_some_and(|end| now >= end) {
            return Some(("key.expired", "the key has expired"));
        }
        if !self.owner_active {
            return Some(("key.owner_inactive", "the key's owner is not active"));
        }
        if self.idle.zip(used).is_some_and(|(idle, used)| now >= used.plus_millis(idle)) {
            return Some(("session.ended", "the session has ended"));
        }
        None
    }

    /// When it, or what it was got by, was last used: what this isolate has seen of it counts before it is written.
    pub(super) fn used(&self, app: &App) -> Option<Timestamp> {
        self.last_used_at.max(app.memory.used(self.credential.lasting()))
    }

    /// Whose it is: the id of the user, the service account or the tenant.
    pub fn subject(&self) -> Uuid {
        match self.owner {
            Owner::Tenant => self.tenant,
            Owner::User(id) | Owner::ServiceAccount(id) => id,
        }
    }

    /// What a token that was got by this gives: what it says, and nothing beyond. Nothing where it was got by something
    /// else, or for somebody else.
    pub(super) fn of_token(self, claims: &Claims) -> Option<Self> {
        let by = self.credential.lasting();
        let proof = match (&claims.credential, by) {
            (token::Credential::ApiKey(id), Lasting::ApiKey(its)) if *id == its => None,
            (token::Credential::Session { id, auth_time, amr }, Lasting::Session(its)) if *id == its => {
                Some(Proof { at: *auth_time, amr: amr.clone() })
            }
            _ => return None,
        };
        if claims.subject != self.subject().to_string() {
            return None;
        }
        Some(Self {
            credential: Credential::AccessToken { id: claims.id, by },
            proof,
            // What the key has lost since, the token has lost.
            scopes: claims.scopes.iter().filter(|scope| self.scopes.contains(scope)).cloned().collect(),
            expires_at: Some(self.expires_at.map_or(claims.expires_at, |end| end.min(claims.expires_at))),
            active: self.active && self.tenant_active,
            ..self
        })
    }

    /// What a token of another issuer gives, which counts until then.
    pub(super) fn of_issuer(self, provider: Uuid, said: Map<String, Value>, ends: Timestamp) -> Self {
        Self {
            credential: Credential::External { provider, subject: self.subject() },
            scopes: Vec::new(),
            said,
            expires_at: Some(ends),
            active: self.tenant_active,
            ..self
        }
    }

    /// What it is limited to. A session does what its user may, and so does a token of another issuer, of whose scopes we
    /// know nothing; a key or a token of ours no more than it says.
    pub fn limits(&self) -> Option<Vec<String>> {
        match self.credential {
            Credential::Session(_) | Credential::External { .. } => None,
            Credential::ApiKey(_) | Credential::AccessToken { .. } => Some(self.scopes.clone()),
        }
    }

    /// For how many milliseconds this has been known; nothing where the clock went back.
    pub fn age(&self, now: Timestamp) -> Option<i64> {
        let age = now.as_millis() - self.as_of.as_millis();
        (age >= 0).then_some(age)
    }

    /// Whether this request is the one that asks again ahead of time: the first in the last fifth of `freshness`. Without
    /// it all requests that come within a round trip of the end would ask at once. Only the end binds the others: a request
    /// cannot wait for what another began.
    pub(super) fn is_mine_to_ask(&self, now: Timestamp, freshness: i64) -> bool {
        let is_near_its_end = self.age(now).is_some_and(|age| age >= freshness - freshness / 5);
        is_near_its_end && !self.asked_again.replace(true)
    }

    pub(super) fn read(row: Row, as_of: Timestamp) -> Result<Self, ApiError> {
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
            said: Map::new(),
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
            candidate: candidate(row.candidate_id, row.candidate_hash, row.candidate_expires_at, policy),
            as_of,
            asked_again: Cell::new(false),
            expires_at: row.expires_at,
            owner_active,
        })
    }
}

/// The candidate that a statement joined, if there is one.
pub fn candidate(
    id: Option<Uuid>,
    content_hash: Option<String>,
    expires_at: Option<Timestamp>,
    base_version: u64,
) -> Option<Rc<Candidate>> {
    Some(Rc::new(Candidate { id: id?, base_version, content_hash: content_hash?, expires_at: expires_at? }))
}

/// A setting's minutes: D1 gives a number as one, the JSON of a row as text.
fn minutes(value: Value) -> Option<i64> {
    let minutes = match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64().map(|minutes| minutes as i64),
    };
    minutes.filter(|minutes| *minutes > 0)
}

/// What each of the statements gives.
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
    candidate_id: Option<Uuid>,
    candidate_hash: Option<String>,
    candidate_expires_at: Option<Timestamp>,
}
