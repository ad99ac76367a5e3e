//! Building a snapshot. The same sections, version, time and key give the same bytes.

use super::header::{HEADER_LENGTH, Header};
use super::{SectionKind, SigningKey, content};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Collects the sections of a tenant's snapshot, then signs.
#[derive(Debug, Clone)]
pub struct SnapshotBuilder {
    tenant: Uuid,
    /// By number, without the optional bit, with the kind as it stands in the file.
    sections: BTreeMap<u32, (u32, Vec<u8>)>,
}

impl SnapshotBuilder {
    /// A snapshot of this tenant, without sections yet.
    pub fn new(tenant: Uuid) -> Self {
        Self { tenant, sections: BTreeMap::new() }
    }

    /// Adds a section, in any order. One of the same kind is replaced.
    #[must_use]
    pub fn section(self, kind: SectionKind, bytes: impl Into<Vec<u8>>) -> Self {
        self.coded_section(kind.code(), bytes.into())
    }

    /// Signs and writes the file: the tenant's policy version, and the time in milliseconds since 1970-01-01T00:00:00Z.
    pub fn build(&self, policy_version: u64, created: i64, key: &SigningKey) -> Vec<u8> {
        let sections = self.sections.values().map(|(kind, bytes)| (*kind, bytes.as_slice()));
        let header = Header {
            section_count: self.sections.len() as u32,
            tenant: self.tenant,
            policy_version,
            created,
            content_hash: self.content_hash(),
            algorithm: key.algorithm(),
            key_id: key.key_id(),
            signature: [0; 64],
        };
        let mut out = header.write_signed();
        let signature = key.sign(self.tenant, &out);
        out.extend(signature);
        out.resize(HEADER_LENGTH, 0);
        content::write(sections, &mut out);
        out
    }

    /// The content hash that the file will have, without a key: to know whether anything changed.
    pub fn content_hash(&self) -> [u8; 32] {
        content::hash(
            self.tenant,
            self.sections.values().map(|(kind, bytes)| (*kind, bytes.len(), content::digest(bytes))),
        )
    }

    /// Adds a section by its number in the file; tests write kinds that this program does not know.
    pub(super) fn coded_section(mut self, code: u32, bytes: Vec<u8>) -> Self {
        self.sections.insert(code & !super::section::OPTIONAL, (code, bytes));
        self
    }
}
