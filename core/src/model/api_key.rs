//! API keys: a secret that is shown, a public key that is signed for, or the certificate of whoever connects.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp, shape};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The scope for what is the user's own: it names no action, since no permission gives it.
pub const OWN_SCOPE: &str = "me";

row! {
    /// A key that acts for a user, for a service account, or for the tenant alone (then it is a PEP's key).
    ApiKey in api_key {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// The user that it acts for.
        user_id: Option<Uuid> => user,
        /// The service account that it acts for. An addition to the diagram.
        service_account_id: Option<Uuid> => service_account,
        /// What its owner calls it.
        name: String,
        /// SHA-256 of the key, in hex. Unique over all tenants. Without it (in an export) the key opens nothing.
        #[serde(skip_serializing)]
        key_hash: Option<Secret>,
        /// The key's visible beginning.
        key_prefix: String,
        /// Actions that it is limited to, `<resource>:<action>`, and scopes of the API itself (`access:evaluate`, `me`).
        scopes: Vec<String> = Vec::new(),
        /// Until when; at exactly this time it has ended.
        expires_at: Option<Timestamp>,
        /// When it was last used, coarsely.
        last_used_at: Option<Timestamp>,
        /// An inactive key opens nothing.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// Instead of a secret, the public key (a JWK, RFC 7517) under which its service account shows who it is by signed
        /// assertions (RFC 7523). An addition to the diagram.
        public_key: Option<Map<String, Value>>,
        /// Instead of a secret, the certificate that its owner shows when it connects (mutual TLS): the SHA-256 of its DER in
        /// base64url, `x5t#S256` (RFC 8705, section 3.1). Unique within the tenant. An addition to the diagram.
        certificate_thumbprint: Option<String>,
    }
    unique ["key_hash"]
    unique ["tenant_id", "certificate_thumbprint"]
}

impl Invariants for ApiKey {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.user_id.is_none() || self.service_account_id.is_none(),
            "service_account_id",
            "api_key.two_owners",
            "a key acts for a user or for a service account, not for both",
        );
        problems.require(
            self.public_key.is_none() || (self.service_account_id.is_some() && self.key_hash.is_none()),
            "public_key",
            "api_key.public_key",
            "a public key is a service account's, and has no secret beside it",
        );
        problems.require(
            self.certificate_thumbprint.is_none()
                || ((self.service_account_id.is_some() || self.user_id.is_some())
                    && self.key_hash.is_none()
                    && self.public_key.is_none()),
            "certificate_thumbprint",
            "api_key.certificate",
            "a certificate is somebody's, and has no secret and no public key beside it",
        );
        problems.require(
            self.certificate_thumbprint.as_deref().is_none_or(is_thumbprint),
            "certificate_thumbprint",
            "api_key.thumbprint",
            "expected the SHA-256 of the certificate's DER: 43 characters of base64url",
        );
        problems.require(
            shape::is_name(&self.name),
            "name",
            "api_key.name",
            "a name is 1 to 255 characters, not blank",
        );
        problems.require(
            !self.key_prefix.is_empty() && self.key_prefix.bytes().all(|b| b.is_ascii_graphic()),
            "key_prefix",
            "api_key.key_prefix",
            "expected visible ASCII",
        );
        for (index, scope) in self.scopes.iter().enumerate() {
            let is_action = scope
                .split_once(':')
                .is_some_and(|(resource, action)| shape::is_identifier(resource) && shape::is_action(action));
            if !is_action && scope != OWN_SCOPE {
                let message = format!("`{scope}` is no scope: expected `<resource>:<action>`, or `{OWN_SCOPE}`");
                problems.add(&format!("scopes/{index}"), "api_key.scope", message);
            }
        }
        problems.require(
            self.expires_at.is_none_or(|end| end > self.created_at),
            "expires_at",
            "api_key.expires_at",
            "a key ends after it was made",
        );
    }
}

/// The 32 bytes of SHA-256 in base64url, in their one spelling.
fn is_thumbprint(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
