//! A request and a principal as the world of a program: values are read where they lie.

use super::flags::FlagReason;
use super::program::{Record, Set, Value, World, holds};
use super::subject::Subject;
use super::view::{ActionView, Declared, View};
use super::{AttributesRef, RequestRef, ValueRef};
use crate::model::Timestamp;
use crate::schema::literal::read_ip;
use crate::schema::{self, ACTION, SERVICE_ACCOUNT, Type, WrongType};
use crate::store::record::{NONE, ValueRecord, kind};
use crate::store::same;
use crate::tenant::Flag;
use serde_json::{Map, Value as Json};
use smallvec::SmallVec;
use std::cell::{Cell, OnceCell};
use std::cmp::Ordering;
use std::rc::Rc;
use zerocopy::little_endian::U32;

/// An entity by type and id; its number beside them where it is known without looking.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntityKey<'a> {
    pub ty: &'a str,
    pub id: &'a str,
    number: u32,
}

/// A request as a world.
pub(crate) struct RequestWorld<'s, 'a> {
    view: &'a View<'a>,
    subject: &'s Subject<'a>,
    request: &'s RequestRef<'a>,
    action: &'a ActionView,
    resource: EntityKey<'a>,
    resource_attributes: Attributes<'a>,
    caller_attributes: Known<'a>,
    context: Known<'a>,
    now: Timestamp,
    flags: OnceCell<Rc<Vec<Value<'a, Self>>>>,
    /// While the conditions of flags are asked, for which there are no flags: one that asked for them would never end.
    asks_flags: Cell<bool>,
}

/// Attributes: as they lie in the snapshot, and as they were given.
#[derive(Default)]
pub(crate) struct Attributes<'a> {
    pub stored: &'a [ValueRecord],
    pub given: Known<'a>,
}

/// Attributes that were given and fit their types, as far as programs ask for them.
pub(crate) type Known<'a> = SmallVec<[(u32, &'a Type, Given<'a>); 4]>;

/// A value where the request says it.
#[derive(Clone, Copy)]
pub(crate) enum Given<'a> {
    Json(&'a Json),
    Plain(&'a ValueRef<'a>),
}

/// A value that does not fit its declared type, by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong(pub String);

/// A record that lies in the world.
#[derive(Clone, Copy)]
pub(crate) enum WorldRecord<'a> {
    /// The context, part of which only the decision point knows.
    Context,
    /// JSON of a declared type.
    Json(&'a schema::Attributes, &'a Map<String, Json>),
    /// Values of the snapshot.
    Stored(&'a [ValueRecord]),
}

/// A set that lies in the world.
#[derive(Clone, Copy)]
pub(crate) enum WorldSet<'a> {
    /// JSON of a declared element type.
    Json(&'a Type, &'a [Json]),
    /// Values of the snapshot.
    Stored(&'a [ValueRecord]),
}

impl<'a> EntityKey<'a> {
    #[inline]
    pub(crate) fn new(ty: &'a str, id: &'a str) -> Self {
        Self { ty, id, number: NONE }
    }
}

impl PartialEq for EntityKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        same(self.id, other.id) && same(self.ty, other.ty)
    }
}

impl Eq for EntityKey<'_> {}

impl PartialOrd for EntityKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EntityKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.ty, self.id).cmp(&(other.ty, other.id))
    }
}

impl Wrong {
    pub(crate) fn at(part: &str, path: &str) -> Self {
        Self(format!("{part}.{path}"))
    }
}

impl From<WrongType> for Wrong {
    fn from(error: WrongType) -> Self {
        Self(error.way.join("."))
    }
}

impl<'s, 'a> RequestWorld<'s, 'a> {
    /// The world of a request, nothing of which was read yet.
    #[inline]
    pub(crate) fn new(
        view: &'a View<'a>,
        subject: &'s Subject<'a>,
        action: &'a ActionView,
        request: &'s RequestRef<'a>,
        now: Timestamp,
    ) -> Self {
        let mut resource = EntityKey::new(request.resource_type, request.resource_id);
        if action.ty.has_entities {
            resource.number = view.store.entity(resource.ty, resource.id).unwrap_or(NONE);
        }
        Self {
            view,
            subject,
            request,
            action,
            resource,
            resource_attributes: Attributes::default(),
            caller_attributes: Known::new(),
            context: Known::new(),
            now,
            flags: OnceCell::new(),
            asks_flags: Cell::new(false),
        }
    }

