//! The options of calls, read from JSON text. Unknown names and null are refused: a misspelt `scopes` that is passed
//! over would allow what it was to forbid. By hand, since what serde derives for it is larger than the engine's index.

use crate::Failure;
use parapet::Timestamp;
use parapet::model::timestamp::TimestampError;
use parapet::snapshot::{Algorithm, Header, Keyring, SIGNED_LENGTH, SnapshotError};
use parapet::snapshot::{check_key_id, check_secret, hmac_verifies};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// Of `Engine.open`.
pub(crate) struct OpenOptions {
    keys: Vec<Key>,
    tenant: Option<Uuid>,
    at_least: Option<u64>,
}

/// Of `decide`, `decideBatch` and `explain`.
pub(crate) struct DecideOptions {
    now: Option<Instant>,
    pub(crate) scopes: Option<Vec<String>>,
}

/// A key that verifies.
struct Key {
    id: String,
    kind: Kind,
}

/// What a key verifies with.
enum Kind {
    Hmac(Vec<u8>),
    /// The public part of a JWK.
    Es256 {
        x: String,
        y: String,
    },
}

/// A point in time: milliseconds since 1970, or RFC 3339, which a `Date` becomes.
pub(crate) enum Instant {
    Millis(f64),
    Text(String),
}

/// An object whose fields are taken one after another.
pub(crate) struct Fields {
    fields: Map<String, Json>,
    /// What the object is, for people.
    what: &'static str,
}

impl OpenOptions {
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let mut fields = Fields::parse(text, "an object with `keys`")?;
        let Some(Json::Array(keys)) = fields.take("keys")? else {
            return Err(fields.wrong());
        };
        let keys = keys.into_iter().map(Key::read).collect::<Result<_, _>>()?;
        let tenant = match fields.take("tenant")? {
            Some(tenant) => {
                let id = tenant.as_str().and_then(|id| Uuid::try_parse(id).ok());
                Some(id.ok_or_else(|| Failure::options("`tenant` is the id of a tenant"))?)
            }
            None => None,
        };
        let at_least = fields.take("atLeast")?.map(version).transpose()?;
        fields.end()?;
        Ok(Self { keys, tenant, at_least })
    }

    /// Verifies a signature with the key that it names; gives the key, as JSON text, where it is one for ES256.
    pub(crate) fn verify(&self, head: &[u8], header: &Header) -> Result<Option<String>, Failure> {
        // Of two keys with one id the later counts.
        let key = self.keys.iter().rev().find(|key| key.id == header.key_id());
        let key = key.ok_or_else(|| SnapshotError::UnknownKey { id: header.key_id().to_owned() })?;
        let signed = head.get(..SIGNED_LENGTH).ok_or(SnapshotError::Truncated)?;
        match (&key.kind, header.algorithm()) {
            (Kind::Hmac(secret), Algorithm::HmacSha256) if hmac_verifies(secret, header, signed)? => Ok(None),
            (Kind::Es256 { x, y }, Algorithm::Es256) => Ok(Some(json!({"x": x, "y": y}).to_string())),
            _ => Err(SnapshotError::WrongSignature.into()),
        }
    }

    /// What the snapshot must be; no keys.
    pub(crate) fn expected(&self) -> Keyring {
        let keyring = match self.tenant {
            Some(tenant) => Keyring::new().tenant(tenant),
            None => Keyring::new(),
        };
        match self.at_least {
            Some(version) => keyring.at_least(version),
            None => keyring,
        }
    }
}

impl DecideOptions {
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let mut fields = Fields::parse(text, "an object")?;
        let now = fields.take("now")?.map(|now| Instant::of(now, "now")).transpose()?;
        let text = |scope| match scope {
            Json::String(scope) => Ok(scope),
            _ => Err(Failure::options("a scope is text")),
        };
        let scopes = match fields.take("scopes")? {
            Some(Json::Array(scopes)) => Some(scopes.into_iter().map(text).collect::<Result<_, _>>()?),
            Some(_) => return Err(Failure::options("`scopes` are a list")),
            None => None,
        };
        fields.end()?;
        Ok(Self { now, scopes })
    }

    /// When to decide; `clock` is the host's, in milliseconds since 1970.
    pub(crate) fn now(&self, clock: f64) -> Result<Timestamp, Failure> {
        self.now.as_ref().unwrap_or(&Instant::Millis(clock)).read("now")
    }
}

