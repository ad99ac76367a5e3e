//! Values while a program runs, and the world that they are read from.

use crate::schema::IpRange;
use std::cmp::Ordering;
use std::rc::Rc;

/// What a program reads: the request and the entities.
pub(crate) trait World<'a>: Sized {
    /// An entity, cheap to copy.
    type Entity: Copy + Ord;
    /// A set that lies in the world.
    type Set: Copy;
    /// A record that lies in the world.
    type Record: Copy;

    /// Who asks.
    fn principal(&self) -> Self::Entity;
    /// What to do.
    fn action(&self) -> Self::Entity;
    /// With what.
    fn resource(&self) -> Self::Entity;
    /// Under which circumstances.
    fn context(&self) -> Self::Record;
    /// A text that a policy names.
    fn text(&self, text: u32) -> &'a str;
    /// An entity that a policy names.
    fn constant(&self, constant: u32) -> Self::Entity;
    /// Whether an entity is of a type, which is a text.
    fn is_of_type(&self, entity: Self::Entity, ty: u32) -> bool;
    /// Whether an entity lies in another, at any distance; itself excluded.
    fn lies_in(&self, entity: Self::Entity, other: Self::Entity) -> bool;
    /// An attribute of an entity; its name is a text.
    fn attribute(&self, entity: Self::Entity, name: u32) -> Option<Value<'a, Self>>;
    /// An attribute of the principal.
    fn principal_attribute(&self, name: u32) -> Option<Value<'a, Self>> {
        self.attribute(self.principal(), name)
    }
    /// An attribute of the resource.
    fn resource_attribute(&self, name: u32) -> Option<Value<'a, Self>> {
        self.attribute(self.resource(), name)
    }
    /// A tag of an entity.
    fn tag(&self, entity: Self::Entity, name: &str) -> Option<Value<'a, Self>>;
    /// An attribute of a record; its name is a text.
    fn member(&self, record: Self::Record, name: u32) -> Option<Value<'a, Self>>;
    /// All attributes of a record.
    fn members(&self, record: Self::Record) -> Vec<(&'a str, Value<'a, Self>)>;
    /// The elements of a set.
    fn elements(&self, set: Self::Set) -> Vec<Value<'a, Self>>;
    /// Whether a set has no elements.
    fn is_empty(&self, set: Self::Set) -> bool;
}

