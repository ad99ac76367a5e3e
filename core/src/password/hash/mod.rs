//! Hashing and verifying: Argon2id (RFC 9106) for what is set here; bcrypt, PBKDF2 and other Argon2 for what was imported.
//!
//! New hashes are PHC strings with the parameters that OWASP names first: 19 MiB, two passes, one lane. A hash by another
//! algorithm or other parameters still verifies, and says that it must be replaced ([`Verdict::Match`]).

mod error;
mod parse;
#[cfg(test)]
mod tests;

pub use error::{HashError, Part};

use super::Password;
use crate::model::Secret;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use pbkdf2::pbkdf2_hmac;
use sha2::{Sha256, Sha512};
use std::fmt;
use subtle::ConstantTimeEq;

/// The bytes of a salt. Each new hash takes fresh random ones.
pub const SALT_BYTES: usize = 16;

/// A hash at the current parameters that no password opens, for accounts that do not exist: verifying it takes as long as
/// verifying a real one. Salt and hash are zeros; nobody knows a password whose hash is zeros, and finding one takes 2²⁵⁶
/// guesses.
pub const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const TAG_BYTES: usize = 32;

/// As much of a password as bcrypt reads.
const BCRYPT_BYTES: usize = 72;

/// A hash as a row holds it, read and found to be of bounded cost. `Debug` shows its algorithm alone.
///
/// Read are `$argon2id$`, `$argon2i$` and `$argon2d$`; `$2a$`, `$2b$` and `$2y$`; `$pbkdf2-sha256$` and `$pbkdf2-sha512$`
/// with `i=<iterations>` or, as passlib writes them, the iterations alone; and Django's `pbkdf2_sha256$`.
#[derive(Clone)]
pub struct StoredHash {
    scheme: Scheme,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

#[derive(Clone)]
enum Scheme {
    Argon2(Algorithm, Version, Params),
    Bcrypt { cost: u32 },
    Pbkdf2Sha256 { iterations: u32 },
    Pbkdf2Sha512 { iterations: u32 },
}

/// What verifying found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another password.
    NoMatch,
    /// It is the password.
    Match {
        /// It must be hashed anew, with the password that was just verified.
        rehash: bool,
    },
}

impl StoredHash {
    /// Reads a hash, as it is imported and before it is verified.
    ///
    /// # Errors
    /// [`HashError`]: of no known algorithm, not of its form, or so costly that verifying it could take an isolate down.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        parse::parse(text)
    }

    /// Whether it is what [`Hasher::hash`] makes today.
    pub fn is_current(&self) -> bool {
        let current = match &self.scheme {
            Scheme::Argon2(Algorithm::Argon2id, Version::V0x13, params) => {
                (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
            }
            _ => false,
        };
        current && self.salt.len() == SALT_BYTES && self.tag.len() == TAG_BYTES
    }

    /// What was hashed. Our own hashes are Argon2id and of the prepared password; others are of what was typed.
    fn input<'a>(&self, password: &'a Password) -> &'a [u8] {
        let text = match self.scheme {
            Scheme::Argon2(Algorithm::Argon2id, ..) => password.prepared(),
            _ => password.typed(),
        };
        text.as_bytes()
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.scheme {
            Scheme::Argon2(algorithm, ..) => algorithm.as_str(),
            Scheme::Bcrypt { .. } => "bcrypt",
            Scheme::Pbkdf2Sha256 { .. } => "pbkdf2-sha256",
            Scheme::Pbkdf2Sha512 { .. } => "pbkdf2-sha512",
        };
        write!(f, "StoredHash({name} …)")
    }
}

/// Hashes and verifies, counts how often, and keeps Argon2's memory from one hash to the next: memory of a wasm module
/// never becomes less, and a new large piece each time would leave holes in it. An isolate has one.
#[derive(Default)]
pub struct Hasher {
    memory: Vec<Block>,
    runs: u64,
}

impl Hasher {
    /// A hasher, without memory yet.
    pub const fn new() -> Self {
        Self { memory: vec![], runs: 0 }
    }

