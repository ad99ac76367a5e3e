//! The content: the section table, the sections behind it, and their hash.

use super::header::{Fields, HEADER_LENGTH};
use super::section::OPTIONAL;
use super::{FORMAT_VERSION, SectionKind, SnapshotError};
use sha2::{Digest, Sha256};
use std::ops::Range;
use uuid::Uuid;

/// How many sections a snapshot may have.
pub const MAX_SECTIONS: u32 = 1024;

const ENTRY_LENGTH: u64 = 24;
const ALIGNMENT: u64 = 8;

/// The section table and the sections, as they stand behind the header. Sections in ascending order of kind.
pub(super) fn write<'a>(sections: impl ExactSizeIterator<Item = (u32, &'a [u8])> + Clone, out: &mut Vec<u8>) {
    let mut offset = HEADER_LENGTH as u64 + sections.len() as u64 * ENTRY_LENGTH;
    for (kind, bytes) in sections.clone() {
        out.extend(kind.to_le_bytes());
        out.extend([0; 4]);
        out.extend(offset.to_le_bytes());
        out.extend((bytes.len() as u64).to_le_bytes());
        offset += (bytes.len() as u64).next_multiple_of(ALIGNMENT);
    }
    for (_, bytes) in sections {
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(ALIGNMENT as usize), 0);
    }
}

/// A section of a file: its kind as written, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) code: u32,
    pub(super) kind: Option<SectionKind>,
    pub(super) range: Range<usize>,
}

/// Where the sections of a file are, with every rule of the layout checked; `count` is that of the header.
pub(super) fn read(file: &[u8], count: u32) -> Result<Vec<Section>, SnapshotError> {
    let malformed = |part| SnapshotError::Malformed { part };
    let mut table = Fields(file.get(HEADER_LENGTH..).ok_or(SnapshotError::Truncated)?);
    // Each offset is known from what came before it; so there can be no gap, no overlap and no second layout.
    let mut expected = HEADER_LENGTH as u64 + u64::from(count) * ENTRY_LENGTH;
    let mut last_number = None;
    let mut sections = Vec::new();
    for _ in 0..count {
        let code = u32::from_le_bytes(table.take()?);
        let reserved = u32::from_le_bytes(table.take()?);
        let offset = u64::from_le_bytes(table.take()?);
        let length = u64::from_le_bytes(table.take()?);
        if reserved != 0 {
            return Err(malformed("a reserved field of the section table"));
        }
        if last_number.is_some_and(|last| code & !OPTIONAL <= last) {
            return Err(malformed("the order of the sections"));
        }
        last_number = Some(code & !OPTIONAL);
        if offset != expected {
            return Err(malformed("a section's offset"));
        }
        let end = offset.checked_add(length).ok_or(malformed("a section's length"))?;
        expected = end.checked_next_multiple_of(ALIGNMENT).ok_or(malformed("a section's length"))?;
        // Against the file's own length before it is used: nothing is trusted that is not there.
        let at = |position: u64| usize::try_from(position).map_err(|_| SnapshotError::Truncated);
        let padding = file.get(at(end)?..at(expected)?).ok_or(SnapshotError::Truncated)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(malformed("the padding of a section"));
        }
        sections.push(Section { code, kind: SectionKind::read(code)?, range: at(offset)?..at(end)? });
    }
    if expected != file.len() as u64 {
        return Err(malformed("bytes behind the last section"));
    }
    Ok(sections)
}

/// The SHA-256 of some bytes.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The content hash, as the module's documentation states it: of the sections' kinds, lengths and digests.
pub(super) fn hash(tenant: Uuid, sections: impl ExactSizeIterator<Item = (u32, usize, [u8; 32])>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(FORMAT_VERSION.to_le_bytes());
    hash.update(tenant.as_bytes());
    hash.update((sections.len() as u32).to_le_bytes());
    for (kind, length, digest) in sections {
        hash.update(kind.to_le_bytes());
        hash.update((length as u64).to_le_bytes());
        hash.update(digest);
    }
    hash.finalize().into()
}
