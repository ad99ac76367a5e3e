//! Who asks, as a decision sees it: what the principal lies in at an instant, and its attributes.

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
pub(crate) struct Subject<'a> {
    pub ty: &'a str,
    pub id: &'a str,
    pub attributes: Attributes<'a>,
    /// The roles, groups and organization units that it lies in.
    pub above: Entities,
    /// Itself and what it lies in, as far as scopes name them.
    pub keys: Entities,
}

impl Principal<'_> {
    /// `User` or `ServiceAccount`.
    pub(crate) fn type_name(&self) -> &str {
        match self {
            Self::Row(row) => row.type_name(),
            Self::Record(record) => &record.r#type,
        }
    }

    /// Whether it may act.
    pub(crate) fn state(&self) -> PrincipalState {
        match self {
            Self::Row(row) => row.state(),
            Self::Record(record) => record.state,
        }
    }
}

impl<'a> Subject<'a> {
    /// A principal at an instant.
    ///
    /// # Errors
    /// The path of an attribute that does not fit its type.
    pub(crate) fn new(view: &'a View<'a>, principal: Principal<'a>, now: Timestamp) -> Result<Self, Wrong> {
        match principal {
            Principal::Row(row) => Self::of_row(view, row, now),
            Principal::Record(record) => Self::of_record(view, record, now),
        }
    }

    fn of_row(view: &'a View<'a>, row: &PrincipalRow, now: Timestamp) -> Result<Self, Wrong> {
        let store = &view.store;
        if let Some(path) = store.texts.find(row.wrong.get()) {
            return Err(Wrong::at("principal", path));
        }
        let mut subject = Self {
            ty: row.type_name(),
            id: store.texts.get(row.id.get()),
            attributes: Attributes::Stored(row.attributes.of(store.values)),
            above: Entities::new(),
            keys: Entities::new(),
        };
        subject.add_key(view, row.entity.get());
        for edge in row.roles.of(store.edges).iter().filter(|edge| edge.holds(now)) {
            subject.add(view, edge.to.get());
        }
        for edge in row.groups.of(store.edges).iter().filter(|edge| edge.holds(now)) {
            subject.add_with_above(view, edge.to.get(), now);
        }
        Ok(subject)
    }

    fn of_record(view: &'a View<'a>, record: &'a PrincipalRecord, now: Timestamp) -> Result<Self, Wrong> {
        let declared = if record.r#type == SERVICE_ACCOUNT { &view.service_account } else { &view.user };
        let attributes = read_all(declared, &record.attributes).map_err(|wrong| wrong.below("principal"))?;
        let mut subject = Self {
            ty: &record.r#type,
            id: &record.id,
            attributes: Attributes::Read(attributes),
            above: Entities::new(),
            keys: Entities::new(),
        };
        subject.add_key(view, view.store.entity(subject.ty, subject.id).unwrap_or(NONE));
        let known = |ty: &str, edge: &Edge| {
            let number = view.store.entity(ty, &edge.to).filter(|_| edge.holds(now))?;
            let entity = view.store.entities.get(number as usize)?;
            (entity.flags.get() & EXISTS != 0).then_some(number)
        };
        for role in record.roles.iter().filter_map(|edge| known(ROLE, edge)) {
            subject.add(view, role);
        }
        for group in record.groups.iter().filter_map(|edge| known(GROUP, edge)) {
            subject.add_with_above(view, group, now);
        }
        Ok(subject)
    }

    fn add(&mut self, view: &View<'_>, entity: Key) {
        self.above.push(entity);
        self.add_key(view, entity);
    }

    fn add_key(&mut self, view: &View<'_>, entity: Key) {
        let record = view.store.entities.get(entity as usize);
        if record.is_some_and(|record| record.flags.get() & NAMED != 0) {
            self.keys.push(entity);
        }
    }

    /// Adds an entity and everything that it lies in. What is there already is passed over, so a cycle ends.
    fn add_with_above(&mut self, view: &View<'_>, entity: Key, now: Timestamp) {
        let mut next = self.above.len();
        self.add(view, entity);
        while let Some(entity) = self.above.get(next).copied() {
            next += 1;
            for edge in view.store.above(entity).iter().filter(|edge| edge.holds(now)) {
                if !self.above.contains(&edge.to.get()) {
                    self.add(view, edge.to.get());
                }
            }
        }
    }
}