    /// Reads what the request says. Every declared attribute must fit its type.
    ///
    /// # Errors
    /// The path of the first that does not.
    #[inline]
    pub(crate) fn read(&mut self) -> Result<(), Wrong> {
        let (view, request) = (self.view, self.request);
        if !request.principal_attributes.is_empty() && self.subject.ty != SERVICE_ACCOUNT {
            let read = read_all(&mut self.caller_attributes, &view.caller, request.principal_attributes);
            read.map_err(|wrong| Wrong::from(wrong.below("principal")))?;
        }
        match request.resource_attributes {
            Some(given) => {
                let read = read_all(&mut self.resource_attributes.given, &self.action.ty.attributes, given);
                read.map_err(|wrong| Wrong::from(wrong.below("resource")))?;
            }
            None => self.resource_attributes.stored = registered(view, self.resource)?,
        }
        if !request.context.is_empty() {
            let read = read_all(&mut self.context, &view.context, request.context);
            read.map_err(|wrong| Wrong::from(wrong.below("context")))?;
        }
        if let Some((declared, given)) = self.action_attributes() {
            let read = schema::Value::read_attributes(declared, given);
            read.map_err(|wrong| Wrong::from(wrong.below("action").below("context")))?;
        }
        Ok(())
    }

    /// What the caller says of the action, where the schema declares that it may.
    fn action_attributes(&self) -> Option<(&'a schema::Attributes, &'a Map<String, Json>)> {
        let given = self.request.action_attributes.filter(|given| !given.is_empty())?;
        match self.view.schema.context.get("action") {
            Some(Type::Record(declared)) => Some((declared, given)),
            _ => None,
        }
    }

    /// The resource and everything that it lies in, as far as scopes may name it.
    #[inline]
    pub(crate) fn resource_keys(&self) -> super::subject::Entities {
        let mut keys = super::subject::Entities::new();
        if self.resource.number != NONE {
            keys.push(self.resource.number);
            self.view.store.climb(self.resource.number, self.now, &mut |above| {
                keys.push(above);
                false
            });
        }
        keys
    }

