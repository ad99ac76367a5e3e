//! What is wrong with a token, or with a key.

use thiserror::Error;

/// Why a token is not taken, or is not made. Each has a stable [`code`](Self::code); none holds a part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is longer than [`LONGEST`](super::LONGEST).
    #[error("it is longer than 8192 bytes")]
    TooLong,
    /// It is no JWS in the compact form (RFC 7515, section 7.1) in its one spelling.
    #[error("this is no signed JSON web token in the compact form")]
    Malformed,
    /// Its header is no JSON object, has a member twice, or one of the wrong type.
    #[error("its header cannot be read")]
    Header,
    /// It names critical extensions (RFC 7515, section 4.1.11): there is none that we know.
    #[error("it names extensions that must be understood")]
    Critical,
    /// It brings a key along, or says where one is: keys are taken from our own list alone.
    #[error("it brings a key along, or says where one is")]
    ForeignKey,
    /// It is a token of another kind: `typ` is another.
    #[error("it is a token of another kind")]
    Type,
    /// No key of the list has its `kid`.
    #[error("it is signed with no key that is known")]
    UnknownKey,
    /// Its `alg` is not that of the key.
    #[error("its algorithm is not the key's")]
    Algorithm,
    /// The signature is not the key's.
    #[error("its signature is not the key's")]
    NotAuthentic,
    /// What it says is no JSON object, has a member twice, or lacks one that must be there.
    #[error("what it says cannot be read")]
    Claims,
    /// Somebody else issued it.
    #[error("it was issued by somebody else")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for somebody else")]
    Audience,
    /// It is of another tenant.
    #[error("it is of another tenant")]
    Tenant,
    /// It has ended.
    #[error("it has ended")]
    Expired,
    /// It is not good yet, or was issued in the future.
    #[error("it is not good yet")]
    NotYet,
    /// It would last longer than it may.
    #[error("it lasts longer than it may")]
    Life,
    /// It could not be signed.
    #[error("it could not be signed")]
    NotSigned,
}

impl TokenError {
    /// The stable, dotted code, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "token.too_long",
            Self::Malformed => "token.malformed",
            Self::Header => "token.header",
            Self::Critical => "token.critical",
            Self::ForeignKey => "token.foreign_key",
            Self::Type => "token.type",
            Self::UnknownKey => "token.unknown_key",
            Self::Algorithm => "token.algorithm",
            Self::NotAuthentic => "token.not_authentic",
            Self::Claims => "token.claims",
            Self::Issuer => "token.issuer",
            Self::Audience => "token.audience",
            Self::Tenant => "token.tenant",
            Self::Expired => "token.expired",
            Self::NotYet => "token.not_yet",
            Self::Life => "token.life",
            Self::NotSigned => "token.not_signed",
        }
    }
}

/// Why a key is none. No message holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is no JWK: a member is missing, of the wrong type, or not in its one spelling.
    #[error("this is no JSON web key")]
    Malformed,
    /// It is of another kind than those that are used here.
    #[error("expected a key of `EC` with `P-256`, or of `OKP` with `Ed25519`")]
    Unsupported,
    /// It holds what must not be shown: nobody signs with it from now on.
    #[error("this is a private key: register its public part alone, and make another key")]
    Private,
    /// It is not a point of its curve, or one of those that anybody can sign for.
    #[error("this is no public key of its curve")]
    Invalid,
    /// Its `kid` is not 1 to 128 visible characters of ASCII.
    #[error("a `kid` is 1 to 128 visible characters of ASCII")]
    Id,
    /// A secret scalar is 32 bytes, above zero and below the order of the curve.
    #[error("this is no secret scalar of P-256")]
    Secret,
}

impl KeyError {
    /// The stable, dotted code, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "jwk.malformed",
            Self::Unsupported => "jwk.unsupported",
            Self::Private => "jwk.private",
            Self::Invalid => "jwk.invalid",
            Self::Id => "jwk.id",
            Self::Secret => "jwk.secret",
        }
    }
}
