//! The application: what it has been given, and what this isolate remembers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use parapet::model::is_domain;
use parapet::seal::{DataKey, DataKeyring};
use parapet::snapshot::{Keyring, SigningKey, VerifyingKey};
use uuid::Uuid;

use crate::decision_log::Noted;
use crate::error::ApiError;
use crate::memory::Memory;
use crate::messaging::channel::config::Defaults;
use crate::platform::{Clock, Db, Dns, Fetch, Kv, Mailer, Queue, Sockets};

/// Everything that answering a request needs.
pub struct App {
    /// The database.
    pub db: Db,
    /// The store of snapshots and principals.
    pub kv: Kv,
    /// The queue by which it is told that a tenant has events waiting.
    pub queue: Queue,
    /// The queue of deliveries, each to one endpoint.
    pub deliveries: Queue,
    /// The queue of decisions on their way into the log.
    pub decisions: Queue,
    /// The decisions that are to be logged, of which the queue was not told yet.
    pub noted: Noted,
    /// Other services.
    pub fetch: Fetch,
    /// The tenants that got events since this began, of which nobody was told yet.
    pub waiting: RefCell<BTreeSet<Uuid>>,
    /// Servers that are spoken to by TCP.
    pub sockets: Sockets,
    /// Cloudflare's binding that sends e-mail.
    pub mailer: Mailer,
    /// The resolver of host names.
    pub dns: Dns,
    /// The clock.
    pub clock: Clock,
    /// The configuration, or what is wrong with it: then nothing is decided.
    pub config: Rc<Result<Config, String>>,
    /// What this isolate remembers between requests.
    pub memory: Rc<Memory>,
}

impl App {
    /// The configuration; 503 while it is wrong.
    pub fn config(&self) -> Result<&Config, ApiError> {
        (*self.config)
            .as_ref()
            .map_err(|reason| ApiError::unavailable("config.invalid", "the service is not configured", reason))
    }
}

/// How often a key may be used a minute where nothing is said: 10,000 times a second, against what runs wild.
const RATE_LIMIT: i64 = 600_000;

/// How often an address may come without a key that is known where nothing is said: many people may share one, and a
/// page asks for its own once.
const STRANGER_RATE_LIMIT: i64 = 600;

/// The resolver where none is named.
const DOH_URL: &str = "https://cloudflare-dns.com/dns-query";

/// So many seconds a webhook's peer has where nothing is said.
const WEBHOOK_TIMEOUT: u32 = 15;

/// The names of all variables and secrets there are.
pub const VARIABLES: [&str; 18] = [
    "BASE_DOMAIN",
    "DATA_KEY",
    "DATA_KEY_ID",
    "DOH_URL",
    "FRESHNESS_SECONDS",
    "LOCAL",
    "MAIL_CHANNEL",
    "MAX_STALE_SECONDS",
    "OLD_DATA_KEYS",
    "OTHER_PUBLISH_KEYS",
    "PUBLISH_KEY",
    "PUBLISH_KEY_ID",
    "RATE_LIMIT",
    "SMS_CHANNEL",
    "SNAPSHOT_KEY",
    "SNAPSHOT_KEY_ID",
    "STRANGER_RATE_LIMIT",
    "WEBHOOK_TIMEOUT_SECONDS",
];

/// The configuration.
#[derive(Debug)]
pub struct Config {
    /// How old, in milliseconds, the knowledge of a tenant's newest versions may be. 0: asked for each time.
    pub freshness: i64,
    /// How old it may be while the database does not answer.
    pub max_stale: i64,
    /// The host whose subdomains are tenants' by their slugs; without it a host name is a tenant's own, or says nothing.
    pub base_domain: Option<String>,
    /// How often a key may be used a minute, over all isolates; 0: as often as it likes.
    pub rate_limit: i64,
    /// How often an address may come without a key that is known, a minute and isolate; 0: as often as it likes.
    pub stranger_rate_limit: i64,
    /// The resolver that is asked for a tenant's TXT record: DNS over HTTPS in JSON.
    pub doh_url: String,
    /// How e-mail and text messages go where a tenant has no way of its own. What is wrong with it keeps messages waiting,
    /// and no decision.
    pub channels: Defaults,
    /// Whether this is a developer's machine, where webhooks may lead to the machine itself, without TLS.
    pub local: bool,
    /// The port that links in messages name there.
    pub local_port: Option<u16>,
    /// How long, in seconds, a webhook's peer may take to answer.
    pub webhook_timeout: u32,
    key: Option<SigningKey>,
    publish: Option<SigningKey>,
    other_publish: Vec<VerifyingKey>,
    data: Option<DataKeyring>,
}

