//! Equality and order of values that are there.

use super::expr::{Comparison, Expr, Operand};
use super::number::{Kind, Number};
use super::partial::{Partial, Said, fits};
use super::sets;
use crate::schema::{Type, Value};

/// What is said where two attributes meet in arithmetic.
const SEVERAL: &str = "arithmetic on several attributes";

/// Whether two values are equal; `ty` is the resource's type. Values of different types are not.
pub(super) fn equal(left: &Partial, right: &Partial, ty: &str) -> Said {
    let same = |left: Operand, right: Operand| Said::If(Expr::Compare(Comparison::Equal, left, right));
    match (left, right) {
        (Partial::Unknown(what), _) | (_, Partial::Unknown(what)) => Said::Unknown(what),
        (Partial::Known(left), Partial::Known(right)) => Said::plainly(left == right),
        (Partial::Resource, Partial::Resource) => Said::plainly(true),
        (Partial::Resource, Partial::Known(value)) | (Partial::Known(value), Partial::Resource) => match value {
            Value::Entity(found, _) if found == ty => same(Operand::Resource, Operand::Value(value.clone())),
            _ => Said::plainly(false),
        },
        (Partial::Resource, Partial::Attribute(attribute)) | (Partial::Attribute(attribute), Partial::Resource) => {
            match &attribute.r#type {
                Type::Entity(found) if found == ty => same(Operand::Attribute(attribute.clone()), Operand::Resource),
                _ => Said::plainly(false),
            }
        }
        (Partial::Record(_), _) | (_, Partial::Record(_)) => records(left, right, ty),
        (Partial::Attribute(one), other) | (other, Partial::Attribute(one)) if is_record(&one.r#type) => match other {
            Partial::Known(Value::Record(_)) | Partial::Attribute(_) => records(left, right, ty),
            _ => Said::plainly(false),
        },
        (Partial::Set(_), _) | (_, Partial::Set(_)) => sets::equal(left, right, ty),
        (Partial::Attribute(one), other) | (other, Partial::Attribute(one)) if is_set(&one.r#type) => match other {
            Partial::Known(Value::Set(_)) => sets::equal(left, right, ty),
            Partial::Attribute(other) if is_set(&other.r#type) => sets::equal(left, right, ty),
            _ => Said::plainly(false),
        },
        (Partial::Attribute(one), Partial::Attribute(other)) if one.r#type == other.r#type => {
            same(Operand::Attribute(one.clone()), Operand::Attribute(other.clone()))
        }
        (Partial::Attribute(_), Partial::Attribute(_)) => Said::plainly(false),
        _ => match ordered(Comparison::Equal, left, right) {
            // Numbers of different kinds, or one of them none.
            Said::Fails => match (left, right) {
                (Partial::Attribute(attribute), Partial::Known(value))
                | (Partial::Known(value), Partial::Attribute(attribute))
                    if fits(value, &attribute.r#type) =>
                {
                    same(Operand::Attribute(attribute.clone()), Operand::Value(value.clone()))
                }
                _ => Said::plainly(false),
            },
            said => said,
        },
    }
}

/// `<` and `<=`: for whole numbers, instants and spans of time.
pub(super) fn order(comparison: Comparison, left: &Partial, right: &Partial) -> Said {
    match (kind(left), kind(right)) {
        (Some(Kind::Decimal), _) | (_, Some(Kind::Decimal)) => unknown(left, right).unwrap_or(Said::Fails),
        _ => ordered(comparison, left, right),
    }
}

/// The order of decimals, which has functions of its own.
pub(super) fn decimals(comparison: Comparison, left: &Partial, right: &Partial) -> Said {
    match (kind(left), kind(right)) {
        (Some(Kind::Decimal), Some(Kind::Decimal)) => ordered(comparison, left, right),
        _ => unknown(left, right).unwrap_or(Said::Fails),
    }
}

fn unknown(left: &Partial, right: &Partial) -> Option<Said> {
    match (left, right) {
        (Partial::Unknown(what), _) | (_, Partial::Unknown(what)) => Some(Said::Unknown(what)),
        _ => None,
    }
}

