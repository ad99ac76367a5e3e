//! Running a program: Cedar's meaning, step for step.

use super::extension::{call, call2};
use super::node::{Node, NodeId, Program, matches};
use super::step::{Comparison, Operand, Step};
use super::value::{Record, Set, Value, World};
use crate::store::same;
use std::cmp::Ordering;
use std::rc::Rc;

/// Why an evaluation failed. Which policies fail is part of Cedar's meaning, why they do is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A value of the wrong type.
    #[error("a value is of the wrong type")]
    Type,
    /// A whole number beyond 64 bits.
    #[error("a whole number is beyond 64 bits")]
    Overflow,
    /// An attribute or tag that is not there, or an entity.
    #[error("an attribute or tag is not there")]
    Absent,
    /// An extension function refused its arguments.
    #[error("an extension function refuses its argument")]
    Extension,
    /// A part of the program that is not there; a program that was checked has all its parts.
    #[error("the program is broken")]
    Broken,
}

/// Whether a condition holds. Anything but a truth value is a failure.
pub(crate) fn holds<'a, W: World<'a>>(program: &Program, world: &W, node: NodeId) -> Result<bool, Failure> {
    let step = match program.step(node)? {
        Step::Guarded(comparison, left, right) => return guarded(program, world, comparison, left, right),
        Step::Node(step) => step,
    };
    match step {
        Node::And(left, right) => Ok(holds(program, world, left)? && holds(program, world, right)?),
        Node::Or(left, right) => Ok(holds(program, world, left)? || holds(program, world, right)?),
        Node::Not(inner) => Ok(!holds(program, world, inner)?),
        Node::Bool(value) => Ok(value),
        Node::Equal(left, right) => {
            let (left, right) = (evaluate(program, world, left)?, evaluate(program, world, right)?);
            Ok(equal(world, &left, &right))
        }
        Node::HasAttribute(inner, name) => Ok(attribute_of(program, world, inner, name)?.is_some()),
        Node::HasAttributes(inner, names, length) => has(program, world, inner, program.list(names, length)?),
        _ => match evaluate(program, world, node)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Failure::Type),
        },
    }
}

/// A comparison of attributes that may not be there.
fn guarded<'a, W: World<'a>>(
    program: &Program,
    world: &W,
    comparison: Comparison,
    left: Operand,
    right: Operand,
) -> Result<bool, Failure> {
    let value = |operand| {
        Ok(match operand {
            Operand::ResourceAttribute(name) => world.resource_attribute(name),
            Operand::PrincipalAttribute(name) => world.principal_attribute(name),
            Operand::ContextAttribute(name) => world.member(world.context(), name),
            Operand::Principal => Some(Value::Entity(world.principal())),
            Operand::Resource => Some(Value::Entity(world.resource())),
            Operand::Constant(node) => Some(evaluate(program, world, node)?),
        })
    };
    let Some(left) = value(left)? else { return Ok(false) };
    let Some(right) = value(right)? else { return Ok(false) };
    match comparison {
        Comparison::Equal => Ok(equal(world, &left, &right)),
        Comparison::In => lies_in(world, entity(left)?, right),
        Comparison::Contains => Ok(set(left)?.contains(&right, world)),
    }
}

/// Whether two values are equal.
fn equal<'a, W: World<'a>>(world: &W, left: &Value<'a, W>, right: &Value<'a, W>) -> bool {
    match (left, right) {
        // What is most often compared, without asking which comes first.
        (Value::Entity(left), Value::Entity(right)) => left == right,
        (Value::Text(left), Value::Text(right)) => same(left, right),
        _ => left.compare(right, world) == Ordering::Equal,
    }
}

/// The value of a node.
pub(crate) fn evaluate<'a, W: World<'a>>(program: &Program, world: &W, node: NodeId) -> Result<Value<'a, W>, Failure> {
    let value = |node| evaluate(program, world, node);
    Ok(match program.node(node)? {
        Node::Bool(value) => Value::Bool(value),
        Node::Long(value) => Value::Long(value),
        Node::Decimal(value) => Value::Decimal(value),
        Node::Datetime(value) => Value::Datetime(value),
        Node::Duration(value) => Value::Duration(value),
        Node::Ip(list) => Value::Ip(program.ip(list)?),
        Node::Text(text) => Value::Text(world.text(text)),
        Node::Entity(constant) => Value::Entity(world.constant(constant)),
        Node::Principal => Value::Entity(world.principal()),
        Node::Action => Value::Entity(world.action()),
        Node::Resource => Value::Entity(world.resource()),
        Node::Context => Value::Record(Record::Given(world.context())),
        Node::Not(_)
        | Node::And(..)
        | Node::Or(..)
        | Node::Equal(..)
        | Node::HasAttribute(..)
        | Node::HasAttributes(..) => Value::Bool(holds(program, world, node)?),
        Node::If(condition, then, otherwise) => {
            value(if holds(program, world, condition)? { then } else { otherwise })?
        }
        Node::Negate(inner) => Value::Long(long(value(inner)?)?.checked_neg().ok_or(Failure::Overflow)?),
        Node::IsEmpty(inner) => Value::Bool(set(value(inner)?)?.is_empty(world)),
        Node::Less(left, right) => Value::Bool(order(value(left)?, value(right)?)?.is_lt()),
        Node::LessEqual(left, right) => Value::Bool(order(value(left)?, value(right)?)?.is_le()),
        Node::Add(left, right) => arithmetic(value(left)?, value(right)?, i64::checked_add)?,
        Node::Subtract(left, right) => arithmetic(value(left)?, value(right)?, i64::checked_sub)?,
        Node::Multiply(left, right) => arithmetic(value(left)?, value(right)?, i64::checked_mul)?,
        Node::In(left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            Value::Bool(lies_in(world, entity(left)?, right)?)
        }
        Node::Contains(left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            Value::Bool(set(left)?.contains(&right, world))
        }
        Node::ContainsAll(left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            Value::Bool(set(left)?.contains_all(&set(right)?, world))
        }
        Node::ContainsAny(left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            Value::Bool(set(left)?.contains_any(&set(right)?, world))
        }
        Node::HasTag(left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            Value::Bool(world.tag(entity(left)?, text(right)?).is_some())
        }
        Node::GetTag(left, right) => {
            let (left, right) = (value(left)?, value(right)?);
            world.tag(entity(left)?, text(right)?).ok_or(Failure::Absent)?
        }
        Node::GetAttribute(inner, name) => attribute_of(program, world, inner, name)?.ok_or(Failure::Absent)?,
        Node::Like(inner, pattern, length) => {
            let text = text(value(inner)?)?;
            Value::Bool(matches(program.list(pattern, length)?, text))
        }
        Node::Is(inner, ty) => Value::Bool(world.is_of_type(entity(value(inner)?)?, ty)),
        Node::Set(list, length) => {
            let elements = program.list(list, length)?.iter().map(|element| value(*element));
            Value::Set(Set::Made(Rc::new(elements.collect::<Result<_, _>>()?)))
        }
        Node::Record(list, length) => {
            let members = program.list(list, length)?.chunks_exact(2).map(|pair| match pair {
                [name, member] => Ok((*name, value(*member)?)),
                _ => Err(Failure::Broken),
            });
            Value::Record(Record::Made(Rc::new(members.collect::<Result<_, _>>()?)))
        }
        Node::Call(function, inner) => call(function, &value(inner)?)?,
        Node::Call2(function, left, right) => call2(function, &value(left)?, &value(right)?)?,
    })
}

