//! Backup codes: ten codes on paper for when the phone is gone, each good once.
//!
//! A code is twelve signs of Crockford's base32, 60 random bits, as `K7Q2-9FXM-04TB`. What is kept is PBKDF2 of it with
//! its owner's id as salt: look-up secrets of less than 112 bits are hashed slowly and salted, and of less than 64 bits
//! their tries are limited (NIST SP 800-63B-4, section 3.1.2.2). It is under no key of ours, so that codes on paper
//! outlive a change of the data key.

use crate::model::Secret;
use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How many codes there are.
pub const CODES: usize = 10;

/// How many signs a code has, hyphens not counted: five bits each.
const SIGNS: usize = 12;

/// A hyphen stands after so many signs.
const GROUP: usize = 4;

/// How many random bytes the codes are made from.
pub const RANDOM_BYTES: usize = CODES * SIGNS;

/// No `I`, `L`, `O`, which look like digits, and no `U`.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Rounds of PBKDF2: some milliseconds for us, 2⁷⁴ hashes for whoever tries all codes.
const ROUNDS: u32 = 10_000;

/// Ten fresh codes. They are not serialized, and their `Debug` is blank.
pub struct BackupCodes(Vec<String>);

impl BackupCodes {
    /// Codes from fresh random bytes.
    pub fn new(random: [u8; RANDOM_BYTES]) -> Self {
        // 32 divides 256: no sign is likelier than another.
        let sign = |byte: &u8| ALPHABET.get(usize::from(*byte % 32)).map(|sign| char::from(*sign));
        Self(random.chunks(SIGNS).map(|code| code.iter().filter_map(sign).collect()).collect())
    }

    /// The codes as they are shown, once: in groups of four.
    pub fn expose(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|code| {
            let groups: Vec<_> = code.as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
            groups.join("-")
        })
    }

    /// What is kept of them: `mfa_device.backup_codes` of one device of this user. They are the user's, and may move to
    /// another of their devices.
    pub fn hashes(&self, user: Uuid) -> Vec<Secret> {
        self.0.iter().map(|code| Secret::new(hash(code, user))).collect()
    }
}

impl fmt::Debug for BackupCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupCodes(…)")
    }
}

/// What is left of a user's codes once the typed one is used; `None` where it is none of them. Case, spaces and hyphens
/// are all one, and so are `O` and `0`, and `I`, `L` and `1`.
pub fn spend(codes: &[Secret], user: Uuid, input: &str) -> Option<Vec<Secret>> {
    let hash = hash(&read(input)?, user);
    // All are looked at, each for as long as another: the time does not say which it was.
    let is_other = |code: &&Secret| !bool::from(code.expose().as_bytes().ct_eq(hash.as_bytes()));
    let left: Vec<Secret> = codes.iter().filter(is_other).cloned().collect();
    (left.len() < codes.len()).then_some(left)
}

fn read(input: &str) -> Option<String> {
    let signs = input.chars().filter(|sign| *sign != '-' && !sign.is_whitespace());
    let code: String = signs
        .take(SIGNS + 1)
        .map(|sign| match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            sign => sign,
        })
        .collect();
    (code.len() == SIGNS && code.bytes().all(|sign| ALPHABET.contains(&sign))).then_some(code)
}

fn hash(code: &str, user: Uuid) -> String {
    hex::encode(pbkdf2_hmac_array::<Sha256, 32>(code.as_bytes(), user.as_bytes(), ROUNDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USER: Uuid = Uuid::from_u128(7);

    fn codes() -> BackupCodes {
        BackupCodes::new(std::array::from_fn(|at| (at + at / 32) as u8))
    }

    #[test]
    fn ten_codes_are_shown_in_groups() {
        let shown: Vec<String> = codes().expose().collect();
        assert_eq!(shown.len(), CODES);
        assert_eq!(shown[..3], ["0123-4567-89AB", "CDEF-GHJK-MNPQ", "RSTV-WXYZ-1234"]);
        assert_eq!(format!("{:?}", codes()), "BackupCodes(…)");
    }

    /// Worked out by another implementation of PBKDF2.
    #[test]
    fn what_is_kept_is_pbkdf2() {
        let hashes = codes().hashes(USER);
        assert_eq!(hashes.len(), CODES);
        assert_eq!(hashes[0].expose(), "0c9b703ce10e1b56d18fe1c2434f910c5d6994b8e204b33b31c30bb5bae0010e");
        assert_ne!(codes().hashes(Uuid::from_u128(8))[0], hashes[0], "the user is the salt");
    }

    #[test]
    fn a_code_is_good_once() {
        let all = codes().hashes(USER);
        let left = spend(&all, USER, "CDEF-GHJK-MNPQ").unwrap();
        assert_eq!(left, [&all[..1], &all[2..]].concat());
        assert_eq!(spend(&left, USER, "CDEF-GHJK-MNPQ"), None);
        assert_eq!(spend(&all, Uuid::from_u128(8), "CDEF-GHJK-MNPQ"), None, "another user's");
        assert_eq!(spend(&[], USER, "CDEF-GHJK-MNPQ"), None);
    }

    #[test]
    fn it_is_read_as_people_write_it() {
        let all = codes().hashes(USER);
        for input in ["0123-4567-89AB", "0123456789ab", " o123 4567-89aB\n", "Oi23-4567-89AB", "oL23--4567 89ab-"] {
            assert_eq!(spend(&all, USER, input).map(|left| left.len()), Some(9), "{input}");
        }
        for input in ["", "0123-4567-89A", "0123-4567-89ABC", "0123-4567-89AU", "0123_4567_89AB", "０123-4567-89AB"] {
            assert_eq!(spend(&all, USER, input), None, "{input}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(input in "\\PC{0,20}") {
            if let Some(code) = read(&input) {
                prop_assert_eq!(read(&code), Some(code.clone()));
                prop_assert!(code.len() == SIGNS && code.bytes().all(|sign| ALPHABET.contains(&sign)));
            }
        }
    }
}
