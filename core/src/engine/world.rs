//! A request, a principal and the hierarchy as the world of a program: values are read where they lie.

use super::Request;
use super::program::{NodeId, Program, Record, Set, Value, World, holds};
use crate::directory::{Edge, Hierarchy, PrincipalRecord};
use crate::model::Timestamp;
use crate::schema::{
    self, ACTION, Attributes, GROUP, ORGANIZATION_UNIT, ROLE, SERVICE_ACCOUNT, Schema, Type, WrongType,
};
use crate::tenant::TenantRecord;
use serde_json::{Map, Value as Json};
use std::cell::OnceCell;
use std::rc::Rc;

/// An entity by type and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct EntityKey<'a> {
    pub(super) ty: &'a str,
    pub(super) id: &'a str,
}

/// What does not change from request to request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) tenant: &'a TenantRecord,
    pub(super) schema: &'a Schema,
    pub(super) hierarchy: &'a Hierarchy,
    pub(super) program: &'a Program,
    pub(super) constants: &'a [(String, String)],
    pub(super) types: &'a [String],
    /// The conditions of the tenant's flags, in the flags' order.
    pub(super) flags: &'a [Option<NodeId>],
}

/// A request as a world.
pub(super) struct RequestWorld<'a> {
    ground: Ground<'a>,
    record: &'a PrincipalRecord,
    request: &'a Request,
    action: &'a str,
    resource_attributes: Option<&'a Map<String, Json>>,
    now: Timestamp,
    above_principal: Vec<EntityKey<'a>>,
    flags: OnceCell<Rc<Vec<Value<'a, Self>>>>,
}

/// A record that lies in the world.
#[derive(Clone, Copy)]
pub(super) enum WorldRecord<'a> {
    /// The context, part of which only the decision point knows.
    Context,
    /// JSON of a declared type.
    Json(&'a Attributes, &'a Map<String, Json>),
}

/// A set that lies in the world: JSON of a declared element type.
#[derive(Clone, Copy)]
pub(super) struct WorldSet<'a> {
    element: &'a Type,
    elements: &'a [Json],
}

type Valued<'a> = Value<'a, RequestWorld<'a>>;

impl<'a> RequestWorld<'a> {
    /// The world of a request. Every declared attribute of the request must fit its type.
    pub(super) fn new(
        ground: Ground<'a>,
        record: &'a PrincipalRecord,
        request: &'a Request,
        action: &'a str,
        now: Timestamp,
    ) -> Result<Self, WrongType> {
        let registered = ground.hierarchy.resource(&request.resource).map(|node| &node.attributes);
        let resource_attributes = request.resource_attributes.as_ref().or(registered);
        let above_principal = above_principal(ground.hierarchy, record, now);
        let flags = OnceCell::new();
        let world = Self { ground, record, request, action, resource_attributes, now, above_principal, flags };
        world.check()?;
        Ok(world)
    }

    /// The roles, groups and units that the principal lies in.
    pub(super) fn above_principal(&self) -> &[EntityKey<'a>] {
        &self.above_principal
    }