fn long<'a, W: World<'a>>(value: Value<'a, W>) -> Result<i64, Failure> {
    match value {
        Value::Long(value) => Ok(value),
        _ => Err(Failure::Type),
    }
}

fn text<'a, W: World<'a>>(value: Value<'a, W>) -> Result<&'a str, Failure> {
    match value {
        Value::Text(value) => Ok(value),
        _ => Err(Failure::Type),
    }
}

fn entity<'a, W: World<'a>>(value: Value<'a, W>) -> Result<W::Entity, Failure> {
    match value {
        Value::Entity(value) => Ok(value),
        _ => Err(Failure::Type),
    }
}

fn set<'a, W: World<'a>>(value: Value<'a, W>) -> Result<Set<'a, W>, Failure> {
    match value {
        Value::Set(value) => Ok(value),
        _ => Err(Failure::Type),
    }
}

/// `<` and `<=` are for whole numbers, instants and spans of time.
fn order<'a, W: World<'a>>(left: Value<'a, W>, right: Value<'a, W>) -> Result<Ordering, Failure> {
    match (left, right) {
        (Value::Long(left), Value::Long(right))
        | (Value::Datetime(left), Value::Datetime(right))
        | (Value::Duration(left), Value::Duration(right)) => Ok(left.cmp(&right)),
        _ => Err(Failure::Type),
    }
}

fn arithmetic<'a, W: World<'a>>(
    left: Value<'a, W>,
    right: Value<'a, W>,
    operation: fn(i64, i64) -> Option<i64>,
) -> Result<Value<'a, W>, Failure> {
    let (left, right) = (long(left)?, long(right)?);
    operation(left, right).map(Value::Long).ok_or(Failure::Overflow)
}

/// Whether an entity is, or lies in, an entity or one of a set of entities.
fn lies_in<'a, W: World<'a>>(world: &W, entity: W::Entity, other: Value<'a, W>) -> Result<bool, Failure> {
    let within = |other| entity == other || world.lies_in(entity, other);
    match other {
        Value::Entity(other) => Ok(within(other)),
        Value::Set(others) => {
            // All of them must be entities, also behind one that answers the question.
            let others = others.elements(world).into_iter().map(self::entity).collect::<Result<Vec<_>, _>>()?;
            Ok(others.into_iter().any(within))
        }
        _ => Err(Failure::Type),
    }
}

/// Whether a node has an attribute, and that one the next.
fn has<'a, W: World<'a>>(program: &Program, world: &W, node: NodeId, names: &[u32]) -> Result<bool, Failure> {
    let Some((first, rest)) = names.split_first() else { return Err(Failure::Broken) };
    let Some(mut current) = attribute_of(program, world, node, *first)? else { return Ok(false) };
    for name in rest {
        match attribute(world, &current, *name)? {
            Some(next) => current = next,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// An attribute of a node's value; of the principal, the resource and the context without making a value of them first.
fn attribute_of<'a, W: World<'a>>(
    program: &Program,
    world: &W,
    node: NodeId,
    name: u32,
) -> Result<Option<Value<'a, W>>, Failure> {
    match program.node(node)? {
        Node::Principal => Ok(world.principal_attribute(name)),
        Node::Resource => Ok(world.resource_attribute(name)),
        Node::Context => Ok(world.member(world.context(), name)),
        _ => attribute(world, &evaluate(program, world, node)?, name),
    }
}

/// An attribute of an entity or a record.
fn attribute<'a, W: World<'a>>(world: &W, value: &Value<'a, W>, name: u32) -> Result<Option<Value<'a, W>>, Failure> {
    match value {
        Value::Entity(entity) => Ok(world.attribute(*entity, name)),
        Value::Record(record) => Ok(record.member(name, world)),
        _ => Err(Failure::Type),
    }
}
