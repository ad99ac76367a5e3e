//! What an isolate remembers between requests. All of it can be read again; none of it outlives its version.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;
use parapet::compile::Known;
use parapet::decision_log::Logging;
use parapet::directory::PrincipalRecord;
use parapet::gateway::Routes;
use parapet::password::Hasher;
use parapet::{Engine, TenantDocument, Timestamp};
use uuid::Uuid;

use crate::authenticate::{Host, Lasting, Standing};
use crate::error::ApiError;
use crate::gateway;
use crate::login::KnownSite;
use crate::platform::Signer;
use crate::rate::{Rates, Strangers};

// An isolate has 128 MiB, for everything. The numbers are those of things, not of bytes: a large tenant's engine is a
// few MiB, a principal about a KiB, what compiling a tenant found out less than a MiB.
const STANDINGS: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");
const ENGINES: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
const PRINCIPALS: NonZeroUsize = NonZeroUsize::new(5_000).expect("not zero");
const DOCUMENTS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");
const KNOWN: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
const TENANTS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
const SITES: NonZeroUsize = NonZeroUsize::new(100).expect("not zero");

/// The memory of an isolate.
pub struct Memory {
    /// How often keys were used.
    pub rates: Rates,
    /// Who came without a key that is known.
    pub strangers: Strangers,
    /// Looks at passwords; it keeps the memory that this takes.
    pub hasher: RefCell<Hasher>,
    standings: RefCell<LruCache<String, Rc<Standing>>>,
    hosts: RefCell<LruCache<String, Rc<gateway::Known>>>,
    signing_keys: RefCell<LruCache<Uuid, (Timestamp, Rc<Signer>)>>,
    sites: RefCell<LruCache<Host, Rc<KnownSite>>>,
    newest: RefCell<LruCache<Uuid, Versions>>,
    engines: RefCell<LruCache<Uuid, Published>>,
    candidates: RefCell<LruCache<Uuid, KnownCandidate>>,
    documents: RefCell<LruCache<Uuid, (u64, Rc<TenantDocument>)>>,
    known: RefCell<LruCache<Uuid, Rc<Known>>>,
    principals: RefCell<LruCache<PrincipalKey, Option<Rc<PrincipalRecord>>>>,
    used: RefCell<LruCache<Lasting, Timestamp>>,
    uses: RefCell<Vec<Use>>,
    health: Cell<Option<(Timestamp, bool)>>,
}

/// A candidate that was opened, or that could not be, and when.
type KnownCandidate = (Uuid, Timestamp, Option<Published>);

/// That a credential was used, which is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The credential's tenant.
    pub tenant: Uuid,
    /// The credential.
    pub credential: Lasting,
    /// When.
    pub at: Timestamp,
}

/// The versions of a tenant's rules and of its directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Counts changes of roles, permissions, policies and settings.
    pub policy: u64,
    /// Counts changes of users, groups, assignments and keys.
    pub directory: u64,
}

impl Versions {
    /// Whether either is lower than the other's.
    pub fn older_than(self, other: Self) -> bool {
        self.policy < other.policy || self.directory < other.directory
    }
}

/// The newest rules and people of a tenant, as the database said.
#[derive(Clone, Copy, Debug)]
pub struct Newest<'a> {
    /// The tenant.
    pub tenant: Uuid,
    /// Their versions.
    pub versions: Versions,
    /// The content hash of the newest snapshot, where it was published.
    pub content_hash: Option<&'a str>,
}

/// A snapshot that was opened.
#[derive(Clone)]
pub struct Published {
    /// Decides.
    pub engine: Engine,
    /// Its version.
    pub version: u64,
    /// SHA-256 of its content, in hex.
    pub content_hash: String,
    /// What stands before the tenant's applications.
    pub routes: Rc<Routes>,
    /// Which decisions are logged.
    pub logging: Rc<Logging>,
}

/// Rules that decide beside those that count, as the database says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    /// The version of the rules that it changes.
    pub base_version: u64,
    /// SHA-256 of its content, in hex.
    pub content_hash: String,
    /// It decides until then.
    pub expires_at: Timestamp,
}

impl Candidate {
    /// The candidate of a statement that joins it, where it decides at `now`.
    pub fn at(candidate: Option<&Rc<Self>>, now: Timestamp) -> Option<&Rc<Self>> {
        candidate.filter(|its| now < its.expires_at)
    }
}

