//! What somebody typed, made one text however it was typed: the OpaqueString profile of RFC 8265 section 4.2.
//!
//! Spaces of other kinds become ASCII's, and the text is normalized by NFC; case and width stay, nothing is trimmed or
//! truncated. Two departures. NIST SP 800-63B-4 section 3.1.1.2 would rather have NFKC or NFKD, which make different
//! characters one; the profile does not. And of what PRECIS refuses only control characters and line separators are
//! refused: its whole table is as large as the blocklist, and would refuse emoji that are joined of others.

use icu_normalizer::ComposingNormalizerBorrowed;
use std::fmt;
use thiserror::Error;

/// The most characters (Unicode code points) that a password may have, once prepared.
pub const MAX_CHARACTERS: usize = 1_024;

/// The most bytes of UTF-8 that are looked at.
pub const MAX_BYTES: usize = 4_096;

/// Why a text is no password. Each has a stable [`code`](Self::code); none says anything of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// There is nothing.
    #[error("a password is not empty")]
    Empty,
    /// It is longer than [`MAX_CHARACTERS`] or [`MAX_BYTES`].
    #[error("a password has at most {MAX_CHARACTERS} characters and {MAX_BYTES} bytes")]
    TooLong,
    /// It holds a control character or a line separator.
    #[error("a password holds no control characters and no line breaks")]
    ControlCharacter,
}

impl PasswordError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "password.empty",
            Self::TooLong => "password.too_long",
            Self::ControlCharacter => "password.control_character",
        }
    }
}

/// A password in the clear: as it was typed, and prepared. It is not serialized, and its `Debug` is blank.
#[derive(Clone)]
pub struct Password {
    typed: String,
    prepared: String,
}

impl Password {
    /// A password that somebody chose, to be judged and hashed.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn chosen(text: &str) -> Result<Self, PasswordError> {
        let control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let password = Self::offered(text)?;
        if password.prepared.contains(control) { Err(PasswordError::ControlCharacter) } else { Ok(password) }
    }

    /// A password that somebody signs in with. Control characters are taken: an imported hash may be of a text with some,
    /// and no hash of ours is.
    ///
    /// # Errors
    /// [`PasswordError::Empty`] and [`PasswordError::TooLong`].
    pub fn offered(text: &str) -> Result<Self, PasswordError> {
        // Before normalizing, which triples a text at most, so that work is bounded.
        if text.len() > MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        let spaced: String = text.chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
        let prepared = normalized(&spaced);
        let password = Self { typed: text.to_owned(), prepared };
        match password.characters() {
            0 => Err(PasswordError::Empty),
            1..=MAX_CHARACTERS => Ok(password),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// How long it is, in Unicode code points, once prepared.
    pub fn characters(&self) -> usize {
        self.prepared.chars().count()
    }

    /// What our hashes are of, and what is judged.
    pub(super) fn prepared(&self) -> &str {
        &self.prepared
    }

    /// What hashes of others are of: most prepare nothing.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The text in Unicode's normalization form C.
pub(super) fn normalized(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// A space of Unicode's category Zs. What else is white space is a control character or a line separator.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prepared(text: &str) -> String {
        Password::chosen(text).unwrap().prepared
    }

    #[test]
    fn the_examples_of_rfc_8265() {
        // Table 4: what is allowed.
        for text in ["correct horse battery staple", "Correct Horse Battery Staple", "πßå", "Jack of ♦s"] {
            assert_eq!(prepared(text), text);
        }
        // OGHAM SPACE MARK becomes a space.
        assert_eq!(prepared("foo\u{1680}bar"), "foo bar");
        // Table 5: what is not.
        assert_eq!(Password::chosen("").unwrap_err().code(), "password.empty");
        assert_eq!(Password::chosen("my cat is a \u{9}by").unwrap_err().code(), "password.control_character");
    }

    #[test]
    fn one_text_however_it_was_typed() {
        assert_eq!(prepared("Zo\u{65}\u{308}"), prepared("Zo\u{eb}"));
        assert_eq!(prepared("\u{1112}\u{1161}\u{11ab}"), "\u{d55c}");
        for space in "\u{a0}\u{2000}\u{2003}\u{200a}\u{202f}\u{205f}\u{3000}".chars() {
            assert_eq!(prepared(&format!(" a{space}b ")), " a b ", "{space:?}: and nothing is trimmed");
        }
        // Neither case nor width: another key was pressed.
        assert_ne!(prepared("Ａbc"), prepared("Abc"));
        assert_ne!(prepared("ﬁ"), prepared("fi"));
        assert_eq!(prepared("👩\u{200d}🚀"), "👩\u{200d}🚀");
    }

    #[test]
    fn control_characters_are_refused_when_it_is_chosen_alone() {
        for c in "\0\u{1}\t\n\r\u{7f}\u{85}\u{9f}\u{2028}\u{2029}".chars() {
            let text = format!("correct horse{c}battery");
            assert_eq!(Password::chosen(&text).unwrap_err(), PasswordError::ControlCharacter, "{c:?}");
            assert_eq!(Password::offered(&text).unwrap().typed(), text);
        }
    }

    #[test]
    fn lengths_are_of_code_points_and_bounded() {
        assert_eq!(Password::chosen("naïve 🐢").unwrap().characters(), 7);
        assert_eq!(Password::chosen("e\u{301}").unwrap().characters(), 1, "of what was prepared");
        assert_eq!(prepared(&"🐢".repeat(MAX_CHARACTERS)).len(), MAX_BYTES, "and nothing is truncated");
        for text in ["a".repeat(MAX_CHARACTERS + 1), "é".repeat(MAX_CHARACTERS + 1), "🐢".repeat(MAX_CHARACTERS + 1)]
        {
            assert_eq!(Password::chosen(&text).unwrap_err().code(), "password.too_long");
            assert_eq!(Password::offered(&text).unwrap_err().code(), "password.too_long");
        }
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Password::chosen("hunter2 hunter2").unwrap()), "Password(…)");
    }

    proptest! {
        #[test]
        fn any_text_is_prepared_or_refused_and_preparing_again_changes_nothing(text in "\\PC{0,40}|.{0,40}") {
            if let Ok(password) = Password::chosen(&text) {
                let again = prepared(password.prepared());
                prop_assert_eq!(&again, password.prepared());
                prop_assert!(!again.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ')));
            }
        }
    }
}
