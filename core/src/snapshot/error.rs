//! Why a snapshot was not opened, and why a key was not accepted.

use super::SectionKind;
use thiserror::Error;
use uuid::Uuid;

/// Why bytes were not opened as a snapshot. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes do not begin as a snapshot does.
    #[error("this is not a snapshot")]
    NotASnapshot,
    /// The bytes end before the snapshot does.
    #[error("the snapshot is cut short")]
    Truncated,
    /// It is a snapshot of a format that this program does not read.
    #[error("the snapshot has format version {found}, which is not known")]
    UnknownFormat {
        /// The format version in the file.
        found: u32,
    },
    /// The sections are not those that the header was written for.
    #[error("the content hash does not fit the sections")]
    WrongHash,
    /// The keyring holds no key of this id.
    #[error("the snapshot is signed with the key `{id}`, which is not known")]
    UnknownKey {
        /// The key id in the file.
        id: String,
    },
    /// The signature does not verify under the key of its id, or is of another algorithm than that key.
    #[error("the signature does not verify")]
    WrongSignature,
    /// It is another tenant's snapshot.
    #[error("the snapshot is of tenant `{found}`, expected `{expected}`")]
    WrongTenant {
        /// The tenant that was asked for.
        expected: Uuid,
        /// The tenant in the file.
        found: Uuid,
    },
    /// It is older than what the reader already holds: a roll-back is a new version, never an old file.
    #[error("the snapshot has policy version {found}, expected at least {at_least}")]
    OlderVersion {
        /// The least policy version that was asked for.
        at_least: u64,
        /// The policy version in the file.
        found: u64,
    },
    /// A part of the file breaks a rule of the format.
    #[error("the snapshot is malformed: {part}")]
    Malformed {
        /// Which part, for people.
        part: &'static str,
    },
    /// A section that the reader needs is not there.
    #[error("the snapshot has no section `{}`", kind.name())]
    MissingSection {
        /// The section that was asked for.
        kind: SectionKind,
    },
    /// The file holds a section that this program does not know and may not ignore.
    #[error("the snapshot has a section of kind {kind}, which is not known and not optional")]
    UnknownSection {
        /// The kind's number in the file.
        kind: u32,
    },
}

impl SnapshotError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotASnapshot => "snapshot.not_a_snapshot",
            Self::Truncated => "snapshot.truncated",
            Self::UnknownFormat { .. } => "snapshot.unknown_format",
            Self::WrongHash => "snapshot.wrong_hash",
            Self::UnknownKey { .. } => "snapshot.unknown_key",
            Self::WrongSignature => "snapshot.wrong_signature",
            Self::WrongTenant { .. } => "snapshot.wrong_tenant",
            Self::OlderVersion { .. } => "snapshot.older_version",
            Self::Malformed { .. } => "snapshot.malformed",
            Self::MissingSection { .. } => "snapshot.missing_section",
            Self::UnknownSection { .. } => "snapshot.unknown_section",
        }
    }
}

/// Why bytes are no key. No message holds a part of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A key id has 1 to 64 characters of `[A-Za-z0-9_.-]`.
    #[error("a key id has 1 to 64 characters of `[A-Za-z0-9_.-]`")]
    InvalidId,
    /// An HMAC master secret has at least 32 bytes.
    #[error("an HMAC master secret has at least 32 bytes, this one has {length}")]
    SecretTooShort {
        /// The bytes that were given.
        length: usize,
    },
    /// An ES256 secret is a 32-byte big-endian number from 1 to the order of P-256 less 1.
    #[error("the secret is no P-256 scalar")]
    InvalidSecret,
    /// An ES256 public key is a point on P-256.
    #[error("the public key is no point on P-256")]
    InvalidPublicKey,
}

impl KeyError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidId => "key.invalid_id",
            Self::SecretTooShort { .. } => "key.secret_too_short",
            Self::InvalidSecret => "key.invalid_secret",
            Self::InvalidPublicKey => "key.invalid_public_key",
        }
    }
}
