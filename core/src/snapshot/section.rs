//! What kinds of section a snapshot has, and their numbers in the file.

use super::SnapshotError;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SectionKind {
    /// The tenant: id, status, flags. JSON.
    Tenant,
    /// The Cedar schema. JSON.
    Schema,
    /// The policies. Cedar text.
    Cedar,
    /// From a policy and an action back to the rows. JSON. Left out of what a browser gets.
    SourceMap,
    /// Roles, groups and organization units, and what lies in what. JSON.
    Hierarchy,
    /// The principals. JSON. Left out where they are kept beside the snapshot.
    Principals,
}

/// Bit 31 of a kind: a reader that does not know the kind may ignore the section.
pub(super) const OPTIONAL: u32 = 1 << 31;

impl SectionKind {
    /// Every kind, in the order of the file.
    pub const ALL: [Self; 6] =
        [Self::Tenant, Self::Schema, Self::Cedar, Self::SourceMap, Self::Hierarchy, Self::Principals];

    /// The kind as it stands in the file. Numbers are never given twice, even when a kind is retired.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Tenant => 1,
            Self::Schema => 2,
            Self::Cedar => 3,
            Self::SourceMap => OPTIONAL | 4,
            Self::Hierarchy => 5,
            Self::Principals => 6,
        }
    }

    /// The kind that a number in a file means; `None` for one that is not known and may be ignored.
    pub(super) fn read(code: u32) -> Result<Option<Self>, SnapshotError> {
        match Self::ALL.into_iter().find(|kind| kind.code() & !OPTIONAL == code & !OPTIONAL) {
            Some(kind) if kind.code() == code => Ok(Some(kind)),
            // Ignoring a section that we know, because its bit was turned, would be reading another content.
            Some(_) => Err(SnapshotError::Malformed { part: "a section's optional bit" }),
            None if code & OPTIONAL != 0 => Ok(None),
            None => Err(SnapshotError::UnknownSection { kind: code }),
        }
    }

    /// The section's name, as in documentation and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Schema => "schema",
            Self::Cedar => "cedar",
            Self::SourceMap => "source_map",
            Self::Hierarchy => "hierarchy",
            Self::Principals => "principals",
        }
    }
}
