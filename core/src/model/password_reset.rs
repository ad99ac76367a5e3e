//! Requests to set a new password.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp};
use uuid::Uuid;

row! {
    /// A way to set a new password, once and for a short time.
    PasswordReset in password_reset {
        /// UUIDv7.
        id: Uuid,
        /// The user's tenant.
        tenant_id: Uuid => tenant,
        /// Whose password it sets.
        user_id: Uuid => user,
        /// SHA-256 of the token, in hex.
        #[serde(skip_serializing)]
        token: Option<Secret>,
        /// When it ends.
        expires_at: Timestamp,
        /// Whether it was used.
        used: bool = false,
        /// When it was asked for.
        created_at: Timestamp,
    }
    unique ["token"]
}

impl Invariants for PasswordReset {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.expires_at > self.created_at,
            "expires_at",
            "password_reset.expires_at",
            "a reset ends after it begins",
        );
    }
}