impl Key {
    fn read(json: Json) -> Result<Self, Failure> {
        let mut fields = Fields::of(json, "a key with `id`, and `hmac` or `es256`")?;
        let id = fields.text("id")?;
        let kind = match (fields.take("hmac")?, fields.take("es256")?) {
            (Some(Json::String(hmac)), None) => Kind::Hmac(from_hex(&hmac)?),
            (None, Some(point)) => {
                // What else a JWK holds is not ours to refuse.
                let mut point = Fields::of(point, "a public key with `x` and `y`")?;
                Kind::Es256 { x: point.text("x")?, y: point.text("y")? }
            }
            _ => return Err(one_of_two(&id)),
        };
        fields.end()?;
        check_key_id(&id)?;
        if let Kind::Hmac(secret) = &kind {
            check_secret(secret)?;
        }
        Ok(Self { id, kind })
    }
}

impl Instant {
    pub(crate) fn of(json: Json, name: &str) -> Result<Self, Failure> {
        match json {
            Json::Number(millis) => Ok(Self::Millis(millis.as_f64().unwrap_or(f64::NAN))),
            Json::String(text) => Ok(Self::Text(text)),
            _ => {
                let expected = "expected a time: milliseconds since 1970, or RFC 3339 text";
                Err(Failure::options(format!("`{name}`: {expected}")))
            }
        }
    }

    pub(crate) fn read(&self, name: &str) -> Result<Timestamp, Failure> {
        let invalid = |expected: &str| Failure::options(format!("`{name}`: {expected}"));
        match self {
            Self::Text(text) => text.parse().map_err(|error: TimestampError| invalid(&error.to_string())),
            Self::Millis(millis) => {
                instant(*millis).ok_or_else(|| invalid("expected milliseconds since 1970, of the years 0 to 9999"))
            }
        }
    }
}

impl Fields {
    /// The object that a text is.
    pub(crate) fn parse(text: &str, what: &'static str) -> Result<Self, Failure> {
        let json = serde_json::from_slice(text.as_bytes());
        // The error's line and column are of a text that the caller never saw.
        Self::of(json.map_err(|_| Failure::options("the options cannot be read"))?, what)
    }

    pub(crate) fn of(json: Json, what: &'static str) -> Result<Self, Failure> {
        match json {
            Json::Object(fields) => Ok(Self { fields, what }),
            _ => Err(expected(what)),
        }
    }

    /// A field that may be missing but not null: null would mean the default, which its writer hardly meant.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<Json>, Failure> {
        match self.fields.remove(name) {
            Some(Json::Null) => Err(Failure::options(format!("`{name}` is null"))),
            field => Ok(field),
        }
    }

    /// A field that must be text.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Failure> {
        match self.take(name)? {
            Some(Json::String(text)) => Ok(text),
            _ => Err(self.wrong()),
        }
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.fields.keys().next() {
            Some(name) => Err(Failure::options(format!("unknown option `{name}`"))),
            None => Ok(()),
        }
    }

    /// It is not what it should be. What it is may be a secret in the wrong place.
    pub(crate) fn wrong(&self) -> Failure {
        expected(self.what)
    }
}

/// A policy version, which JavaScript has as a number.
pub(crate) fn version(json: Json) -> Result<u64, Failure> {
    json.as_u64().ok_or_else(|| Failure::options("a version is a whole number, not negative"))
}

/// The point in time of so many milliseconds since 1970; what is finer is cut off.
pub(crate) fn instant(millis: f64) -> Option<Timestamp> {
    let bounds = Timestamp::MIN.as_millis() as f64..=Timestamp::MAX.as_millis() as f64;
    // Within the bounds the cast is exact.
    bounds.contains(&millis).then(|| Timestamp::from_millis(millis.floor() as i64))
}

pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    // The message must not hold a part of the secret, as hex's own would.
    hex::decode(text).map_err(|_| Failure::options("`hmac` is neither bytes nor hexadecimal text"))
}

pub(crate) fn one_of_two(id: &str) -> Failure {
    Failure::options(format!("the key `{id}` has either `hmac` or `es256`"))
}

fn expected(what: &str) -> Failure {
    Failure::options(format!("the options cannot be read: expected {what}"))
}
