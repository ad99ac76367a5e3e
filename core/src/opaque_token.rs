//! The text of a credential that says nothing by itself: `<kind>_<secret>`, 256 random bits in base64url (RFC 4648).
//!
//! Sessions, ways to a new password, invitations and steps of signing in are such tokens. Only the SHA-256 is stored: so
//! many bits need no slow hash. The kind is part of what is hashed, so that one kind is never taken for another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// How many random bytes a token is made from.
pub const RANDOM_BYTES: usize = 32;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A session.
    Session,
    /// A browser that a user has signed in with.
    Device,
    /// A step between the beginning and the end of something: signing in, adding a factor.
    Flow,
    /// What was sent to an address, to be followed once: a new password, an invitation, a confirmation.
    Link,
    /// A browser that was given a form before anybody signed in.
    Form,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "ps_",
            Self::Device => "pd_",
            Self::Flow => "pf_",
            Self::Link => "pl_",
            Self::Form => "pc_",
        }
    }
}

/// A token of the right form. It is a credential: it is not serialized, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct OpaqueToken(String);

impl OpaqueToken {
    /// A token from fresh random bytes.
    pub fn from_random(kind: TokenKind, random: [u8; RANDOM_BYTES]) -> Self {
        Self(format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(random)))
    }

    /// Reads a token of this kind that somebody sent; `None` where it cannot be one of ours. One token has one spelling.
    pub fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        let secret = URL_SAFE_NO_PAD.decode(text.strip_prefix(kind.prefix())?).ok()?;
        (secret.len() == RANDOM_BYTES).then(|| Self(text.to_owned()))
    }

    /// SHA-256 of the whole token in lower-case hex, as rows hold it.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }

    /// The whole token, to be handed to whoever it is for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [TokenKind; 5] =
        [TokenKind::Session, TokenKind::Device, TokenKind::Flow, TokenKind::Link, TokenKind::Form];

    #[test]
    fn a_token_is_read_as_what_it_was_made_for_and_as_nothing_else() {
        for kind in ALL {
            let token = OpaqueToken::from_random(kind, [0xfb; RANDOM_BYTES]);
            for other in ALL {
                let read = OpaqueToken::parse(other, token.expose());
                assert_eq!(read, (kind == other).then(|| token.clone()));
            }
        }
    }

    #[test]
    fn other_text_is_no_token() {
        let token = OpaqueToken::from_random(TokenKind::Session, [7; RANDOM_BYTES]);
        let text = token.expose();
        let cut = text.strip_suffix(text.chars().last().unwrap()).unwrap();
        // The last character stands for four bits: its others must be zero.
        let others = [cut, "", "ps_", "pk_", &format!("{text}A"), &format!("{text}="), &format!(" {text}")]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("{}d", cut), text.replace("ps_", "PS_"), text.replace('H', "+")]);
        for other in others {
            assert_eq!(OpaqueToken::parse(TokenKind::Session, &other), None, "{other}");
        }
    }

    #[test]
    fn debug_does_not_show_it() {
        let token = OpaqueToken::from_random(TokenKind::Session, [7; RANDOM_BYTES]);
        assert_eq!(format!("{token:?}"), "OpaqueToken(…)");
    }
}
