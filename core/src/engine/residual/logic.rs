//! Joining expressions: what is said twice is said once, and what contradicts itself is false.
//!
//! Negations stand before tests only, so that every part of an expression pulls in one direction: where a test is
//! replaced by *false*, before or behind a `Not`, the whole can only become less true.

use super::bounds;
use super::expr::{Comparison, Expr};
use std::collections::{BTreeMap, BTreeSet};

/// How often parts that became plain are looked at again.
const ROUNDS: usize = 3;

/// All of some expressions.
pub(super) fn all(parts: impl IntoIterator<Item = Expr>) -> Expr {
    join(parts.into_iter().collect(), true)
}

/// One of some expressions.
pub(super) fn any(parts: impl IntoIterator<Item = Expr>) -> Expr {
    join(parts.into_iter().collect(), false)
}

/// The opposite of an expression.
pub(super) fn not(expr: Expr) -> Expr {
    match expr {
        Expr::All(parts) => any(parts.into_iter().map(not)),
        Expr::Any(parts) => all(parts.into_iter().map(not)),
        Expr::Not(inner) => *inner,
        test => Expr::Not(Box::new(test)),
    }
}

impl Expr {
    /// Whether it is true of everything.
    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether it is true of nothing.
    pub(super) fn is_false(&self) -> bool {
        matches!(self, Self::Any(parts) if parts.is_empty())
    }

    /// How many tests it has.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::size).sum::<usize>() + 1,
            Self::Not(inner) => inner.size(),
            _ => 1,
        }
    }

    /// Visits every test, without the `Not` before it.
    pub(super) fn tests(&self, visit: &mut impl FnMut(&Self)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.tests(visit)),
            Self::Not(inner) => inner.tests(visit),
            test => visit(test),
        }
    }

    /// The same without the tests that cannot be told, negated or not: true of less, never of more.
    pub(super) fn without(self, untold: &mut impl FnMut(&Self) -> bool) -> Self {
        match self {
            Self::All(parts) => all(parts.into_iter().map(|part| part.without(untold)).collect::<Vec<_>>()),
            Self::Any(parts) => any(parts.into_iter().map(|part| part.without(untold)).collect::<Vec<_>>()),
            Self::Not(inner) if untold(&inner) => Self::FALSE,
            Self::Not(inner) => Self::Not(inner),
            test if untold(&test) => Self::FALSE,
            test => test,
        }
    }
}

impl Expr {
    /// The same with comparisons turned round instead of negated, where their attributes are there anyway.
    pub(super) fn turned(self, there: &BTreeSet<Vec<String>>) -> Self {
        match self {
            Self::All(parts) => {
                let facts = Facts::of(parts.iter(), true);
                let has = parts.iter().filter_map(|part| match part {
                    Self::Has(attribute) => Some(attribute.path.as_slice()),
                    _ => None,
                });
                let more = facts.present.iter().copied().chain(has).map(<[String]>::to_vec);
                let there: BTreeSet<Vec<String>> = there.iter().cloned().chain(more).collect();
                all(parts.into_iter().map(|part| part.turned(&there)))
            }
            Self::Any(parts) => any(parts.into_iter().map(|part| part.turned(there))),
            Self::Not(inner) if inner.attributes().all(|attribute| there.contains(&attribute.path)) => match *inner {
                Self::Compare(Comparison::Less, one, other) => Self::Compare(Comparison::LessEqual, other, one),
                Self::Compare(Comparison::LessEqual, one, other) => Self::Compare(Comparison::Less, other, one),
                test => not(test),
            },
            test => test,
        }
    }
}

/// Joins parts: `All` of them where `conjunctive`, `Any` otherwise; each rule is read in both directions.
fn join(parts: Vec<Expr>, conjunctive: bool) -> Expr {
    let (neutral, absorbing) = if conjunctive { (Expr::TRUE, Expr::FALSE) } else { (Expr::FALSE, Expr::TRUE) };
    let mut parts = parts;
    for _ in 0..ROUNDS {
        let Some((tests, wholes)) = flat(parts, conjunctive) else { return absorbing };
        let Some(tests) = tests_once(tests, conjunctive) else { return absorbing };
        // Beside a test, what else is said may take it for granted.
        let facts = Facts::of(tests.iter(), conjunctive);
        let assumed: Vec<Option<Expr>> = wholes.iter().map(|whole| facts.assume(whole)).collect();
        let changed = assumed.iter().any(Option::is_some);
        let wholes = wholes.into_iter().zip(assumed).map(|(whole, assumed)| assumed.unwrap_or(whole));
        parts = tests.iter().cloned().chain(wholes).collect();
        if !changed {
            break;
        }
    }
    let Some((mut tests, wholes)) = flat(parts, conjunctive) else { return absorbing };
    tests.extend(wholes);
    match tests.len() {
        0 => neutral,
        1 => tests.pop().unwrap_or(neutral),
        _ if conjunctive => Expr::All(tests),
        _ => Expr::Any(tests),
    }
}

