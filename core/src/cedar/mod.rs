//! What stands between Parapet and the `cedar-policy` crates; and a drop-in for their authorizer.

pub(crate) mod expression;
pub(crate) mod nesting;
pub(crate) mod pack;
pub(crate) mod policies;
mod policy_set;
pub(crate) mod program;
pub(crate) mod schema;
mod world;

pub use policy_set::CompiledPolicySet;
pub use program::CompileError;

use miette::Diagnostic;

/// The first of some errors in a text, with its line and column.
pub(crate) fn first_error(error: &dyn Diagnostic, text: &str) -> String {
    let mut message = error.to_string();
    if let Some((line, column)) = position(error, text) {
        message = format!("{message}, at line {line}, column {column}");
    }
    match error.help() {
        Some(help) => format!("{message} ({help})"),
        None => message,
    }
}

/// The line and column, from 1, that an error points at.
pub(crate) fn position(error: &dyn Diagnostic, text: &str) -> Option<(usize, usize)> {
    let offset = error.labels()?.next()?.offset();
    let before = text.get(..offset)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Some((before.matches('\n').count() + 1, before.get(line_start..)?.chars().count() + 1))
}
