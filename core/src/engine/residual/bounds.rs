//! Bounds of one attribute beside each other: the narrower one counts, and where they leave nothing, nothing is left.

use super::expr::{Attribute, Comparison, Expr, Operand};
use super::number::Kind;

/// From one number to another, both included.
type Bounds = (i128, i128);

/// Tests that all must hold, without those that follow from others; `None` where they cannot hold together.
pub(super) fn narrowed(tests: Vec<Expr>) -> Option<Vec<Expr>> {
    let bounds: Vec<Option<(&Attribute, Bounds)>> = tests.iter().map(bounds).collect();
    let mut dropped = vec![false; tests.len()];
    for (position, bound) in bounds.iter().enumerate() {
        let Some((attribute, (from, to))) = bound else { continue };
        for (other, bound) in bounds.iter().enumerate().filter(|(other, _)| *other != position) {
            let Some((_, (low, high))) = bound.filter(|(other, _)| other == attribute) else { continue };
            if low > *to || high < *from {
                return None;
            }
            // Of two that say the same, the first stays.
            let follows = low >= *from && high <= *to && ((low, high) != (*from, *to) || other < position);
            if let Some(dropped) = dropped.get_mut(position) {
                *dropped |= follows;
            }
        }
    }
    Some(tests.iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(test, _)| test.clone()).collect())
}

/// The bounds that a test sets to an attribute.
fn bounds(test: &Expr) -> Option<(&Attribute, Bounds)> {
    let Expr::Compare(comparison, one, other) = test else { return None };
    let (attribute, value, below) = match (one, other) {
        (Operand::Attribute(attribute), Operand::Value(value)) => (attribute, value, true),
        (Operand::Value(value), Operand::Attribute(attribute)) => (attribute, value, false),
        _ => return None,
    };
    let number = i128::from(Kind::read(value)?.1);
    let bounds = match (comparison, below) {
        (Comparison::Equal, _) => (number, number),
        (Comparison::Less, true) => (i128::MIN, number - 1),
        (Comparison::LessEqual, true) => (i128::MIN, number),
        (Comparison::Less, false) => (number + 1, i128::MAX),
        (Comparison::LessEqual, false) => (number, i128::MAX),
    };
    Some((attribute, bounds))
}
