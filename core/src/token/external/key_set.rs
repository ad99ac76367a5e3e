//! The keys of another issuer: a JWK set (RFC 7517, section 5), of which only what verifies here is kept.

use super::ExternalAlgorithm;
use crate::model::{TokenAlgorithm, json};
use crate::rsa_key;
use crate::token::jws::Jws;
use crate::token::{PublicKey, TokenError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// No set is longer, in bytes: a dozen keys with their certificates are half of it.
pub const LONGEST_SET: usize = 64 * 1024;

/// No set has more keys that verify here.
const MOST_KEYS: usize = 64;

/// The members of a JWK that are kept: what makes the key, and what it is for.
const KEPT: [&str; 8] = ["alg", "crv", "e", "kid", "kty", "n", "x", "y"];

/// An issuer's keys, by their ids.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Named>);

#[derive(Debug)]
struct Named {
    id: String,
    key: Key,
    jwk: Map<String, Value>,
}

#[derive(Debug)]
enum Key {
    /// Of a curve that our own tokens are signed with.
    Curve(PublicKey),
    /// With the one algorithm that it is for, where the issuer says so.
    Rsa(rsa::PublicKey, Option<ExternalAlgorithm>),
}

impl KeySet {
    /// Reads a set. A key without an id, for something else than signatures, of another kind, too weak, or of which the
    /// private part is published, verifies nothing here and is passed over. Nothing where this is no set, or too long a one.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST_SET)?;
        let set = json::parse(text).ok()?;
        let keys = set.get("keys")?.as_array()?;
        let keys: Vec<Named> = keys.iter().filter_map(|key| Named::read(key.as_object()?)).collect();
        (keys.len() <= MOST_KEYS).then_some(Self(keys))
    }

    /// The set as it is kept: reading it gives the same keys.
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.0.iter().map(|named| Value::Object(named.jwk.clone())).collect::<Vec<_>>() })
    }

    /// Whether there is a key with this id.
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|named| named.id == id)
    }

    /// Whether nothing can be verified by it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key with this id signed a token with this algorithm. Keys of different kinds may share an id (RFC 7517,
    /// section 4.5).
    pub(super) fn check(&self, id: &str, algorithm: ExternalAlgorithm, jws: &Jws<'_>) -> Result<(), TokenError> {
        let mut named = self.0.iter().filter(|named| named.id == id).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        let mut wrong = TokenError::Algorithm;
        for key in named.filter(|named| named.key.is_of(algorithm)) {
            match key.key.check(algorithm, jws) {
                Ok(()) => return Ok(()),
                Err(error) => wrong = error,
            }
        }
        Err(wrong)
    }
}

impl Named {
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let verifies = |operations: &Value| operations.as_array().is_some_and(|all| all.contains(&json!("verify")));
        if !jwk.get("key_ops").is_none_or(verifies) {
            return None;
        }
        let key = match jwk.get("kty")?.as_str()? {
            "RSA" => Key::rsa(jwk)?,
            _ => Key::Curve(PublicKey::from_jwk(jwk).ok()?),
        };
        let id = jwk.get("kid")?.as_str().filter(|id| (1..=128).contains(&id.len()))?.to_owned();
        let kept = jwk.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
        Some(Self { id, key, jwk: kept.map(|(name, value)| (name.clone(), value.clone())).collect() })
    }
}

impl Key {
    fn rsa(jwk: &Map<String, Value>) -> Option<Self> {
        // Whoever publishes one of these has published the private key.
        if ["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.contains_key(*name)) {
            return None;
        }
        if !jwk.get("use").is_none_or(|of| of == "sig") {
            return None;
        }
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(Value::String(name)) => match ExternalAlgorithm::from_word(name)? {
                its @ (ExternalAlgorithm::Rs256 | ExternalAlgorithm::Ps256) => Some(its),
                _ => return None,
            },
            Some(_) => return None,
        };
        let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
        Some(Self::Rsa(rsa_key::read(&number("n")?, &number("e")?)?, algorithm))
    }

    /// Whether it verifies what is signed with an algorithm: the key says so, and never the token.
    fn is_of(&self, algorithm: ExternalAlgorithm) -> bool {
        match (self, algorithm) {
            (Self::Curve(key), ExternalAlgorithm::Es256) => key.algorithm() == TokenAlgorithm::Es256,
            (Self::Curve(key), ExternalAlgorithm::EdDsa) => key.algorithm() == TokenAlgorithm::EdDsa,
            (Self::Rsa(_, of), ExternalAlgorithm::Rs256 | ExternalAlgorithm::Ps256) => {
                of.is_none_or(|of| of == algorithm)
            }
            _ => false,
        }
    }

    fn check(&self, algorithm: ExternalAlgorithm, jws: &Jws<'_>) -> Result<(), TokenError> {
        let is_sound = match (self, algorithm) {
            (Self::Curve(key), _) => return jws.check(key),
            (Self::Rsa(key, _), ExternalAlgorithm::Rs256) => {
                rsa_key::verifies_pkcs1(key, jws.signed(), &jws.signature()?)
            }
            (Self::Rsa(key, _), ExternalAlgorithm::Ps256) => {
                rsa_key::verifies_pss(key, jws.signed(), &jws.signature()?)
            }
            _ => false,
        };
        if is_sound { Ok(()) } else { Err(TokenError::NotAuthentic) }
    }
}
