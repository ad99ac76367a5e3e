//! Whether a password was in a breach, asked by k-anonymity: the range protocol of Have I Been Pwned
//! (<https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange>).
//!
//! Only the first five hex digits of the password's SHA-1 leave the house; the answer has every suffix known under them,
//! one `<35 hex digits>:<count>` a line. With the header `Add-Padding: true` the answer holds made-up suffixes as well,
//! each with the count 0, so that its length tells nothing. Asking is the caller's.

use super::Password;
use sha1::{Digest, Sha1};
use std::fmt;
use thiserror::Error;

/// The most bytes of an answer that are read. Answers have about 40 to 80 KiB.
pub const MAX_ANSWER: usize = 512 * 1024;

const PREFIX: usize = 5;
const DIGITS: usize = 40;

/// Why an answer says nothing. Each has a stable [`code`](Self::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RangeError {
    /// It is longer than [`MAX_ANSWER`].
    #[error("the answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    /// It has no lines. Every range has some, so this is no answer.
    #[error("the answer is empty")]
    Empty,
    /// A line is no `<35 hex digits>:<count>`.
    #[error("line {line} of the answer is no suffix with its count")]
    Malformed {
        /// The line's number, from 1.
        line: usize,
    },
}

impl RangeError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "breach.too_long",
            Self::Empty => "breach.empty",
            Self::Malformed { .. } => "breach.malformed",
        }
    }
}

/// A password's SHA-1, in upper-case hex: what to ask by, and what to look for in the answer. A password could be guessed
/// by it: it is not serialized, and `Debug` shows the prefix alone.
#[derive(Clone)]
pub struct Range(String);

impl Range {
    /// The range that a password lies in.
    pub fn of(password: &Password) -> Self {
        Self(hex::encode_upper(Sha1::digest(password.prepared())))
    }

    /// The five hex digits to ask by.
    pub fn prefix(&self) -> &str {
        self.0.get(..PREFIX).unwrap_or_default()
    }

    /// How often the password was seen in breaches, by the answer for [`prefix`](Self::prefix); 0 where it was not.
    ///
    /// # Errors
    /// [`RangeError`]: an answer that is not wholly understood says nothing, rather than that the password is unknown.
    pub fn count(&self, answer: &str) -> Result<u64, RangeError> {
        if answer.len() > MAX_ANSWER {
            return Err(RangeError::TooLong);
        }
        let suffix = self.0.get(PREFIX..).unwrap_or_default();
        let mut found: Option<u64> = None;
        for (at, line) in answer.lines().enumerate() {
            let (other, count) = entry(line).ok_or(RangeError::Malformed { line: at + 1 })?;
            let count = if other.eq_ignore_ascii_case(suffix) { count } else { 0 };
            found = Some(found.unwrap_or_default().max(count));
        }
        found.ok_or(RangeError::Empty)
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Range({}…)", self.prefix())
    }
}

/// A suffix and its count.
fn entry(line: &str) -> Option<(&str, u64)> {
    let (suffix, count) = line.split_once(':')?;
    let formed = suffix.len() == DIGITS - PREFIX
        && suffix.bytes().all(|digit| digit.is_ascii_hexdigit())
        && count.bytes().all(|digit| digit.is_ascii_digit());
    Some((suffix, count.parse().ok().filter(|_| formed)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> Range {
        Range::of(&Password::chosen(text).unwrap())
    }

    const OTHER: &str = "0018A45C4D1DEF81644B54AB7F969B88D65";

    #[test]
    fn it_is_sha_1_in_upper_case() {
        // FIPS 180, the example of one block; and the documentation's own `password`.
        assert_eq!(range("abc").0, "A9993E364706816ABA3E25717850C26C9CD0D89D");
        assert_eq!(range("password").0, "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
        assert_eq!(range("password").prefix(), "5BAA6");
        assert_eq!(format!("{:?}", range("password")), "Range(5BAA6…)");
    }

    #[test]
    fn its_count_is_found_in_the_answer() {
        let range = range("password");
        let suffix = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
        let answers = [
            (format!("{OTHER}:3\r\n{suffix}:52372427\r\n"), 52_372_427),
            (format!("{}:7\n{OTHER}:0", suffix.to_lowercase()), 7),
            (format!("{OTHER}:12"), 0),
            // Padding, which by chance is of this suffix.
            (format!("{suffix}:0\r\n{suffix}:9"), 9),
            (format!("{suffix}:0"), 0),
        ];
        for (answer, count) in answers {
            assert_eq!(range.count(&answer), Ok(count), "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_says_nothing() {
        let count = |answer: &str| range("password").count(answer).map_err(|error| error.code());
        let long = format!("{OTHER}:1\n").repeat(MAX_ANSWER / 37);
        assert_eq!(count(&long), Err("breach.too_long"));
        assert_eq!(count(""), Err("breach.empty"));
        let malformed = [
            "<!doctype html>",
            "\n",
            OTHER,
            ":1",
            &format!("{OTHER}:"),
            &format!("{OTHER}:-1"),
            &format!("{OTHER}:+1"),
            &format!("{OTHER}:1 "),
            &format!("{OTHER}0:1"),
            &format!("{}:1", OTHER.replace('A', "G")),
            &format!("{OTHER}:99999999999999999999"),
            &format!("{OTHER}:1\n\n{OTHER}:1"),
        ];
        for answer in malformed {
            assert_eq!(count(answer), Err("breach.malformed"), "{answer}");
        }
        let answer = format!("{OTHER}:1\r\nno\r\n");
        assert_eq!(range("password").count(&answer), Err(RangeError::Malformed { line: 2 }));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(answer in "([0-9A-Fa-f]{35}:[0-9]{0,3}\r?\n?|.{0,40}){0,4}") {
            let _ = range("password").count(&answer);
        }
    }
}
