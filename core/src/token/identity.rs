//! What the gateway tells an application of who asks: a token for that application alone.

use super::{LONGEST, SigningKey, SubjectType, TokenError};
use crate::model::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Its `typ`: no access token, and never taken for one (RFC 8725, section 3.11).
pub const IDENTITY_TOKEN: &str = "parapet-identity+jwt";

/// Who asks, by whose decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says so, `iss`: the tenant's own origin.
    pub issuer: String,
    /// Who asks, `sub`: the row's id, or `anonymous`.
    pub subject: String,
    /// What that is: `subject_type`.
    pub subject_type: SubjectType,
    /// For whom it is, `aud`: the application's host.
    pub audience: String,
    /// When it was issued: `iat`.
    pub issued_at: Timestamp,
    /// When it ends: `exp`.
    pub expires_at: Timestamp,
    /// The tenant: `tenant`.
    pub tenant: Uuid,
    /// The decision by which the request is passed on: `jti`, and `decision`.
    pub decision: Uuid,
    /// By which version of the rules: `policy_version`.
    pub policy_version: u64,
    /// The session that it came by: `sid`.
    pub session: Option<Uuid>,
}

/// Signs it.
///
/// # Errors
/// [`TokenError::TooLong`]; [`TokenError::NotSigned`].
pub fn issue_identity(identity: &Identity, key: &SigningKey) -> Result<String, TokenError> {
    let seconds = |time: Timestamp| time.as_millis().div_euclid(1000);
    let claims = json!({
        "iss": identity.issuer,
        "sub": identity.subject,
        "subject_type": identity.subject_type,
        "aud": identity.audience,
        "iat": seconds(identity.issued_at),
        "exp": seconds(identity.expires_at),
        "jti": identity.decision,
        "decision": identity.decision,
        "policy_version": identity.policy_version,
        "tenant": identity.tenant,
    });
    let mut claims: Map<String, Value> = match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    };
    claims.extend(identity.session.map(|session| ("sid".to_owned(), json!(session))));
    let token = key.sign(IDENTITY_TOKEN, &claims)?;
    if token.len() > LONGEST { Err(TokenError::TooLong) } else { Ok(token) }
}
