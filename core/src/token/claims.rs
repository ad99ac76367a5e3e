//! What an access token says (RFC 9068, section 2.2), and whether that is what was expected.

use super::{Expected, SKEW, TokenError};
use crate::model::{Timestamp, field::words};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// No access token lasts longer, in milliseconds: 15 minutes.
pub const LONGEST_LIFE: i64 = 15 * 60 * 1000;

words! {
    /// What a token's `sub` is.
    SubjectType {
        /// A user.
        User = "user",
        /// A service account.
        ServiceAccount = "service_account",
        /// The tenant alone: whoever has the token acts for nobody.
        Tenant = "tenant",
    }
}

/// By what somebody came who got a token: it counts for as long as that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API key, by its secret or by a signed assertion: `api_key_id`.
    ApiKey(Uuid),
    /// A session.
    Session {
        /// Which: `sid`.
        id: Uuid,
        /// When its user last proved who they are: `auth_time`.
        auth_time: Timestamp,
        /// By which methods, in the words of RFC 8176: `amr`.
        amr: Vec<String>,
    },
}

/// What an access token says. Times are kept to the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who issued it, `iss`: the tenant's own origin.
    pub issuer: String,
    /// Whose it is, `sub`: the row's id.
    pub subject: String,
    /// What that is: `subject_type`.
    pub subject_type: SubjectType,
    /// For whom it is: `aud`.
    pub audience: String,
    /// The client that asked for it, `client_id`: the service account, else the credential (RFC 9068, section 2.2).
    pub client: String,
    /// When it was issued, and from when it is good: `iat` and `nbf`.
    pub issued_at: Timestamp,
    /// When it ends, `exp`: exactly then it has ended.
    pub expires_at: Timestamp,
    /// The token itself: `jti`.
    pub id: Uuid,
    /// The tenant: `tenant`.
    pub tenant: Uuid,
    /// By what its holder came.
    pub credential: Credential,
    /// What it may be used for, `scope`: words without spaces.
    pub scopes: Vec<String>,
    /// The names of the roles in force when it was issued, where they were asked for: `roles`.
    pub roles: Option<Vec<String>>,
}

impl Claims {
    /// As they stand in a token.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut claims = json!({
            "iss": self.issuer,
            "sub": self.subject,
            "subject_type": self.subject_type,
            "aud": self.audience,
            "client_id": self.client,
            "iat": seconds(self.issued_at),
            "nbf": seconds(self.issued_at),
            "exp": seconds(self.expires_at),
            "jti": self.id,
            "tenant": self.tenant,
            "scope": self.scopes.join(" "),
        });
        if let Some(claims) = claims.as_object_mut() {
            match &self.credential {
                Credential::ApiKey(id) => {
                    claims.insert("api_key_id".to_owned(), json!(id));
                }
                Credential::Session { id, auth_time, amr } => {
                    claims.insert("sid".to_owned(), json!(id));
                    claims.insert("auth_time".to_owned(), json!(seconds(*auth_time)));
                    claims.insert("amr".to_owned(), json!(amr));
                }
            }
            claims.extend(self.roles.as_ref().map(|roles| ("roles".to_owned(), json!(roles))));
        }
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }

    /// Reads them. What they say beside is passed over: a later version may say more.
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, TokenError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).ok_or(TokenError::Claims);
        let id = |name: &str| uuid(text(name)?);
        let credential = match (claims.contains_key("api_key_id"), claims.contains_key("sid")) {
            (true, false) => Credential::ApiKey(id("api_key_id")?),
            (false, true) => Credential::Session {
                id: id("sid")?,
                auth_time: time(claims, "auth_time")?,
                amr: texts(claims, "amr")?,
            },
            _ => return Err(TokenError::Claims),
        };
        let issued_at = time(claims, "iat")?;
        if time(claims, "nbf")? != issued_at {
            return Err(TokenError::Claims);
        }
        Ok(Self {
            issuer: text("iss")?.to_owned(),
            subject: text("sub")?.to_owned(),
            subject_type: SubjectType::from_word(text("subject_type")?).ok_or(TokenError::Claims)?,
            audience: text("aud")?.to_owned(),
            client: text("client_id")?.to_owned(),
            issued_at,
            expires_at: time(claims, "exp")?,
            id: id("jti")?,
            tenant: id("tenant")?,
            credential,
            scopes: text("scope")?.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            roles: claims.contains_key("roles").then(|| texts(claims, "roles")).transpose()?,
        })
    }

    /// Whether they are what was expected.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), TokenError> {
        if self.tenant != expected.tenant {
            return Err(TokenError::Tenant);
        }
        if self.issuer != expected.issuer {
            return Err(TokenError::Issuer);
        }
        if expected.audience.is_some_and(|audience| audience != self.audience) {
            return Err(TokenError::Audience);
        }
        if self.issued_at > expected.now.plus_millis(SKEW) {
            return Err(TokenError::NotYet);
        }
        // By our own clock: what others allow for theirs is no reason for a token to outlive its end here.
        if expected.now >= self.expires_at {
            return Err(TokenError::Expired);
        }
        if self.expires_at > self.issued_at.plus_millis(LONGEST_LIFE) {
            return Err(TokenError::Life);
        }
        Ok(())
    }
}

/// Seconds since 1970 (RFC 7519, section 2), rounded down.
fn seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1000)
}

/// A claim that is a time: whole seconds, as we write them, or the whole part of others.
pub(super) fn time(claims: &Map<String, Value>, name: &str) -> Result<Timestamp, TokenError> {
    let seconds = claims.get(name).and_then(Value::as_f64).filter(|seconds| (0.0..1e11).contains(seconds));
    Ok(Timestamp::from_millis(seconds.ok_or(TokenError::Claims)? as i64 * 1000))
}

fn texts(claims: &Map<String, Value>, name: &str) -> Result<Vec<String>, TokenError> {
    let items = claims.get(name).and_then(Value::as_array).ok_or(TokenError::Claims)?;
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or(TokenError::Claims)).collect()
}

/// In its one spelling.
pub(super) fn uuid(text: &str) -> Result<Uuid, TokenError> {
    Uuid::try_parse(text).ok().filter(|id| id.to_string() == text).ok_or(TokenError::Claims)
}
