//! Expressions over a resource's id and attributes, every part of which is true or false and nothing else.
//!
//! A comparison holds where the attributes that it names are present *and* it holds of them. What Cedar calls an error
//! has become plain truth before: nothing here fails.

use crate::directory::EntityRef;
use crate::schema::{Type, Value};

/// A condition over a resource. `All` of nothing is true, `Any` of nothing is false.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expr {
    /// All of them hold.
    All(Vec<Expr>),
    /// At least one of them holds.
    Any(Vec<Expr>),
    /// It does not hold; stands before a test only, never before `All`, `Any` or `Not`.
    Not(Box<Expr>),
    /// The attribute is present, and every record that it lies in.
    Has(Attribute),
    /// Two values compare so. Whole numbers, decimals, instants and spans of time have an order.
    Compare(Comparison, Operand, Operand),
    /// The operand is one of these values, of which there are at least two.
    OneOf(Operand, Vec<Value>),
    /// A text matches a pattern.
    Like(Attribute, Pattern),
    /// Every address of the first is one of the second's.
    InRange(Operand, Operand),
    /// The second is an element of the first, a set.
    Contains(Attribute, Operand),
    /// All elements of the second are elements of the first.
    ContainsAll(Operand, Operand),
    /// One element of the second is an element of the first.
    ContainsAny(Operand, Operand),
    /// An entity is, or lies in, another; by the snapshot's hierarchy these are the ones of its type, in order.
    LiesIn(Operand, EntityRef, Vec<String>),
    /// What cannot be expressed, by number. In no [`super::Residual`]: there it has been decided against.
    Unknown(u32),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// They are equal.
    Equal,
    /// The first is less.
    Less,
    /// The first is less, or they are equal.
    LessEqual,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// The resource itself, an entity.
    Resource,
    /// An attribute of it.
    Attribute(Attribute),
    /// The time of day of an attribute, an instant, this many milliseconds later: from 0 to a day.
    TimeOfDay(Attribute, i64),
    /// A value.
    Value(Value),
}

/// An attribute of the resource, perhaps within records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    /// The names that lead to it, outermost first.
    pub path: Vec<String>,
    /// Its declared type.
    pub r#type: Type,
}

/// A pattern: characters, and `None` for any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(pub Vec<Option<char>>);

impl Expr {
    /// What is always true.
    pub const TRUE: Self = Self::All(vec![]);
    /// What is never true.
    pub const FALSE: Self = Self::Any(vec![]);

    /// The attributes that a test names; `All`, `Any` and `Not` are no tests.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        let (one, other) = match self {
            Self::Has(attribute) | Self::Like(attribute, _) => (Some(attribute), None),
            Self::OneOf(operand, _) | Self::LiesIn(operand, ..) => (operand.attribute(), None),
            Self::Contains(attribute, operand) => (Some(attribute), operand.attribute()),
            Self::Compare(_, one, other)
            | Self::InRange(one, other)
            | Self::ContainsAll(one, other)
            | Self::ContainsAny(one, other) => (one.attribute(), other.attribute()),
            Self::All(_) | Self::Any(_) | Self::Not(_) | Self::Unknown(_) => (None, None),
        };
        one.into_iter().chain(other)
    }
}

impl Operand {
    /// The attribute that it reads.
    pub fn attribute(&self) -> Option<&Attribute> {
        match self {
            Self::Attribute(attribute) | Self::TimeOfDay(attribute, _) => Some(attribute),
            Self::Resource | Self::Value(_) => None,
        }
    }

    /// An entity as a value.
    pub fn entity(entity: &EntityRef) -> Self {
        Self::Value(Value::Entity(entity.r#type.clone(), entity.id.clone()))
    }
}

impl Attribute {
    /// A member of it, where it is a record.
    pub(super) fn member(&self, name: &str, ty: &Type) -> Self {
        let path = self.path.iter().map(String::as_str).chain([name]).map(str::to_owned).collect();
        Self { path, r#type: ty.clone() }
    }
}

/// `*` for any text, `\*` for a star, `\\` for a backslash.
impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.0 {
            match part {
                None => f.write_str("*")?,
                Some(character @ ('*' | '\\')) => write!(f, "\\{character}")?,
                Some(character) => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}
