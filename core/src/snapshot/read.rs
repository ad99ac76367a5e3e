//! Opening a snapshot: checking it, and then reading its sections in place.

use super::content::{self, Section};
use super::{Header, Keyring, SIGNED_LENGTH, SectionKind, SnapshotError};
use std::fmt;
use std::ops::Range;
use uuid::Uuid;

/// An opened snapshot. Holds the file's bytes as they came; a section is a slice of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    bytes: Vec<u8>,
    header: Header,
    sections: Vec<Section>,
}

impl Snapshot {
    /// Opens a file whose signature a key of the ring verifies, whose content is the one that was signed, and which is
    /// the snapshot that the ring expects.
    ///
    /// # Errors
    /// Any [`SnapshotError`] but `MissingSection`. Checked in the order: magic, format, header, key, signature, tenant,
    /// version, layout, content hash; so what is said of the tenant and version is said of an authentic header.
    pub fn open(bytes: Vec<u8>, keyring: &Keyring) -> Result<Self, SnapshotError> {
        let header = Self::header(&bytes)?;
        let signed = bytes.get(..SIGNED_LENGTH).ok_or(SnapshotError::Truncated)?;
        keyring.verify(&header, signed)?;
        keyring.expects(&header)?;
        Self::open_signature_verified(bytes)
    }

    /// Opens a file whose signature the caller has verified itself, such as JavaScript with WebCrypto: over the first
    /// [`SIGNED_LENGTH`] bytes, under a key and algorithm that the caller chose and not the file. Layout and content
    /// hash are checked here; tenant and version are the caller's to check, with [`Keyring::expects`].
    ///
    /// # Errors
    /// [`SnapshotError::WrongHash`], and those of [`open_trusted`](Self::open_trusted).
    pub fn open_signature_verified(bytes: Vec<u8>) -> Result<Self, SnapshotError> {
        let snapshot = Self::open_trusted(bytes)?;
        let digests: Vec<_> =
            snapshot.sections.iter().map(|section| content::digest(snapshot.slice(section))).collect();
        snapshot.check_digests(&digests)?;
        Ok(snapshot)
    }

    /// Whether the content is the one that was signed, from the SHA-256 of each section, which the caller has computed
    /// itself, such as JavaScript with WebCrypto: over [`ranges`](Self::ranges), in their order.
    ///
    /// # Errors
    /// [`SnapshotError::WrongHash`], for another number of digests than of sections too.
    pub fn check_digests(&self, digests: &[[u8; 32]]) -> Result<(), SnapshotError> {
        let sections = self.sections.iter().zip(digests);
        let sections = sections.map(|(section, digest)| (section.code, section.range.len(), *digest));
        let whole = digests.len() == self.sections.len();
        if !whole || content::hash(self.header.tenant, sections) != self.header.content_hash {
            return Err(SnapshotError::WrongHash);
        }
        Ok(())
    }

    /// Where the sections lie in the file.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.sections.iter().map(|section| section.range.clone())
    }

    /// Opens a file without checking signature or content hash: only that it has the form of a snapshot.
    ///
    /// Allowed only for bytes that this program has just built itself, or that it has already verified in full
    /// (signature *and* content hash) and has not let out of its hands since. Never for bytes from a store, the network
    /// or a user: whoever can write those would decide who may do what.
    ///
    /// # Errors
    /// [`SnapshotError::NotASnapshot`], `Truncated`, `UnknownFormat`, `Malformed`, `UnknownSection`.
    pub fn open_trusted(bytes: Vec<u8>) -> Result<Self, SnapshotError> {
        let header = Self::header(&bytes)?;
        let sections = content::read(&bytes, header.section_count)?;
        Ok(Self { bytes, header, sections })
    }

    /// What a file says of itself, with nothing verified: to choose the key or the cache entry, never to decide.
    ///
    /// # Errors
    /// [`SnapshotError::NotASnapshot`], `Truncated`, `UnknownFormat`, `Malformed`.
    pub fn header(bytes: &[u8]) -> Result<Header, SnapshotError> {
        Header::read(bytes).map(|(header, _)| header)
    }

    /// The tenant whose snapshot it is.
    pub fn tenant(&self) -> Uuid {
        self.header.tenant()
    }

    /// The tenant's policy version that it was made for.
    pub fn policy_version(&self) -> u64 {
        self.header.policy_version()
    }

    /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn created(&self) -> i64 {
        self.header.created()
    }

    /// SHA-256 of the content: the same rows give the same hash, whatever the version and time.
    pub fn content_hash(&self) -> [u8; 32] {
        self.header.content_hash()
    }

    /// The content hash as 64 lower-case hexadecimal digits.
    pub fn content_hash_hex(&self) -> String {
        self.header.content_hash_hex()
    }

    /// The id of the key that it is signed with.
    pub fn key_id(&self) -> &str {
        self.header.key_id()
    }

    /// A section's bytes, or `None` where the snapshot has no such section. They begin at a multiple of 8 in the file.
    pub fn section(&self, kind: SectionKind) -> Option<&[u8]> {
        self.sections.iter().find(|section| section.kind == Some(kind)).map(|section| self.slice(section))
    }

    /// A section that the reader cannot do without.
    ///
    /// # Errors
    /// [`SnapshotError::MissingSection`].
    pub fn required(&self, kind: SectionKind) -> Result<&[u8], SnapshotError> {
        self.section(kind).ok_or(SnapshotError::MissingSection { kind })
    }

    /// The file, as it came.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn slice(&self, section: &Section) -> &[u8] {
        // `content::read` held the range against the file; the bytes have not changed since.
        self.bytes.get(section.range.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("header", &self.header).field("length", &self.bytes.len()).finish()
    }
}
