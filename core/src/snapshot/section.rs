//! What kinds of section a snapshot has, and their numbers in the file.

use super::SnapshotError;

/// What a section holds. Those from `Text` on are arrays of records, which `store` describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SectionKind {
    /// The tenant: id, status, flags. JSON.
    Tenant,
    /// The schema. JSON.
    Schema,
    /// The policies as Cedar text, deflated.
    Cedar,
    /// Where every policy comes from. Left out of what a browser gets, with the two that belong to it.
    Source,
    /// One principal, for a store beside the snapshot. JSON.
    Principal,
    /// What stands before the tenant's applications. JSON. Left out where nothing does.
    Routes,
    /// Which decisions are logged. JSON. Left out where the tenant says nothing of it.
    DecisionLog,
    /// All texts, one behind the other.
    Text,
    /// Where each text begins and the last one ends.
    TextBound,
    /// Entities: actions, roles, groups, organization units, registered resources and what policies name.
    Entity,
    /// Where the buckets of entities begin.
    EntityBucket,
    /// The entities in the order of their buckets.
    EntitySlot,
    /// What lies in what, and until when.
    Edge,
    /// The rows that say so.
    EdgeRow,
    /// The attributes of principals and resources.
    Value,
    /// The programs of the policies.
    Node,
    /// What nodes have in no fixed number.
    List,
    /// The nodes of the flags' conditions.
    Flag,
    /// The policies: scopes and conditions.
    Policy,
    /// The policies in the order of their buckets, once an action.
    Index,
    /// Where the buckets of the index begin.
    IndexBucket,
    /// The row behind each record of the index.
    SourceRow,
    /// The rows behind a record of the index that has several, or another than one of `role_permission`.
    SourceDetail,
    /// The principals. Left out, with the two that belong to it, where they are kept beside the snapshot.
    Principals,
    /// The names of the principals in the order of their buckets.
    Name,
    /// Where the buckets of names begin.
    NameBucket,
}

/// Bit 31 of a kind: a reader that does not know the kind may ignore the section.
pub(super) const OPTIONAL: u32 = 1 << 31;

impl SectionKind {
    /// Every kind, in the order of the file.
    pub const ALL: [Self; 26] = [
        Self::Tenant,
        Self::Schema,
        Self::Cedar,
        Self::Source,
        Self::Principal,
        Self::Text,
        Self::TextBound,
        Self::Entity,
        Self::EntityBucket,
        Self::EntitySlot,
        Self::Edge,
        Self::Value,
        Self::Node,
        Self::List,
        Self::Flag,
        Self::Policy,
        Self::Index,
        Self::IndexBucket,
        Self::SourceRow,
        Self::SourceDetail,
        Self::Principals,
        Self::Name,
        Self::NameBucket,
        Self::EdgeRow,
        Self::Routes,
        Self::DecisionLog,
    ];

    /// The kind as it stands in the file. Numbers are never given twice, even when a kind is retired.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Tenant => 1,
            Self::Schema => 2,
            Self::Cedar => 3,
            Self::Source => OPTIONAL | 4,
            Self::Principal => 5,
            Self::Routes => OPTIONAL | 6,
            Self::DecisionLog => OPTIONAL | 7,
            Self::Text => 16,
            Self::TextBound => 17,
            Self::Entity => 18,
            Self::EntityBucket => 19,
            Self::EntitySlot => 20,
            Self::Edge => 21,
            Self::Value => 22,
            Self::Node => 23,
            Self::List => 24,
            Self::Flag => 25,
            Self::Policy => 26,
            Self::Index => 27,
            Self::IndexBucket => 28,
            Self::SourceRow => OPTIONAL | 29,
            Self::SourceDetail => OPTIONAL | 30,
            Self::Principals => 31,
            Self::Name => 32,
            Self::NameBucket => 33,
            Self::EdgeRow => 34,
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
            Self::Source => "source",
            Self::Principal => "principal",
            Self::Routes => "routes",
            Self::DecisionLog => "decision_log",
            Self::Text => "text",
            Self::TextBound => "text_bound",
            Self::Entity => "entity",
            Self::EntityBucket => "entity_bucket",
            Self::EntitySlot => "entity_slot",
            Self::Edge => "edge",
            Self::Value => "value",
            Self::Node => "node",
            Self::List => "list",
            Self::Flag => "flag",
            Self::Policy => "policy",
            Self::Index => "index",
            Self::IndexBucket => "index_bucket",
            Self::SourceRow => "source_row",
            Self::SourceDetail => "source_detail",
            Self::Principals => "principals",
            Self::Name => "name",
            Self::NameBucket => "name_bucket",
            Self::EdgeRow => "edge_row",
        }
    }
}
