//! The back end of `jsonwebtoken`: ES256 by `p256`, which signs snapshots already, and EdDSA by `ed25519-dalek`.
//!
//! The crate's own back end over the same family brings RSA, P-384, HMAC and an older generation of all of them: 195 KiB of
//! the Worker, gzipped, where this is 15 with Ed25519's 11 beside it. And what is not there cannot be confused: there is no
//! HMAC here, so no public key is ever taken for a secret.

use super::{PublicKey, TokenError};
use crate::model::TokenAlgorithm;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::{self, CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use p256::ecdsa;
use p256::ecdsa::signature::{Signer as _, Verifier as _};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ec_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ed_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        compute_digest: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    },
};

/// The crate has one back end a process. A program that has installed another one first signs and verifies with that: it
/// then refuses our secret scalars, and fails closed.
fn install() {
    let _ = PROVIDER.install_default();
}

/// The crate's name of an algorithm.
fn algorithm(of: TokenAlgorithm) -> Algorithm {
    match of {
        TokenAlgorithm::Es256 => Algorithm::ES256,
        TokenAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

/// The signature of these bytes by ES256.
pub(super) fn signature(bytes: &[u8], key: &EncodingKey) -> std::result::Result<Vec<u8>, TokenError> {
    install();
    let signature = crypto::sign(bytes, key, Algorithm::ES256).map_err(|_| TokenError::NotSigned)?;
    URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::NotSigned)
}

/// Whether a signature, in base64url, is the key's.
pub(super) fn verifies(signed: &str, signature: &str, key: &PublicKey) -> bool {
    install();
    let verified = crypto::verify(signature, signed.as_bytes(), &key.decoding(), algorithm(key.algorithm()));
    verified.unwrap_or(false)
}

/// Whether a point can verify anything.
pub(super) fn is_key(key: &PublicKey) -> bool {
    match key.algorithm() {
        TokenAlgorithm::Es256 => Es256Verifier::new(key.point()).is_ok(),
        TokenAlgorithm::EdDsa => EdDsaVerifier::new(key.point()).is_ok(),
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::ES256 => Ok(Box::new(Es256Signer::new(key.as_bytes())?)),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::ES256 => Ok(Box::new(Es256Verifier::new(key.try_get_as_bytes()?)?)),
        Algorithm::EdDSA => Ok(Box::new(EdDsaVerifier::new(key.try_get_as_bytes()?)?)),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

struct Es256Signer(ecdsa::SigningKey);

impl Es256Signer {
    fn new(scalar: &[u8]) -> Result<Self> {
        Ok(Self(ecdsa::SigningKey::from_slice(scalar).map_err(|_| ErrorKind::InvalidEcdsaKey)?))
    }
}

impl Signer<Vec<u8>> for Es256Signer {
    /// Deterministic (RFC 6979): no random bytes are needed.
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let signature: ecdsa::Signature = self.0.try_sign(message).map_err(|_| Error::new())?;
        Ok(signature.to_bytes().to_vec())
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct Es256Verifier(ecdsa::VerifyingKey);

impl Es256Verifier {
    fn new(point: &[u8]) -> Result<Self> {
        Ok(Self(ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| ErrorKind::InvalidEcdsaKey)?))
    }
}

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature = ecdsa::Signature::from_slice(signature).map_err(|_| Error::new())?;
        self.0.verify(message, &signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct EdDsaVerifier(ed25519_dalek::VerifyingKey);

impl EdDsaVerifier {
    /// Of a key of small order anybody can sign some message.
    fn new(point: &[u8]) -> Result<Self> {
        let point = point.try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(point).ok().filter(|key| !key.is_weak());
        Ok(Self(key.ok_or(ErrorKind::InvalidEddsaKey)?))
    }
}

impl Verifier<Vec<u8>> for EdDsaVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| Error::new())?;
        self.0.verify_strict(message, &signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for EdDsaVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
