//! Whether a condition holds of a resource that is at hand.

use super::Residual;
use super::expr::{Attribute, Comparison, Expr, Operand, Pattern};
use super::number::DAY;
use crate::directory::EntityRef;
use crate::schema::{Attributes, Value, WrongType};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

impl Residual {
    /// Whether it allows the resource of this id and these attributes, as far as its type declares them.
    ///
    /// # Errors
    /// An attribute that does not fit its declared type. A decision denies then.
    pub fn allows(&self, id: &str, declared: &Attributes, attributes: &Map<String, Json>) -> Result<bool, WrongType> {
        let attributes = Value::read_attributes(declared, attributes)?;
        Ok(self.condition().holds(&EntityRef::new(&self.resource_type, id), &attributes))
    }
}

impl Expr {
    /// Whether it holds of a resource with these attributes, each of its declared type.
    pub fn holds(&self, resource: &EntityRef, attributes: &BTreeMap<String, Value>) -> bool {
        let value = |operand: &Operand| operand.value(resource, attributes);
        let set = |operand: &Operand| match value(operand) {
            Some(Value::Set(elements)) => Some(elements),
            _ => None,
        };
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(resource, attributes)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(resource, attributes)),
            Self::Not(inner) => !inner.holds(resource, attributes),
            Self::Has(attribute) => attribute.of(attributes).is_some(),
            Self::Compare(comparison, one, other) => match (value(one), value(other)) {
                (Some(one), Some(other)) => match comparison {
                    Comparison::Equal => one == other,
                    Comparison::Less => one < other,
                    Comparison::LessEqual => one <= other,
                },
                _ => false,
            },
            Self::OneOf(operand, values) => value(operand).is_some_and(|value| values.contains(&value)),
            Self::Like(attribute, pattern) => match attribute.of(attributes) {
                Some(Value::String(text)) => pattern.matches(text),
                _ => false,
            },
            Self::InRange(one, other) => match (value(one), value(other)) {
                (Some(Value::Ip(one)), Some(Value::Ip(other))) => one.is_in_range(&other),
                _ => false,
            },
            Self::Contains(attribute, element) => match (attribute.of(attributes), value(element)) {
                (Some(Value::Set(elements)), Some(element)) => elements.contains(&element),
                _ => false,
            },
            Self::ContainsAll(one, other) => match (set(one), set(other)) {
                (Some(one), Some(other)) => other.is_subset(&one),
                _ => false,
            },
            Self::ContainsAny(one, other) => match (set(one), set(other)) {
                (Some(one), Some(other)) => BTreeSet::intersection(&one, &other).next().is_some(),
                _ => false,
            },
            Self::LiesIn(operand, _, inside) => match value(operand) {
                Some(Value::Entity(_, id)) => inside.binary_search(&id).is_ok(),
                _ => false,
            },
            Self::Unknown(_) => false,
        }
    }
}

impl Operand {
    fn value(&self, resource: &EntityRef, attributes: &BTreeMap<String, Value>) -> Option<Value> {
        match self {
            Self::Resource => Some(Value::Entity(resource.r#type.clone(), resource.id.clone())),
            Self::Attribute(attribute) => attribute.of(attributes).cloned(),
            Self::TimeOfDay(attribute, shift) => match attribute.of(attributes) {
                Some(Value::Datetime(time)) => {
                    let time = (i128::from(*time) + i128::from(*shift)).rem_euclid(i128::from(DAY));
                    i64::try_from(time).ok().map(Value::Duration)
                }
                _ => None,
            },
            Self::Value(value) => Some(value.clone()),
        }
    }
}

impl Attribute {
    fn of<'v>(&self, attributes: &'v BTreeMap<String, Value>) -> Option<&'v Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(attributes.get(first)?, |value, name| match value {
            Value::Record(members) => members.get(name),
            _ => None,
        })
    }
}

impl Pattern {
    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        let any = crate::engine::program::ANY_TEXT;
        let pattern: Vec<u32> = self.0.iter().map(|part| part.map_or(any, u32::from)).collect();
        crate::engine::program::matches(&pattern, text)
    }
}
