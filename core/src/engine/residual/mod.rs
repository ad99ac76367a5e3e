//! Partial answers: what must hold of a resource for a principal to be allowed an action on it.
//!
//! Principal, action and circumstances are known; of the resource only its type is. The policies that can match are
//! evaluated as far as that goes, and what is left over is a condition over the resource's id and attributes.

mod assemble;
mod bounds;
mod cedar;
mod columns;
mod compare;
mod evaluate;
mod expr;
mod holds;
mod json;
mod like;
mod logic;
mod lookup;
mod number;
mod operator;
mod partial;
mod sets;
mod sql;
mod text;
mod within;

#[cfg(test)]
#[cfg(feature = "cedar")]
mod tests;

#[cfg(feature = "cedar")]
pub(in crate::engine) use lookup::read;

pub use columns::{Closure, Column, Columns, Encoding};
pub use expr::{Attribute, Comparison, Expr, Operand, Pattern};
pub use sql::{Dialect, Sql, SqlError, SqlValue};

use super::decision::Reason;

/// For which resources of a type a principal is allowed an action.
///
/// It never allows more than [`super::Engine::decide`] does. Where `unsupported` is empty, it allows the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residual {
    /// The resource type.
    pub resource_type: String,
    /// For which resources.
    pub answer: Answer,
    /// Why never, where no policy decided.
    pub reason: Option<Reason>,
    /// The path of the value that does not fit its type, with reason `wrong_type`.
    pub at: Option<String>,
    /// What could not be expressed, so that a resource may be allowed that is not in the answer.
    pub unsupported: Vec<Unsupported>,
}

/// For which resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// For every one.
    Always,
    /// For none.
    Never,
    /// For those of which this holds.
    Condition(Expr),
}

/// A part of a policy that could not be expressed. A permit gives nothing where it depends on it, a forbid forbids
/// everything there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsupported {
    /// The policy's id.
    pub policy: String,
    /// What it is, for people.
    pub what: String,
}

static ALWAYS: Expr = Expr::TRUE;
static NEVER: Expr = Expr::FALSE;

impl Residual {
    /// Whether it allows exactly what decisions allow, one by one.
    pub fn is_exact(&self) -> bool {
        self.unsupported.is_empty()
    }

    /// The condition: `All` of nothing for every resource, `Any` of nothing for none.
    pub fn condition(&self) -> &Expr {
        match &self.answer {
            Answer::Always => &ALWAYS,
            Answer::Never => &NEVER,
            Answer::Condition(condition) => condition,
        }
    }

    /// For no resource, for a reason.
    fn never(resource_type: &str, reason: Reason, at: Option<String>) -> Self {
        let resource_type = resource_type.to_owned();
        Self { resource_type, answer: Answer::Never, reason: Some(reason), at, unsupported: vec![] }
    }
}
