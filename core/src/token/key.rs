//! Keys: those that sign access tokens, and public ones, read strictly from JWKs (RFC 7517) and named by thumbprint.

use super::provider;
use super::{KeyError, TokenError};
use crate::model::TokenAlgorithm;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use p256::ecdsa;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt;

/// The bytes of a secret scalar of P-256.
pub const SCALAR_BYTES: usize = 32;

/// The longest `kid`.
const LONGEST_ID: usize = 128;

/// What a public key never has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];

/// A key that signs access tokens with ES256. It is not serialized, and its `Debug` shows its id alone.
pub struct SigningKey {
    secret: EncodingKey,
    public: PublicKey,
}

impl SigningKey {
    /// A key from its id and its secret scalar: 32 bytes, big-endian, fresh and random.
    ///
    /// # Errors
    /// [`KeyError::Id`], [`KeyError::Secret`]: of 2³² random scalars about one is none.
    pub fn es256(id: &str, scalar: &[u8]) -> Result<Self, KeyError> {
        let scalar = Some(scalar).filter(|scalar| scalar.len() == SCALAR_BYTES).ok_or(KeyError::Secret)?;
        let key = ecdsa::SigningKey::from_slice(scalar).map_err(|_| KeyError::Secret)?;
        let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        let public = PublicKey { id: checked_id(id)?, algorithm: TokenAlgorithm::Es256, point };
        Ok(Self { secret: EncodingKey::from_ec_der(scalar), public })
    }

    /// What verifies what it signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of these bytes.
    ///
    /// # Errors
    /// [`TokenError::NotSigned`].
    pub fn signature(&self, bytes: &[u8]) -> Result<Vec<u8>, TokenError> {
        provider::signature(bytes, &self.secret)
    }

    /// The key as a private JWK (RFC 7518, section 6.2.2), for a platform that signs by itself. It is as secret as the key.
    pub fn private_jwk(&self) -> Map<String, Value> {
        let mut jwk = self.public.required();
        jwk.insert("d".to_owned(), json!(URL_SAFE_NO_PAD.encode(self.secret.as_bytes())));
        jwk
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.public.id)
    }
}

/// A public key that verifies tokens: a point of P-256 (ES256), or of Ed25519 (EdDSA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: String,
    algorithm: TokenAlgorithm,
    /// Uncompressed by SEC 1, 65 bytes; of Ed25519 the 32 bytes of RFC 8032.
    point: Vec<u8>,
}

impl PublicKey {
    /// Reads a JWK: a point that is on its curve, in its one spelling, for signatures. Its `kid` is its id, else its
    /// thumbprint. What else it says is passed over.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return Err(KeyError::Private);
        }
        let text = |name: &str| match jwk.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(KeyError::Malformed),
        };
        let (algorithm, point) = match (text("kty")?.ok_or(KeyError::Malformed)?, text("crv")?) {
            ("EC", Some("P-256")) => {
                (TokenAlgorithm::Es256, [vec![4], coordinate(text("x")?)?, coordinate(text("y")?)?].concat())
            }
            ("OKP", Some("Ed25519")) => (TokenAlgorithm::EdDsa, coordinate(text("x")?)?),
            _ => return Err(KeyError::Unsupported),
        };
        let another = |name: &str, ours: &str| text(name).map(|its| its.is_some_and(|its| its != ours));
        if another("alg", algorithm.as_str())? || another("use", "sig")? {
            return Err(KeyError::Unsupported);
        }
        let mut key = Self { id: String::new(), algorithm, point };
        if !provider::is_key(&key) {
            return Err(KeyError::Invalid);
        }
        key.id = match text("kid")? {
            Some(id) => checked_id(id)?,
            None => key.thumbprint(),
        };
        Ok(key)
    }

    /// Its id: `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it verifies, and nothing else.
    pub fn algorithm(&self) -> TokenAlgorithm {
        self.algorithm
    }

    /// The key as a JWK, with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> Map<String, Value> {
        let mut jwk = self.required();
        for (name, value) in [("kid", self.id.as_str()), ("alg", self.algorithm.as_str()), ("use", "sig")] {
            jwk.insert(name.to_owned(), json!(value));
        }
        jwk
    }

    /// SHA-256 of what makes the key, in base64url (RFC 7638).
    pub fn thumbprint(&self) -> String {
        // The members in the order of their names, whichever kind of map serde_json has, and without spaces.
        URL_SAFE_NO_PAD.encode(Sha256::digest(Value::Object(self.required()).to_string()))
    }

    pub(super) fn point(&self) -> &[u8] {
        &self.point
    }

    pub(super) fn decoding(&self) -> DecodingKey {
        match self.algorithm {
            TokenAlgorithm::Es256 => DecodingKey::from_ec_der(&self.point),
            TokenAlgorithm::EdDsa => DecodingKey::from_ed_der(&self.point),
        }
    }

    /// The members that make it (RFC 7638, section 3.2; RFC 8037, section 2).
    fn required(&self) -> Map<String, Value> {
        let part = |from, to| URL_SAFE_NO_PAD.encode(self.point.get(from..to).unwrap_or_default());
        let members = match self.algorithm {
            TokenAlgorithm::Es256 => json!({ "crv": "P-256", "kty": "EC", "x": part(1, 33), "y": part(33, 65) }),
            TokenAlgorithm::EdDsa => json!({ "crv": "Ed25519", "kty": "OKP", "x": part(0, 32) }),
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// 32 bytes in base64url.
fn coordinate(text: Option<&str>) -> Result<Vec<u8>, KeyError> {
    let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    bytes.filter(|bytes| bytes.len() == 32).ok_or(KeyError::Malformed)
}

fn checked_id(id: &str) -> Result<String, KeyError> {
    let visible = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then(|| id.to_owned()).ok_or(KeyError::Id)
}
