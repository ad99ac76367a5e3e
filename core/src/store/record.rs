//! The records, as they lie in the file: little-endian, unaligned, without padding between them.
//!
//! Whatever refers to a record of another array does so by its position there; [`NONE`] refers to nothing.

use zerocopy::little_endian::{I64, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Refers to nothing.
pub(crate) const NONE: u32 = u32::MAX;

/// The end of what does not end, in milliseconds since 1970.
pub(crate) const NEVER: i64 = i64::MAX;

/// A run of records in another array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Run {
    pub start: U32,
    pub length: U32,
}

/// An entity that policies name, or that others lie in.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct EntityRecord {
    /// Text: its type.
    pub ty: U32,
    /// Text: its id within the type.
    pub id: U32,
    /// Text: what people call it.
    pub name: U32,
    /// Bits: [`NAMED`], [`EXISTS`], [`REGISTERED`].
    pub flags: U32,
    /// Edges: what it lies in directly.
    pub above: Run,
    /// Values: the attributes of a registered resource.
    pub attributes: Run,
    /// Text: the path of the first attribute that does not fit its type.
    pub wrong: U32,
}

/// A scope names the entity.
pub(crate) const NAMED: u32 = 1;
/// The entity is a role that is active, a group or an organization unit of the directory.
pub(crate) const EXISTS: u32 = 2;
/// The entity is a resource of the registry.
pub(crate) const REGISTERED: u32 = 4;

/// That something lies in an entity, and until when.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct EdgeRecord {
    /// Entity: what it leads to.
    pub to: U32,
    /// The table of the row that says so: a position in [`EDGE_TABLES`]; and the bit [`TO_NAMED`].
    pub flags: U32,
    /// When it ends, in milliseconds since 1970; [`NEVER`].
    pub until: I64,
    /// Edge row: the id of the row. Apart, since no decision looks at it.
    pub row: U32,
}

/// A scope names the entity that an edge leads to.
pub(crate) const TO_NAMED: u32 = 1 << 8;

/// The tables whose rows make edges; the first stands for none.
pub(crate) const EDGE_TABLES: [&str; 5] =
    ["", "user_role", "access_request", "user_group_membership", "user_group_role"];

/// An attribute, or an element of a set.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct ValueRecord {
    /// Text: the attribute's name.
    pub name: U32,
    /// What the rest means: one of [`kind`].
    pub kind: U32,
    /// The lower half of a number; a text; or the start of a run of values.
    pub a: U32,
    /// The upper half of a number; a text; or the length of a run of values.
    pub b: U32,
}

/// The kinds of value.
pub(crate) mod kind {
    pub(crate) const BOOL: u32 = 0;
    pub(crate) const LONG: u32 = 1;
    pub(crate) const TEXT: u32 = 2;
    pub(crate) const DECIMAL: u32 = 3;
    pub(crate) const IP: u32 = 4;
    pub(crate) const DATETIME: u32 = 5;
    pub(crate) const DURATION: u32 = 6;
    pub(crate) const ENTITY: u32 = 7;
    pub(crate) const SET: u32 = 8;
    pub(crate) const RECORD: u32 = 9;
    /// A value that does not fit its declared type, as JSON text. Nothing is decided with it.
    pub(crate) const WRONG: u32 = 10;
}

/// A node of a program; what the fields mean is said in `engine::program`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NodeRecord {
    pub op: U32,
    pub a: U32,
    pub b: U32,
    pub c: U32,
}

/// A policy. In the order of their ids.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PolicyRecord {
    /// Text: its id.
    pub id: U32,
    /// Entity: what the principal is or lies in.
    pub principal: U32,
    /// Entity: what the resource is or lies in.
    pub resource: U32,
    /// Text: the principal's type.
    pub principal_type: U32,
    /// Text: the resource's type.
    pub resource_type: U32,
    /// Node: what else must hold.
    pub condition: U32,
    /// Bits: [`FORBIDS`], [`PRINCIPAL_EXACTLY`], [`RESOURCE_EXACTLY`], [`ASKS_MORE`].
    pub flags: U32,
}