impl Config {
    /// Reads the configuration from variables and secrets, by name.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let seconds = |name: &str| match get(name) {
            None => Ok(None),
            Some(text) => match text.parse::<u32>() {
                Ok(seconds) => Ok(Some(i64::from(seconds) * 1000)),
                Err(_) => Err(format!("{name} must be a whole number of seconds, not `{text}`")),
            },
        };
        let freshness = seconds("FRESHNESS_SECONDS")?.unwrap_or(5000);
        let max_stale = seconds("MAX_STALE_SECONDS")?.unwrap_or(freshness);
        let key = match get("SNAPSHOT_KEY") {
            None => None,
            Some(text) => {
                let master = hex::decode(text.trim()).map_err(|_| "SNAPSHOT_KEY must be hex".to_owned())?;
                let id = get("SNAPSHOT_KEY_ID").unwrap_or_else(|| "k1".to_owned());
                Some(SigningKey::hmac(&id, &master).map_err(|error| format!("SNAPSHOT_KEY: {error}"))?)
            }
        };
        let publish = match get("PUBLISH_KEY") {
            None => None,
            Some(text) => {
                let scalar = hex::decode(text.trim()).map_err(|_| "PUBLISH_KEY must be hex".to_owned())?;
                let id = get("PUBLISH_KEY_ID").unwrap_or_else(|| "p1".to_owned());
                Some(SigningKey::es256(&id, &scalar).map_err(|error| format!("PUBLISH_KEY: {error}"))?)
            }
        };
        let mut other_publish: Vec<VerifyingKey> = Vec::new();
        for other in get("OTHER_PUBLISH_KEYS").unwrap_or_default().split_whitespace() {
            let malformed = "OTHER_PUBLISH_KEYS must be `<id>:<hex of a public key>`, with spaces between";
            let (id, point) = other.split_once(':').ok_or(malformed)?;
            let point = hex::decode(point).map_err(|_| malformed)?;
            let key =
                VerifyingKey::es256_sec1(id, &point).map_err(|error| format!("OTHER_PUBLISH_KEYS, `{id}`: {error}"))?;
            // Whoever verifies takes the key by its id.
            let ids = publish.iter().map(SigningKey::id).chain(other_publish.iter().map(VerifyingKey::id));
            if ids.into_iter().any(|known| known == id) {
                return Err(format!("OTHER_PUBLISH_KEYS: there is another key `{id}`"));
            }
            other_publish.push(key);
        }
        let data_key =
            |id: &str, hex: &str| DataKey::from_hex(id, hex.trim()).map_err(|error| format!("DATA_KEY: {error}"));
        let mut data = match get("DATA_KEY") {
            None => None,
            Some(hex) => {
                Some(DataKeyring::new(data_key(&get("DATA_KEY_ID").unwrap_or_else(|| "d1".to_owned()), &hex)?))
            }
        };
        for older in get("OLD_DATA_KEYS").unwrap_or_default().split_whitespace() {
            let (id, hex) = older.split_once(':').ok_or("OLD_DATA_KEYS must be `<id>:<hex>`, with spaces between")?;
            data = Some(data.ok_or("OLD_DATA_KEYS without DATA_KEY")?.with(data_key(id, hex)?));
        }
        let limit = |name: &str, default: i64| match get(name) {
            None => Ok(default),
            Some(text) => match text.parse::<u32>() {
                Ok(limit) => Ok(i64::from(limit)),
                Err(_) => Err(format!("{name} must be a whole number of requests a minute, not `{text}`")),
            },
        };
        let rate_limit = limit("RATE_LIMIT", RATE_LIMIT)?;
        let stranger_rate_limit = limit("STRANGER_RATE_LIMIT", STRANGER_RATE_LIMIT)?;
        let base_domain = get("BASE_DOMAIN").filter(|text| !text.is_empty());
        if let Some(domain) = base_domain.as_ref().filter(|domain| !is_domain(domain) && *domain != "localhost") {
            return Err(format!("BASE_DOMAIN must be a host name in lower case, not `{domain}`"));
        }
        let doh_url = get("DOH_URL").unwrap_or_else(|| DOH_URL.to_owned());
        if !doh_url.starts_with("https://") || doh_url.contains(['?', '#']) {
            return Err(format!("DOH_URL must be an https address without a query, not `{doh_url}`"));
        }
        let (local, local_port) = match get("LOCAL").as_deref() {
            None | Some("" | "0") => (false, None),
            Some("1") => (true, None),
            Some(text) => match text.parse::<u16>() {
                Ok(port) => (true, Some(port)),
                Err(_) => return Err(format!("LOCAL must be 1, a port, 0 or unset, not `{text}`")),
            },
        };
        let webhook_timeout = match get("WEBHOOK_TIMEOUT_SECONDS") {
            None => WEBHOOK_TIMEOUT,
            Some(text) => (text.parse::<u32>().ok().filter(|seconds| (1..=30).contains(seconds)))
                .ok_or_else(|| format!("WEBHOOK_TIMEOUT_SECONDS must be 1 to 30, not `{text}`"))?,
        };
        let channels = Defaults::read(&get);
        Ok(Self {
            freshness,
            max_stale,
            base_domain,
            rate_limit,
            stranger_rate_limit,
            doh_url,
            local,
            local_port,
            webhook_timeout,
            channels,
            key,
            publish,
            other_publish,
            data,
        })
    }

    /// The key that signs snapshots.
    pub fn signing_key(&self) -> Result<&SigningKey, ApiError> {
        let missing =
            || ApiError::unavailable("snapshot.no_key", "there is no key for snapshots", "SNAPSHOT_KEY is unset");
        self.key.as_ref().ok_or_else(missing)
    }

    /// The key that signs what leaves the service: ES256, so that whoever verifies cannot forge.
    pub fn publish_key(&self) -> Result<&SigningKey, ApiError> {
        let missing =
            || ApiError::unavailable("snapshot.no_publish_key", "snapshots are not given out", "PUBLISH_KEY is unset");
        self.publish.as_ref().ok_or_else(missing)
    }

    /// The public keys that verify what leaves the service: of the key that signs, and those of before and after it.
    pub fn published_keys(&self) -> Vec<VerifyingKey> {
        self.publish.iter().map(SigningKey::verifying_key).chain(self.other_publish.iter().cloned()).collect()
    }

    /// The keys that secrets at rest lie under.
    pub fn data_keys(&self) -> Result<&DataKeyring, ApiError> {
        let missing = || ApiError::unavailable("seal.no_key", "there is no key for secrets", "DATA_KEY is unset");
        self.data.as_ref().ok_or_else(missing)
    }

    /// The keys that snapshots are verified with.
    pub fn keyring(&self) -> Result<Keyring, ApiError> {
        Ok(Keyring::new().with(self.signing_key()?.verifying_key()))
    }
}
