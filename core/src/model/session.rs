//! Sessions of users.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp};
use uuid::Uuid;

row! {
    /// A user signed in on one device.
    UserSession in user_session {
        /// UUIDv7.
        id: Uuid,
        /// The user's tenant.
        tenant_id: Uuid => tenant,
        /// Whose it is.
        user_id: Uuid => user,
        /// SHA-256 of the token, in hex. Without it (in an export) the session is of no use to anyone.
        #[serde(skip_serializing)]
        session_token: Option<Secret>,
        /// The device as people know it: `Firefox on Linux`.
        device_info: Option<String>,
        /// Where it was last used from.
        ip_address: Option<String>,
        /// The browser's own words.
        user_agent: Option<String>,
        /// When and how the user last proved who they are, at sign-in or step-up. Additions to the diagram.
        auth_time: Timestamp,
        /// Methods of that proof, in the words of RFC 8176: `["pwd", "otp"]`.
        amr: Vec<String> = Vec::new(),
        /// When it ends, whatever happens.
        expires_at: Timestamp,
        /// When it began.
        created_at: Timestamp,
        /// When it was last used, coarsely.
        last_accessed_at: Option<Timestamp>,
    }
    unique ["session_token"]
}

impl Invariants for UserSession {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.expires_at > self.created_at,
            "expires_at",
            "user_session.expires_at",
            "a session ends after it begins",
        );
    }
}