/// A value.
pub(crate) enum Value<'a, W: World<'a>> {
    Bool(bool),
    Long(i64),
    Text(&'a str),
    Entity(W::Entity),
    Set(Set<'a, W>),
    Record(Record<'a, W>),
    /// In ten-thousandths.
    Decimal(i64),
    Ip(IpRange),
    /// Milliseconds since 1970.
    Datetime(i64),
    /// Milliseconds.
    Duration(i64),
}

/// A set: of the world, or made by a program.
pub(crate) enum Set<'a, W: World<'a>> {
    Given(W::Set),
    Made(Rc<Vec<Value<'a, W>>>),
}

/// A record: of the world, or made by a program.
pub(crate) enum Record<'a, W: World<'a>> {
    Given(W::Record),
    Made(Rc<Vec<(u32, Value<'a, W>)>>),
}

impl<'a, W: World<'a>> Clone for Value<'a, W> {
    fn clone(&self) -> Self {
        match self {
            Self::Bool(value) => Self::Bool(*value),
            Self::Long(value) => Self::Long(*value),
            Self::Text(value) => Self::Text(value),
            Self::Entity(value) => Self::Entity(*value),
            Self::Set(Set::Given(set)) => Self::Set(Set::Given(*set)),
            Self::Set(Set::Made(set)) => Self::Set(Set::Made(set.clone())),
            Self::Record(Record::Given(record)) => Self::Record(Record::Given(*record)),
            Self::Record(Record::Made(record)) => Self::Record(Record::Made(record.clone())),
            Self::Decimal(value) => Self::Decimal(*value),
            Self::Ip(value) => Self::Ip(*value),
            Self::Datetime(value) => Self::Datetime(*value),
            Self::Duration(value) => Self::Duration(*value),
        }
    }
}

impl<'a, W: World<'a>> Set<'a, W> {
    /// The elements; one may be there several times.
    pub(crate) fn elements(&self, world: &W) -> Vec<Value<'a, W>> {
        match self {
            Self::Given(set) => world.elements(*set),
            Self::Made(elements) => elements.to_vec(),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self, world: &W) -> bool {
        match self {
            Self::Given(set) => world.is_empty(*set),
            Self::Made(elements) => elements.is_empty(),
        }
    }

    /// In order, each once: equal sets have equal lists.
    fn sorted(&self, world: &W) -> Vec<Value<'a, W>> {
        let mut elements = self.elements(world);
        elements.sort_unstable_by(|one, other| one.compare(other, world));
        elements.dedup_by(|one, other| one.compare(other, world) == Ordering::Equal);
        elements
    }

    /// Whether a value is one of the elements.
    pub(crate) fn contains(&self, value: &Value<'a, W>, world: &W) -> bool {
        match self {
            Self::Made(elements) => elements.iter().any(|element| element.compare(value, world) == Ordering::Equal),
            Self::Given(set) => {
                world.elements(*set).iter().any(|element| element.compare(value, world) == Ordering::Equal)
            }
        }
    }

    /// Whether all elements of the other are elements of this.
    pub(crate) fn contains_all(&self, other: &Self, world: &W) -> bool {
        let own = self.sorted(world);
        other.elements(world).iter().all(|value| own.binary_search_by(|own| own.compare(value, world)).is_ok())
    }

    /// Whether one element of the other is an element of this.
    pub(crate) fn contains_any(&self, other: &Self, world: &W) -> bool {
        let own = self.sorted(world);
        other.elements(world).iter().any(|value| own.binary_search_by(|own| own.compare(value, world)).is_ok())
    }
}

impl<'a, W: World<'a>> Record<'a, W> {
    /// An attribute.
    pub(crate) fn member(&self, name: u32, world: &W) -> Option<Value<'a, W>> {
        match self {
            Self::Given(record) => world.member(*record, name),
            Self::Made(members) => members.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone()),
        }
    }

    fn sorted(&self, world: &W) -> Vec<(&'a str, Value<'a, W>)> {
        let mut members = match self {
            Self::Given(record) => world.members(*record),
            Self::Made(members) => members.iter().map(|(name, value)| (world.text(*name), value.clone())).collect(),
        };
        members.sort_unstable_by(|one, other| one.0.cmp(other.0));
        members
    }
}

impl<'a, W: World<'a>> Value<'a, W> {
    /// An order over all values, in which exactly the values that Cedar calls equal are equal.
    pub(crate) fn compare(&self, other: &Self, world: &W) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Long(one), Self::Long(other))
            | (Self::Decimal(one), Self::Decimal(other))
            | (Self::Datetime(one), Self::Datetime(other))
            | (Self::Duration(one), Self::Duration(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Entity(one), Self::Entity(other)) => one.cmp(other),
            (Self::Ip(one), Self::Ip(other)) => one.cmp(other),
            (Self::Set(one), Self::Set(other)) => {
                let (one, other) = (one.sorted(world), other.sorted(world));
                in_order(one.iter().zip(&other).map(|(one, other)| one.compare(other, world)), one.len(), other.len())
            }
            (Self::Record(one), Self::Record(other)) => {
                let (one, other) = (one.sorted(world), other.sorted(world));
                let members = one.iter().zip(&other);
                let members =
                    members.map(|(one, other)| one.0.cmp(other.0).then_with(|| one.1.compare(&other.1, world)));
                in_order(members, one.len(), other.len())
            }
            _ => self.kind().cmp(&other.kind()),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Long(_) => 1,
            Self::Text(_) => 2,
            Self::Entity(_) => 3,
            Self::Set(_) => 4,
            Self::Record(_) => 5,
            Self::Decimal(_) => 6,
            Self::Ip(_) => 7,
            Self::Datetime(_) => 8,
            Self::Duration(_) => 9,
        }
    }
}

fn in_order(mut parts: impl Iterator<Item = Ordering>, one: usize, other: usize) -> Ordering {
    parts.find(|part| *part != Ordering::Equal).unwrap_or_else(|| one.cmp(&other))
}
