//! Rows of operands, as text.

/// How many operands stand in one row: parsers recurse along a row, and Cedar's and SQLite's have an end.
const ROW: usize = 16;

/// Operands of one operator, bracketed; in groups where there are many.
pub(super) fn joined(mut parts: Vec<String>, operator: &str) -> String {
    while parts.len() > ROW {
        parts = parts.chunks(ROW).map(|row| format!("({})", row.join(operator))).collect();
    }
    match parts.len() {
        1 => parts.pop().unwrap_or_default(),
        _ => format!("({})", parts.join(operator)),
    }
}
