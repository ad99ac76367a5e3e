//! The header: the 216 bytes before the section table, written and read in one place.

use super::key::KeyId;
use super::{SnapshotError, content::MAX_SECTIONS};
use uuid::Uuid;

/// The format version that this program writes, and the only one it reads.
pub const FORMAT_VERSION: u32 = 1;

/// How many bytes from the start of the file the signature covers.
pub const SIGNED_LENGTH: usize = 152;

/// How many bytes the header has: what is signed, and the signature.
pub(super) const HEADER_LENGTH: usize = SIGNED_LENGTH + SIGNATURE_ROOM;

const SIGNATURE_ROOM: usize = 64;
const MAGIC: [u8; 8] = *b"PARAPET\0";

/// With what a snapshot is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC-SHA256 under a key derived for the tenant: among our own servers.
    HmacSha256,
    /// ECDSA on P-256 with SHA-256: for whoever must not be able to forge.
    Es256,
}

impl Algorithm {
    fn code(self) -> u16 {
        match self {
            Self::HmacSha256 => 1,
            Self::Es256 => 2,
        }
    }

    fn read(code: u16) -> Option<Self> {
        [Self::HmacSha256, Self::Es256].into_iter().find(|algorithm| algorithm.code() == code)
    }

    /// How many bytes its signature has.
    pub fn signature_length(self) -> usize {
        match self {
            Self::HmacSha256 => 32,
            Self::Es256 => 64,
        }
    }
}

/// What a snapshot says of itself. Only [`Snapshot::open`](super::Snapshot::open) makes it trustworthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub(super) section_count: u32,
    pub(super) tenant: Uuid,
    pub(super) policy_version: u64,
    pub(super) created: i64,
    pub(super) content_hash: [u8; 32],
    pub(super) algorithm: Algorithm,
    pub(super) key_id: KeyId,
    pub(super) signature: [u8; SIGNATURE_ROOM],
}

impl Header {
    /// The tenant whose snapshot it is.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// The tenant's policy version that it was made for.
    pub fn policy_version(&self) -> u64 {
        self.policy_version
    }

    /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn created(&self) -> i64 {
        self.created
    }

    /// SHA-256 of the content: the same rows give the same hash, whatever the version and time.
    pub fn content_hash(&self) -> [u8; 32] {
        self.content_hash
    }

    /// The content hash as 64 lower-case hexadecimal digits.
    pub fn content_hash_hex(&self) -> String {
        hex::encode(self.content_hash)
    }

    /// With what it is signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of the key that it is signed with.
    pub fn key_id(&self) -> &str {
        self.key_id.as_str()
    }

    /// The signature over the file's first [`SIGNED_LENGTH`] bytes.
    pub fn signature(&self) -> &[u8] {
        self.signature.get(..self.algorithm.signature_length()).unwrap_or(&self.signature)
    }

    /// The header's bytes before the signature.
    pub(super) fn write_signed(&self) -> Vec<u8> {
        let key_id = self.key_id.as_str().as_bytes();
        let mut out = Vec::with_capacity(HEADER_LENGTH);
        out.extend(MAGIC);
        out.extend(FORMAT_VERSION.to_le_bytes());
        out.extend(self.section_count.to_le_bytes());
        out.extend(self.tenant.as_bytes());
        out.extend(self.policy_version.to_le_bytes());
        out.extend(self.created.to_le_bytes());
        out.extend(self.content_hash);
        out.extend(self.algorithm.code().to_le_bytes());
        out.extend((key_id.len() as u16).to_le_bytes());
        out.extend(key_id);
        out.resize(SIGNED_LENGTH - 4, 0);
        out.extend((self.algorithm.signature_length() as u32).to_le_bytes());
        out
    }

    /// The header at the start of a file. Gives the rest of the file as well.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), SnapshotError> {
        let known = MAGIC.len().min(bytes.len());
        if bytes.is_empty() || bytes.get(..known) != MAGIC.get(..known) {
            return Err(SnapshotError::NotASnapshot);
        }
        let mut fields = Fields(bytes);
        fields.take::<8>()?;
        let format = u32::from_le_bytes(fields.take()?);
        if format != FORMAT_VERSION {
            return Err(SnapshotError::UnknownFormat { found: format });
        }
        let section_count = u32::from_le_bytes(fields.take()?);
        let tenant = Uuid::from_bytes(fields.take()?);
        let policy_version = u64::from_le_bytes(fields.take()?);
        let created = i64::from_le_bytes(fields.take()?);
        let content_hash = fields.take()?;
        let algorithm = u16::from_le_bytes(fields.take()?);
        let key_id_length = u16::from_le_bytes(fields.take()?);
        let key_id = fields.take::<64>()?;
        let signature_length = u32::from_le_bytes(fields.take()?);
        let signature = fields.take::<SIGNATURE_ROOM>()?;

        let malformed = |part| SnapshotError::Malformed { part };
        if section_count > MAX_SECTIONS {
            return Err(malformed("the number of sections"));
        }
        let algorithm = Algorithm::read(algorithm).ok_or(malformed("the signature algorithm"))?;
        let key_id = unpadded(&key_id, usize::from(key_id_length))
            .and_then(|id| std::str::from_utf8(id).ok())
            .and_then(|id| KeyId::new(id).ok())
            .ok_or(malformed("the key id"))?;
        if signature_length != algorithm.signature_length() as u32
            || unpadded(&signature, algorithm.signature_length()).is_none()
        {
            return Err(malformed("the signature's length"));
        }
        let header =
            Self { section_count, tenant, policy_version, created, content_hash, algorithm, key_id, signature };
        Ok((header, fields.0))
    }
}

/// The fields of a file, taken one after another from its start.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(SnapshotError::Truncated)?;
        self.0 = rest;
        Ok(*field)
    }
}

/// The first `length` bytes of a field, if nothing but zeros is behind them.
fn unpadded(field: &[u8], length: usize) -> Option<&[u8]> {
    let (value, padding) = field.split_at_checked(length)?;
    padding.iter().all(|byte| *byte == 0).then_some(value)
}
