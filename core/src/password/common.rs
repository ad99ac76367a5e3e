//! Common passwords: the list that Django ships, packed.
//!
//! `common/django.txt` is `common-passwords.txt` of Django 5.2.19 as it is (BSD-3-Clause, `common/LICENSE`): 19,640
//! passwords of breaches in lower case, collected by Royce Williams. Packed are those of ASCII with 8 or more characters, and
//! of the shorter ones the words (4 or more letters), which are common passwords once digits stand around them.
//!
//! `common/packed.bin` has them in order, each as one byte, how many characters it shares with the one before, and the rest
//! of it. `PARAPET_ACCEPT=1 cargo test -p parapet --test common_passwords` packs it anew. A list rather than a filter: at a
//! false positive in a million a filter takes 20 bits a password that do not compress, and the list, gzipped with the
//! module, 18; and it says what is in it.

const PACKED: &[u8] = include_bytes!("common/packed.bin");

/// Bytes below it are lengths, and those of passwords are not.
const FIRST_CHARACTER: u8 = b' ';

/// Whether any of the passwords, in order, is what is looked for.
pub(super) fn any(mut wanted: impl FnMut(&[u8]) -> bool) -> bool {
    let mut password = vec![];
    let mut packed = PACKED;
    while let Some((shared, rest)) = packed.split_first() {
        let end = rest.iter().position(|byte| *byte < FIRST_CHARACTER).unwrap_or(rest.len());
        let (own, after) = rest.split_at_checked(end).unwrap_or_default();
        password.truncate(usize::from(*shared));
        password.extend_from_slice(own);
        if wanted(&password) {
            return true;
        }
        packed = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_common(password: &str) -> bool {
        any(|common| common == password.as_bytes())
    }

    #[test]
    fn they_are_unpacked_in_order() {
        let mut unpacked: Vec<Vec<u8>> = vec![];
        any(|password| {
            unpacked.push(password.to_vec());
            false
        });
        assert!(unpacked.is_sorted_by(|one, next| one < next));
        assert!(unpacked.iter().flatten().all(|byte| (b' '..=b'~').contains(byte)));
        let long = unpacked.iter().filter(|password| password.len() >= 8).count();
        assert_eq!((long, unpacked.len()), (8_346, 14_389));
    }

    #[test]
    fn members_and_others() {
        for password in ["password", "12345678", "iloveyou", "trustno1", "1qaz2wsx", "qwertyuiop", "dragon", "zzzzzzzz"]
        {
            assert!(is_common(password), "{password}");
        }
        for password in ["", "p", "passwor", "password-", "Password", "correct horse", "zzzzzzzzzzzz", "123456", "\0"] {
            assert!(!is_common(password), "{password}");
        }
    }
}
