//! The condition language: one for grants, group rules, flag targeting and review scopes.
//!
//! ```text
//! condition := null | {"all":[…]} | {"any":[…]} | {"not":condition} | {"cedar":"<expression>"}
//!            | {"<Operator>": {"<path>": value or [values], …}, …}
//! ```
//!
//! Operators carry AWS IAM's names and logic: AND over operators and paths, OR over values. A value
//! `"${principal.department}"` stands for one of the request's own. An absent attribute makes a
//! positive operator false and a negated one true.

mod canonical;
mod cedar;
mod infer;
mod operator;
mod parse;

pub use cedar::Scope;
pub(crate) use cedar::{interval, value_of, weekdays};
pub use infer::infer;
pub use operator::{Comparison, Kind, Operator};

use crate::Finding;
use serde_json::Value as Json;

/// A condition as it was written, with the place of each part.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Always true: `null`.
    Always,
    /// True when every part is.
    All(Vec<Condition>),
    /// True when one part is.
    Any(Vec<Condition>),
    /// True when the part is not.
    Not(Box<Condition>),
    /// A Cedar expression.
    Cedar(Expression),
    /// One operator on one path.
    Test(Test),
}

/// A Cedar expression as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// The text.
    pub text: String,
    /// Where it stands in the condition, as a JSON pointer without the leading slash.
    pub at: String,
}

/// One operator on one path with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The operator.
    pub operator: Operator,
    /// What it looks at.
    pub path: Path,
    /// What it compares with: at least one.
    pub values: Vec<Operand>,
    /// Where it stands in the condition, as a JSON pointer without the leading slash.
    pub at: String,
}

/// A path into the request: `resource.address.street`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// Where it begins.
    pub root: Root,
    /// The attributes, outermost first; empty for the root itself.
    pub way: Vec<String>,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// Who asks.
    Principal,
    /// What is asked for.
    Resource,
    /// The circumstances; `action.x` is `context.action.x`.
    Context,
}

/// One value of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A value as it stands.
    Literal(Json),
    /// One of the request's own: `${principal.department}`.
    Variable(Path),
}

/// Where a condition stands, for its findings.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's id.
    pub row: &'a str,
    /// The field that holds the condition.
    pub field: &'a str,
}

impl Place<'_> {
    /// An error at a place inside the condition.
    pub fn error(&self, at: &str, code: &str, message: impl Into<String>) -> Finding {
        let field = if at.is_empty() { self.field.to_owned() } else { format!("{}/{at}", self.field) };
        Finding::error(self.table, code, message).row(self.row).field(field)
    }
}

impl Condition {
    /// Every test in it, in the order of the text.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::Always | Self::Cedar(_) => vec![],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
            Self::Not(part) => part.tests(),
            Self::Test(test) => vec![test],
        }
    }

    /// Every Cedar expression in it, likewise.
    pub(crate) fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Always | Self::Test(_) => vec![],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::expressions).collect(),
            Self::Not(part) => part.expressions(),
            Self::Cedar(expression) => vec![expression],
        }
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.root {
            Root::Principal => "principal",
            Root::Resource => "resource",
            Root::Context => "context",
        })?;
        self.way.iter().try_for_each(|step| write!(f, ".{step}"))
    }
}
