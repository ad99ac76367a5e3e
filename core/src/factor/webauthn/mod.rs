//! Passkeys and security keys: a relying party of W3C Web Authentication Level 3 (section 7).
//!
//! A ceremony begins with options for `navigator.credentials` and a [`Ceremony`] that is kept until the browser's response
//! comes, once, for [`TIMEOUT_MILLIS`]. Attestation is neither asked for nor looked at: what a key says of its maker
//! decides nothing here, so that any key is taken (`none`, section 8.7).

mod authentication;
mod authenticator_data;
mod base64url;
mod client_data;
mod credential;
mod error;
mod options;
mod public_key;
mod registration;
mod relying_party;

pub use authentication::{Authenticated, AuthenticationResponse};
pub use credential::{Credential, CredentialKey};
pub use error::WebauthnError;
pub use options::{CreationOptions, RequestOptions};
pub use registration::{Registrant, RegistrationResponse};
pub use relying_party::{RelyingParty, RelyingPartyError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many random bytes a challenge is made from (section 13.4.3 asks for 16 at least).
pub const CHALLENGE_BYTES: usize = 32;

/// For how long the browser waits for its user, in milliseconds: what section 15.1 recommends.
pub const TIMEOUT_MILLIS: u32 = 300_000;

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// It signs in by itself: the key finds the user, and verifies them by a PIN or a finger.
    Passkey,
    /// It comes after a password: that somebody holds it is enough.
    SecondFactor,
}

impl Usage {
    fn verifies_user(self) -> bool {
        self == Self::Passkey
    }
}

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A credential is added.
    Registration,
    /// A credential is used.
    Authentication,
}

/// What is kept between options and response. A response counts for the one ceremony alone that it was asked for, so it is
/// removed as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceremony {
    /// Random bytes in base64url, which the response repeats.
    pub challenge: String,
    /// What is done.
    pub act: Act,
    /// What the credential is for.
    pub usage: Usage,
    /// Who it is; where nothing, the key says who.
    pub user: Option<Uuid>,
}

impl Ceremony {
    fn new(random: [u8; CHALLENGE_BYTES], act: Act, usage: Usage, user: Option<Uuid>) -> Self {
        Self { challenge: base64url::encode(&random), act, usage, user }
    }
}

#[cfg(test)]
mod tests;
