//! What is known of a value, and of a truth, before the resource is.

use super::expr::{Attribute, Expr, Operand};
use super::logic::{all, any, not};
use super::number::Number;
use crate::schema::{Type, Value};

/// A value as far as it is known. What comes from an attribute is that of a present one.
#[derive(Debug, Clone)]
pub(super) enum Partial {
    /// A value.
    Known(Value),
    /// The resource itself.
    Resource,
    /// A present attribute of the resource.
    Attribute(Attribute),
    /// A number made from a present attribute.
    Number(Number),
    /// The time of day of a present attribute.
    TimeOfDay(Attribute, i64),
    /// A set of which some elements are not known.
    Set(Vec<Partial>),
    /// A record of which some members are not known.
    Record(Vec<(String, Partial)>),
    /// Nothing can be said of it.
    Unknown(&'static str),
}

/// The values that an expression may have: each with when, no two at once, and when it fails.
#[derive(Debug, Clone)]
pub(super) struct Cases {
    pub ways: Vec<(Expr, Partial)>,
    pub fails: Expr,
}

/// When a condition holds and when it fails: never both.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub yes: Expr,
    pub fails: Expr,
}

/// What an operator says of values that are there.
pub(super) enum Said {
    /// It holds exactly when this does.
    If(Expr),
    /// It fails.
    Fails,
    /// It cannot be expressed.
    Unknown(&'static str),
}

impl Cases {
    /// One value, always.
    pub(super) fn of(value: Partial) -> Self {
        Self { ways: vec![(Expr::TRUE, value)], fails: Expr::FALSE }
    }

    /// No value, ever.
    pub(super) fn failure() -> Self {
        Self { ways: vec![], fails: Expr::TRUE }
    }

    /// A known value.
    pub(super) fn known(value: Value) -> Self {
        Self::of(Partial::Known(value))
    }

    /// A truth as a value.
    pub(super) fn of_truth(truth: Truth) -> Self {
        let no = truth.no();
        let mut cases = Self { ways: vec![], fails: truth.fails };
        cases.add(truth.yes, Partial::Known(Value::Bool(true)));
        cases.add(no, Partial::Known(Value::Bool(false)));
        cases
    }

    /// Adds a way, if there is one.
    pub(super) fn add(&mut self, when: Expr, value: Partial) {
        if !when.is_false() {
            self.ways.push((when, value));
        }
    }

    /// The ways within a condition.
    pub(super) fn within(self, when: &Expr) -> Self {
        let mut cases = Self { ways: vec![], fails: all([when.clone(), self.fails]) };
        for (way, value) in self.ways {
            cases.add(all([when.clone(), way]), value);
        }
        cases
    }

    /// What comes of each value.
    pub(super) fn then(self, mut next: impl FnMut(Partial) -> Self) -> Self {
        let mut cases = Self { ways: vec![], fails: self.fails };
        for (when, value) in self.ways {
            let step = next(value).within(&when);
            cases.fails = any([cases.fails, step.fails]);
            cases.ways.extend(step.ways);
        }
        cases
    }
}

impl Truth {
    /// What is false and never fails.
    pub(super) const NEVER: Self = Self { yes: Expr::FALSE, fails: Expr::FALSE };

    /// What is true or false, and never fails.
    pub(super) fn certain(yes: Expr) -> Self {
        Self { yes, fails: Expr::FALSE }
    }

    /// When it is false.
    pub(super) fn no(&self) -> Expr {
        not(any([self.yes.clone(), self.fails.clone()]))
    }

    /// `!`
    pub(super) fn opposite(self) -> Self {
        Self { yes: self.no(), fails: self.fails }
    }

    /// `&&`: the right counts, and fails, only where the left is true.
    pub(super) fn and(self, right: Self) -> Self {
        let fails = any([self.fails, all([self.yes.clone(), right.fails])]);
        Self { yes: all([self.yes, right.yes]), fails }
    }

    /// `||`: the right counts, and fails, only where the left is false.
    pub(super) fn or(self, right: Self) -> Self {
        let fails = any([self.fails.clone(), all([not(self.yes.clone()), right.fails])]);
        Self { yes: any([self.yes, all([not(self.fails), right.yes])]), fails }
    }

    /// `if`: one or the other counts.
    pub(super) fn choose(self, then: Self, otherwise: Self) -> Self {
        let no = self.no();
        let fails = [self.fails, all([self.yes.clone(), then.fails]), all([no.clone(), otherwise.fails])];
        Self { yes: any([all([self.yes, then.yes]), all([no, otherwise.yes])]), fails: any(fails) }
    }
}

impl Said {
    /// A plain answer.
    pub(super) fn plainly(holds: bool) -> Self {
        Self::If(if holds { Expr::TRUE } else { Expr::FALSE })
    }

    /// One of several.
    pub(super) fn one_of(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, any)
    }

    /// All of several.
    pub(super) fn all_of(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, all)
    }

    fn joined(parts: impl IntoIterator<Item = Self>, join: fn(Vec<Expr>) -> Expr) -> Self {
        let mut said = vec![];
        let mut unknown = None;
        for part in parts {
            match part {
                Self::If(expr) => said.push(expr),
                Self::Unknown(what) => unknown = Some(what),
                Self::Fails => return Self::Fails,
            }
        }
        unknown.map_or_else(|| Self::If(join(said)), Self::Unknown)
    }
}

impl Partial {
    /// What tests may name of it, where it is plain: no set or record that was put together.
    pub(super) fn operand(&self) -> Option<Operand> {
        match self {
            Self::Known(value) => Some(Operand::Value(value.clone())),
            Self::Resource => Some(Operand::Resource),
            Self::Attribute(attribute) => Some(Operand::Attribute(attribute.clone())),
            Self::TimeOfDay(attribute, offset) => Some(Operand::TimeOfDay(attribute.clone(), *offset)),
            Self::Number(_) | Self::Set(_) | Self::Record(_) | Self::Unknown(_) => None,
        }
    }
}

/// Whether a value is one of a type.
pub(super) fn fits(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Bool(_), Type::Bool)
        | (Value::Long(_), Type::Long)
        | (Value::String(_), Type::String)
        | (Value::Decimal(_), Type::Decimal)
        | (Value::Ip(_), Type::Ip)
        | (Value::Datetime(_), Type::Datetime)
        | (Value::Duration(_), Type::Duration) => true,
        (Value::Entity(found, _), Type::Entity(name)) => found == name,
        (Value::Set(elements), Type::Set(ty)) => elements.iter().all(|element| fits(element, ty)),
        (Value::Record(members), Type::Record(types)) => {
            members.iter().all(|(name, member)| types.get(name).is_some_and(|ty| fits(member, ty)))
        }
        _ => false,
    }
}