    /// How many hashes were worked out, so that a test can say that two ways cost the same.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// A new hash, as a PHC string. The salt must be fresh and random.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`].
    pub fn hash(&mut self, password: &Password, salt: [u8; SALT_BYTES]) -> Result<Secret, HashError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(TAG_BYTES))
            .map_err(|_| HashError::Malformed(Part::Parameters))?;
        let scheme = Scheme::Argon2(Algorithm::Argon2id, Version::V0x13, params);
        let stored = StoredHash { scheme, salt: salt.to_vec(), tag: vec![0; TAG_BYTES] };
        let (salt, tag) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(self.tag(password, &stored)?));
        Ok(Secret::new(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${tag}")))
    }

    /// Whether a hash is of a password.
    ///
    /// A bcrypt hash is of what bcrypt reads: the bytes before the first NUL, and of these the first 72. Where there was
    /// more, any password that begins so matches, and it is not to be hashed anew: who knows whether the rest was right.
    /// (OpenBSD before 5.5 cut `$2a$` passwords of more than 254 bytes short; those do not match.)
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`].
    pub fn verify(&mut self, password: &Password, stored: &StoredHash) -> Result<Verdict, HashError> {
        let matches: bool = self.tag(password, stored)?.ct_eq(&stored.tag).into();
        let whole = !matches!(stored.scheme, Scheme::Bcrypt { .. }) || bcrypt_key(stored.input(password)).1;
        Ok(if matches { Verdict::Match { rehash: whole && !stored.is_current() } } else { Verdict::NoMatch })
    }

    /// As much work as verifying a password against a hash of ours, for an account that does not exist.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`].
    pub fn verify_nobody(&mut self, password: &Password) -> Result<(), HashError> {
        self.verify(password, &StoredHash::parse(DUMMY)?).map(|_| ())
    }

    /// What the hash would be if it were of this password.
    fn tag(&mut self, password: &Password, stored: &StoredHash) -> Result<Vec<u8>, HashError> {
        self.runs += 1;
        let (input, salt) = (stored.input(password), stored.salt.as_slice());
        let mut tag = vec![0; stored.tag.len()];
        match &stored.scheme {
            Scheme::Argon2(algorithm, version, params) => {
                let memory = self.memory(params.block_count())?;
                Argon2::new(*algorithm, *version, params.clone())
                    .hash_password_into_with_memory(input, salt, &mut tag, memory)
                    .map_err(|_| HashError::Malformed(Part::Parameters))?;
            }
            Scheme::Bcrypt { cost } => {
                let salt = salt.try_into().map_err(|_| HashError::Malformed(Part::Salt))?;
                // Its last byte is not stored.
                let whole = bcrypt::bcrypt(*cost, salt, &bcrypt_key(input).0);
                tag = whole.iter().copied().take(stored.tag.len()).collect();
            }
            Scheme::Pbkdf2Sha256 { iterations } => pbkdf2_hmac::<Sha256>(input, salt, *iterations, &mut tag),
            Scheme::Pbkdf2Sha512 { iterations } => pbkdf2_hmac::<Sha512>(input, salt, *iterations, &mut tag),
        }
        Ok(tag)
    }

    /// So many blocks, of any content: Argon2 writes each before it reads it.
    fn memory(&mut self, blocks: usize) -> Result<&mut [Block], HashError> {
        if self.memory.len() < blocks {
            // Given back first, or both would be held at once.
            self.memory = vec![];
            self.memory.try_reserve_exact(blocks).map_err(|_| HashError::OutOfMemory)?;
            self.memory.resize(blocks, Block::new());
        }
        Ok(self.memory.as_mut_slice())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({} runs)", self.runs)
    }
}

/// What bcrypt reads of a password, with the NUL that ends it; and whether that is all of it.
fn bcrypt_key(password: &[u8]) -> (Vec<u8>, bool) {
    let read = password.iter().take_while(|byte| **byte != 0).take(BCRYPT_BYTES);
    let mut key: Vec<u8> = read.copied().collect();
    let whole = key.len() == password.len();
    if key.len() < BCRYPT_BYTES {
        key.push(0);
    }
    (key, whole)
}