/// Numbers of one kind; others fail.
fn ordered(comparison: Comparison, left: &Partial, right: &Partial) -> Said {
    if let Some(unknown) = unknown(left, right) {
        return unknown;
    }
    if kind(left).is_none() || kind(left) != kind(right) {
        return Said::Fails;
    }
    let known = |value: &Partial| match value {
        Partial::Known(value) => Kind::read(value).map(|(_, number)| number),
        _ => None,
    };
    let holds = |left: i64, right: i64| match comparison {
        Comparison::Equal => left == right,
        Comparison::Less => left < right,
        Comparison::LessEqual => left <= right,
    };
    if let (Some(left), Some(right)) = (known(left), known(right)) {
        return Said::plainly(holds(left, right));
    }
    if let (Some(left), Some(right)) = (number(left), known(right)) {
        return Said::If(left.compare(comparison, right));
    }
    if let (Some(left), Some(right)) = (known(left), number(right)) {
        return Said::If(right.compare_from(left, comparison));
    }
    let plain = |value: &Partial| match value {
        Partial::Number(number) => number.plain().map(|attribute| Operand::Attribute(attribute.clone())),
        value => value.operand(),
    };
    match (plain(left), plain(right)) {
        (Some(left), Some(right)) => Said::If(Expr::Compare(comparison, left, right)),
        _ => Said::Unknown(SEVERAL),
    }
}

/// What a value counts, if it is a number.
pub(super) fn kind(value: &Partial) -> Option<Kind> {
    match value {
        Partial::Known(value) => Kind::read(value).map(|(kind, _)| kind),
        Partial::Attribute(attribute) => Kind::of(&attribute.r#type),
        Partial::Number(number) => Some(number.kind),
        Partial::TimeOfDay(..) => Some(Kind::Duration),
        _ => None,
    }
}

/// A value as a number of an attribute.
pub(super) fn number(value: &Partial) -> Option<Number> {
    match value {
        Partial::Number(number) => Some(number.clone()),
        Partial::Attribute(attribute) => Number::of(attribute),
        _ => None,
    }
}

/// Two records, member by member: both have it and it is equal, or neither has it.
fn records(left: &Partial, right: &Partial, ty: &str) -> Said {
    let (Some(one), Some(other)) = (members(left), members(right)) else { return Said::plainly(false) };
    let names: std::collections::BTreeSet<&String> = one.iter().chain(&other).map(|(name, ..)| name).collect();
    Said::all_of(names.into_iter().map(|name| {
        let find = |members: &[Member]| members.iter().find(|(own, ..)| own == name).cloned();
        let absent = |member: &Member| Said::If(super::logic::not(member.1.clone()));
        match (find(&one), find(&other)) {
            (Some(one), Some(other)) => Said::one_of([
                Said::all_of([absent(&one), absent(&other)]),
                Said::all_of([Said::If(one.1), Said::If(other.1), equal(&one.2, &other.2, ty)]),
            ]),
            (Some(only), None) | (None, Some(only)) => absent(&only),
            (None, None) => Said::plainly(true),
        }
    }))
}

/// A member's name, when it is there, and its value then.
type Member = (String, Expr, Partial);

fn members(record: &Partial) -> Option<Vec<Member>> {
    match record {
        Partial::Record(members) => {
            Some(members.iter().map(|(name, member)| (name.clone(), Expr::TRUE, member.clone())).collect())
        }
        Partial::Known(Value::Record(members)) => {
            let known = |(name, value): (&String, &Value)| (name.clone(), Expr::TRUE, Partial::Known(value.clone()));
            Some(members.iter().map(known).collect())
        }
        Partial::Attribute(attribute) => match &attribute.r#type {
            Type::Record(types) => Some(
                types
                    .iter()
                    .map(|(name, ty)| {
                        let member = attribute.member(name, ty);
                        (name.clone(), Expr::Has(member.clone()), Partial::Attribute(member))
                    })
                    .collect(),
            ),
            _ => None,
        },
        _ => None,
    }
}

fn is_record(ty: &Type) -> bool {
    matches!(ty, Type::Record(_))
}

fn is_set(ty: &Type) -> bool {
    matches!(ty, Type::Set(_))
}
