//! Codes that are sent to somebody by text message or e-mail: eight digits, each for one attempt to sign in.
//!
//! So few digits are found by trying all of them, so what is kept is keyed: a token ([`DataKeyring::token`]) of the
//! attempt and the code, which says nothing to whoever reads the table without the data key.

use super::{CodeError, digits};
use crate::model::Timestamp;
use crate::seal::DataKeyring;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// How many random bytes a code is made from.
pub const RANDOM_BYTES: usize = 16;

/// How many digits a code has. NIST SP 800-63B-4, section 3.1.3.2 asks for six at least.
pub const DIGITS: usize = 8;

/// A code, as it is sent. It is not serialized, and its `Debug` is blank.
#[derive(Clone)]
pub struct OneTimeCode(String);

impl OneTimeCode {
    /// A code from fresh random bytes. There are so many more bits than digits that no code is likelier than another by
    /// 2⁻¹⁰⁰ (NIST SP 800-90A, appendix A.5.3).
    pub fn new(random: [u8; RANDOM_BYTES]) -> Self {
        Self(format!("{:0DIGITS$}", u128::from_be_bytes(random) % 10_u128.pow(DIGITS as u32)))
    }

    /// The digits, to be sent once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it while the attempt waits: it counts before `expires_at`, ten minutes at most (NIST SP 800-63B-4,
    /// section 3.1.3.2), and for so many tries.
    pub fn sent(&self, keys: &DataKeyring, attempt: Uuid, expires_at: Timestamp, tries: u8) -> SentCode {
        SentCode { hash: keys.token(&place(attempt, &self.0)), expires_at, tries_left: tries }
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(…)")
    }
}

/// What is kept of a code that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentCode {
    /// A keyed hash of the attempt and the code, 64 hex digits.
    pub hash: String,
    /// From here on it does not count.
    pub expires_at: Timestamp,
    /// How many more tries it counts for.
    pub tries_left: u8,
}

impl SentCode {
    /// Whether it still counts.
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.tries_left > 0
    }

    /// Holds what somebody typed against it, which costs a try, or all of them where it is the code. What is left is to
    /// be kept before the answer is acted on.
    ///
    /// # Errors
    /// [`CodeError::Malformed`], which costs nothing, [`CodeError::Ended`] and [`CodeError::Wrong`].
    pub fn check(&mut self, input: &str, keys: &DataKeyring, attempt: Uuid, now: Timestamp) -> Result<(), CodeError> {
        let typed = digits(input, DIGITS)?;
        if !self.is_good(now) {
            return Err(CodeError::Ended);
        }
        if !keys.is_token(&place(attempt, &typed), &self.hash) {
            self.tries_left = self.tries_left.saturating_sub(1);
            return Err(CodeError::Wrong);
        }
        self.tries_left = 0;
        Ok(())
    }
}

fn place(attempt: Uuid, code: &str) -> String {
    format!("one_time_code/{attempt}/{code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::DataKey;

    const ATTEMPT: Uuid = Uuid::from_u128(7);

    fn keys(byte: u8) -> DataKeyring {
        DataKeyring::new(DataKey::new(&format!("k{byte}"), [byte; 32]).unwrap())
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// The code is 00000042.
    fn sent() -> SentCode {
        OneTimeCode::new(42_u128.to_be_bytes()).sent(&keys(1), ATTEMPT, at(1000), 3)
    }

    #[test]
    fn it_counts_once() {
        let mut sent = sent();
        assert_eq!(sent.check("0000 0042", &keys(1), ATTEMPT, at(999)), Ok(()));
        assert_eq!(sent.check("00000042", &keys(1), ATTEMPT, at(999)), Err(CodeError::Ended));
    }

    #[test]
    fn it_counts_for_its_attempt_under_its_key_alone() {
        assert_eq!(sent().check("00000042", &keys(1), Uuid::from_u128(8), at(0)), Err(CodeError::Wrong));
        assert_eq!(sent().check("00000042", &keys(2), ATTEMPT, at(0)), Err(CodeError::Wrong));
        let rotated = DataKeyring::new(DataKey::new("k2", [2; 32]).unwrap()).with(DataKey::new("k1", [1; 32]).unwrap());
        assert_eq!(sent().check("00000042", &rotated, ATTEMPT, at(0)), Ok(()));
    }

    #[test]
    fn it_ends_by_time_and_by_tries() {
        assert_eq!(sent().check("00000042", &keys(1), ATTEMPT, at(1000)), Err(CodeError::Ended));
        let mut sent = sent();
        for left in [2, 1, 0] {
            assert_eq!(sent.check("00000043", &keys(1), ATTEMPT, at(0)), Err(CodeError::Wrong));
            assert_eq!(sent.tries_left, left);
        }
        assert_eq!(sent.check("00000042", &keys(1), ATTEMPT, at(0)), Err(CodeError::Ended));
    }

    #[test]
    fn what_is_no_code_costs_no_try() {
        let mut sent = sent();
        for input in ["", "42", "0000004", "000000042", "0000-0042", "-0000042", "0000004２"] {
            assert_eq!(sent.check(input, &keys(1), ATTEMPT, at(0)).unwrap_err().code(), "factor.malformed", "{input}");
        }
        assert_eq!(sent.tries_left, 3);
    }

    #[test]
    fn a_code_has_eight_digits_and_does_not_show() {
        for (random, digits) in [(0, "00000000"), (99_999_999, "99999999"), (100_000_000, "00000000")] {
            assert_eq!(OneTimeCode::new(u128::to_be_bytes(random)).expose(), digits);
        }
        assert_eq!(OneTimeCode::new([255; 16]).expose(), "68211455");
        assert_eq!(format!("{:?}", OneTimeCode::new([0; 16])), "OneTimeCode(…)");
        assert!(!serde_json::to_string(&sent()).unwrap().contains("00000042"));
    }
}
