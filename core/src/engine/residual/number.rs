//! Arithmetic on one attribute: where it overflows and how it compares, as bounds of the attribute itself.
//!
//! Every step (a sum, a product, a division, the start of a day) keeps or turns the order of numbers, so whatever a
//! comparison asks holds between two bounds of the attribute, found by halving.

use super::expr::{Attribute, Comparison, Expr, Operand};
use super::logic::all;
use crate::schema::{Type, Value};

/// The years that an attribute may be in: 0000 to 9999, as [`Value::read`] takes them.
const INSTANTS: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

/// A number made from an attribute.
#[derive(Debug, Clone)]
pub(super) struct Number {
    attribute: Attribute,
    pub kind: Kind,
    steps: Vec<Step>,
    /// Whether it grows with the attribute.
    rising: bool,
    /// The least and the greatest attribute for which no step overflows; none where the first is the greater.
    within: (i64, i64),
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Long,
    Decimal,
    Datetime,
    Duration,
}

/// What is done with a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Add(i64),
    Subtract(i64),
    /// Subtracted from this.
    From(i64),
    Times(i64),
    /// Divided, towards zero; by more than zero.
    Divide(i64),
    /// The start of the day.
    Day,
}

impl Kind {
    /// What values of a type count.
    pub(super) fn of(ty: &Type) -> Option<Self> {
        Some(match ty {
            Type::Long => Self::Long,
            Type::Decimal => Self::Decimal,
            Type::Datetime => Self::Datetime,
            Type::Duration => Self::Duration,
            _ => return None,
        })
    }

    /// The number in a value.
    pub(super) fn read(value: &Value) -> Option<(Self, i64)> {
        Some(match value {
            Value::Long(number) => (Self::Long, *number),
            Value::Decimal(number) => (Self::Decimal, *number),
            Value::Datetime(number) => (Self::Datetime, *number),
            Value::Duration(number) => (Self::Duration, *number),
            _ => return None,
        })
    }

    /// A number as a value.
    pub(super) fn value(self, number: i64) -> Value {
        match self {
            Self::Long => Value::Long(number),
            Self::Decimal => Value::Decimal(number),
            Self::Datetime => Value::Datetime(number),
            Self::Duration => Value::Duration(number),
        }
    }
}

impl Step {
    fn apply(self, number: i128) -> i128 {
        match self {
            Self::Add(other) => number + i128::from(other),
            Self::Subtract(other) => number - i128::from(other),
            Self::From(other) => i128::from(other) - number,
            Self::Times(other) => number * i128::from(other),
            Self::Divide(other) => number / i128::from(other).max(1),
            Self::Day => number - number.rem_euclid(i128::from(DAY)),
        }
    }

    fn turns(self) -> bool {
        matches!(self, Self::From(_) | Self::Times(i64::MIN..0))
    }
}

