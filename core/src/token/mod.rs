//! Access tokens: JSON Web Tokens (RFC 7519) in the profile of RFC 9068, which say for some minutes who somebody is and
//! what they may do, and which others verify with the tenant's public keys alone.
//!
//! Signing and the check of a signature are the crate `jsonwebtoken`'s, over the curves that are linked anyway
//! (`provider.rs`). What a token may look like is decided here, before any key is looked at: its size, one spelling of its
//! base64url, no member twice, no critical extension, no key that it brings along or points to. Which algorithm counts is
//! the key's to say, and never the token's.

mod assertion;
mod claims;
mod error;
mod external;
mod identity;
mod jws;
mod key;
mod provider;
#[cfg(test)]
mod tests;

pub use assertion::{Assertion, LONGEST_ASSERTION_LIFE, Shown};
pub use claims::{Claims, Credential, LONGEST_LIFE, SubjectType};
pub use error::{KeyError, TokenError};
pub use external::{ExternalAlgorithm, ExternalToken, KeySet, LONGEST_EXTERNAL_LIFE, LONGEST_SET, SubjectIs, Trust};
pub use identity::{IDENTITY_TOKEN, Identity};
pub use jws::{LONGEST, Unsigned, Unverified, key_id};
pub use key::{PublicKey, SCALAR_BYTES, SigningKey};

use crate::model::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// So far, in milliseconds, may the clock of whoever made a token be ahead of ours: a minute.
pub const SKEW: i64 = 60_000;

/// What a token must say to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who must have issued it: `iss`.
    pub issuer: &'a str,
    /// For whom it must be: `aud`. Whoever only wants to know whether it is good asks for nobody in particular.
    pub audience: Option<&'a str>,
    /// Whose it must be: `tenant`.
    pub tenant: Uuid,
    /// The time.
    pub now: Timestamp,
}

/// Verifies an access token: signed by one of these keys, in force, and what was expected.
///
/// # Errors
/// [`TokenError`].
pub fn verify(token: &str, keys: &[PublicKey], expected: &Expected<'_>) -> Result<Claims, TokenError> {
    Unverified::read(token)?.verify(keys, expected)
}

/// Signs claims: a token.
///
/// # Errors
/// [`TokenError::TooLong`], where whoever reads it would not take it; [`TokenError::NotSigned`].
pub fn issue(claims: &Claims, key: &SigningKey) -> Result<String, TokenError> {
    let unsigned = Unsigned::new(jws::ACCESS_TOKEN, &Value::Object(claims.to_json()), key.public())?;
    let signature = key.signature(unsigned.as_str().as_bytes())?;
    Ok(unsigned.with(&signature))
}
