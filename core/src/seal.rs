//! Secrets at rest: sealed by AES-256-GCM under a data key with an id, so that keys can be changed.
//!
//! Sealed text is `<key id>.<base64url without padding>` of the nonce (12 bytes), the ciphertext and the tag (16 bytes),
//! as NIST SP 800-38D has them. The *context* says where the text belongs (`mfa_device/<id>/secret`): it is
//! authenticated and not stored, so that what was sealed for one place does not open in another.
//!
//! A key seals at most 2³² texts under random nonces; one nonce used twice under one key gives both texts away.

use crate::snapshot::check_key_id;
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;
use thiserror::Error;
use uuid::Uuid;

/// The bytes of a nonce. Each sealing takes fresh random ones.
pub const NONCE_BYTES: usize = 12;

/// The bytes of a data key.
pub const KEY_BYTES: usize = 32;

const TAG_BYTES: usize = 16;

/// Why sealed text was not opened. Each has a stable [`code`](Self::code); none says anything of the plaintext.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The keyring holds no key of this id.
    #[error("it is sealed under the key `{id}`, which is not known")]
    UnknownKey {
        /// The key id in the text.
        id: String,
    },
    /// It is no sealed text, or what was sealed is not what was expected there.
    #[error("this is no sealed text")]
    Malformed,
    /// It was changed, belongs elsewhere, or was sealed by another key of that id.
    #[error("it was changed, belongs elsewhere, or was sealed by another key of the same id")]
    NotAuthentic,
}

impl SealError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownKey { .. } => "seal.unknown_key",
            Self::Malformed => "seal.malformed",
            Self::NotAuthentic => "seal.not_authentic",
        }
    }
}

/// Why text is no data key. No message holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DataKeyError {
    /// A key id has 1 to 64 characters of `[A-Za-z0-9_.-]`.
    #[error("a key id has 1 to 64 characters of `[A-Za-z0-9_.-]`")]
    InvalidId,
    /// A data key is 32 bytes, as 64 hex digits.
    #[error("a data key is 32 bytes, as 64 hex digits")]
    InvalidKey,
}

impl DataKeyError {
    /// The stable, dotted code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidId => "data_key.invalid_id",
            Self::InvalidKey => "data_key.invalid_key",
        }
    }
}

/// A key that seals and opens. It is not serialized, and its `Debug` is blank.
#[derive(Clone)]
pub struct DataKey {
    id: String,
    key: [u8; KEY_BYTES],
}

impl DataKey {
    /// A key from random bytes.
    ///
    /// # Errors
    /// [`DataKeyError::InvalidId`].
    pub fn new(id: &str, key: [u8; KEY_BYTES]) -> Result<Self, DataKeyError> {
        check_key_id(id).map_err(|_| DataKeyError::InvalidId)?;
        Ok(Self { id: id.to_owned(), key })
    }

    /// A key from 64 hex digits.
    ///
    /// # Errors
    /// [`DataKeyError`].
    pub fn from_hex(id: &str, hex: &str) -> Result<Self, DataKeyError> {
        let mut key = [0; KEY_BYTES];
        hex::decode_to_slice(hex, &mut key).map_err(|_| DataKeyError::InvalidKey)?;
        Self::new(id, key)
    }

    /// A key whose id is a UUID, which can be a key's id.
    pub(crate) fn of(id: Uuid, key: [u8; KEY_BYTES]) -> Self {
        Self { id: id.to_string(), key }
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    /// The key's id, as it stands before what it seals.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals a text for one place. The nonce must be fresh and random.
    #[expect(clippy::expect_used, reason = "AES-GCM refuses a plaintext of 64 GiB alone, which no row can hold")]
    pub fn seal(&self, plaintext: &[u8], context: &str, nonce: [u8; NONCE_BYTES]) -> String {
        let payload = Payload { msg: plaintext, aad: context.as_bytes() };
        let ciphertext = self.cipher().encrypt(&Nonce::from(nonce), payload).expect("less than 64 GiB");
        let mut bytes = nonce.to_vec();
        bytes.extend(ciphertext);
        format!("{}.{}", self.id, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens what this key sealed for this place.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, sealed: &str, context: &str) -> Result<Vec<u8>, SealError> {
        let (id, bytes) = parts(sealed)?;
        if id != self.id {
            return Err(SealError::UnknownKey { id: id.to_owned() });
        }
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Malformed)?;
        let payload = Payload { msg: ciphertext, aad: context.as_bytes() };
        self.cipher().decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::NotAuthentic)
    }

