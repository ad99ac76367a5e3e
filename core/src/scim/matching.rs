//! Whether a filter holds for what is at hand: for the values that a PATCH path picks, and beside what [`super::sql`] asks a
//! database.

use super::error::{ErrorType, ScimError};
use super::filter::{AttributePath, Filter, Operator};
use super::schema::{Attribute, Kind, ResourceType};
use crate::model::Timestamp;
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// What an attribute is compared with, by the attribute's type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    /// No value.
    Absent,
    Boolean(bool),
    Number(Number),
    Time(Timestamp),
    Text(String),
}

impl Operand {
    /// Reads what a filter compares an attribute with; refused where they cannot be compared so.
    pub fn read(leaf: &Attribute, operator: Operator, value: &Value) -> Result<Self, ScimError> {
        let wrong = |detail: &str| Err(ScimError::new(ErrorType::InvalidFilter, format!("`{}` {detail}", leaf.name)));
        let by_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let by_text = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
        match (leaf.kind, value) {
            (Kind::Complex, _) => wrong("has parts: one of them is compared"),
            (_, Value::Null) if by_equality => Ok(Self::Absent),
            // As Entra ID writes it.
            (Kind::Boolean, Value::String(text)) if by_equality && text.eq_ignore_ascii_case("true") => {
                Ok(Self::Boolean(true))
            }
            (Kind::Boolean, Value::String(text)) if by_equality && text.eq_ignore_ascii_case("false") => {
                Ok(Self::Boolean(false))
            }
            (Kind::Boolean, Value::Bool(value)) if by_equality => Ok(Self::Boolean(*value)),
            (Kind::Boolean, _) => wrong("is compared by `eq` and `ne` with true or false"),
            (Kind::Integer | Kind::Decimal, Value::Number(number)) if !by_text => Ok(Self::Number(number.clone())),
            (Kind::Integer | Kind::Decimal, _) => wrong("is compared as a number"),
            (Kind::DateTime, Value::String(text)) if !by_text => match text.parse() {
                Ok(time) => Ok(Self::Time(time)),
                Err(_) => wrong("is compared with a time such as `2026-01-31T08:00:00Z`"),
            },
            (Kind::DateTime, _) => wrong("is compared as a time"),
            (Kind::Binary, Value::String(_)) if !by_equality => wrong("is compared by `eq` and `ne`"),
            (_, Value::String(text)) => Ok(Self::Text(text.clone())),
            _ => wrong("is compared with text"),
        }
    }
}

/// What has the value that is compared: of a complex attribute its `value` (RFC 7644, section 3.4.2.2).
pub(super) fn compared(leaf: &Attribute) -> &Attribute {
    leaf.part("value").unwrap_or(leaf)
}

/// There is no such attribute to be found by.
pub(super) fn unknown(path: &AttributePath) -> ScimError {
    ScimError::new(ErrorType::InvalidFilter, format!("there is no attribute `{path}`"))
}

/// Whether a filter holds for a resource.
pub fn matches(resource: &ResourceType, filter: &Filter, document: &Map<String, Value>) -> Result<bool, ScimError> {
    let values = |path: &AttributePath| {
        let target = resource.resolve(path).ok_or_else(|| unknown(path))?;
        let within = match target.extension {
            Some(urn) => document.get(urn).and_then(Value::as_object),
            None => Some(document),
        };
        let value = within.and_then(|within| within.get(target.attribute.name.as_ref()));
        Ok((target, one_by_one(value)))
    };
    match filter {
        Filter::And(one, other) => Ok(matches(resource, one, document)? & matches(resource, other, document)?),
        Filter::Or(one, other) => Ok(matches(resource, one, document)? | matches(resource, other, document)?),
        Filter::Not(inner) => Ok(!matches(resource, inner, document)?),
        Filter::Within(path, inner) => {
            let (target, values) = values(path)?;
            let mut any = false;
            // Also where there is no value: what is wrong with the filter does not hang on that.
            for value in values.iter().copied().chain([&Value::Null]) {
                any |= matches_value(target.attribute, inner, value)? && !value.is_null();
            }
            Ok(any)
        }
        Filter::Present(path) => {
            let (target, values) = values(path)?;
            Ok(values.into_iter().any(|value| is_there(part(value, target.part))))
        }
        Filter::Compare(path, operator, wanted) => {
            let (target, values) = values(path)?;
            let leaf = compared(target.leaf());
            let through = if target.part.is_none() { target.attribute.part("value") } else { target.part };
            holds(leaf, *operator, wanted, values.into_iter().map(|value| part(value, through)))
        }
    }
}

