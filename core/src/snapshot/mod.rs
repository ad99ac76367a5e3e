//! The snapshot: one immutable, versioned, signed file a tenant, from which an engine decides.
//!
//! Written by [`SnapshotBuilder`], opened by [`Snapshot::open`] with a [`Keyring`]. It opens by checking, not by
//! rebuilding: the bytes stay as they are and a section is a slice of them.
//!
//! # Layout, format version 1
//!
//! Numbers are unsigned and little-endian unless stated. There is one way to lay out a given content: what is reserved
//! or padding must be zero, sections follow each other without gaps, nothing trails.
//!
//! | offset | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | magic, `PARAPET` and a zero byte |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | number of sections, at most [`MAX_SECTIONS`] |
//! | 16 | 16 | tenant id, a UUID in network byte order (RFC 9562) |
//! | 32 | 8 | policy version |
//! | 40 | 8 | created, signed: milliseconds since 1970-01-01T00:00:00Z |
//! | 48 | 32 | content hash, SHA-256 |
//! | 80 | 2 | signature algorithm: 1 is HMAC-SHA256, 2 is ES256 |
//! | 82 | 2 | length of the key id, 1 to 64 |
//! | 84 | 64 | key id, of `[A-Za-z0-9_.-]`, zeros behind it |
//! | 148 | 4 | length of the signature: 32 for HMAC-SHA256, 64 for ES256 |
//! | 152 | 64 | signature, zeros behind it |
//! | 216 | 24 a section | section table |
//! | … | | sections, each at a multiple of 8, zeros up to the next multiple of 8 behind it |
//!
//! An entry of the section table, in strictly ascending order of the section's number:
//!
//! | offset | bytes | what |
//! |---:|---:|---|
//! | 0 | 4 | kind: bit 31 is set where a reader that does not know the kind may ignore it; the rest is its number |
//! | 4 | 4 | reserved, zero |
//! | 8 | 8 | offset of the section from the start of the file |
//! | 16 | 8 | length of the section in bytes, without its padding |
//!
//! **Content hash**: SHA-256 over format version (4 bytes), tenant id (16), number of sections (4), and for each
//! section its kind (4), its length (8) and the SHA-256 of its bytes (32). Neither the policy version nor the time is
//! in it: the same rows give the same hash. Sections are hashed one by one so that a reader without a streaming
//! SHA-256 (WebCrypto) needs no copy of the file.
//!
//! **Signature**: over bytes 0 to 151, that is everything before it with the content hash, the algorithm and the key
//! id. HMAC-SHA256 runs under a key derived for the tenant: HKDF-SHA256 (RFC 5869) over the master secret, with the
//! salt `parapet snapshot hmac-sha256`, the info `parapet snapshot v1` followed by the tenant id's 16 bytes, and 32
//! bytes of output. ES256 is ECDSA on P-256 with SHA-256, deterministic (RFC 6979), as 64 bytes r and s (RFC 7518,
//! section 3.4).

mod content;
mod error;
mod header;
mod key;
mod keyring;
mod read;
mod section;
mod write;

#[cfg(test)]
mod tests;

pub use content::MAX_SECTIONS;
pub use error::{KeyError, SnapshotError};
pub use header::{Algorithm, FORMAT_VERSION, Header, SIGNED_LENGTH};
pub use key::{SigningKey, VerifyingKey, check_key_id, check_secret, hmac_verifies};
pub use keyring::Keyring;
pub use read::Snapshot;
pub use section::SectionKind;
pub use write::SnapshotBuilder;
