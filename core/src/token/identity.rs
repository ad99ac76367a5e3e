//! What the gateway tells an application of who asks: a token for that application alone.

use super::{PublicKey, SubjectType, TokenError, Unsigned};
use crate::model::Timestamp;
use serde_json::json;
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

impl Identity {
    /// The token without its signature, for whoever signs with this key.
    ///
    /// # Errors
    /// [`TokenError::TooLong`]; [`TokenError::NotSigned`].
    pub fn unsigned(&self, key: &PublicKey) -> Result<Unsigned, TokenError> {
        let seconds = |time: Timestamp| time.as_millis().div_euclid(1000);
        let mut claims = json!({
            "iss": self.issuer,
            "sub": self.subject,
            "subject_type": self.subject_type,
            "aud": self.audience,
            "iat": seconds(self.issued_at),
            "exp": seconds(self.expires_at),
            "jti": self.decision,
            "decision": self.decision,
            "policy_version": self.policy_version,
            "tenant": self.tenant,
        });
        if let (Some(claims), Some(session)) = (claims.as_object_mut(), self.session) {
            claims.insert("sid".to_owned(), json!(session));
        }
        Unsigned::new(IDENTITY_TOKEN, &claims, key)
    }
}
