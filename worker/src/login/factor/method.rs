//! By what a factor is shown, and how strong that is.

use parapet::model::MfaDeviceType;
use serde::{Deserialize, Serialize};

/// By what a factor is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A code of an app.
    Totp,
    /// A code by text message.
    Sms,
    /// A code by e-mail.
    Email,
    /// A passkey or security key.
    Webauthn,
    /// One of the codes on paper, for when the others are gone.
    BackupCode,
}

impl Method {
    /// What they are called.
    pub const WORDS: [&str; 5] = ["totp", "sms", "email", "webauthn", "backup_code"];

    /// The one that is called so.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "backup_code" => Some(Self::BackupCode),
            word => MfaDeviceType::from_word(word).map(Self::from),
        }
    }
}

impl From<MfaDeviceType> for Method {
    fn from(kind: MfaDeviceType) -> Self {
        match kind {
            MfaDeviceType::Totp => Self::Totp,
            MfaDeviceType::Sms => Self::Sms,
            MfaDeviceType::Email => Self::Email,
            MfaDeviceType::Webauthn => Self::Webauthn,
        }
    }
}

/// `weak` is what can be had without the user's device: NIST SP 800-63B-4 restricts text messages (section 3.1.3.3) and
/// takes no e-mail (section 3.1.3.1).
pub fn strength(kind: MfaDeviceType) -> &'static str {
    match kind {
        MfaDeviceType::Totp | MfaDeviceType::Webauthn => "strong",
        MfaDeviceType::Sms | MfaDeviceType::Email => "weak",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_word() {
        for word in Method::WORDS {
            assert_eq!(serde_json::to_value(Method::from_word(word).unwrap()).unwrap(), word);
        }
        assert_eq!(Method::from_word("Totp"), None);
    }
}
