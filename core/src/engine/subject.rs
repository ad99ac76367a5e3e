//! Who asks, as a decision sees it: what the principal lies in at an instant, and its attributes.

use super::AttributesRef;
use super::index::Key;
use super::view::View;
use super::world::{Attributes, Wrong, read_all};
use crate::directory::{Edge, PrincipalRecord, PrincipalState};
use crate::model::Timestamp;
use crate::schema::{GROUP, ROLE, SERVICE_ACCOUNT};
use crate::store::record::{EXISTS, NAMED, NONE, PrincipalRow};
use smallvec::SmallVec;

/// Some entities, by number.
pub(crate) type Entities = SmallVec<[Key; 16]>;

/// A principal as it is given: a row of the snapshot, or a record that the caller has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Principal<'a> {
    Row(&'a PrincipalRow),
    Record(&'a PrincipalRecord),
}

/// A principal, ready to be decided about.
#[derive(Default)]
pub(crate) struct Subject<'a> {
    pub ty: &'a str,
    pub id: &'a str,
    /// Itself, where a scope names it.
    entity: Option<Key>,
    pub attributes: Attributes<'a>,
    /// Itself and the roles, groups and organization units that it lies in, as far as scopes name them.
    pub keys: Entities,
    /// What else it lies in.
    others: Entities,
}

impl Principal<'_> {
    /// `User` or `ServiceAccount`.
    #[inline]
    pub(crate) fn type_name(&self) -> &str {
        match self {
            Self::Row(row) => row.type_name(),
            Self::Record(record) => &record.r#type,
        }
    }

    /// Whether it may act.
    #[inline]
    pub(crate) fn state(&self) -> PrincipalState {
        match self {
            Self::Row(row) => row.state(),
            Self::Record(record) => record.state,
        }
    }
}

impl<'a> Subject<'a> {
    /// Reads a principal at an instant.
    ///
    /// # Errors
    /// The path of an attribute that does not fit its type.
    #[inline]
    pub(crate) fn read(&mut self, view: &'a View<'a>, principal: Principal<'a>, now: Timestamp) -> Result<(), Wrong> {
        match principal {
            Principal::Row(row) => self.read_row(view, row, now),
            Principal::Record(record) => self.read_record(view, record, now),
        }
    }

    #[inline]
    fn read_row(&mut self, view: &'a View<'a>, row: &PrincipalRow, now: Timestamp) -> Result<(), Wrong> {
        let store = &view.store;
        if let Some(path) = store.texts.find(row.wrong.get()) {
            return Err(Wrong::at("principal", path));
        }
        self.ty = row.type_name();
        self.id = store.texts.get(row.id.get());
        self.attributes.stored = row.attributes.of(store.values);
        self.add_self(view, row.entity.get());
        for edge in row.roles.of(store.edges).iter().filter(|edge| edge.holds(now)) {
            self.add(edge.to.get(), edge.leads_to_named());
        }
        for edge in row.groups.of(store.edges).iter().filter(|edge| edge.holds(now)) {
            self.add_with_above(view, edge.to.get(), edge.leads_to_named(), now);
        }
        Ok(())
    }

    fn read_record(&mut self, view: &'a View<'a>, record: &'a PrincipalRecord, now: Timestamp) -> Result<(), Wrong> {
        let declared = if record.r#type == SERVICE_ACCOUNT { &view.service_account } else { &view.user };
        let given = AttributesRef::Json(&record.attributes);
        let read = read_all(&mut self.attributes.given, declared, given);
        read.map_err(|wrong| Wrong::from(wrong.below("principal")))?;
        self.ty = &record.r#type;
        self.id = &record.id;
        self.add_self(view, view.store.entity(self.ty, self.id).unwrap_or(NONE));
        let known = |ty: &str, edge: &Edge| {
            let number = view.store.entity(ty, &edge.to).filter(|_| edge.holds(now))?;
            let entity = view.store.entities.get(number as usize)?;
            (entity.flags.get() & EXISTS != 0).then_some((number, entity.flags.get() & NAMED != 0))
        };
        for (role, named) in record.roles.iter().filter_map(|edge| known(ROLE, edge)) {
            self.add(role, named);
        }
        for (group, named) in record.groups.iter().filter_map(|edge| known(GROUP, edge)) {
            self.add_with_above(view, group, named, now);
        }
        Ok(())
    }

    /// Whether it lies in an entity; itself excluded.
    pub(crate) fn lies_in(&self, entity: Key) -> bool {
        (self.keys.contains(&entity) && Some(entity) != self.entity) || self.others.contains(&entity)
    }

    /// Everything that it lies in.
    pub(crate) fn above(&self) -> impl Iterator<Item = Key> {
        let itself = self.entity;
        self.keys.iter().copied().filter(move |key| Some(*key) != itself).chain(self.others.iter().copied())
    }

    fn add_self(&mut self, view: &View<'_>, entity: Key) {
        let record = view.store.entities.get(entity as usize);
        if record.is_some_and(|record| record.flags.get() & NAMED != 0) {
            self.entity = Some(entity);
            self.keys.push(entity);
        }
    }

    #[inline]
    fn add(&mut self, entity: Key, named: bool) {
        if named { self.keys.push(entity) } else { self.others.push(entity) }
    }

    /// Adds an entity and everything that it lies in. What is there already is passed over, so a cycle ends.
    fn add_with_above(&mut self, view: &View<'_>, entity: Key, named: bool, now: Timestamp) {
        let mut left: Entities = SmallVec::from_slice(&[entity]);
        self.add(entity, named);
        while let Some(entity) = left.pop() {
            for edge in view.store.above(entity).iter().filter(|edge| edge.holds(now)) {
                let above = edge.to.get();
                if !self.keys.contains(&above) && !self.others.contains(&above) {
                    self.add(above, edge.leads_to_named());
                    left.push(above);
                }
            }
        }
    }
}