    /// The action and the groups that it lies in, as far as scopes name them.
    #[cfg(feature = "cedar")]
    pub(super) fn action_keys(&self) -> &'a [u32] {
        &self.action.keys
    }

    fn number(&self, entity: EntityKey<'a>) -> Option<u32> {
        if entity.number != NONE { Some(entity.number) } else { self.view.store.entity(entity.ty, entity.id) }
    }

    /// The positions of the flags that are on for this request. A condition that cannot be evaluated leaves its flag off.
    pub(super) fn flags_on(&self) -> Vec<usize> {
        let flags = self.flag_values().into_iter().enumerate();
        flags.filter(|(_, (on, _))| *on).map(|(position, _)| position).collect()
    }

    /// Whether each flag is on for this request, and why.
    pub(super) fn flag_values(&self) -> Vec<(bool, FlagReason)> {
        self.asks_flags.set(true);
        let flags = self.view.tenant.flags.iter().zip(self.view.store.flags);
        let value = |(flag, condition): (&Flag, &U32)| {
            let condition = condition.get();
            if condition != NONE && holds(&self.view.policies.program, self, condition) != Ok(true) {
                return (false, FlagReason::Default);
            }
            match flag.percentage {
                Some(_) => (flag.includes(self.subject.id), FlagReason::Split),
                None if condition == NONE => (true, FlagReason::Static),
                None => (true, FlagReason::TargetingMatch),
            }
        };
        let values = flags.map(value).collect();
        self.asks_flags.set(false);
        values
    }

    fn flags(&self) -> Rc<Vec<Value<'a, Self>>> {
        let on = || {
            let flags = &self.view.tenant.flags;
            let on = self.flags_on().into_iter().filter_map(|position| flags.get(position));
            Rc::new(on.map(|flag| Value::Text(flag.name.as_str())).collect())
        };
        self.flags.get_or_init(on).clone()
    }

    fn context_member(&self, name: &str) -> Option<Value<'a, Self>> {
        match name {
            "now" => Some(Value::Datetime(self.now.as_millis())),
            "weekday" => Some(Value::Long(self.now.weekday())),
            "flags" if self.asks_flags.get() => None,
            "flags" => Some(Value::Set(Set::Made(self.flags()))),
            "scopes" => {
                let known = |scope: &&String| self.view.schema.actions.contains_key(*scope);
                let scopes = self.request.scopes?.iter().filter(known);
                let scopes = scopes.map(|scope| Value::Entity(EntityKey::new(ACTION, scope))).collect();
                Some(Value::Set(Set::Made(Rc::new(scopes))))
            }
            "action" => {
                let (declared, given) = self.action_attributes()?;
                Some(Value::Record(Record::Given(WorldRecord::Json(declared, given))))
            }
            _ => of_type(self.view.schema.context.get(name)?, self.request.context.get(name)?),
        }
    }

    /// A value of the snapshot.
    fn stored(&self, value: &'a ValueRecord) -> Option<Value<'a, Self>> {
        let texts = &self.view.store.texts;
        Some(match value.kind.get() {
            kind::BOOL => Value::Bool(value.a.get() != 0),
            kind::LONG => Value::Long(value.number()),
            kind::TEXT => Value::Text(texts.get(value.a.get())),
            kind::DECIMAL => Value::Decimal(value.number()),
            kind::IP => Value::Ip(read_ip(texts.get(value.a.get()))?),
            kind::DATETIME => Value::Datetime(value.number()),
            kind::DURATION => Value::Duration(value.number()),
            kind::ENTITY => Value::Entity(EntityKey::new(texts.get(value.a.get()), texts.get(value.b.get()))),
            kind::SET => Value::Set(Set::Given(WorldSet::Stored(value.parts(self.view.store.values)))),
            kind::RECORD => Value::Record(Record::Given(WorldRecord::Stored(value.parts(self.view.store.values)))),
            _ => return None,
        })
    }

    fn of_attributes(&self, attributes: &Attributes<'a>, name: u32) -> Option<Value<'a, Self>> {
        if let Some(stored) = attributes.stored.iter().find(|value| value.name.get() == name) {
            return self.stored(stored);
        }
        of_known(&attributes.given, name)
    }
}

impl<'a> World<'a> for RequestWorld<'_, 'a> {
    type Entity = EntityKey<'a>;
    type Set = WorldSet<'a>;
    type Record = WorldRecord<'a>;

    fn principal(&self) -> Self::Entity {
        EntityKey::new(self.subject.ty, self.subject.id)
    }

    fn action(&self) -> Self::Entity {
        EntityKey::new(ACTION, &self.action.name)
    }

    fn resource(&self) -> Self::Entity {
        self.resource
    }

    fn context(&self) -> Self::Record {
        WorldRecord::Context
    }

    fn text(&self, text: u32) -> &'a str {
        self.view.store.texts.get(text)
    }

    fn constant(&self, constant: u32) -> Self::Entity {
        let (ty, id) = self.view.store.entity_key(constant);
        EntityKey { ty, id, number: constant }
    }

    fn is_of_type(&self, entity: Self::Entity, ty: u32) -> bool {
        same(self.view.store.texts.get(ty), entity.ty)
    }

    fn lies_in(&self, entity: Self::Entity, other: Self::Entity) -> bool {
        let Some(other) = self.number(other) else { return false };
        if entity == self.principal() {
            return self.subject.lies_in(other);
        }
        let mut is_other = |above| above == other;
        self.number(entity).is_some_and(|entity| self.view.store.climb(entity, self.now, &mut is_other))
    }

    fn attribute(&self, entity: Self::Entity, name: u32) -> Option<Value<'a, Self>> {
        if entity == self.resource {
            return self.resource_attribute(name);
        }
        if entity == self.principal() {
            return self.principal_attribute(name);
        }
        // Of entities that the request only names, nobody said anything.
        None
    }

    fn principal_attribute(&self, name: u32) -> Option<Value<'a, Self>> {
        let own = self.of_attributes(&self.subject.attributes, name);
        own.or_else(|| of_known(&self.caller_attributes, name))
    }

    fn resource_attribute(&self, name: u32) -> Option<Value<'a, Self>> {
        self.of_attributes(&self.resource_attributes, name)
    }

    fn tag(&self, _: Self::Entity, _: &str) -> Option<Value<'a, Self>> {
        None
    }

    fn member(&self, record: Self::Record, name: u32) -> Option<Value<'a, Self>> {
        match record {
            WorldRecord::Context => {
                // Most of what is asked of the context is whether the request came with a key's scopes: a guardrail asks
                // it of every request.
                if Some(name) == self.view.scopes && self.request.scopes.is_none() {
                    return None;
                }
                of_known(&self.context, name).or_else(|| self.context_member(self.text(name)))
            }
            WorldRecord::Json(types, given) => declared(types, given, self.text(name)),
            WorldRecord::Stored(values) => self.stored(values.iter().find(|value| value.name.get() == name)?),
        }
    }

    fn members(&self, record: Self::Record) -> Vec<(&'a str, Value<'a, Self>)> {
        match record {
            WorldRecord::Context => {
                let names = self.view.schema.context.keys();
                names.filter_map(|name| Some((name.as_str(), self.context_member(name)?))).collect()
            }
            WorldRecord::Json(types, given) => {
                let names = types.keys();
                names.filter_map(|name| Some((name.as_str(), declared(types, given, name)?))).collect()
            }
            WorldRecord::Stored(values) => {
                let values = values.iter();
                values.filter_map(|value| Some((self.text(value.name.get()), self.stored(value)?))).collect()
            }
        }
    }

    fn elements(&self, set: Self::Set) -> Vec<Value<'a, Self>> {
        match set {
            WorldSet::Json(element, elements) => elements.iter().filter_map(|json| of_json(element, json)).collect(),
            WorldSet::Stored(values) => values.iter().filter_map(|value| self.stored(value)).collect(),
        }
    }

    fn is_empty(&self, set: Self::Set) -> bool {
        match set {
            WorldSet::Json(_, elements) => elements.is_empty(),
            WorldSet::Stored(values) => values.is_empty(),
        }
    }
}