impl Number {
    /// An attribute as a number, where it is one.
    pub(super) fn of(attribute: &Attribute) -> Option<Self> {
        let kind = Kind::of(&attribute.r#type)?;
        let within = full(kind);
        Some(Self { attribute: attribute.clone(), kind, steps: vec![], rising: true, within })
    }

    /// The number after a step, where that does not overflow.
    pub(super) fn step(mut self, step: Step, kind: Kind) -> Self {
        self.rising ^= step.turns();
        self.steps.push(step);
        self.kind = kind;
        // The steps before were within 64 bits for these attributes, so this one is within 128.
        self.within = self.bounds(i64::MIN.into(), i64::MAX.into());
        self
    }

    /// When no step overflows.
    pub(super) fn is_within(&self) -> Expr {
        self.between(self.within)
    }

    /// The attribute itself, where nothing was done with it.
    pub(super) fn plain(&self) -> Option<&Attribute> {
        self.steps.is_empty().then_some(&self.attribute)
    }

    /// The attribute and what was added to it, where nothing else was done.
    pub(super) fn shift(&self) -> Option<(&Attribute, i128)> {
        let mut sum = 0;
        for step in &self.steps {
            match step {
                Step::Add(_) | Step::Subtract(_) => sum = step.apply(sum),
                _ => return None,
            }
        }
        Some((&self.attribute, sum))
    }

    /// How it compares with a number of its kind.
    pub(super) fn compare(&self, comparison: Comparison, other: i64) -> Expr {
        let (least, greatest) = (i64::MIN.into(), i128::from(other));
        let written = (self.full().0..=self.full().1).contains(&other);
        if let Some(attribute) = self.plain().filter(|_| written) {
            let value = Operand::Value(self.kind.value(other));
            return Expr::Compare(comparison, Operand::Attribute(attribute.clone()), value);
        }
        self.between(match comparison {
            Comparison::Equal => self.bounds(greatest, greatest),
            Comparison::Less => self.bounds(least, greatest - 1),
            Comparison::LessEqual => self.bounds(least, greatest),
        })
    }

    /// How a number of its kind compares with it.
    pub(super) fn compare_from(&self, other: i64, comparison: Comparison) -> Expr {
        let (least, greatest) = (i128::from(other), i64::MAX.into());
        let written = (self.full().0..=self.full().1).contains(&other);
        if let Some(attribute) = self.plain().filter(|_| written) {
            let value = Operand::Value(self.kind.value(other));
            return Expr::Compare(comparison, value, Operand::Attribute(attribute.clone()));
        }
        self.between(match comparison {
            Comparison::Equal => self.bounds(least, least),
            Comparison::Less => self.bounds(least + 1, greatest),
            Comparison::LessEqual => self.bounds(least, greatest),
        })
    }

    /// The bounds of the attribute between which the number is from one to another.
    fn bounds(&self, from: i128, to: i128) -> (i64, i64) {
        let at = |attribute: i64| self.steps.iter().fold(i128::from(attribute), |number, step| step.apply(number));
        let (first, beyond) = if self.rising {
            (self.first(|attribute| at(attribute) >= from), self.first(|attribute| at(attribute) > to))
        } else {
            (self.first(|attribute| at(attribute) <= to), self.first(|attribute| at(attribute) < from))
        };
        match (first, beyond) {
            (None, _) => (1, 0),
            (Some(first), None) => (first, self.within.1),
            (Some(first), Some(beyond)) => beyond.checked_sub(1).map_or((1, 0), |last| (first, last)),
        }
    }

    /// The least attribute for which something is true that stays true from there on.
    fn first(&self, holds: impl Fn(i64) -> bool) -> Option<i64> {
        let (mut low, mut high) = self.within;
        if low > high || !holds(high) {
            return None;
        }
        while low < high {
            let middle = ((i128::from(low) + i128::from(high)).div_euclid(2)) as i64;
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        Some(low)
    }

    /// The attribute lies between two bounds.
    fn between(&self, (from, to): (i64, i64)) -> Expr {
        let (least, greatest) = self.full();
        let attribute = || Operand::Attribute(self.attribute.clone());
        let kind = Kind::of(&self.attribute.r#type).unwrap_or(self.kind);
        let value = |number| Operand::Value(kind.value(number));
        if from > to {
            return Expr::FALSE;
        }
        if from == to {
            return Expr::Compare(Comparison::Equal, attribute(), value(from));
        }
        let mut parts = vec![Expr::Has(self.attribute.clone())];
        if from > least {
            parts.push(Expr::Compare(Comparison::LessEqual, value(from), attribute()));
        }
        if to < greatest {
            parts.push(Expr::Compare(Comparison::LessEqual, attribute(), value(to)));
        }
        all(parts)
    }

    fn full(&self) -> (i64, i64) {
        full(Kind::of(&self.attribute.r#type).unwrap_or(self.kind))
    }
}

/// The least and the greatest number that an attribute may be.
fn full(kind: Kind) -> (i64, i64) {
    if kind == Kind::Datetime { INSTANTS } else { (i64::MIN, i64::MAX) }
}
