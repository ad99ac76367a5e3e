//! A residual as a Cedar expression over `resource`, as text.
//!
//! Written without Cedar, which the edge does not carry; every text goes through [`quoted`] and every name through
//! [`identifier`], and a test has Cedar read and evaluate what is written.

use super::Residual;
use super::expr::{Attribute, Comparison, Expr, Operand, Pattern};
use super::text::joined;
use crate::schema::Value;

/// Words that cannot stand for an attribute.
const RESERVED: [&str; 9] = ["true", "false", "if", "then", "else", "in", "is", "like", "has"];

impl Residual {
    /// As a Cedar expression over `resource` that never fails. What lies in what, it leaves to Cedar's entities.
    pub fn cedar(&self) -> String {
        self.condition().cedar()
    }
}

impl Expr {
    /// As a Cedar expression over `resource` that never fails.
    pub fn cedar(&self) -> String {
        let call = |one: &Operand, name: &str, other: &Operand| format!("{}.{name}({})", one.cedar(), other.cedar());
        let test = match self {
            Self::All(parts) if parts.is_empty() => return "true".to_owned(),
            Self::Any(parts) if parts.is_empty() => return "false".to_owned(),
            Self::All(parts) => return joined(parts.iter().map(Self::cedar).collect(), " && "),
            Self::Any(parts) => return joined(parts.iter().map(Self::cedar).collect(), " || "),
            Self::Not(inner) => return format!("!({})", inner.cedar()),
            Self::Has(attribute) => return has(attribute),
            Self::Compare(comparison, one, other) => match (comparison, is_decimal(one, other)) {
                (Comparison::Equal, _) => format!("{} == {}", one.cedar(), other.cedar()),
                (Comparison::Less, false) => format!("{} < {}", one.cedar(), other.cedar()),
                (Comparison::LessEqual, false) => format!("{} <= {}", one.cedar(), other.cedar()),
                (Comparison::Less, true) => call(one, "lessThan", other),
                (Comparison::LessEqual, true) => call(one, "lessThanOrEqual", other),
            },
            Self::OneOf(operand, values) => format!("{}.contains({})", set(values.iter()), operand.cedar()),
            Self::Like(attribute, pattern) => format!("{} like \"{}\"", read(attribute), pattern.cedar()),
            Self::InRange(one, other) => call(one, "isInRange", other),
            Self::Contains(attribute, element) => format!("{}.contains({})", read(attribute), element.cedar()),
            // Cedar's validator has no type for an empty set, so it is not written as one.
            Self::ContainsAll(Operand::Value(Value::Set(values)), Operand::Attribute(other)) if values.is_empty() => {
                format!("{}.isEmpty()", read(other))
            }
            Self::ContainsAll(one, other) => call(one, "containsAll", other),
            Self::ContainsAny(one, other) => call(one, "containsAny", other),
            Self::LiesIn(operand, other, _) => format!("{} in {}", operand.cedar(), Operand::entity(other).cedar()),
            Self::Unknown(_) => return "false".to_owned(),
        };
        let mut guarded: Vec<String> = self.attributes().map(has).collect();
        guarded.dedup();
        guarded.push(test);
        joined(guarded, " && ")
    }
}

impl Operand {
    fn cedar(&self) -> String {
        match self {
            Self::Resource => "resource".to_owned(),
            Self::Attribute(attribute) => read(attribute),
            Self::TimeOfDay(attribute, 0) => format!("{}.toTime()", read(attribute)),
            Self::TimeOfDay(attribute, shift) => {
                format!("{}.offset({}).toTime()", read(attribute), literal(&Value::Duration(*shift)))
            }
            Self::Value(value) => literal(value),
        }
    }
}

impl Pattern {
    fn cedar(&self) -> String {
        let part = |part: &Option<char>| match part {
            None => "*".to_owned(),
            Some('*') => "\\*".to_owned(),
            Some(character) => escaped(&character.to_string()),
        };
        self.0.iter().map(part).collect()
    }
}

/// An attribute that is there.
fn read(attribute: &Attribute) -> String {
    steps(&attribute.path)
}

fn steps(path: &[String]) -> String {
    path.iter().fold("resource".to_owned(), |base, name| match identifier(name) {
        Some(name) => format!("{base}.{name}"),
        None => format!("{base}[{}]", quoted(name)),
    })
}

/// Whether an attribute is there, asked step by step.
fn has(attribute: &Attribute) -> String {
    let path = &attribute.path;
    let step = |(position, name): (usize, &String)| {
        let base = steps(path.get(..position).unwrap_or_default());
        format!("{base} has {}", identifier(name).map_or_else(|| quoted(name), str::to_owned))
    };
    joined(path.iter().enumerate().map(step).collect(), " && ")
}

/// A name that can stand unquoted.
fn identifier(name: &str) -> Option<&str> {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let whole = starts && characters.all(|next| next.is_ascii_alphanumeric() || next == '_');
    (whole && !RESERVED.contains(&name) && name != "__cedar").then_some(name)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Cedar's escapes are those of Rust's texts.
fn escaped(text: &str) -> String {
    text.escape_debug().to_string()
}

fn literal(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Long(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Decimal(_) => format!("decimal(\"{value}\")"),
        Value::Ip(_) => format!("ip(\"{value}\")"),
        Value::Datetime(_) => format!("datetime(\"{value}\")"),
        Value::Duration(_) => format!("duration(\"{value}\")"),
        // The type is one identifier: it is a resource type or one of the directory's.
        Value::Entity(ty, id) => format!("{ty}::{}", quoted(id)),
        Value::Set(elements) => set(elements.iter()),
        Value::Record(members) => {
            let members = members.iter().map(|(name, value)| format!("{}: {}", quoted(name), literal(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn set<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    format!("[{}]", values.map(literal).collect::<Vec<_>>().join(", "))
}

fn is_decimal(one: &Operand, other: &Operand) -> bool {
    let decimal = |operand: &Operand| match operand {
        Operand::Attribute(attribute) => attribute.r#type == crate::schema::Type::Decimal,
        Operand::Value(value) => matches!(value, Value::Decimal(_)),
        _ => false,
    };
    decimal(one) || decimal(other)
}
