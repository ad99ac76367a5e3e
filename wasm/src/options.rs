//! The options of calls, read from JSON text. Unknown names and null are refused: a misspelt `scopes` that is passed
//! over would allow what it was to forbid.

use crate::Failure;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parapet::Timestamp;
use parapet::model::timestamp::TimestampError;
use parapet::snapshot::{Keyring, SigningKey, VerifyingKey};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

/// Of `Engine.open`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object with `keys`")]
pub(crate) struct OpenOptions {
    keys: Vec<VerifyingKeyOption>,
    #[serde(default, deserialize_with = "present")]
    tenant: Option<Uuid>,
    #[serde(default, deserialize_with = "present")]
    at_least: Option<Version>,
}

/// Of `decide`, `decideBatch` and `explain`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct DecideOptions {
    #[serde(default, deserialize_with = "present")]
    now: Option<Instant>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) scopes: Option<Vec<String>>,
}

/// Of `compileSnapshot`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `version`, `created` and `key`")]
pub(crate) struct SnapshotOptions {
    version: Version,
    created: Instant,
    key: SigningKeyOption,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a key with `id`, and `hmac` or `es256`")]
struct VerifyingKeyOption {
    id: String,
    #[serde(default, deserialize_with = "present")]
    hmac: Option<String>,
    #[serde(default, deserialize_with = "present")]
    es256: Option<Point>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a key with `id`, and `hmac` or `es256`")]
struct SigningKeyOption {
    id: String,
    #[serde(default, deserialize_with = "present")]
    hmac: Option<String>,
    #[serde(default, deserialize_with = "present")]
    es256: Option<Scalar>,
}

/// The public part of a JWK. What else the JWK holds is not ours to refuse.
#[derive(Deserialize)]
#[serde(expecting = "a public key with `x` and `y`")]
struct Point {
    x: String,
    y: String,
}

/// The secret part of a JWK.
#[derive(Deserialize)]
#[serde(expecting = "a secret key with `d`")]
struct Scalar {
    d: String,
}

/// A policy version, which JavaScript has as a number.
struct Version(u64);

/// A point in time: milliseconds since 1970, or RFC 3339, which a `Date` becomes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a time: milliseconds since 1970, or RFC 3339 text")]
enum Instant {
    Millis(f64),
    Text(String),
}

/// Reads options; the message says what is wrong with them.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    // serde would take a list for an object whose fields it names in order.
    if !text.starts_with('{') {
        return Err(Failure::options("options are an object"));
    }
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // serde's line and column, at the end, are of a text that the caller never saw.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        // "invalid type: string "…", expected …" says what stood there, which may be a secret in the wrong place.
        let message = match message.rsplit_once(", expected ") {
            Some((found, expected)) if found.starts_with("invalid") => format!("expected {expected}"),
            _ => message.to_owned(),
        };
        Failure::options(format!("the options cannot be read: {message}"))
    })
}

impl OpenOptions {
    pub(crate) fn keyring(self) -> Result<Keyring, Failure> {
        let mut keyring = Keyring::new();
        for key in self.keys {
            keyring = keyring.with(key.read()?);
        }
        if let Some(tenant) = self.tenant {
            keyring = keyring.tenant(tenant);
        }
        Ok(match self.at_least {
            Some(Version(version)) => keyring.at_least(version),
            None => keyring,
        })
    }
}

impl DecideOptions {
    /// When to decide; `clock` is the host's, in milliseconds since 1970.
    pub(crate) fn now(&self, clock: f64) -> Result<Timestamp, Failure> {
        self.now.as_ref().unwrap_or(&Instant::Millis(clock)).read("now")
    }
}

impl SnapshotOptions {
    pub(crate) fn version(&self) -> u64 {
        self.version.0
    }

    pub(crate) fn created(&self) -> Result<Timestamp, Failure> {
        self.created.read("created")
    }

    pub(crate) fn key(&self) -> Result<SigningKey, Failure> {
        let key = &self.key;
        match (&key.hmac, &key.es256) {
            (Some(hmac), None) => Ok(SigningKey::hmac(&key.id, &from_hex(hmac)?)?),
            (None, Some(jwk)) => {
                let invalid = |_| Failure::options("`es256.d` is no base64url without padding");
                Ok(SigningKey::es256(&key.id, &URL_SAFE_NO_PAD.decode(&jwk.d).map_err(invalid)?)?)
            }
            _ => Err(one_of_two(&key.id)),
        }
    }
}

impl VerifyingKeyOption {
    fn read(&self) -> Result<VerifyingKey, Failure> {
        match (&self.hmac, &self.es256) {
            (Some(hmac), None) => Ok(VerifyingKey::hmac(&self.id, &from_hex(hmac)?)?),
            (None, Some(jwk)) => Ok(VerifyingKey::es256_jwk(&self.id, &jwk.x, &jwk.y)?),
            _ => Err(one_of_two(&self.id)),
        }
    }
}

impl Instant {
    fn read(&self, name: &str) -> Result<Timestamp, Failure> {
        let invalid = |expected: &str| Failure::options(format!("`{name}`: {expected}"));
        match self {
            Self::Text(text) => text.parse().map_err(|error: TimestampError| invalid(&error.to_string())),
            Self::Millis(millis) => {
                let bounds = Timestamp::MIN.as_millis() as f64..=Timestamp::MAX.as_millis() as f64;
                if bounds.contains(millis) {
                    // Within the bounds the cast only cuts off what is finer than a millisecond.
                    Ok(Timestamp::from_millis(millis.floor() as i64))
                } else {
                    Err(invalid("expected milliseconds since 1970, of the years 0 to 9999"))
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = |_| D::Error::custom("a version is a whole number, not negative");
        u64::deserialize(deserializer).map(Self).map_err(expected)
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    // The message must not hold a part of the secret, as hex's own would.
    hex::decode(text).map_err(|_| Failure::options("`hmac` is neither bytes nor hexadecimal text"))
}

fn one_of_two(id: &str) -> Failure {
    Failure::options(format!("the key `{id}` has either `hmac` or `es256`"))
}

/// A field that may be missing but not null: null would mean the default, which its writer hardly meant.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
