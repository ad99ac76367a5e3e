//! Why a response of `navigator.credentials` was refused.

use thiserror::Error;

/// Why a response was refused. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebauthnError {
    /// A part of it is not of its form.
    #[error("the {part} is not of its form")]
    Malformed {
        /// Which part.
        part: &'static str,
    },
    /// It answers another kind of ceremony.
    #[error("this answers another kind of ceremony")]
    WrongAct,
    /// It answers another challenge.
    #[error("this answers another challenge")]
    WrongChallenge,
    /// It was made on a page that is not the tenant's.
    #[error("this was made on another page")]
    WrongOrigin,
    /// It was made in a frame within another site's page.
    #[error("this was made in a frame of another page")]
    CrossOrigin,
    /// The key made it for another relying party.
    #[error("this was made for another relying party")]
    WrongRelyingParty,
    /// The key did not ask whether anybody is there.
    #[error("the key did not see that somebody is there")]
    NotPresent,
    /// The key did not verify who is there, or never did so for us.
    #[error("the key did not verify who is there")]
    NotVerified,
    /// What it says of backups contradicts itself or what it said before.
    #[error("what the key says of its backups cannot be")]
    BackupFlags,
    /// A key of an algorithm that was not asked for.
    #[error("the credential has an algorithm that was not asked for")]
    UnknownAlgorithm,
    /// It names another credential than it was made with, or than is kept.
    #[error("this is of another credential")]
    WrongCredential,
    /// It is another user's, or does not say whose it is where nobody else does.
    #[error("this is of another user")]
    WrongUser,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    WrongSignature,
    /// The key's counter did not grow: there may be a copy of it.
    #[error("the key's counter did not grow, so there may be a copy of it")]
    CounterWentBack,
}

impl WebauthnError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "webauthn.malformed",
            Self::WrongAct => "webauthn.wrong_act",
            Self::WrongChallenge => "webauthn.wrong_challenge",
            Self::WrongOrigin => "webauthn.wrong_origin",
            Self::CrossOrigin => "webauthn.cross_origin",
            Self::WrongRelyingParty => "webauthn.wrong_relying_party",
            Self::NotPresent => "webauthn.not_present",
            Self::NotVerified => "webauthn.not_verified",
            Self::BackupFlags => "webauthn.backup_flags",
            Self::UnknownAlgorithm => "webauthn.unknown_algorithm",
            Self::WrongCredential => "webauthn.wrong_credential",
            Self::WrongUser => "webauthn.wrong_user",
            Self::WrongSignature => "webauthn.wrong_signature",
            Self::CounterWentBack => "webauthn.counter_went_back",
        }
    }
}
