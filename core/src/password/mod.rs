//! Passwords, as far as they need no database: preparing, judging, hashing, and verifying what was imported.
//!
//! NIST SP 800-63B-4 section 3.1.1 and OWASP ASVS 5.0 V6.2 are the measure. What is typed becomes a [`Password`]; a new one
//! is judged by [`check`] and by [`breach`]; [`Hasher`] hashes it and verifies it against a [`StoredHash`].

pub mod breach;
mod common;
mod context;
mod hash;
mod pattern;
mod policy;
mod prepare;

pub use context::Context;
pub use hash::{DUMMY, HashError, Hasher, Part, SALT_BYTES, StoredHash, Verdict};
pub use policy::{LEAST, LEAST_ALONE, Policy, check};
pub use prepare::{MAX_BYTES, MAX_CHARACTERS, Password, PasswordError};