/// The tests among the parts, and the wholes of the other kind, each once; `None` where one of them decides.
fn flat(parts: Vec<Expr>, conjunctive: bool) -> Option<(Vec<Expr>, Vec<Expr>)> {
    let (mut tests, mut wholes, mut seen) = (vec![], vec![], BTreeSet::new());
    let mut left: Vec<Expr> = parts.into_iter().rev().collect();
    while let Some(part) = left.pop() {
        match part {
            Expr::All(inner) if conjunctive => left.extend(inner.into_iter().rev()),
            Expr::Any(inner) if !conjunctive => left.extend(inner.into_iter().rev()),
            Expr::All(inner) | Expr::Any(inner) if inner.is_empty() => return None,
            part if seen.contains(&part) => {}
            part => {
                seen.insert(part.clone());
                let whole = matches!(part, Expr::All(_) | Expr::Any(_));
                if whole { wholes.push(part) } else { tests.push(part) }
            }
        }
    }
    Some((tests, wholes))
}

/// The tests that the others do not say already; `None` where they contradict each other.
fn tests_once(tests: Vec<Expr>, conjunctive: bool) -> Option<Vec<Expr>> {
    let facts = Facts::of(tests.iter(), conjunctive);
    let mut kept = vec![];
    for test in &tests {
        let (positive, inner) = match test {
            Expr::Not(inner) => (false, &**inner),
            test => (true, test),
        };
        if facts.truths.get(inner).is_some_and(|truth| *truth != (positive == conjunctive)) {
            return None;
        }
        match facts.follows(inner).map(|truth| truth == positive) {
            Some(holds) if holds == conjunctive => {}
            Some(_) => return None,
            None => kept.push(test.clone()),
        }
    }
    if conjunctive { bounds::narrowed(kept) } else { Some(kept) }
}

/// What may be taken for granted.
struct Facts<'e> {
    truths: BTreeMap<&'e Expr, bool>,
    /// Paths that are present because something else is said of them, or of what lies in them.
    present: BTreeSet<&'e [String]>,
    /// Paths that are absent.
    absent: BTreeSet<&'e [String]>,
}

impl<'e> Facts<'e> {
    /// Beside a conjunct the others may take it for true; beside a disjunct, for false.
    fn of(tests: impl Iterator<Item = &'e Expr>, conjunctive: bool) -> Self {
        let mut facts = Self { truths: BTreeMap::new(), present: BTreeSet::new(), absent: BTreeSet::new() };
        for test in tests {
            let (test, truth) = match test {
                Expr::Not(inner) => (&**inner, !conjunctive),
                test => (test, conjunctive),
            };
            facts.truths.insert(test, truth);
            match test {
                Expr::Has(attribute) if truth => facts.present.extend(prefixes(&attribute.path, 0)),
                Expr::Has(attribute) => drop(facts.absent.insert(&attribute.path)),
                test if truth => {
                    facts.present.extend(test.attributes().flat_map(|attribute| prefixes(&attribute.path, 1)));
                }
                _ => {}
            }
        }
        facts
    }

    /// What follows of a test from facts about others than itself.
    fn follows(&self, test: &Expr) -> Option<bool> {
        if let Expr::Has(attribute) = test {
            if self.present.contains(attribute.path.as_slice()) {
                return Some(true);
            }
            return prefixes(&attribute.path, 0).any(|prefix| self.absent.contains(prefix)).then_some(false);
        }
        let mut within = test.attributes().flat_map(|attribute| prefixes(&attribute.path, 1));
        within.any(|prefix| self.absent.contains(prefix)).then_some(false)
    }

    /// An expression where the facts hold; `None` where they change nothing.
    fn assume(&self, expr: &Expr) -> Option<Expr> {
        let constant = |truth: bool| if truth { Expr::TRUE } else { Expr::FALSE };
        match expr {
            Expr::All(parts) | Expr::Any(parts) => {
                let assumed: Vec<Option<Expr>> = parts.iter().map(|part| self.assume(part)).collect();
                if assumed.iter().all(Option::is_none) {
                    return None;
                }
                let parts = parts.iter().zip(assumed).map(|(part, assumed)| assumed.unwrap_or_else(|| part.clone()));
                Some(join(parts.collect(), matches!(expr, Expr::All(_))))
            }
            Expr::Not(inner) => self.truth(inner).map(|truth| constant(!truth)),
            test => self.truth(test).map(constant),
        }
    }

    fn truth(&self, test: &Expr) -> Option<bool> {
        self.truths.get(test).copied().or_else(|| self.follows(test))
    }
}

/// The beginnings of a path, but for so many of the longest: with 1, the path itself is one.
fn prefixes(path: &[String], itself: usize) -> impl Iterator<Item = &[String]> {
    let longest = (path.len() + itself).saturating_sub(1);
    (1..=longest).filter_map(|length| path.get(..length))
}