    /// A token for one place, which only who holds the key can make: 32 bytes by HKDF-SHA256 (RFC 5869), in hex. It is
    /// the same each time, so that none need be stored.
    #[expect(clippy::expect_used, reason = "HKDF refuses more than 8,160 bytes alone")]
    pub fn token(&self, context: &str) -> String {
        let mut token = [0; 32];
        let derived = Hkdf::<Sha256>::new(Some(b"parapet token"), &self.key).expand(context.as_bytes(), &mut token);
        derived.expect("32 bytes");
        hex::encode(token)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(&self.key.into())
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// The current key, which seals, and older ones, which still open.
#[derive(Debug, Clone)]
pub struct DataKeyring {
    current: DataKey,
    older: Vec<DataKey>,
}

impl DataKeyring {
    /// A keyring that seals and opens with one key.
    pub fn new(current: DataKey) -> Self {
        Self { current, older: vec![] }
    }

    /// Opens with an older key as well. An id has one key: the current one's stays, an older one's is replaced.
    #[must_use]
    pub fn with(mut self, older: DataKey) -> Self {
        self.older.retain(|key| key.id != older.id);
        self.older.push(older);
        self
    }

    /// The id of the key that seals: text under another one is to be sealed again.
    pub fn current_id(&self) -> &str {
        self.current.id()
    }

    /// Whether text is sealed under the current key, as far as its id says.
    pub fn is_current(&self, sealed: &str) -> bool {
        parts(sealed).is_ok_and(|(id, _)| id == self.current.id)
    }

    /// Seals a text for one place under the current key. The nonce must be fresh and random.
    pub fn seal(&self, plaintext: &[u8], context: &str, nonce: [u8; NONCE_BYTES]) -> String {
        self.current.seal(plaintext, context, nonce)
    }

    /// A token for one place, by the current key; see [`DataKey::token`].
    pub fn token(&self, context: &str) -> String {
        self.current.token(context)
    }

    /// Whether a text is the token of a place, by any key of the ring: what was handed out before a key changed counts.
    /// How long it takes says nothing of the token.
    pub fn is_token(&self, context: &str, text: &str) -> bool {
        let is_its = |key: &DataKey| key.token(context).as_bytes().ct_eq(text.as_bytes()).into();
        std::iter::once(&self.current).chain(&self.older).any(is_its)
    }

    /// Opens what a key of the ring sealed for this place.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, sealed: &str, context: &str) -> Result<Vec<u8>, SealError> {
        let (id, _) = parts(sealed)?;
        let key = std::iter::once(&self.current).chain(&self.older).find(|key| key.id == id);
        key.ok_or_else(|| SealError::UnknownKey { id: id.to_owned() })?.open(sealed, context)
    }
}

/// The key's id, and what is under it.
fn parts(sealed: &str) -> Result<(&str, Vec<u8>), SealError> {
    // A key's id may hold a dot; base64url does not.
    let (id, text) = sealed.rsplit_once('.').ok_or(SealError::Malformed)?;
    check_key_id(id).map_err(|_| SealError::Malformed)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed)?;
    if bytes.len() < NONCE_BYTES + TAG_BYTES {
        return Err(SealError::Malformed);
    }
    Ok((id, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(id: &str, byte: u8) -> DataKey {
        DataKey::new(id, [byte; KEY_BYTES]).unwrap()
    }

    #[test]
    fn a_token_is_of_one_place_and_of_a_key_of_the_ring() {
        let old = key("k1", 1);
        let token = old.token("tenant/1/domain/a.example");
        assert_eq!((token.len(), &token), (64, &old.token("tenant/1/domain/a.example")));
        let ring = DataKeyring::new(key("k2", 2)).with(old);
        assert!(ring.is_token("tenant/1/domain/a.example", &token), "handed out before the key changed");
        assert_ne!(ring.token("tenant/1/domain/a.example"), token);
        assert!(!ring.is_token("tenant/2/domain/a.example", &token));
        assert!(!DataKeyring::new(key("k2", 2)).is_token("tenant/1/domain/a.example", &token));
    }

    #[test]
    fn it_is_aes_256_gcm() {
        // Test case 14 of the GCM specification (McGrew and Viega): key, nonce and plaintext are zeros.
        let sealed = key("k1", 0).seal(&[0; 16], "", [0; NONCE_BYTES]);
        let (id, bytes) = parts(&sealed).unwrap();
        assert_eq!(id, "k1");
        assert_eq!(
            hex::encode(bytes),
            "000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        );
    }

    #[test]
    fn the_current_key_seals_and_older_ones_still_open() {
        let before = DataKeyring::new(key("k1", 1));
        let sealed = before.seal(b"otp", "mfa_device/1", [7; NONCE_BYTES]);
        let after = DataKeyring::new(key("k.2", 2)).with(key("k1", 1));
        assert_eq!(after.open(&sealed, "mfa_device/1").unwrap(), b"otp");
        assert!(before.is_current(&sealed) && !after.is_current(&sealed));
        let again = after.seal(b"otp", "mfa_device/1", [8; NONCE_BYTES]);
        assert!(again.starts_with("k.2.") && after.is_current(&again), "{again}");
        assert_eq!(after.open(&again, "mfa_device/1").unwrap(), b"otp");
        assert_eq!(before.open(&again, "mfa_device/1").unwrap_err().code(), "seal.unknown_key");
        // An older key of the current one's id does not take its place.
        let ring = DataKeyring::new(key("k1", 1)).with(key("k1", 9));
        assert_eq!(ring.open(&sealed, "mfa_device/1").unwrap(), b"otp");
    }

    #[test]
    fn what_is_no_sealed_text_is_malformed() {
        let ring = DataKeyring::new(key("k1", 1));
        let short = format!("k1.{}", URL_SAFE_NO_PAD.encode([0; NONCE_BYTES + TAG_BYTES - 1]));
        for text in ["", ".", "k1", "k1.", ".AAAA", "k1.====", "k 1.AAAA", "k1.ä", short.as_str()] {
            assert_eq!(ring.open(text, "").unwrap_err().code(), "seal.malformed", "{text}");
        }
    }

    #[test]
    fn keys_are_32_bytes_under_a_plain_id_and_do_not_show() {
        let hex = "0f".repeat(KEY_BYTES);
        assert_eq!(format!("{:?}", DataKey::from_hex("k1", &hex).unwrap()), "DataKey(…)");
        assert_eq!(DataKey::from_hex("", &hex).unwrap_err().code(), "data_key.invalid_id");
        assert_eq!(DataKey::from_hex("k 1", &hex).unwrap_err().code(), "data_key.invalid_id");
        for hex in ["", "0f", &"0".repeat(KEY_BYTES * 2 - 1), &"0g".repeat(KEY_BYTES), &"0f".repeat(KEY_BYTES + 1)] {
            assert_eq!(DataKey::from_hex("k1", hex).unwrap_err().code(), "data_key.invalid_key", "{hex}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_there_and_nowhere_else(
            plaintext in prop::collection::vec(any::<u8>(), 0..80),
            context in ".{0,12}",
            elsewhere in ".{0,12}",
            nonce in any::<[u8; NONCE_BYTES]>(),
            bytes in any::<[u8; KEY_BYTES]>(),
            others in any::<[u8; KEY_BYTES]>(),
        ) {
            let ring = |bytes| DataKeyring::new(DataKey::new("k1", bytes).unwrap());
            let sealed = ring(bytes).seal(&plaintext, &context, nonce);
            prop_assert_eq!(ring(bytes).open(&sealed, &context).unwrap(), plaintext);
            if elsewhere != context {
                prop_assert_eq!(ring(bytes).open(&sealed, &elsewhere), Err(SealError::NotAuthentic));
            }
            if others != bytes {
                prop_assert_eq!(ring(others).open(&sealed, &context), Err(SealError::NotAuthentic));
            }
        }

        #[test]
        fn any_changed_character_is_noticed(
            plaintext in prop::collection::vec(any::<u8>(), 0..40),
            nonce in any::<[u8; NONCE_BYTES]>(),
            new in "[A-Za-z0-9_.=-]",
        ) {
            let ring = DataKeyring::new(key("k1", 3));
            let sealed = ring.seal(&plaintext, "here", nonce);
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed.replace_range(at..=at, &new);
                prop_assert!(changed == sealed || ring.open(&changed, "here").is_err(), "{changed}");
                prop_assert!(ring.open(sealed.split_at(at).0, "here").is_err());
            }
        }
    }
}
