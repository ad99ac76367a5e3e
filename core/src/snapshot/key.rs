//! The keys that sign snapshots, and those that verify them. Neither is ever serialized or printed.

use super::{Algorithm, Header, KeyError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::{self, signature::Signer as _, signature::Verifier as _};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

const MINIMUM_SECRET: usize = 32;
const SALT: &[u8] = b"parapet snapshot hmac-sha256";
const INFO: &[u8] = b"parapet snapshot v1";

/// A key that signs snapshots.
#[derive(Clone)]
pub struct SigningKey {
    id: KeyId,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Hmac(Master),
    Es256(Box<ecdsa::SigningKey>),
}

impl SigningKey {
    /// A key for HMAC-SHA256 from a master secret of at least 32 random bytes; each tenant's key is derived from it.
    ///
    /// # Errors
    /// [`KeyError::InvalidId`], [`KeyError::SecretTooShort`].
    pub fn hmac(id: &str, master: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { id: KeyId::new(id)?, secret: Secret::Hmac(Master::new(master)?) })
    }

    /// A key for ES256 from its secret scalar: 32 bytes, big-endian (the `d` of a JWK).
    ///
    /// # Errors
    /// [`KeyError::InvalidId`], [`KeyError::InvalidSecret`].
    pub fn es256(id: &str, scalar: &[u8]) -> Result<Self, KeyError> {
        let id = KeyId::new(id)?;
        if scalar.len() != 32 {
            return Err(KeyError::InvalidSecret);
        }
        let key = ecdsa::SigningKey::from_slice(scalar).map_err(|_| KeyError::InvalidSecret)?;
        Ok(Self { id, secret: Secret::Es256(Box::new(key)) })
    }

    /// The key's id, as it stands in what it signs.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// With what it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.secret {
            Secret::Hmac(_) => Algorithm::HmacSha256,
            Secret::Es256(_) => Algorithm::Es256,
        }
    }

    /// The key that verifies what this one signs. For HMAC that is the same secret, for ES256 the public key.
    pub fn verifying_key(&self) -> VerifyingKey {
        let check = match &self.secret {
            Secret::Hmac(master) => Check::Hmac(master.clone()),
            Secret::Es256(key) => Check::Es256(Box::new(*key.verifying_key())),
        };
        VerifyingKey { id: self.id.clone(), check }
    }

    pub(super) fn key_id(&self) -> KeyId {
        self.id.clone()
    }

    pub(super) fn sign(&self, tenant: Uuid, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Hmac(master) => master.mac(tenant, message).finalize().into_bytes().to_vec(),
            Secret::Es256(key) => {
                let signature: ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// A key that verifies snapshots. One for HMAC can sign as well: it is as secret as the signing key.
#[derive(Clone)]
pub struct VerifyingKey {
    id: KeyId,
    check: Check,
}

#[derive(Clone)]
enum Check {
    Hmac(Master),
    Es256(Box<ecdsa::VerifyingKey>),
}

impl VerifyingKey {
    /// A key for HMAC-SHA256 from the master secret.
    ///
    /// # Errors
    /// [`KeyError::InvalidId`], [`KeyError::SecretTooShort`].
    pub fn hmac(id: &str, master: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { id: KeyId::new(id)?, check: Check::Hmac(Master::new(master)?) })
    }

    /// A public key for ES256, as a point in the form of SEC 1: 65 bytes, or 33 compressed.
    ///
    /// # Errors
    /// [`KeyError::InvalidId`], [`KeyError::InvalidPublicKey`].
    pub fn es256_sec1(id: &str, point: &[u8]) -> Result<Self, KeyError> {
        let id = KeyId::new(id)?;
        let key = ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| KeyError::InvalidPublicKey)?;
        Ok(Self { id, check: Check::Es256(Box::new(key)) })
    }

    /// A public key for ES256 from the `x` and `y` of its JWK (RFC 7518, section 6.2.1): base64url without padding.
    ///
    /// # Errors
    /// [`KeyError::InvalidId`], [`KeyError::InvalidPublicKey`].
    pub fn es256_jwk(id: &str, x: &str, y: &str) -> Result<Self, KeyError> {
        let mut point = vec![4];
        for coordinate in [x, y] {
            let bytes = URL_SAFE_NO_PAD.decode(coordinate).map_err(|_| KeyError::InvalidPublicKey)?;
            if bytes.len() != 32 {
                return Err(KeyError::InvalidPublicKey);
            }
            point.extend(bytes);
        }
        Self::es256_sec1(id, &point)
    }

    /// The key's id.
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// What it verifies.
    pub fn algorithm(&self) -> Algorithm {
        match self.check {
            Check::Hmac(_) => Algorithm::HmacSha256,
            Check::Es256(_) => Algorithm::Es256,
        }
    }

    /// The public key as an uncompressed point (SEC 1, 65 bytes); `None` for HMAC, which has no public part.
    pub fn sec1(&self) -> Option<Vec<u8>> {
        match &self.check {
            Check::Hmac(_) => None,
            Check::Es256(key) => Some(key.to_sec1_point(false).as_bytes().to_vec()),
        }
    }

    /// Whether the signature is this key's. The key decides the algorithm; what the file says must agree with it.
    pub(super) fn verifies(&self, tenant: Uuid, message: &[u8], algorithm: Algorithm, signature: &[u8]) -> bool {
        match &self.check {
            _ if algorithm != self.algorithm() => false,
            // `verify_slice` compares in constant time.
            Check::Hmac(master) => master.mac(tenant, message).verify_slice(signature).is_ok(),
            Check::Es256(key) => {
                ecdsa::Signature::from_slice(signature).and_then(|signature| key.verify(message, &signature)).is_ok()
            }
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(…)")
    }
}

/// Whether a snapshot's header is signed with HMAC-SHA256 under a master secret; `signed` is what the signature covers.
/// For whoever verifies ES256 with a verifier of the platform's and has no use for ours, as JavaScript with WebCrypto.
///
/// # Errors
/// [`KeyError::SecretTooShort`].
pub fn hmac_verifies(master: &[u8], header: &Header, signed: &[u8]) -> Result<bool, KeyError> {
    let mac = Master::new(master)?.mac(header.tenant, signed);
    Ok(header.algorithm == Algorithm::HmacSha256 && mac.verify_slice(header.signature()).is_ok())
}

/// Whether an HMAC master secret is long enough.
///
/// # Errors
/// [`KeyError::SecretTooShort`].
pub fn check_secret(master: &[u8]) -> Result<(), KeyError> {
    if master.len() < MINIMUM_SECRET {
        return Err(KeyError::SecretTooShort { length: master.len() });
    }
    Ok(())
}

/// Whether text can be a key's id.
///
/// # Errors
/// [`KeyError::InvalidId`].
pub fn check_key_id(id: &str) -> Result<(), KeyError> {
    KeyId::new(id).map(drop)
}

/// An HMAC master secret, from which each tenant's key is derived.
#[derive(Clone)]
struct Master(Vec<u8>);

impl Master {
    fn new(secret: &[u8]) -> Result<Self, KeyError> {
        check_secret(secret)?;
        Ok(Self(secret.to_vec()))
    }

    #[expect(clippy::expect_used, reason = "the lengths are constants: one block of HKDF, and HMAC takes any key")]
    fn mac(&self, tenant: Uuid, message: &[u8]) -> Hmac<Sha256> {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(SALT), &self.0)
            .expand_multi_info(&[INFO, tenant.as_bytes()], &mut key)
            .expect("32 bytes are one block");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
        mac.update(message);
        mac
    }
}

/// A key's id: 1 to 64 characters of `[A-Za-z0-9_.-]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyId(String);

impl KeyId {
    pub(super) fn new(id: &str) -> Result<Self, KeyError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if id.is_empty() || id.len() > 64 || !id.bytes().all(allowed) {
            return Err(KeyError::InvalidId);
        }
        Ok(Self(id.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