/// The attributes of a registered resource; none where it is not registered.
fn registered<'a>(view: &View<'a>, resource: EntityKey<'a>) -> Result<&'a [ValueRecord], Wrong> {
    let Some(entity) = view.store.entities.get(resource.number as usize) else { return Ok(&[]) };
    match view.store.texts.find(entity.wrong.get()) {
        Some(path) => Err(Wrong::at("resource", path)),
        None => Ok(entity.attributes.of(view.store.values)),
    }
}

/// A world whose entities and values are those of a request.
pub(crate) trait OfRequest<'a>:
    World<'a, Entity = EntityKey<'a>, Set = WorldSet<'a>, Record = WorldRecord<'a>>
{
}

impl<'a, W> OfRequest<'a> for W where W: World<'a, Entity = EntityKey<'a>, Set = WorldSet<'a>, Record = WorldRecord<'a>> {}

fn of_known<'a, W: OfRequest<'a>>(known: &Known<'a>, name: u32) -> Option<Value<'a, W>> {
    let (_, ty, value) = known.iter().find(|(text, ..)| *text == name)?;
    of_type(ty, *value)
}

/// Reads given attributes: those that are declared must fit their types, those that programs ask for are kept.
#[inline]
pub(crate) fn read_all<'a>(
    known: &mut Known<'a>,
    declared: &'a Declared,
    given: AttributesRef<'a>,
) -> Result<(), WrongType> {
    match given {
        AttributesRef::Json(map) => {
            map.iter().try_for_each(|(name, json)| read_one(known, declared, name, Given::Json(json)))
        }
        AttributesRef::Plain(list) => {
            list.iter().try_for_each(|(name, value)| read_one(known, declared, name, value.into()))
        }
    }
}

#[inline]
fn read_one<'a>(known: &mut Known<'a>, declared: &'a Declared, name: &str, value: Given<'a>) -> Result<(), WrongType> {
    let Some(attribute) = declared.get(name) else { return Ok(()) };
    if !fits(&attribute.ty, value) {
        check_slowly(&attribute.ty, value).map_err(|wrong| wrong.below(name))?;
    }
    if let Some(text) = attribute.text {
        known.push((text, &attribute.ty, value));
    }
    Ok(())
}

impl<'a> From<&'a ValueRef<'a>> for Given<'a> {
    fn from(value: &'a ValueRef<'a>) -> Self {
        match value {
            ValueRef::Json(json) => Self::Json(json),
            plain => Self::Plain(plain),
        }
    }
}

