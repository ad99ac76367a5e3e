//! Second factors and passkeys: what of them needs no database.
//!
//! Codes of an app ([`totp`]), codes that are sent ([`one_time_code`]), codes on paper ([`backup_code`]), and passkeys and
//! security keys ([`webauthn`]). Whoever calls keeps what is to be kept, writes it by comparing with what it read, so that
//! no code counts twice at once, and counts the tries.

pub mod backup_code;
pub mod one_time_code;
pub mod qr;
pub mod totp;
pub mod webauthn;

use thiserror::Error;

/// Why a code was refused. Each has a stable [`code`](Self::code). A person is told one thing of all but the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodeError {
    /// It cannot be one: not so many digits, or something else than digits and spaces.
    #[error("this is no code: it has {digits} digits")]
    Malformed {
        /// How many digits a code has.
        digits: usize,
    },
    /// It is another one.
    #[error("this is not the code")]
    Wrong,
    /// It is right, and was used already.
    #[error("this code was used already")]
    Used,
    /// It is too late, or was tried too often.
    #[error("this code does not count any more")]
    Ended,
}

impl CodeError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "factor.malformed",
            Self::Wrong => "factor.wrong",
            Self::Used => "factor.used",
            Self::Ended => "factor.ended",
        }
    }
}

/// The digits of a code that somebody typed, with spaces wherever they like.
fn digits(input: &str, digits: usize) -> Result<String, CodeError> {
    // One more than there may be is enough to see that it is too long.
    let typed: String = input.chars().filter(|sign| !sign.is_whitespace()).take(digits.saturating_add(1)).collect();
    let sound = typed.len() == digits && typed.bytes().all(|byte| byte.is_ascii_digit());
    sound.then_some(typed).ok_or(CodeError::Malformed { digits })
}