    /// The registered resources that the resource lies in.
    pub(super) fn above_resource(&self) -> Vec<EntityKey<'a>> {
        let mut above = vec![];
        self.climb(EntityKey { ty: &self.request.resource.r#type, id: &self.request.resource.id }, &mut |entity| {
            above.push(entity);
            false
        });
        above
    }

    fn check(&self) -> Result<(), WrongType> {
        let schema = self.ground.schema;
        let check = |part: &str, declared: &Attributes, given: &Map<String, Json>, counts: &dyn Fn(&str) -> bool| {
            for (name, json) in given {
                if let Some(ty) = declared.get(name).filter(|_| counts(name)) {
                    fits(ty, json).map_err(|error| error.below(name).below(part))?;
                }
            }
            Ok(())
        };
        if self.record.r#type == SERVICE_ACCOUNT {
            check("principal", &schema.service_account, &self.record.attributes, &|_| true)?;
        } else {
            let callers = |name: &str| schema.caller.contains(name);
            check("principal", &schema.user, &self.record.attributes, &|name| !callers(name))?;
            check("principal", &schema.user, &self.request.principal_attributes, &callers)?;
        }
        if let (Some(ty), Some(given)) = (schema.types.get(&self.request.resource.r#type), self.resource_attributes) {
            check("resource", &ty.attributes, given, &|_| true)?;
        }
        let said = |name: &str| name != "action" && !Schema::DECISION_POINT_ONLY.contains(&name);
        check("context", &schema.context, &self.request.context, &said)?;
        if let Some(Type::Record(declared)) = schema.context.get("action") {
            let given = &self.request.action_attributes;
            check("action", declared, given, &|_| true).map_err(|error| error.below("context"))?;
        }
        Ok(())
    }

    /// Visits everything that an entity lies in, until the visitor is satisfied; itself excluded.
    fn climb(&self, entity: EntityKey<'a>, found: &mut dyn FnMut(EntityKey<'a>) -> bool) -> bool {
        let mut seen: Vec<EntityKey<'a>> = vec![entity];
        let mut next = 0;
        while let Some(entity) = seen.get(next).copied() {
            next += 1;
            for above in self.directly_above(entity) {
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

    fn directly_above(&self, entity: EntityKey<'a>) -> Vec<EntityKey<'a>> {
        let hierarchy = self.ground.hierarchy;
        match entity.ty {
            GROUP => {
                let Some(group) = hierarchy.groups.get(entity.id) else { return vec![] };
                let unit = group.organization_unit.as_deref().map(|id| EntityKey { ty: ORGANIZATION_UNIT, id });
                roles(hierarchy, &group.roles, self.now).chain(unit).collect()
            }
            ORGANIZATION_UNIT => {
                let parent = hierarchy.organization_units.get(entity.id).and_then(|unit| unit.parent.as_deref());
                parent.map(|id| EntityKey { ty: ORGANIZATION_UNIT, id }).into_iter().collect()
            }
            ACTION => {
                let groups = self.ground.schema.actions.get(entity.id).map(|action| &action.groups);
                groups.into_iter().flatten().map(|id| EntityKey { ty: ACTION, id }).collect()
            }
            ty => {
                let allowed = self.ground.schema.types.get(ty).map(|ty| &ty.parents);
                let node = hierarchy.resources.get(ty).and_then(|of_type| of_type.get(entity.id));
                let parents = node.into_iter().flat_map(|node| &node.parents);
                let parents = parents.filter(|parent| allowed.is_some_and(|allowed| allowed.contains(&parent.r#type)));
                parents.map(|parent| EntityKey { ty: &parent.r#type, id: &parent.id }).collect()
            }
        }
    }

    /// The flags that are on for this request. A condition that cannot be evaluated leaves its flag off.
    fn flags(&self) -> Rc<Vec<Valued<'a>>> {
        let on = || {
            let flags = self.ground.tenant.flags.iter().zip(self.ground.flags);
            let flags = flags.filter(|(flag, condition)| {
                flag.includes(&self.record.id)
                    && condition.is_none_or(|condition| holds(self.ground.program, self, condition) == Ok(true))
            });
            Rc::new(flags.map(|(flag, _)| Value::Text(flag.name.as_str())).collect())
        };
        self.flags.get_or_init(on).clone()
    }

    fn context_member(&self, name: &str) -> Option<Valued<'a>> {
        match name {
            "now" => Some(Value::Datetime(self.now.as_millis())),
            "weekday" => Some(Value::Long(super::input::weekday(self.now))),
            "flags" => Some(Value::Set(Set::Made(self.flags()))),
            "scopes" => {
                let known = |scope: &&String| self.ground.schema.actions.contains_key(*scope);
                let scopes = self.request.scopes.as_ref()?.iter().filter(known);
                let scopes = scopes.map(|scope| Value::Entity(EntityKey { ty: ACTION, id: scope })).collect();
                Some(Value::Set(Set::Made(Rc::new(scopes))))
            }
            "action" => match self.ground.schema.context.get(name) {
                Some(Type::Record(declared)) if !self.request.action_attributes.is_empty() => {
                    Some(Value::Record(Record::Given(WorldRecord::Json(declared, &self.request.action_attributes))))
                }
                _ => None,
            },
            _ => declared(&self.ground.schema.context, &self.request.context, name),
        }
    }
}

impl<'a> World<'a> for RequestWorld<'a> {
    type Entity = EntityKey<'a>;
    type Set = WorldSet<'a>;
    type Record = WorldRecord<'a>;

    fn principal(&self) -> Self::Entity {
        EntityKey { ty: &self.record.r#type, id: &self.record.id }
    }

    fn action(&self) -> Self::Entity {
        EntityKey { ty: ACTION, id: self.action }
    }

    fn resource(&self) -> Self::Entity {
        EntityKey { ty: &self.request.resource.r#type, id: &self.request.resource.id }
    }

    fn context(&self) -> Self::Record {
        WorldRecord::Context
    }

    fn constant(&self, constant: u32) -> Self::Entity {
        let constant = self.ground.constants.get(constant as usize);
        constant.map_or(EntityKey { ty: "", id: "" }, |(ty, id)| EntityKey { ty, id })
    }

    fn is_of_type(&self, entity: Self::Entity, ty: u32) -> bool {
        self.ground.types.get(ty as usize).is_some_and(|ty| ty == entity.ty)
    }

    fn lies_in(&self, entity: Self::Entity, other: Self::Entity) -> bool {
        if entity == self.principal() {
            return self.above_principal.contains(&other);
        }
        self.climb(entity, &mut |above| above == other)
    }

    fn attribute(&self, entity: Self::Entity, name: &str) -> Option<Valued<'a>> {
        let schema = self.ground.schema;
        if entity == self.principal() {
            if self.record.r#type == SERVICE_ACCOUNT {
                return declared(&schema.service_account, &self.record.attributes, name);
            }
            let callers = schema.caller.contains(name);
            let given = if callers { &self.request.principal_attributes } else { &self.record.attributes };
            return declared(&schema.user, given, name);
        }
        if entity == self.resource() {
            return declared(&schema.types.get(entity.ty)?.attributes, self.resource_attributes?, name);
        }
        // Of entities that the request only names, nobody said anything.
        None
    }

    fn tag(&self, _: Self::Entity, _: &str) -> Option<Valued<'a>> {
        None
    }

    fn member(&self, record: Self::Record, name: &str) -> Option<Valued<'a>> {
        match record {
            WorldRecord::Context => self.context_member(name),
            WorldRecord::Json(types, given) => declared(types, given, name),
        }
    }

    fn members(&self, record: Self::Record) -> Vec<(&'a str, Valued<'a>)> {
        let declared = match record {
            WorldRecord::Context => &self.ground.schema.context,
            WorldRecord::Json(declared, _) => declared,
        };
        declared.keys().filter_map(|name| Some((name.as_str(), self.member(record, name)?))).collect()
    }

    fn elements(&self, set: Self::Set) -> Vec<Valued<'a>> {
        set.elements.iter().filter_map(|json| view(set.element, json)).collect()
    }

    fn is_empty(&self, set: Self::Set) -> bool {
        set.elements.is_empty()
    }
}

fn above_principal<'a>(hierarchy: &'a Hierarchy, record: &'a PrincipalRecord, now: Timestamp) -> Vec<EntityKey<'a>> {
    let mut above: Vec<EntityKey<'a>> = roles(hierarchy, &record.roles, now).collect();
    for edge in record.groups.iter().filter(|edge| edge.holds(now)) {
        let Some((id, group)) = hierarchy.groups.get_key_value(&edge.to) else { continue };
        above.push(EntityKey { ty: GROUP, id });
        above.extend(roles(hierarchy, &group.roles, now));
        let mut unit = group.organization_unit.as_deref();
        while let Some(id) = unit {
            let entity = EntityKey { ty: ORGANIZATION_UNIT, id };
            // Seen before: the rest of the way is there already, and a cycle ends here.
            if above.contains(&entity) {
                break;
            }
            above.push(entity);
            unit = hierarchy.organization_units.get(id).and_then(|unit| unit.parent.as_deref());
        }
    }
    above
}

fn roles<'a>(hierarchy: &'a Hierarchy, edges: &'a [Edge], now: Timestamp) -> impl Iterator<Item = EntityKey<'a>> {
    let holding = edges.iter().filter(move |edge| edge.holds(now) && hierarchy.roles.contains_key(&edge.to));
    holding.map(|edge| EntityKey { ty: ROLE, id: &edge.to })
}

/// A declared attribute of given ones. What is undeclared is not there, and null is absence.
fn declared<'a>(types: &'a Attributes, given: &'a Map<String, Json>, name: &str) -> Option<Valued<'a>> {
    view(types.get(name)?, given.get(name)?)
}

/// A value of a type where it lies; `None` for null, and for what does not fit.
fn view<'a>(ty: &'a Type, json: &'a Json) -> Option<Valued<'a>> {
    Some(match ty {
        Type::Bool => Value::Bool(json.as_bool()?),
        Type::Long => Value::Long(json.as_i64()?),
        Type::String => Value::Text(json.as_str()?),
        Type::Entity(_) => Value::Entity(EntityKey {
            ty: json.get("type").and_then(Json::as_str)?,
            id: json.get("id").and_then(Json::as_str)?,
        }),
        Type::Set(element) => Value::Set(Set::Given(WorldSet { element, elements: json.as_array()? })),
        Type::Record(attributes) => Value::Record(Record::Given(WorldRecord::Json(attributes, json.as_object()?))),
        Type::Decimal | Type::Ip | Type::Datetime | Type::Duration => match schema::Value::read(ty, json).ok()?? {
            schema::Value::Decimal(value) => Value::Decimal(value),
            schema::Value::Ip(range) => Value::Ip(range),
            schema::Value::Datetime(value) => Value::Datetime(value),
            schema::Value::Duration(value) => Value::Duration(value),
            _ => return None,
        },
    })
}

/// Whether a value fits its type; scalars are looked at where they lie.
fn fits(ty: &Type, json: &Json) -> Result<(), WrongType> {
    let plain = match ty {
        Type::Bool => json.is_boolean(),
        Type::Long => json.is_i64(),
        Type::String => json.is_string(),
        _ => false,
    };
    if plain || json.is_null() { Ok(()) } else { schema::Value::read(ty, json).map(drop) }
}
