//! What lies in a snapshot, read in place: arrays of records, each a section of its own.
//!
//! A reader borrows the arrays from the file. [`Store::open`] holds every reference from one record to another against
//! the array that it refers to, and every bucket against what lies in it; after that, nothing read here can go wrong.
//! [`write`] is the other side.

mod error;
pub(crate) mod hash;
#[cfg(feature = "cedar")]
mod hierarchy;
mod lookup;
mod principal;
pub(crate) mod record;
pub(crate) mod section;
mod source;
mod text;
mod value;
#[cfg(feature = "cedar")]
pub(crate) mod write;

pub use error::EngineError;
pub(crate) use error::malformed;
pub(crate) use lookup::Lookup;
pub(crate) use text::{Texts, same};

use crate::model::Timestamp;
use crate::snapshot::{SectionKind, Snapshot};
use hash::Buckets;
use record::{
    ASKS_MORE, EDGE_TABLES, EdgeRecord, EntityRecord, IndexRecord, NAMED, NONE, NameRecord, NodeRecord, ORIGINS,
    PolicyRecord, PrincipalRow, SOURCE_TABLES, SourceDetail, SourceRecord, ValueRecord,
};
use smallvec::SmallVec;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// The arrays of a snapshot. Programs are checked by whoever runs them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store<'a> {
    pub texts: Texts<'a>,
    pub entities: &'a [EntityRecord],
    entity_slots: &'a [U32],
    entity_buckets: Buckets<'a>,
    pub edges: &'a [EdgeRecord],
    edge_rows: &'a [[u8; 16]],
    pub values: &'a [ValueRecord],
    pub nodes: &'a [NodeRecord],
    pub lists: &'a [U32],
    /// Nodes: the conditions of the tenant's flags, in their order.
    pub flags: &'a [U32],
    pub policies: &'a [PolicyRecord],
    pub index: &'a [IndexRecord],
    pub index_buckets: Buckets<'a>,
    sources: &'a [SourceRecord],
    source_rows: &'a [[u8; 16]],
    source_details: &'a [SourceDetail],
    pub principals: &'a [PrincipalRow],
    names: &'a [NameRecord],
    name_buckets: Buckets<'a>,
}

/// The array that a section is.
fn records<T>(snapshot: &Snapshot, kind: SectionKind) -> Result<&[T], EngineError>
where
    T: FromBytes + Immutable + KnownLayout + Unaligned,
{
    let bytes = snapshot.required(kind)?;
    <[T]>::ref_from_bytes(bytes).map_err(|_| malformed(kind, "its length is no multiple of a record's"))
}

impl<'a> Store<'a> {
    /// Borrows the arrays of a snapshot and checks that they fit each other.
    ///
    /// # Errors
    /// A section that is not there or not what it should be.
    pub(crate) fn open(snapshot: &'a Snapshot) -> Result<Self, EngineError> {
        let entities: &[EntityRecord] = records(snapshot, SectionKind::Entity)?;
        let index: &[IndexRecord] = records(snapshot, SectionKind::Index)?;
        let mut store = Self {
            texts: Texts::open(snapshot)?,
            entities,
            entity_slots: records(snapshot, SectionKind::EntitySlot)?,
            entity_buckets: Buckets::open(snapshot, SectionKind::EntityBucket, entities.len())?,
            edges: records(snapshot, SectionKind::Edge)?,
            edge_rows: records(snapshot, SectionKind::EdgeRow)?,
            values: records(snapshot, SectionKind::Value)?,
            nodes: records(snapshot, SectionKind::Node)?,
            lists: records(snapshot, SectionKind::List)?,
            flags: records(snapshot, SectionKind::Flag)?,
            policies: records(snapshot, SectionKind::Policy)?,
            index,
            index_buckets: Buckets::open(snapshot, SectionKind::IndexBucket, index.len())?,
            ..Self::default()
        };
        if snapshot.section(SectionKind::Source).is_some() {
            store.sources = records(snapshot, SectionKind::Source)?;
            store.source_rows = records(snapshot, SectionKind::SourceRow)?;
            store.source_details = records(snapshot, SectionKind::SourceDetail)?;
        }
        if snapshot.section(SectionKind::Principals).is_some() {
            store.principals = records(snapshot, SectionKind::Principals)?;
            store.names = records(snapshot, SectionKind::Name)?;
            store.name_buckets = Buckets::open(snapshot, SectionKind::NameBucket, store.names.len())?;
        }
        store.check_entities()?;
        store.check_values()?;
        store.check_policies()?;
        store.check_sources()?;
        store.check_principals()?;
        Ok(store)
    }

    /// The number of an entity that policies name or that others lie in.
    pub(crate) fn entity(&self, ty: &str, id: &str) -> Option<u32> {
        let slots = self.entity_slots.get(self.entity_buckets.range(hash::of_entity(ty, id)))?;
        slots.iter().map(|slot| slot.get()).find(|number| {
            let key = self.entity_key(*number);
            same(key.1, id) && same(key.0, ty)
        })
    }

    /// The type and id of an entity.
    pub(crate) fn entity_key(&self, number: u32) -> (&'a str, &'a str) {
        let entity = self.entities.get(number as usize);
        entity.map_or(("", ""), |entity| (self.texts.get(entity.ty.get()), self.texts.get(entity.id.get())))
    }

