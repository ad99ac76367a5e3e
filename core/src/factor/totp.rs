//! Codes of an app: TOTP (RFC 6238) over HOTP (RFC 4226), six digits, a new one every 30 seconds, by HMAC-SHA-1: what
//! every app reads. Apps that pass over other algorithms and lengths without a word are common.

use super::{CodeError, digits};
use crate::model::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// The bytes of a new secret: as many as the hash has (RFC 4226, section 4, R6).
pub const SECRET_BYTES: usize = 20;

/// How many digits a code has.
pub const DIGITS: u8 = 6;

/// For how many seconds a code is the newest one.
pub const STEP_SECONDS: u64 = 30;

/// A code of the step before or after counts as well: clocks differ, and typing takes time (RFC 6238, section 5.2).
const SKEW: u16 = 1;

/// All but what RFC 3986, section 2.3 leaves as it is.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an app and we make codes from. It is not serialized, and its `Debug` is blank.
#[derive(Clone)]
pub struct TotpSecret(Totp);

impl TotpSecret {
    /// A secret from fresh random bytes, or one that was kept; `None` for less than 20 or more than 64 bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (SECRET_BYTES..=64).contains(&bytes.len()).then(|| Self(totp(Algorithm::SHA1, DIGITS, bytes)))
    }

    /// Its bytes, to be sealed.
    pub fn expose(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }

    /// Its text in base32 (RFC 4648, section 6) without padding, for whoever types it into an app.
    pub fn base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The address that an app reads from a QR code. The issuer is who asks for codes, the account whose they are; a
    /// colon stands between them, so none stands in them.
    ///
    /// What is left out is what every app takes for granted: SHA-1, six digits, 30 seconds. The code is the smaller.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let [issuer, account] = [issuer, account].map(|name| {
            let name = name.replace(':', " ");
            utf8_percent_encode(&name, &RESERVED).to_string()
        });
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }

    /// The step that a typed code belongs to, to be kept: of all steps up to it no code counts any more, so `last` is
    /// what was kept before (0 where nothing was).
    ///
    /// # Errors
    /// [`CodeError::Malformed`], [`CodeError::Wrong`], and [`CodeError::Used`] for a step that is not after `last`.
    pub fn check(&self, input: &str, now: Timestamp, last: i64) -> Result<i64, CodeError> {
        let typed = digits(input, usize::from(DIGITS))?;
        let seconds = u64::try_from(now.as_millis() / 1000).map_err(|_| CodeError::Wrong)?;
        let step = self.0.check(&typed, seconds).and_then(|step| i64::try_from(step).ok()).ok_or(CodeError::Wrong)?;
        if step > last { Ok(step) } else { Err(CodeError::Used) }
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

fn totp(algorithm: Algorithm, digits: u8, secret: &[u8]) -> Totp {
    Builder::new()
        .with_algorithm(algorithm)
        .with_digits(digits)
        .with_skew(SKEW)
        .with_step_duration(STEP_SECONDS)
        .with_secret(Secret::from(secret))
        .build_noncompliant()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    fn secret() -> TotpSecret {
        TotpSecret::new(SECRET).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// RFC 6238, appendix B: eight digits, three algorithms, each with a secret as long as its hash.
    #[test]
    fn the_vectors_of_rfc_6238() {
        let secret = |length| SECRET.iter().copied().cycle().take(length).collect::<Vec<u8>>();
        for (seconds, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            for (algorithm, length, code) in
                [(Algorithm::SHA1, 20, sha1), (Algorithm::SHA256, 32, sha256), (Algorithm::SHA512, 64, sha512)]
            {
                let totp = totp(algorithm, 8, &secret(length));
                assert_eq!(totp.generate(seconds).to_string(), code, "{algorithm} at {seconds}");
            }
        }
    }

    /// RFC 4226, appendix D: the counter is the step.
    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, code) in (0..).zip(codes) {
            // Step 0 has none before it that could have been used.
            assert_eq!(secret().check(code, at(step * 30), -1), Ok(step), "{code}");
        }
    }

    #[test]
    fn a_code_counts_in_its_step_and_in_those_beside_it_once() {
        // 287082 is of step 1: seconds 30 to 59.
        for (seconds, last, answer) in [
            (0, 0, Ok(1)),
            (59, 0, Ok(1)),
            (89, 0, Ok(1)),
            (90, 0, Err(CodeError::Wrong)),
            (59, 1, Err(CodeError::Used)),
            (59, 2, Err(CodeError::Used)),
            (-1, 0, Err(CodeError::Wrong)),
        ] {
            assert_eq!(secret().check("287082", at(seconds), last), answer, "{seconds} {last}");
        }
    }

    #[test]
    fn spaces_may_stand_in_a_code_and_nothing_else() {
        for input in ["287082", " 287 082 ", "2 8 7 0 8 2", "287\u{a0}082"] {
            assert_eq!(secret().check(input, at(59), 0), Ok(1), "{input}");
        }
        for input in ["", "28708", "2870820", "287-082", "+28708", "２８７０８２", "28708a", "287082\0"] {
            assert_eq!(secret().check(input, at(59), 0).unwrap_err().code(), "factor.malformed", "{input}");
        }
        assert_eq!(secret().check("287083", at(59), 0), Err(CodeError::Wrong));
    }

    #[test]
    fn an_app_reads_the_secret_with_whose_it_is() {
        assert_eq!(
            secret().uri("Café & Söhne: Köln", "max+1@a.example"),
            "otpauth://totp/Caf%C3%A9%20%26%20S%C3%B6hne%20%20K%C3%B6ln:max%2B1%40a.example\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Caf%C3%A9%20%26%20S%C3%B6hne%20%20K%C3%B6ln"
        );
    }

    #[test]
    fn a_secret_is_160_bits_and_more_and_does_not_show() {
        for (length, sound) in [(0, false), (19, false), (20, true), (64, true), (65, false)] {
            let bytes = vec![7; length];
            let secret = TotpSecret::new(&bytes);
            assert_eq!(secret.as_ref().map(TotpSecret::expose), sound.then_some(bytes.as_slice()), "{length}");
        }
        assert_eq!(format!("{:?}", secret()), "TotpSecret(…)");
    }

    proptest! {
        #[test]
        fn any_text_at_any_time_is_answered(input in "\\PC{0,12}|[0-9 ]{4,9}", millis in any::<i64>(), last in any::<i64>()) {
            if let Ok(step) = secret().check(&input, Timestamp::from_millis(millis), last) {
                prop_assert!(step > last && (step - millis / 30_000).abs() <= 1);
            }
        }
    }
}