/// The policy forbids; it permits otherwise.
pub(crate) const FORBIDS: u32 = 1;
/// The principal must be the entity itself, not only lie in it.
pub(crate) const PRINCIPAL_EXACTLY: u32 = 2;
/// The resource must be the entity itself, not only lie in it.
pub(crate) const RESOURCE_EXACTLY: u32 = 4;

/// The scope asks more than the index finds the policy by: an entity itself, or a type.
pub(crate) const ASKS_MORE: u32 = 8;

/// A policy under one of the actions that its scope names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct IndexRecord {
    /// Entity: the action, or what it lies in.
    pub action: U32,
    /// Policy.
    pub policy: U32,
}

/// Where a policy comes from; one a policy, in their order.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SourceRecord {
    /// A position in [`ORIGINS`].
    pub origin: U32,
    /// Text: the id of the role, service account, request or setting.
    pub id: U32,
    /// Text: its name; of a request, the user who asked.
    pub name: U32,
    /// Text: the condition as it was written, JSON.
    pub condition: U32,
    /// When it ends, in milliseconds since 1970; [`NEVER`].
    pub until: I64,
}

/// What policies are made from.
pub(crate) const ORIGINS: [&str; 5] = ["role", "service_account", "access_request", "tenant_setting", "guardrail"];

/// A row behind a grant that is not one whole row of `role_permission`, or not the only one. In the order of the index.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct SourceDetail {
    /// Index record: the grant.
    pub grant: U32,
    /// A position in [`SOURCE_TABLES`].
    pub table: U32,
    /// The position within the row's list of permissions.
    pub position: U32,
    /// The row's id.
    pub row: [u8; 16],
}

/// The tables whose rows grant, with the column that lists permissions.
pub(crate) const SOURCE_TABLES: [(&str, &str); 4] = [
    ("role_permission", ""),
    ("role", "permissions"),
    ("service_account", "permissions"),
    ("access_request", "requested_permissions"),
];

/// A user or service account.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PrincipalRow {
    /// 0 is a user, 1 a service account.
    pub ty: U32,
    /// 0 is active, 1 inactive, 2 deleted.
    pub state: U32,
    /// Text: the row's id.
    pub id: U32,
    /// Entity: where policies name it.
    pub entity: U32,
    /// Edges: the roles that it has.
    pub roles: Run,
    /// Edges: the groups that it is in.
    pub groups: Run,
    /// Values: its attributes, as far as the schema declares them as the directory's.
    pub attributes: Run,
    /// Text: the path of the first attribute that does not fit its type.
    pub wrong: U32,
}

/// A name of a principal: its id, its username or its e-mail address.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct NameRecord {
    /// Text: the name.
    pub name: U32,
    /// The upper half of its hash, whose lower half chooses the bucket: what else lies there is seldom looked at.
    pub hash: U32,
    /// Principal.
    pub principal: U32,
}

impl PolicyRecord {
    /// Whether the scope asks more than the index finds the policy by.
    pub(crate) fn asks_more(&self) -> bool {
        let exactly = self.flags.get() & (PRINCIPAL_EXACTLY | RESOURCE_EXACTLY) != 0;
        exactly || self.principal_type.get() != NONE || self.resource_type.get() != NONE
    }
}

impl Run {
    /// A run; `None` where it is too large to be written.
    #[cfg(feature = "cedar")]
    pub(crate) fn new(start: usize, length: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?.into(), length: u32::try_from(length).ok()?.into() })
    }

    /// The records of the run.
    pub(crate) fn of<T>(self, records: &[T]) -> &[T] {
        let start = self.start.get() as usize;
        // Every run was held against its array when the store was opened.
        start.checked_add(self.length.get() as usize).and_then(|end| records.get(start..end)).unwrap_or_default()
    }

    /// Whether the run lies within an array of this length.
    pub(crate) fn fits(self, length: usize) -> bool {
        (self.start.get() as usize).checked_add(self.length.get() as usize).is_some_and(|end| end <= length)
    }
}
