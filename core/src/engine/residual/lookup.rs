//! Attributes: of the resource, of the principal, of entities that may be one of them, and of records.

use super::compare::equal;
use super::evaluate::Evaluator;
use super::expr::{Attribute, Expr};
use super::logic::{all, not};
use super::partial::{Partial, Said};
use crate::engine::program::{Record, Value as Found, World};
use crate::engine::world::RequestWorld;
use crate::schema::{Type, Value};

/// What there may be under a name: each with when, no two at once.
pub(super) type Members = Vec<(Expr, Option<Partial>)>;

impl Evaluator<'_, '_, '_> {
    /// What there is under a name; `None` where the value is no record and no entity.
    pub(super) fn member(&self, value: &Partial, name: u32) -> Option<Members> {
        let text = self.world.text(name);
        let always = |member| Some(vec![(Expr::TRUE, member)]);
        match value {
            Partial::Unknown(what) => always(Some(Partial::Unknown(what))),
            Partial::Resource => Some(self.of_resource(Expr::TRUE, text)),
            Partial::Known(Value::Record(members)) => always(members.get(text).cloned().map(Partial::Known)),
            Partial::Record(members) => {
                let member = members.iter().find(|(own, _)| own == text);
                always(member.map(|(_, member)| member.clone()))
            }
            Partial::Attribute(attribute) => match &attribute.r#type {
                Type::Record(types) => match types.get(text) {
                    Some(ty) => Some(presence(&Expr::TRUE, attribute.member(text, ty))),
                    None => always(None),
                },
                Type::Entity(ty) => Some(self.of_entity(value, ty, name)),
                _ => None,
            },
            Partial::Known(Value::Entity(ty, _)) => Some(self.of_entity(value, ty, name)),
            _ => None,
        }
    }

    /// Of all entities only the resource and the principal have attributes.
    fn of_entity(&self, entity: &Partial, ty: &str, name: u32) -> Members {
        let mut found = vec![];
        let mut another = Expr::TRUE;
        if ty == self.ty
            && let Said::If(same) = equal(entity, &Partial::Resource, self.ty)
        {
            found.extend(self.of_resource(same.clone(), self.world.text(name)));
            another = not(same);
        }
        let principal = Partial::Known(Value::Entity(self.subject.ty.to_owned(), self.subject.id.to_owned()));
        if let Said::If(same) = equal(entity, &principal, self.ty) {
            let own = self.world.attribute(self.world.principal(), name);
            let own = own.map(|value| Partial::Known(read(self.world, value)));
            found.push((all([another.clone(), same.clone()]), own));
            another = all([another, not(same)]);
        }
        found.push((another, None));
        found
    }

    fn of_resource(&self, when: Expr, name: &str) -> Members {
        match self.attributes.get(name) {
            Some(ty) => presence(&when, Attribute { path: vec![name.to_owned()], r#type: ty.clone() }),
            None => vec![(when, None)],
        }
    }
}

/// A value of the world, to be kept.
pub(in crate::engine) fn read<'s, 'a>(world: &RequestWorld<'s, 'a>, value: Found<'a, RequestWorld<'s, 'a>>) -> Value {
    let all = |values: Vec<Found<'a, RequestWorld<'s, 'a>>>| values.into_iter().map(|value| read(world, value));
    match value {
        Found::Bool(value) => Value::Bool(value),
        Found::Long(value) => Value::Long(value),
        Found::Text(value) => Value::String(value.to_owned()),
        Found::Entity(entity) => Value::Entity(entity.ty.to_owned(), entity.id.to_owned()),
        Found::Decimal(value) => Value::Decimal(value),
        Found::Ip(range) => Value::Ip(range),
        Found::Datetime(value) => Value::Datetime(value),
        Found::Duration(value) => Value::Duration(value),
        Found::Set(set) => Value::Set(all(set.elements(world)).collect()),
        Found::Record(Record::Given(record)) => {
            let members = world.members(record).into_iter();
            Value::Record(members.map(|(name, value)| (name.to_owned(), read(world, value))).collect())
        }
        Found::Record(Record::Made(members)) => {
            let members = members.iter();
            let read = |(name, value): &(u32, Found<'a, _>)| (world.text(*name).to_owned(), read(world, value.clone()));
            Value::Record(members.map(read).collect())
        }
    }
}

/// The attribute is there, or it is not.
fn presence(when: &Expr, attribute: Attribute) -> Members {
    let has = Expr::Has(attribute.clone());
    vec![(all([when.clone(), has.clone()]), Some(Partial::Attribute(attribute))), (all([when.clone(), not(has)]), None)]
}
