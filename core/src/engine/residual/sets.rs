//! Sets: attributes, known ones, and those with elements that are not known.

use super::compare;
use super::expr::{Comparison, Expr, Operand};
use super::partial::{Partial, Said, fits};
use crate::schema::{Type, Value};
use std::collections::BTreeSet;

/// A set, as far as it is known.
enum Set<'p> {
    /// A known one.
    Known(&'p BTreeSet<Value>),
    /// A present attribute, and the type of its elements.
    Attribute(&'p Partial, &'p Type),
    /// One that was put together.
    Made(&'p [Partial]),
}

impl<'p> Set<'p> {
    fn of(value: &'p Partial) -> Option<Self> {
        match value {
            Partial::Known(Value::Set(elements)) => Some(Self::Known(elements)),
            Partial::Set(elements) => Some(Self::Made(elements)),
            Partial::Attribute(attribute) => match &attribute.r#type {
                Type::Set(element) => Some(Self::Attribute(value, element)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements, where each can be told from the others.
    fn elements(&self) -> Option<Vec<Partial>> {
        match self {
            Self::Known(elements) => Some(elements.iter().cloned().map(Partial::Known).collect()),
            Self::Made(elements) => Some(elements.to_vec()),
            Self::Attribute(..) => None,
        }
    }

    fn operand(&self) -> Option<Operand> {
        match self {
            Self::Known(elements) => Some(Operand::Value(Value::Set((*elements).clone()))),
            Self::Attribute(attribute, _) => attribute.operand(),
            Self::Made(_) => None,
        }
    }
}

/// Whether two values, one of them a set, are equal.
pub(super) fn equal(left: &Partial, right: &Partial, ty: &str) -> Said {
    if Set::of(left).is_none() || Set::of(right).is_none() {
        return Said::plainly(false);
    }
    Said::all_of([contains_all(left, right, ty), contains_all(right, left, ty)])
}

/// Whether a set has no elements.
pub(super) fn is_empty(set: &Partial) -> Said {
    match (set, Set::of(set)) {
        (Partial::Unknown(what), _) => Said::Unknown(what),
        (_, Some(Set::Known(elements))) => Said::plainly(elements.is_empty()),
        (_, Some(Set::Made(elements))) => Said::plainly(elements.is_empty()),
        (_, Some(Set::Attribute(..))) => contains_all(&Partial::Known(Value::Set(BTreeSet::new())), set, ""),
        (_, None) => Said::Fails,
    }
}

/// Whether a value is an element of a set.
pub(super) fn contains(set: &Partial, element: &Partial, ty: &str) -> Said {
    if let Partial::Unknown(what) = set {
        return Said::Unknown(what);
    }
    match (Set::of(set), element) {
        (None, _) => Said::Fails,
        (_, Partial::Unknown(what)) => Said::Unknown(what),
        (Some(Set::Known(elements)), Partial::Known(value)) => Said::plainly(elements.contains(value)),
        (Some(Set::Known(elements)), _) => one_of(element, elements, ty),
        (Some(Set::Made(elements)), _) => Said::one_of(elements.iter().map(|own| compare::equal(own, element, ty))),
        (Some(Set::Attribute(attribute, of)), _) => {
            let possible = match element {
                Partial::Known(value) => fits(value, of),
                Partial::Resource => *of == Type::Entity(ty.to_owned()),
                Partial::Attribute(attribute) => attribute.r#type == *of,
                _ => true,
            };
            match (attribute, element.operand()) {
                _ if !possible => Said::plainly(false),
                (Partial::Attribute(attribute), Some(element)) => Said::If(Expr::Contains(attribute.clone(), element)),
                _ => Said::Unknown("whether a set has an element that is made from another attribute"),
            }
        }
    }
}

/// Whether a value that is not known is one of known ones.
pub(super) fn one_of(element: &Partial, values: &BTreeSet<Value>, ty: &str) -> Said {
    let of = match element {
        Partial::Resource => Some(Type::Entity(ty.to_owned())),
        Partial::Attribute(attribute) => Some(attribute.r#type.clone()),
        _ => None,
    };
    match (element.operand(), of) {
        (Some(operand), Some(of @ (Type::String | Type::Long | Type::Decimal | Type::Entity(_)))) => {
            Said::If(is_one_of(operand, values.iter().filter(|value| fits(value, &of)).cloned().collect()))
        }
        _ => Said::one_of(values.iter().map(|value| compare::equal(&Partial::Known(value.clone()), element, ty))),
    }
}

/// Whether an operand is one of some values of its type.
pub(super) fn is_one_of(operand: Operand, mut values: Vec<Value>) -> Expr {
    match (values.len(), values.pop()) {
        (1, Some(only)) => Expr::Compare(Comparison::Equal, operand, Operand::Value(only)),
        (_, Some(last)) => Expr::OneOf(operand, values.into_iter().chain([last]).collect()),
        (_, None) => Expr::FALSE,
    }
}

/// Whether all elements of the second are elements of the first.
pub(super) fn contains_all(left: &Partial, right: &Partial, ty: &str) -> Said {
    let (one, other) = match both(left, right) {
        Ok(both) => both,
        Err(unknown) => return unknown.map_or(Said::Fails, Said::Unknown),
    };
    match (&one, &other) {
        (Set::Attribute(_, of), Set::Attribute(_, other_of)) if of != other_of => is_empty(right),
        (Set::Attribute(attribute, _), Set::Known(_) | Set::Made(_)) => {
            let elements = other.elements().unwrap_or_default();
            Said::all_of(elements.iter().map(|element| contains(attribute, element, ty)))
        }
        (Set::Known(_) | Set::Made(_), Set::Known(_) | Set::Made(_)) => {
            let elements = other.elements().unwrap_or_default();
            Said::all_of(elements.iter().map(|element| contains(left, element, ty)))
        }
        (Set::Made(_), Set::Attribute(..)) => {
            Said::Unknown("whether a set that is made from attributes has all elements of another")
        }
        (Set::Known(elements), Set::Attribute(attribute, of)) => {
            let possible = elements.iter().filter(|element| fits(element, of)).cloned().collect();
            match attribute.operand() {
                Some(attribute) => Said::If(Expr::ContainsAll(Operand::Value(Value::Set(possible)), attribute)),
                None => Said::Fails,
            }
        }
        (Set::Attribute(..), Set::Attribute(..)) => match (one.operand(), other.operand()) {
            (Some(one), Some(other)) => Said::If(Expr::ContainsAll(one, other)),
            _ => Said::Fails,
        },
    }
}

/// Whether one element of the second is an element of the first.
pub(super) fn contains_any(left: &Partial, right: &Partial, ty: &str) -> Said {
    let (one, other) = match both(left, right) {
        Ok(both) => both,
        Err(unknown) => return unknown.map_or(Said::Fails, Said::Unknown),
    };
    match (&one, &other) {
        (Set::Attribute(_, of), Set::Attribute(_, other_of)) if of != other_of => Said::plainly(false),
        (Set::Attribute(attribute, of), Set::Known(elements))
        | (Set::Known(elements), Set::Attribute(attribute, of)) => {
            let possible: BTreeSet<Value> = elements.iter().filter(|element| fits(element, of)).cloned().collect();
            match (attribute.operand(), possible.len()) {
                (_, 0) => Said::plainly(false),
                (Some(attribute), 2..) => Said::If(Expr::ContainsAny(attribute, Operand::Value(Value::Set(possible)))),
                _ => Said::one_of(possible.into_iter().map(|value| contains(attribute, &Partial::Known(value), ty))),
            }
        }
        (Set::Attribute(..), Set::Attribute(..)) => match (one.operand(), other.operand()) {
            (Some(one), Some(other)) => Said::If(Expr::ContainsAny(one, other)),
            _ => Said::Fails,
        },
        (_, Set::Known(_) | Set::Made(_)) => {
            let elements = other.elements().unwrap_or_default();
            Said::one_of(elements.iter().map(|element| contains(left, element, ty)))
        }
        (_, Set::Attribute(..)) => {
            let elements = one.elements().unwrap_or_default();
            Said::one_of(elements.iter().map(|element| contains(right, element, ty)))
        }
    }
}

/// Two sets; otherwise what cannot be expressed of one of them, or nothing where one is no set.
fn both<'p>(left: &'p Partial, right: &'p Partial) -> Result<(Set<'p>, Set<'p>), Option<&'static str>> {
    match (left, right, Set::of(left), Set::of(right)) {
        (Partial::Unknown(what), ..) | (_, Partial::Unknown(what), ..) => Err(Some(what)),
        (_, _, Some(left), Some(right)) => Ok((left, right)),
        _ => Err(None),
    }
}
