//! What lies in what, as far as the snapshot's hierarchy and the principal's own edges say.

use super::compare::equal;
use super::evaluate::Evaluator;
use super::expr::{Expr, Operand};
use super::partial::{Partial, Said};
use super::sets;
use crate::directory::EntityRef;
use crate::schema::{Type, Value};
use std::collections::BTreeSet;

impl Evaluator<'_, '_, '_> {
    /// Whether the resource, or an attribute, of a type, is or lies in a known entity.
    pub(super) fn known_to_lie_in(&self, operand: Operand, own: &str, (ty, id): (&str, &str)) -> Expr {
        let inside = self.inside(own, (ty, id));
        let itself = own == ty && inside.len() == 1;
        // Whom a principal is, a request says; what else lies in what, the registry.
        if inside.is_empty() || itself || own == self.subject.ty {
            let inside = inside.into_iter().map(|id| Value::Entity(own.to_owned(), id));
            return sets::is_one_of(operand, inside.collect());
        }
        Expr::LiesIn(operand, EntityRef::new(ty, id), inside)
    }

    /// Whether an entity is, or lies in, an entity or one of a set of entities.
    pub(super) fn lies_in(&self, entity: &Partial, other: &Partial) -> Said {
        match (entity, other) {
            (Partial::Unknown(what), _) | (_, Partial::Unknown(what)) => return Said::Unknown(what),
            _ if self.entity_type(entity).is_none() => return Said::Fails,
            _ => {}
        }
        match other {
            Partial::Known(Value::Set(others)) => {
                self.in_one_of(entity, others.iter().cloned().map(Partial::Known).collect())
            }
            Partial::Set(others) => self.in_one_of(entity, others.clone()),
            Partial::Attribute(attribute) if matches!(attribute.r#type, Type::Set(_)) => match &attribute.r#type {
                Type::Set(element) if matches!(**element, Type::Entity(_)) => self.in_attribute(entity, other),
                // It fails unless it is empty.
                _ => Said::Unknown("whether an entity lies in what is none"),
            },
            _ if self.entity_type(other).is_some() => self.in_entity(entity, other),
            _ => Said::Fails,
        }
    }

    /// All of them must be entities, also behind one that answers the question.
    fn in_one_of(&self, entity: &Partial, others: Vec<Partial>) -> Said {
        let strange = |other: &Partial| !matches!(other, Partial::Unknown(_)) && self.entity_type(other).is_none();
        if others.iter().any(strange) {
            return Said::Fails;
        }
        Said::one_of(others.iter().map(|other| self.lies_in(entity, other)))
    }

    fn in_entity(&self, entity: &Partial, other: &Partial) -> Said {
        match (entity, other) {
            (Partial::Known(Value::Entity(ty, id)), _) => {
                let within =
                    self.around(ty, id).into_iter().map(|(ty, id)| Value::Entity(ty.to_owned(), id.to_owned()));
                let within: BTreeSet<Value> = within.collect();
                match other {
                    Partial::Known(other) => Said::plainly(within.contains(other)),
                    _ => sets::one_of(other, &within, self.ty),
                }
            }
            (_, Partial::Known(Value::Entity(ty, id))) => match (entity.operand(), self.entity_type(entity)) {
                (Some(operand), Some(own)) => Said::If(self.known_to_lie_in(operand, own, (ty, id))),
                _ => Said::Fails,
            },
            _ => match equal(entity, other, self.ty) {
                Said::If(same) if same.is_true() => Said::If(same),
                _ => Said::Unknown("whether an entity that is not known lies in another"),
            },
        }
    }

    /// Whether an entity is, or lies in, an element of an attribute.
    fn in_attribute(&self, entity: &Partial, set: &Partial) -> Said {
        let Partial::Known(Value::Entity(ty, id)) = entity else {
            return Said::Unknown("whether an entity that is not known lies in another");
        };
        let within = self.around(ty, id).into_iter().map(|(ty, id)| Value::Entity(ty.to_owned(), id.to_owned()));
        sets::contains_any(set, &Partial::Known(Value::Set(within.collect())), self.ty)
    }

    /// The type of an entity; `None` for what is none.
    pub(super) fn entity_type<'p>(&'p self, value: &'p Partial) -> Option<&'p str> {
        match value {
            Partial::Resource => Some(self.ty),
            Partial::Known(Value::Entity(ty, _)) => Some(ty),
            Partial::Attribute(attribute) => match &attribute.r#type {
                Type::Entity(ty) => Some(ty),
                _ => None,
            },
            _ => None,
        }
    }

    /// An entity and everything that it lies in.
    fn around<'k>(&'k self, ty: &'k str, id: &'k str) -> Vec<(&'k str, &'k str)> {
        let store = &self.view.store;
        let above = if (ty, id) == (self.subject.ty, self.subject.id) {
            self.subject.above().collect()
        } else {
            store.entity(ty, id).map(|entity| self.above(entity)).unwrap_or_default()
        };
        let above = above.into_iter().map(|number| store.entity_key(number));
        std::iter::once((ty, id)).chain(above).collect()
    }

    /// The ids of the entities of a type that are, or lie in, an entity; in order.
    pub(super) fn inside(&self, ty: &str, (other_ty, other_id): (&str, &str)) -> Vec<String> {
        let store = &self.view.store;
        let mut inside = BTreeSet::new();
        if ty == other_ty {
            inside.insert(other_id);
        }
        if let Some(other) = store.entity(other_ty, other_id) {
            let of_type = |number: &u32| store.entity_key(*number).0 == ty;
            for number in (0..store.entities.len() as u32).filter(of_type) {
                let id = store.entity_key(number).1;
                if (ty, id) != (self.subject.ty, self.subject.id) && self.above(number).contains(&other) {
                    inside.insert(id);
                }
            }
            if ty == self.subject.ty && self.subject.lies_in(other) {
                inside.insert(self.subject.id);
            }
        }
        inside.into_iter().map(str::to_owned).collect()
    }

    /// Everything that an entity of the snapshot lies in, itself excluded.
    fn above(&self, entity: u32) -> Vec<u32> {
        let mut found = vec![];
        self.view.store.climb(entity, self.now, &mut |above| {
            found.push(above);
            false
        });
        found
    }
}
