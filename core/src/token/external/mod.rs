//! Tokens of other issuers: JSON Web Tokens (RFC 7519) that an identity provider signs which a tenant trusts, an access
//! token (RFC 9068) as well as an identity token of OpenID Connect.
//!
//! What they are held against is the tenant's to say ([`Trust`]) and the issuer's to publish ([`KeySet`]); nothing that
//! stands in a token leads to either. The form is that of our own tokens (`jws.rs`): no `crit`, no key that comes along,
//! one spelling, 8 KiB.

mod key_set;
#[cfg(test)]
mod tests;
mod trust;

pub use key_set::{KeySet, LONGEST_SET};
pub use trust::{SubjectIs, Trust};

use super::claims::time;
use super::jws::{ACCESS_TOKEN, Jws};
use super::{SKEW, TokenError};
use crate::model::Timestamp;
use crate::model::field::words;
use serde_json::{Map, Value};

/// No token of another issuer may be good for longer from now on, in milliseconds: a day. Nothing ends one before.
pub const LONGEST_EXTERNAL_LIFE: i64 = 24 * 60 * 60 * 1000;

/// The longest `sub`, in bytes (OpenID Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;

/// The types that a token may say it is; one that says none is taken as well. Whatever else has a type of its own was made
/// for something else (RFC 8725, section 3.11).
const TYPES: [&str; 2] = ["jwt", ACCESS_TOKEN];

words! {
    /// With what other issuers sign, by its name in a token's header (RFC 7518, section 3.1; RFC 8037, section 3.1).
    ExternalAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// ECDSA with P-256 and SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

/// A token that was read and not verified: nothing that it says is known to be true.
pub struct ExternalToken<'a> {
    jws: Jws<'a>,
    claims: Map<String, Value>,
    issuer: String,
    subject: String,
}

impl<'a> ExternalToken<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`TokenError`], where it cannot be one.
    pub fn read(text: &'a str) -> Result<Self, TokenError> {
        let jws = Jws::read(text)?;
        if jws.has_type() && !TYPES.iter().any(|typ| jws.is_of_type(typ)) {
            return Err(TokenError::Type);
        }
        let claims = jws.claims()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.contains('\0'));
        let issuer = text("iss").ok_or(TokenError::Issuer)?.to_owned();
        let subject = text("sub").filter(|subject| (1..=LONGEST_SUBJECT).contains(&subject.len()));
        let subject = subject.ok_or(TokenError::Claims)?.to_owned();
        Ok(Self { jws, claims, issuer, subject })
    }

    /// Who is said to have issued it: `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whose it is said to be: `sub`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The e-mail address that the issuer says it has verified, in lower case.
    pub fn verified_email(&self) -> Option<String> {
        let is_verified = self.claims.get("email_verified") == Some(&Value::Bool(true));
        let email = self.claims.get("email").and_then(Value::as_str).filter(|_| is_verified)?;
        Some(email.to_lowercase())
    }

    /// The `kid` of the key that it names.
    pub fn key_id(&self) -> Option<&str> {
        self.jws.kid.as_deref()
    }

    /// Whether it is what a tenant trusts, if its signature is the issuer's: so much can be known without a key.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn check(&self, trust: &Trust, now: Timestamp) -> Result<(), TokenError> {
        if self.issuer != trust.issuer {
            return Err(TokenError::Issuer);
        }
        if self.key_id().is_none() {
            return Err(TokenError::UnknownKey);
        }
        self.algorithm(trust)?;
        let is_for = |audience: &str| trust.audiences.iter().any(|its| its == audience);
        let is_for_us = match self.claims.get("aud") {
            Some(Value::String(audience)) => is_for(audience),
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).any(is_for),
            _ => false,
        };
        if !is_for_us {
            return Err(TokenError::Audience);
        }
        if now >= self.ends()? {
            return Err(TokenError::Expired);
        }
        if self.ends()? > now.plus_millis(LONGEST_EXTERNAL_LIFE + 2 * SKEW) {
            return Err(TokenError::Life);
        }
        for name in ["iat", "nbf"].into_iter().filter(|name| self.claims.contains_key(*name)) {
            if time(&self.claims, name)? > now.plus_millis(SKEW) {
                return Err(TokenError::NotYet);
            }
        }
        Ok(())
    }

    /// Until when it counts here: its `exp`, and what clocks may differ by.
    ///
    /// # Errors
    /// [`TokenError::Claims`], where it has none.
    pub fn ends(&self) -> Result<Timestamp, TokenError> {
        Ok(time(&self.claims, "exp")?.plus_millis(SKEW))
    }

    /// Verifies it: what is trusted, and signed by one of these keys. What it says, then.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, keys: &KeySet, trust: &Trust, now: Timestamp) -> Result<&Map<String, Value>, TokenError> {
        self.check(trust, now)?;
        let algorithm = self.algorithm(trust)?;
        keys.check(self.key_id().ok_or(TokenError::UnknownKey)?, algorithm, &self.jws)?;
        Ok(&self.claims)
    }

    /// The algorithm that it names, of those that are trusted. Which key it is held against, and whether that key is one of
    /// this algorithm, is not its to say.
    fn algorithm(&self, trust: &Trust) -> Result<ExternalAlgorithm, TokenError> {
        let named = ExternalAlgorithm::from_word(self.jws.algorithm());
        named.filter(|named| trust.algorithms.contains(named)).ok_or(TokenError::Algorithm)
    }
}
