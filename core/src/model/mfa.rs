//! Second factors.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp, field::words, shape};
use uuid::Uuid;

words! {
    /// What a second factor is.
    MfaDeviceType {
        /// Time-based codes, RFC 6238.
        Totp = "totp",
        /// Codes by text message.
        Sms = "sms",
        /// Codes by e-mail.
        Email = "email",
        /// A passkey or security key, W3C Web Authentication. An addition to the diagram.
        Webauthn = "webauthn",
    }
}

row! {
    /// A second factor of a user.
    MfaDevice in mfa_device {
        /// UUIDv7.
        id: Uuid,
        /// The user's tenant.
        tenant_id: Uuid => tenant,
        /// Whose it is.
        user_id: Uuid => user,
        /// What it is.
        r#type: MfaDeviceType,
        /// What its owner calls it.
        device_name: String,
        /// AES-256-GCM under the data key: the TOTP secret, the address, or the credential's public key.
        #[serde(skip_serializing)]
        secret: Option<Secret>,
        /// Hashes of the backup codes that are left.
        #[serde(skip_serializing)]
        backup_codes: Option<Vec<Secret>>,
        /// The credential's id, base64url, for `webauthn` alone. An addition to the diagram.
        credential_id: Option<String>,
        /// What may only grow: the last TOTP step used, or the authenticator's signature counter. An addition.
        counter: i64 = 0,
        /// Whether its owner has shown that it works.
        is_verified: bool = false,
        /// The one that is asked for first.
        is_primary: bool = false,
        /// When it was added.
        created_at: Timestamp,
        /// When it was last used.
        last_used_at: Option<Timestamp>,
    }
    unique ["tenant_id", "credential_id"]
}

impl Invariants for MfaDevice {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.device_name),
            "device_name",
            "mfa_device.device_name",
            "a name is 1 to 255 characters, not blank",
        );
        problems.require(
            (self.r#type == MfaDeviceType::Webauthn) == self.credential_id.is_some(),
            "credential_id",
            "mfa_device.credential_id",
            "`credential_id` is set exactly where the type is `webauthn`",
        );
        problems.require(self.counter >= 0, "counter", "mfa_device.counter", "a counter is not negative");
    }
}