    /// What an entity lies in directly.
    pub(crate) fn above(&self, number: u32) -> &'a [EdgeRecord] {
        self.entities.get(number as usize).map_or(&[], |entity| entity.above.of(self.edges))
    }

    /// Visits everything that an entity lies in at an instant, until the visitor is satisfied; itself excluded. A cycle
    /// ends. Whether the visitor was satisfied.
    pub(crate) fn climb(&self, entity: u32, now: Timestamp, found: &mut dyn FnMut(u32) -> bool) -> bool {
        let mut seen: SmallVec<[u32; 16]> = SmallVec::from_slice(&[entity]);
        let mut next = 0;
        while let Some(entity) = seen.get(next).copied() {
            next += 1;
            for edge in self.above(entity).iter().filter(|edge| edge.holds(now)) {
                let above = edge.to.get();
                if !seen.contains(&above) {
                    if found(above) {
                        return true;
                    }
                    seen.push(above);
                }
            }
        }
        false
    }

    /// What people call an entity.
    pub(crate) fn entity_name(&self, number: u32) -> String {
        let name = self.entities.get(number as usize).map_or(NONE, |entity| entity.name.get());
        self.texts.find(name).unwrap_or_default().to_owned()
    }

    fn check_entities(&self) -> Result<(), EngineError> {
        let broken = |what| Err(malformed(SectionKind::Entity, what));
        for entity in self.entities {
            let texts = [entity.ty, entity.id].iter().all(|text| self.texts.has(text.get()));
            let perhaps = [entity.name, entity.wrong].iter().all(|text| self.has_or_none(text.get()));
            if !texts || !perhaps {
                return broken("a text that is not there");
            }
            if !entity.above.fits(self.edges.len()) || !entity.attributes.fits(self.values.len()) {
                return broken("a run that is not there");
            }
        }
        if self.entity_slots.len() != self.entities.len() {
            return broken("a slot that is not there");
        }
        for number in 0..self.entities.len() as u32 {
            // In its bucket, and no other of its name before it: else a forbid could be passed by.
            let (ty, id) = self.entity_key(number);
            if self.entity(ty, id) != Some(number) {
                return broken("an entity that cannot be found");
            }
        }
        for edge in self.edges {
            let Some(to) = self.entities.get(edge.to.get() as usize) else {
                return Err(malformed(SectionKind::Edge, "an entity that is not there"));
            };
            let row = edge.row.get();
            if row != NONE && row as usize >= self.edge_rows.len() {
                return Err(malformed(SectionKind::Edge, "a row that is not there"));
            }
            if edge.table() >= EDGE_TABLES.len() || edge.leads_to_named() != (to.flags.get() & NAMED != 0) {
                return Err(malformed(SectionKind::Edge, "a table that is not there, or what scopes do not say"));
            }
        }
        Ok(())
    }

    fn check_policies(&self) -> Result<(), EngineError> {
        let broken = |what| Err(malformed(SectionKind::Policy, what));
        let mut last = None;
        for policy in self.policies {
            let types = [policy.principal_type, policy.resource_type];
            if !self.texts.has(policy.id.get()) || !types.iter().all(|text| self.has_or_none(text.get())) {
                return broken("a text that is not there");
            }
            for entity in [policy.principal, policy.resource] {
                if !self.is_named_or_none(entity.get()) {
                    return broken("an entity that is not there, or not marked as named");
                }
            }
            if policy.asks_more() != (policy.flags.get() & ASKS_MORE != 0) {
                return broken("a flag that its scope does not say");
            }
            if policy.condition.get() != NONE && policy.condition.get() as usize >= self.nodes.len() {
                return broken("a node that is not there");
            }
            let id = Some(self.texts.get(policy.id.get()));
            if id <= last {
                return broken("the order of the ids");
            }
            last = id;
        }
        let flags = self.flags.iter().map(|flag| flag.get());
        if !flags.into_iter().all(|node| node == NONE || (node as usize) < self.nodes.len()) {
            return Err(malformed(SectionKind::Flag, "a node that is not there"));
        }
        for (position, grant) in self.index.iter().enumerate() {
            let Some(policy) = self.policies.get(grant.policy.get() as usize) else {
                return Err(malformed(SectionKind::Index, "a policy that is not there"));
            };
            let action = grant.action.get();
            if !self.is_named_or_none(action) {
                return Err(malformed(SectionKind::Index, "an entity that is not there, or not marked as named"));
            }
            let hash = hash::of_scope(policy.principal.get(), action, policy.resource.get());
            if !self.index_buckets.range(hash).contains(&position) {
                return Err(malformed(SectionKind::Index, "a grant in another's bucket"));
            }
        }
        Ok(())
    }

    fn check_sources(&self) -> Result<(), EngineError> {
        if self.sources.is_empty() {
            return Ok(());
        }
        let broken = |what| Err(malformed(SectionKind::Source, what));
        if self.sources.len() != self.policies.len() || self.source_rows.len() != self.index.len() {
            return broken("a policy or a grant without its source");
        }
        for source in self.sources {
            let texts = [source.id, source.name].iter().all(|text| self.texts.has(text.get()));
            if !texts || !self.has_or_none(source.condition.get()) || source.origin.get() as usize >= ORIGINS.len() {
                return broken("a text or an origin that is not there");
            }
        }
        let mut last = 0;
        for detail in self.source_details {
            let (grant, table) = (detail.grant.get(), detail.table.get() as usize);
            if grant < last || grant as usize >= self.index.len() || table >= SOURCE_TABLES.len() {
                return Err(malformed(SectionKind::SourceDetail, "a grant or a table that is not there"));
            }
            last = grant;
        }
        Ok(())
    }

    /// What a scope names is marked as named: else it would be passed over.
    fn is_named_or_none(&self, entity: u32) -> bool {
        let record = self.entities.get(entity as usize);
        entity == NONE || record.is_some_and(|entity| entity.flags.get() & NAMED != 0)
    }

    fn has_or_none(&self, text: u32) -> bool {
        text == NONE || self.texts.has(text)
    }
}