/// Which principal, as of which version of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PrincipalKey {
    /// The tenant.
    pub tenant: Uuid,
    /// The directory's version.
    pub directory_version: u64,
    /// `User` or `ServiceAccount`.
    pub kind: &'static str,
    /// The id as the caller wrote it: the row's id, a username or an e-mail address.
    pub id: String,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            strangers: Strangers::default(),
            hasher: RefCell::default(),
            standings: RefCell::new(LruCache::new(STANDINGS)),
            hosts: RefCell::new(LruCache::new(STANDINGS)),
            signing_keys: RefCell::new(LruCache::new(STANDINGS)),
            sites: RefCell::new(LruCache::new(SITES)),
            newest: RefCell::new(LruCache::new(TENANTS)),
            engines: RefCell::new(LruCache::new(ENGINES)),
            candidates: RefCell::new(LruCache::new(DOCUMENTS)),
            documents: RefCell::new(LruCache::new(DOCUMENTS)),
            known: RefCell::new(LruCache::new(KNOWN)),
            principals: RefCell::new(LruCache::new(PRINCIPALS)),
            used: RefCell::new(LruCache::new(STANDINGS)),
            uses: RefCell::default(),
            health: Cell::default(),
        }
    }
}

impl Memory {
    /// What is known of the key with this hash.
    pub fn standing(&self, key_hash: &str) -> Option<Rc<Standing>> {
        self.standings.borrow_mut().get(key_hash).cloned()
    }

    /// Remembers what was read of a key.
    pub fn keep_standing(&self, key_hash: &str, standing: Rc<Standing>) {
        self.standings.borrow_mut().put(key_hash.to_owned(), standing);
    }

    /// Forgets a key that is no more.
    pub fn forget_standing(&self, key_hash: &str) {
        self.standings.borrow_mut().pop(key_hash);
    }

    /// What is known of a tenant's own host.
    pub fn site(&self, host: &Host) -> Option<Rc<KnownSite>> {
        self.sites.borrow_mut().get(host).cloned()
    }

    /// Remembers what was read of a host.
    pub fn keep_site(&self, host: Host, known: Rc<KnownSite>) {
        self.sites.borrow_mut().put(host, known);
    }

    /// When a credential was last used, as this isolate has noted.
    pub fn used(&self, credential: Lasting) -> Option<Timestamp> {
        self.used.borrow().peek(&credential).copied()
    }

    /// Notes that a credential was used, unless that was noted less than `often` milliseconds before.
    pub fn note_use(&self, used: Use, often: i64) {
        let mut noted = self.used.borrow_mut();
        if noted.get(&used.credential).is_some_and(|at| used.at < at.plus_millis(often)) {
            return;
        }
        noted.put(used.credential, used.at);
        self.uses.borrow_mut().push(used);
    }

    /// Whether there are uses to be written.
    pub fn has_uses(&self) -> bool {
        !self.uses.borrow().is_empty()
    }

    /// The uses to be written, each once.
    pub fn take_uses(&self) -> Vec<Use> {
        self.uses.take()
    }

    /// Whether the service keeps up, where that was read less than `known_for` milliseconds before.
    pub fn health(&self, now: Timestamp, known_for: i64) -> Option<bool> {
        self.health.get().filter(|(read, _)| now < read.plus_millis(known_for)).map(|(_, keeps_up)| keeps_up)
    }

    /// Remembers whether the service keeps up, as it was read at `now`.
    pub fn keep_health(&self, now: Timestamp, keeps_up: bool) {
        self.health.set(Some((now, keeps_up)));
    }

    /// The newest versions of a tenant that this isolate has seen.
    pub fn newest(&self, tenant: Uuid) -> Versions {
        self.newest.borrow_mut().get(&tenant).copied().unwrap_or_default()
    }

    /// Takes a tenant's versions for the newest; 503 where this isolate has seen newer ones.
    pub fn see(&self, tenant: Uuid, versions: Versions) -> Result<(), ApiError> {
        let newest = self.newest(tenant);
        if versions.older_than(newest) {
            let cause = format!("the database says {versions:?}, this isolate has seen {newest:?}");
            return Err(ApiError::unavailable("epoch.older", "the database went back in time", cause));
        }
        self.saw(tenant, versions);
        Ok(())
    }

