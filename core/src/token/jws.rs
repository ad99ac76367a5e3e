//! A signed token in the compact form (RFC 7515, section 7.1), read before anything of it is believed.

use super::provider;
use super::{Claims, Expected, PublicKey, TokenError};
use crate::model::json as strict;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// No token is longer, in bytes: servers take so much in a header.
pub const LONGEST: usize = 8192;

/// No header is longer, in bytes of JSON.
const LONGEST_HEADER: usize = 1024;

/// The longest `kid`.
const LONGEST_KEY_ID: usize = 128;

/// The length of a signature in base64url.
const SIGNATURE: usize = 86;

/// The `typ` of an access token (RFC 9068, section 2.1).
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// By these a token brings a key along or says where one is (RFC 7515, sections 4.1.2 to 4.1.6). Whoever follows them
/// verifies with the forger's key.
const KEYS: [&str; 4] = ["jku", "jwk", "x5c", "x5u"];

/// A token in its parts. Its signature was not looked at.
pub(super) struct Jws<'a> {
    /// The `kid` of its header.
    pub kid: Option<String>,
    algorithm: String,
    typ: Option<String>,
    /// What was signed: header and payload as they were sent.
    signed: &'a str,
    signature: &'a str,
    pub payload: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub fn read(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > LONGEST {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        // A further dot, padding and bits that stand for nothing are none of the alphabet, or are refused by the decoder: a
        // token has one spelling.
        let [header, payload, _] = [bytes(header)?, bytes(payload)?, bytes(signature)?];
        let header = std::str::from_utf8(&header).ok().filter(|text| text.len() <= LONGEST_HEADER);
        let Some(Ok(Value::Object(header))) = header.map(strict::parse) else { return Err(TokenError::Header) };
        if header.contains_key("crit") {
            return Err(TokenError::Critical);
        }
        if KEYS.iter().any(|name| header.contains_key(*name)) {
            return Err(TokenError::ForeignKey);
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= LONGEST_KEY_ID => Ok(Some(text.clone())),
            Some(_) => Err(TokenError::Header),
        };
        let (kid, typ) = (text("kid")?, text("typ")?);
        Ok(Self { kid, algorithm: text("alg")?.ok_or(TokenError::Header)?, typ, signed, signature, payload })
    }

    /// Whether its `typ` is this media type, with or without `application/` (RFC 7515, section 4.1.9).
    pub fn is_of_type(&self, name: &str) -> bool {
        let Some(typ) = self.typ.as_deref().map(str::to_ascii_lowercase) else { return false };
        typ.strip_prefix("application/").unwrap_or(&typ) == name
    }

    pub fn has_type(&self) -> bool {
        self.typ.is_some()
    }

    /// The algorithm that it names.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// What was signed.
    pub fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub fn signature(&self) -> Result<Vec<u8>, TokenError> {
        bytes(self.signature)
    }

    /// Whether this key signed it. The key says by which algorithm; the token must say the same.
    pub fn check(&self, key: &PublicKey) -> Result<(), TokenError> {
        if self.algorithm != key.algorithm().as_str() {
            return Err(TokenError::Algorithm);
        }
        match provider::verifies(self.signed, self.signature, key) {
            true => Ok(()),
            false => Err(TokenError::NotAuthentic),
        }
    }

    /// What it says.
    pub fn claims(&self) -> Result<Map<String, Value>, TokenError> {
        match std::str::from_utf8(&self.payload).ok().map(strict::parse) {
            Some(Ok(Value::Object(claims))) => Ok(claims),
            _ => Err(TokenError::Claims),
        }
    }
}

/// A token that is not signed yet: what its signature is of (RFC 7515, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned(String);

impl Unsigned {
    /// A token of this type, with a header that names the key.
    pub(super) fn new(typ: &str, claims: &Value, key: &PublicKey) -> Result<Self, TokenError> {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = json!({ "typ": typ, "alg": key.algorithm().as_str(), "kid": key.id() });
        let unsigned = Self(format!("{}.{}", part(&header), part(claims)));
        if unsigned.0.len() + 1 + SIGNATURE > LONGEST { Err(TokenError::TooLong) } else { Ok(unsigned) }
    }

    /// What is signed, in ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The token with the signature's bytes, of ES256 or EdDSA 64.
    pub fn with(self, signature: &[u8]) -> String {
        format!("{}.{}", self.0, URL_SAFE_NO_PAD.encode(signature))
    }
}

fn bytes(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| !bytes.is_empty()).ok_or(TokenError::Malformed)
}

/// The `kid` by which the key of a token is looked up; nothing else of the token is known to be true.
///
/// # Errors
/// [`TokenError`], where it has none or is no token.
pub fn key_id(token: &str) -> Result<String, TokenError> {
    Jws::read(token)?.kid.ok_or(TokenError::UnknownKey)
}

/// An access token that was read and not verified, for whoever must look things up first: nothing that it says is known
/// to be true.
pub struct Unverified<'a> {
    jws: Jws<'a>,
    claims: Map<String, Value>,
}

impl<'a> Unverified<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`TokenError`], where it cannot be an access token.
    pub fn read(token: &'a str) -> Result<Self, TokenError> {
        let jws = Jws::read(token)?;
        if !jws.is_of_type(ACCESS_TOKEN) {
            return Err(TokenError::Type);
        }
        let claims = jws.claims()?;
        Ok(Self { jws, claims })
    }

    /// The `kid` that it names.
    pub fn key_id(&self) -> Option<&str> {
        self.jws.kid.as_deref()
    }

    /// A claim that is text.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// Verifies it: signed by one of these keys, in force, and what was expected.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(self, keys: &[PublicKey], expected: &Expected<'_>) -> Result<Claims, TokenError> {
        let key = keys.iter().find(|key| Some(key.id()) == self.key_id()).ok_or(TokenError::UnknownKey)?;
        self.jws.check(key)?;
        let claims = Claims::read(&self.claims)?;
        claims.check(expected)?;
        Ok(claims)
    }
}
