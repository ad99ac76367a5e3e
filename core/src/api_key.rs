//! The text of an API key: `pk_<prefix>_<secret>_<checksum>`, all digits and ASCII letters.
//!
//! - The prefix (8 characters) is shown and stored, so that people can tell keys apart.
//! - The secret (32 characters) holds 190 random bits. Only the SHA-256 of the whole key is stored: so many bits need
//!   no slow hash.
//! - The checksum (6 characters, from the SHA-256 of what stands before it) is no secret. It tells a mistyped key
//!   without asking the database, and a scanner a key from what only looks like one.

use sha2::{Digest, Sha256};
use std::fmt;

/// How many random bytes a key is made from.
pub const RANDOM_BYTES: usize = 30;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: usize = 8;
const SECRET: usize = 32;
const CHECKSUM: usize = 6;

/// An API key, of the right form. It is a credential: it is not serialized, and `Debug` shows its prefix alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyToken(String);

impl ApiKeyToken {
    /// A key from fresh random bytes.
    pub fn from_random(random: [u8; RANDOM_BYTES]) -> Self {
        let (prefix, secret) = random.split_at(6);
        let mut text = format!("pk_{}_{}", base62(prefix, PREFIX), base62(secret, SECRET));
        let checksum = checksum(&text);
        text.push('_');
        text.push_str(&checksum);
        Self(text)
    }

    /// Reads a key that somebody sent; `None` where it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, sent) = text.rsplit_once('_')?;
        let (prefix, secret) = body.strip_prefix("pk_")?.split_once('_')?;
        let word = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let formed = word(prefix, PREFIX) && word(secret, SECRET) && word(sent, CHECKSUM);
        (formed && checksum(body) == sent).then(|| Self(text.to_owned()))
    }

    /// The visible part, as `api_key.key_prefix` holds it.
    pub fn prefix(&self) -> &str {
        self.0.split('_').nth(1).unwrap_or_default()
    }

    /// SHA-256 of the whole key in lower-case hex, as `api_key.key_hash` holds it.
    pub fn hash(&self) -> String {
        // Character by character into a `String`, as `hex::encode` does it, takes longer than the hash. Digits that were not
        // written, which cannot be, would be no key's.
        let mut digits = [0; 64];
        let _ = hex::encode_to_slice(Sha256::digest(&self.0), &mut digits);
        String::from_utf8_lossy(&digits).into_owned()
    }

    /// The whole key, to be shown once to whoever made it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyToken(pk_{}_…)", self.prefix())
    }
}

fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text);
    base62(digest.get(..8).unwrap_or_default(), CHECKSUM)
}

/// The low `length` digits, lowest first, of a big-endian number to the base of 62.
///
/// More bits go in than come out, so that no digit is rarer than another by more than the ratio of the two.
fn base62(number: &[u8], length: usize) -> String {
    let mut number = number.to_vec();
    let mut digits = String::with_capacity(length);
    for _ in 0..length {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        digits.extend(ALPHABET.get(rest as usize).map(|&digit| char::from(digit)));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKeyToken {
        ApiKeyToken::from_random(std::array::from_fn(|index| (index * 7 + 1) as u8))
    }

    #[test]
    fn a_key_is_read_as_it_was_made() {
        let key = key();
        assert_eq!(key.expose().len(), 3 + 8 + 1 + 32 + 1 + 6);
        assert_eq!(ApiKeyToken::parse(key.expose()), Some(key));
    }

    #[test]
    fn any_wrong_character_is_found() {
        let text = key().expose().to_owned();
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(ApiKeyToken::parse(std::str::from_utf8(&wrong).unwrap()), None, "at {at}");
        }
    }

    #[test]
    fn other_text_is_no_key() {
        for text in ["", "pk_", "pk___", "_", "pk_a_b_c", "pk_ä_b_c", "pk_00000000_0_000000"] {
            assert_eq!(ApiKeyToken::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = key();
        assert_eq!(format!("{key:?}"), format!("ApiKeyToken(pk_{}_…)", key.prefix()));
    }

    #[test]
    fn different_bytes_make_different_keys() {
        let one = ApiKeyToken::from_random([0; RANDOM_BYTES]);
        let mut bytes = [0; RANDOM_BYTES];
        bytes[29] = 1;
        let other = ApiKeyToken::from_random(bytes);
        assert_ne!(one, other);
        assert_ne!(one.hash(), other.hash());
        assert_eq!(one.hash().len(), 64);
    }
}
