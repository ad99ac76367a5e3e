//! What is kept of a credential (section 4, *credential record*).

use super::base64url;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A credential of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its id in base64url, as `mfa_device.credential_id` holds it. It may be of one user alone.
    pub id: String,
    /// How often the key signed, as far as it counts: `mfa_device.counter`.
    pub sign_count: u32,
    /// The rest, which `mfa_device.secret` seals.
    pub key: CredentialKey,
}

/// A credential's public key and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialKey {
    /// The public key as the authenticator wrote it: a COSE key (RFC 9052, section 7).
    #[serde(with = "base64url")]
    pub public_key: Vec<u8>,
    /// By which ways the browser reached it (`usb`, `internal`, …), so that it can look there again.
    pub transports: Vec<String>,
    /// The model of the authenticator, as it says itself; nil where it does not say.
    pub aaguid: Uuid,
    /// Whether it verified its user when it was added. One that did not does not sign in by itself.
    pub user_verified: bool,
    /// Whether it can be copied to the user's other devices. This never changes.
    pub backup_eligible: bool,
    /// Whether it was copied, as it said last.
    pub backed_up: bool,
}
