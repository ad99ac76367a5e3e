//! What compiling a tenant found out, for compiling it again: which policies are valid, and how clauses are printed.
//!
//! Both are Cedar's answers, which take most of the time and seldom change. Each is kept with the whole of what was asked
//! and is given again for exactly that: whatever else changed, a policy that was not validated under the schema of now
//! is not found here. Findings are never kept, so what is wrong is validated anew and said with the place of now.

use crate::schema::Schema;
use cedar_policy::pst::{Clause, Expr, Template};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;
use std::sync::Arc;

/// What compiling a tenant found out. It holds what its last compilation asked and no more, so it grows and shrinks with
/// the tenant's conditions, whatever their history.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Slices of whole schemas: the tenant's, and that of its flags. A slice follows from the schema and the cut alone, so
    /// while the schema is equal it is not made anew.
    slices: Vec<(Arc<Schema>, HashMap<Cut, Slice>)>,
    /// Batches of policies in which Cedar's strict validation finds nothing wrong.
    valid: HashMap<Slice, Vec<Arc<Batch>>>,
    /// Clauses as Cedar prints them, which says that Cedar accepts them too: whether it is `when`, and the expression.
    printed: HashMap<(bool, ByContent), Arc<str>>,
}

impl Known {
    /// How many policies are known to be valid, and how many clauses are known as printed.
    pub fn size(&self) -> (usize, usize) {
        (self.valid.values().flatten().map(|batch| batch.policies.len()).sum(), self.printed.len())
    }
}

/// The SHA-256 of a slice of the schema, as the validator is given it.
pub(super) type Slice = [u8; 32];

/// What a slice of a schema is cut by: actions, and entity types.
pub(super) type Cut = (BTreeSet<String>, BTreeSet<String>);

fn digest(slice: &Json) -> Slice {
    Sha256::digest(slice.to_string()).into()
}

/// Policies that are validated together, as the validator is given them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The policies.
    pub policies: Vec<Template>,
    /// The text that is validated in the place of the only one, where it was written as text.
    pub text: Option<String>,
}

/// What was known before, and what is known by now.
pub(super) struct Learning<'k> {
    before: &'k Known,
    now: Known,
}

impl<'k> Learning<'k> {
    pub(super) fn after(before: &'k Known) -> Self {
        Self { before, now: Known::default() }
    }

    /// What is known by now: of what was known before, what was asked again.
    pub(super) fn known(self) -> Known {
        self.now
    }

    /// The digest of a slice of a schema; and the slice, where it was made for that.
    pub(super) fn slice(&mut self, schema: &Schema, cut: Cut, make: impl FnOnce() -> Json) -> (Slice, Option<Json>) {
        let of = |known: &Known| known.slices.iter().position(|(its, _)| **its == *schema);
        let before = of(self.before).and_then(|position| self.before.slices.get(position));
        let known = before.and_then(|(_, slices)| slices.get(&cut)).copied();
        let position = of(&self.now).unwrap_or_else(|| {
            let schema = before.map_or_else(|| Arc::new(schema.clone()), |(schema, _)| schema.clone());
            self.now.slices.push((schema, HashMap::new()));
            self.now.slices.len() - 1
        });
        let (digest, made) = match known {
            Some(digest) => (digest, None),
            None => {
                let slice = make();
                (digest(&slice), Some(slice))
            }
        };
        if let Some((_, slices)) = self.now.slices.get_mut(position) {
            slices.insert(cut, digest);
        }
        (digest, made)
    }

    /// Whether nothing is wrong with these policies under this slice of the schema, where that is known.
    pub(super) fn is_valid(&mut self, slice: &Slice, batch: &Batch) -> bool {
        let in_known = |known: &Known| known.valid.get(slice)?.iter().find(|its| ***its == *batch).cloned();
        if in_known(&self.now).is_some() {
            return true;
        }
        let Some(batch) = in_known(self.before) else { return false };
        self.now.valid.entry(*slice).or_default().push(batch);
        true
    }

    /// Keeps that the validator found nothing wrong with these policies under this slice of the schema.
    pub(super) fn found_valid(&mut self, slice: Slice, batch: Batch) {
        self.now.valid.entry(slice).or_default().push(Arc::new(batch));
    }

    /// A clause as Cedar prints it.
    ///
    /// # Errors
    /// What `print` says.
    pub(super) fn printed(
        &mut self,
        clause: &Clause,
        print: impl FnOnce(&Clause) -> Result<String, String>,
    ) -> Result<Arc<str>, String> {
        let key = match clause {
            Clause::When(expression) => (true, ByContent(expression.clone())),
            Clause::Unless(expression) => (false, ByContent(expression.clone())),
        };
        Ok(match self.now.printed.entry(key) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => match self.before.printed.get(unknown.key()) {
                Some(printed) => unknown.insert(printed.clone()).clone(),
                None => unknown.insert(print(clause)?.into()).clone(),
            },
        })
    }
}

/// An expression as a key. Equality is Cedar's own, of the whole; Cedar has no hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByContent(pub Arc<Expr>);

impl Hash for ByContent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

/// What equal expressions share. It need not tell unequal ones apart.
fn hash<H: Hasher>(expression: &Expr, state: &mut H) {
    discriminant(expression).hash(state);
    match expression {
        Expr::Literal(literal) => literal.hash(state),
        Expr::Var(variable) => variable.hash(state),
        Expr::UnaryOp { op, expr } => {
            op.hash(state);
            hash(expr, state);
        }
        Expr::BinaryOp { op, left, right } => {
            op.hash(state);
            hash(left, state);
            hash(right, state);
        }
        Expr::GetAttr { expr, attr } => {
            hash(expr, state);
            attr.hash(state);
        }
        Expr::HasAttr { expr, attrs } => {
            hash(expr, state);
            attrs.iter().for_each(|attr| attr.hash(state));
        }
        Expr::Like { expr, pattern } => {
            hash(expr, state);
            pattern.hash(state);
        }
        Expr::Is { expr, entity_type, in_expr } => {
            hash(expr, state);
            entity_type.hash(state);
            in_expr.iter().for_each(|inner| hash(inner, state));
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            hash(cond, state);
            hash(then_expr, state);
            hash(else_expr, state);
        }
        Expr::Set(elements) => elements.iter().for_each(|element| hash(element, state)),
        Expr::Record(members) => members.iter().for_each(|(name, member)| {
            name.hash(state);
            hash(member, state);
        }),
        _ => {}
    }
}