/// Whether a value surely fits its type: what is mostly said, looked at where it lies.
#[inline]
fn fits(ty: &Type, value: Given<'_>) -> bool {
    match (ty, value) {
        (Type::Bool, Given::Plain(ValueRef::Bool(_)) | Given::Json(Json::Bool(_)))
        | (Type::String, Given::Plain(ValueRef::String(_)) | Given::Json(Json::String(_)))
        | (Type::Long, Given::Plain(ValueRef::Long(_)))
        | (_, Given::Json(Json::Null)) => true,
        (Type::Long, Given::Json(Json::Number(number))) => number.is_i64(),
        (Type::Entity(name), Given::Plain(ValueRef::Entity(ty, _))) => same(ty, name),
        (Type::Entity(name), Given::Json(Json::Object(entity))) => {
            schema::read_entity(entity).is_some_and(|(ty, _)| same(ty, name))
        }
        _ => false,
    }
}

/// Whether a value fits its type to the last part.
#[cold]
fn check_slowly(ty: &Type, value: Given<'_>) -> Result<(), WrongType> {
    match value {
        Given::Json(json) => schema::Value::read(ty, json).map(drop),
        // As JSON it would fit; but it is no record that could be read where it lies.
        Given::Plain(ValueRef::Entity(..)) if matches!(ty, Type::Record(_)) => {
            Err(WrongType { way: vec![], expected: "a record, not an entity".to_owned() })
        }
        Given::Plain(plain) => schema::Value::read(ty, &plain.to_json()).map(drop),
    }
}

/// A value of a type that it fits; `None` for null.
fn of_type<'a, W: OfRequest<'a>>(ty: &'a Type, given: Given<'a>) -> Option<Value<'a, W>> {
    Some(match (ty, given) {
        (Type::Bool, Given::Plain(ValueRef::Bool(value))) => Value::Bool(*value),
        (Type::Long, Given::Plain(ValueRef::Long(value))) => Value::Long(*value),
        (Type::String, Given::Plain(ValueRef::String(text))) => Value::Text(text),
        (Type::Entity(_), Given::Plain(ValueRef::Entity(ty, id))) => Value::Entity(EntityKey::new(ty, id)),
        (_, Given::Json(json)) => return of_json(ty, json),
        // A plain value for an extension type: a number or a text.
        (_, Given::Plain(plain)) => extension(schema::Value::read(ty, &plain.to_json()).ok()??)?,
    })
}

/// A declared attribute of given ones. What is undeclared is not there, and null is absence.
fn declared<'a, W: OfRequest<'a>>(
    types: &'a schema::Attributes,
    given: &'a Map<String, Json>,
    name: &str,
) -> Option<Value<'a, W>> {
    of_json(types.get(name)?, given.get(name)?)
}

/// A value of a type where it lies; `None` for null, and for what does not fit.
fn of_json<'a, W: OfRequest<'a>>(ty: &'a Type, json: &'a Json) -> Option<Value<'a, W>> {
    Some(match (ty, json) {
        (Type::Bool, Json::Bool(value)) => Value::Bool(*value),
        (Type::Long, Json::Number(number)) => Value::Long(number.as_i64()?),
        (Type::String, Json::String(text)) => Value::Text(text),
        (Type::Entity(_), Json::Object(entity)) => {
            let (ty, id) = schema::read_entity(entity)?;
            Value::Entity(EntityKey::new(ty, id))
        }
        (Type::Set(element), Json::Array(elements)) => Value::Set(Set::Given(WorldSet::Json(element, elements))),
        (Type::Record(attributes), Json::Object(given)) => {
            Value::Record(Record::Given(WorldRecord::Json(attributes, given)))
        }
        (Type::Decimal | Type::Ip | Type::Datetime | Type::Duration, json) => {
            extension(schema::Value::read(ty, json).ok()??)?
        }
        _ => return None,
    })
}

/// A value of an extension type.
fn extension<'a, W: World<'a>>(value: schema::Value) -> Option<Value<'a, W>> {
    Some(match value {
        schema::Value::Decimal(value) => Value::Decimal(value),
        schema::Value::Ip(range) => Value::Ip(range),
        schema::Value::Datetime(value) => Value::Datetime(value),
        schema::Value::Duration(value) => Value::Duration(value),
        _ => return None,
    })
}