/// Whether a filter holds for one value of a multi-valued attribute: its names are those of the attribute's parts.
pub fn matches_value(attribute: &Attribute, filter: &Filter, value: &Value) -> Result<bool, ScimError> {
    let find = |path: &AttributePath| {
        let whole = path.schema.is_none() && path.sub.is_none();
        attribute.part(&path.name).filter(|_| whole).ok_or_else(|| unknown(path))
    };
    match filter {
        Filter::And(one, other) => Ok(matches_value(attribute, one, value)? & matches_value(attribute, other, value)?),
        Filter::Or(one, other) => Ok(matches_value(attribute, one, value)? | matches_value(attribute, other, value)?),
        Filter::Not(inner) => Ok(!matches_value(attribute, inner, value)?),
        Filter::Within(path, _) => Err(unknown(path)),
        Filter::Present(path) => Ok(is_there(part(value, Some(find(path)?)))),
        Filter::Compare(path, operator, wanted) => {
            let leaf = find(path)?;
            holds(leaf, *operator, wanted, std::iter::once(part(value, Some(leaf))))
        }
    }
}

fn one_by_one(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        value => value.into_iter().collect(),
    }
}

fn part<'a>(value: &'a Value, part: Option<&Attribute>) -> Option<&'a Value> {
    part.map_or(Some(value), |part| value.get(part.name.as_ref()))
}

fn is_there(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
}

/// Whether one of the values compares so; by `ne`, whether none is equal.
fn holds<'a>(
    leaf: &Attribute,
    operator: Operator,
    wanted: &Value,
    values: impl Iterator<Item = Option<&'a Value>>,
) -> Result<bool, ScimError> {
    let operand = Operand::read(leaf, operator, wanted)?;
    let mut values = values.flatten().filter(|value| is_there(Some(value)));
    Ok(match (operator, operand) {
        (Operator::Equal, Operand::Absent) => values.next().is_none(),
        (_, Operand::Absent) => values.next().is_some(),
        (Operator::NotEqual, operand) => !values.any(|value| compares(leaf, Operator::Equal, value, &operand)),
        (operator, operand) => values.any(|value| compares(leaf, operator, value, &operand)),
    })
}

fn compares(leaf: &Attribute, operator: Operator, value: &Value, operand: &Operand) -> bool {
    let fold = |text: &str| if leaf.case_exact { text.to_owned() } else { text.to_ascii_lowercase() };
    let order = match (value, operand) {
        (Value::Bool(value), Operand::Boolean(wanted)) => value.cmp(wanted),
        (Value::Number(value), Operand::Number(wanted)) => {
            let order = value.as_f64().partial_cmp(&wanted.as_f64());
            let Some(order) = order else { return false };
            order
        }
        (Value::String(value), Operand::Time(wanted)) => match value.parse::<Timestamp>() {
            Ok(value) => value.cmp(wanted),
            Err(_) => return false,
        },
        (Value::String(value), Operand::Text(wanted)) => {
            let (value, wanted) = (fold(value), fold(wanted));
            match operator {
                Operator::Contains => return value.contains(&wanted),
                Operator::StartsWith => return value.starts_with(&wanted),
                Operator::EndsWith => return value.ends_with(&wanted),
                _ => value.cmp(&wanted),
            }
        }
        _ => return false,
    };
    match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::NotEqual | Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}
