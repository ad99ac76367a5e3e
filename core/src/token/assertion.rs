//! Signed assertions by which a service account shows who it is (RFC 7523, section 3): `private_key_jwt`.

use super::claims::{time, uuid};
use super::jws::Jws;
use super::{PublicKey, SKEW, TokenError};
use crate::model::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// No assertion is good for longer, in milliseconds: five minutes.
pub const LONGEST_ASSERTION_LIFE: i64 = 5 * 60 * 1000;

/// The longest `jti`, in bytes.
const LONGEST_ID: usize = 128;

/// The types that an assertion may say it is; one that says none is taken as well. An access token is none of them.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// An assertion that was read and not verified: whom it speaks for, and by which key, so that the key can be looked up.
pub struct Assertion<'a> {
    jws: Jws<'a>,
    claims: Map<String, Value>,
    client: Uuid,
}

/// What a verified assertion shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The assertion itself, `jti`: it counts once.
    pub id: String,
    /// Until when it must be remembered that it was used.
    pub until: Timestamp,
}

impl<'a> Assertion<'a> {
    /// Reads an assertion.
    ///
    /// # Errors
    /// [`TokenError`], where it cannot be one, or speaks for somebody else than who issued it.
    pub fn read(text: &'a str) -> Result<Self, TokenError> {
        let jws = Jws::read(text)?;
        if jws.has_type() && !TYPES.iter().any(|typ| jws.is_of_type(typ)) {
            return Err(TokenError::Type);
        }
        let claims = jws.claims()?;
        let (issuer, subject) = (claims.get("iss").and_then(Value::as_str), claims.get("sub").and_then(Value::as_str));
        let client = issuer.filter(|_| issuer == subject).ok_or(TokenError::Issuer)?;
        let client = uuid(client)?;
        Ok(Self { jws, claims, client })
    }

    /// The service account that it speaks for.
    pub fn client(&self) -> Uuid {
        self.client
    }

    /// The `kid` of the key that it names.
    pub fn key_id(&self) -> Option<&str> {
        self.jws.kid.as_deref()
    }

    /// Verifies it: signed by this key, for one of these audiences and nobody else, and in force for five minutes at most.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(self, key: &PublicKey, audiences: &[&str], now: Timestamp) -> Result<Shown, TokenError> {
        self.jws.check(key)?;
        let audience = match self.claims.get("aud") {
            Some(Value::String(audience)) => Some(audience.as_str()),
            // One that is for others as well could have come from one of them.
            Some(Value::Array(audiences)) => match audiences.as_slice() {
                [Value::String(audience)] => Some(audience.as_str()),
                _ => None,
            },
            _ => None,
        };
        if !audience.is_some_and(|audience| audiences.contains(&audience)) {
            return Err(TokenError::Audience);
        }
        let expires_at = time(&self.claims, "exp")?;
        if now >= expires_at.plus_millis(SKEW) {
            return Err(TokenError::Expired);
        }
        if expires_at > now.plus_millis(LONGEST_ASSERTION_LIFE + SKEW) {
            return Err(TokenError::Life);
        }
        for name in ["iat", "nbf"].into_iter().filter(|name| self.claims.contains_key(*name)) {
            if time(&self.claims, name)? > now.plus_millis(SKEW) {
                return Err(TokenError::NotYet);
            }
        }
        let id = self.claims.get("jti").and_then(Value::as_str);
        let id =
            id.filter(|id| (1..=LONGEST_ID).contains(&id.len()) && !id.contains('\0')).ok_or(TokenError::Claims)?;
        Ok(Shown { id: id.to_owned(), until: expires_at.plus_millis(SKEW) })
    }
}