    /// The key that signs a tenant's tokens, where it was read less than `known_for` milliseconds before.
    pub fn signing_key(&self, tenant: Uuid, now: Timestamp, known_for: i64) -> Option<Rc<Signer>> {
        let mut keys = self.signing_keys.borrow_mut();
        let is_known = |read: &Timestamp| *read <= now && now < read.plus_millis(known_for);
        keys.get(&tenant).filter(|(read, _)| is_known(read)).map(|(_, key)| key.clone())
    }

    /// Remembers the key that signs a tenant's tokens, as it was read at `now`.
    pub fn keep_signing_key(&self, tenant: Uuid, now: Timestamp, key: Rc<Signer>) {
        self.signing_keys.borrow_mut().put(tenant, (now, key));
    }

    /// What is known of a host that could be an application's.
    pub fn host(&self, host: &str) -> Option<Rc<gateway::Known>> {
        self.hosts.borrow_mut().get(host).cloned()
    }

    /// Remembers which application a host is, or that it is none.
    pub fn keep_host(&self, host: &str, known: Rc<gateway::Known>) {
        self.hosts.borrow_mut().put(host.to_owned(), known);
    }

    /// Remembers the newest versions that this isolate has seen of a tenant.
    pub fn saw(&self, tenant: Uuid, versions: Versions) {
        self.newest.borrow_mut().put(tenant, versions);
    }

    /// The rules of a tenant, if they are known as of this version.
    pub fn document(&self, tenant: Uuid, version: u64) -> Option<Rc<TenantDocument>> {
        self.documents
            .borrow_mut()
            .get(&tenant)
            .filter(|(its, _)| *its == version)
            .map(|(_, document)| document.clone())
    }

    /// Remembers the rules of a tenant.
    pub fn keep_document(&self, tenant: Uuid, version: u64, document: Rc<TenantDocument>) {
        self.documents.borrow_mut().put(tenant, (version, document));
    }

    /// Forgets the rules of a tenant.
    pub fn forget_document(&self, tenant: Uuid) {
        self.documents.borrow_mut().pop(&tenant);
    }

    /// What compiling a tenant last found out; nothing where this isolate has not compiled it.
    pub fn known(&self, tenant: Uuid) -> Rc<Known> {
        self.known.borrow_mut().get(&tenant).cloned().unwrap_or_default()
    }

    /// Remembers what compiling a tenant found out, instead of what it found out before.
    pub fn keep_known(&self, tenant: Uuid, known: Known) {
        self.known.borrow_mut().put(tenant, Rc::new(known));
    }

    /// The snapshot of a tenant that is open.
    pub fn published(&self, tenant: Uuid) -> Option<Published> {
        self.engines.borrow_mut().get(&tenant).cloned()
    }

    /// Keeps a snapshot open, instead of the one before.
    pub fn keep_published(&self, tenant: Uuid, published: Published) {
        self.engines.borrow_mut().put(tenant, published);
    }

    /// A tenant's candidate, or that it could not be had less than `known_for` milliseconds before; `None` where neither
    /// is known.
    pub fn candidate(&self, tenant: Uuid, id: Uuid, now: Timestamp, known_for: i64) -> Option<Option<Published>> {
        let mut candidates = self.candidates.borrow_mut();
        let (its, since, published) = candidates.get(&tenant)?;
        let is_known = *its == id && (published.is_some() || now < since.plus_millis(known_for));
        is_known.then(|| published.clone())
    }

    /// Remembers a tenant's candidate, or that it could not be had.
    pub fn keep_candidate(&self, tenant: Uuid, id: Uuid, now: Timestamp, published: Option<Published>) {
        self.candidates.borrow_mut().put(tenant, (id, now, published));
    }

    /// A principal, or that there is none; `None` where neither is known.
    pub fn principal(&self, key: &PrincipalKey) -> Option<Option<Rc<PrincipalRecord>>> {
        self.principals.borrow_mut().get(key).cloned()
    }

    /// Remembers a principal, or that there is none.
    pub fn keep_principal(&self, key: PrincipalKey, record: Option<Rc<PrincipalRecord>>) {
        self.principals.borrow_mut().put(key, record);
    }
}
