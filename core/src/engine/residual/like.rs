//! A pattern as each dialect has it.

use super::expr::Pattern;
use super::sql::Dialect;

/// The character that takes the meaning from the next, in PostgreSQL's patterns.
pub(super) const ESCAPE: char = '!';

impl Pattern {
    /// For SQLite's `GLOB`, since its `LIKE` does not tell upper case from lower; for PostgreSQL's `LIKE … ESCAPE '!'`.
    /// `None` for what no text there has: the character NUL.
    pub(super) fn sql(&self, dialect: Dialect) -> Option<String> {
        let mut pattern = String::new();
        for part in &self.0 {
            match (dialect, part) {
                (_, Some('\0')) => return None,
                (Dialect::Sqlite, None) => pattern.push('*'),
                (Dialect::Sqlite, Some(special @ ('*' | '?' | '['))) => pattern.extend(['[', *special, ']']),
                (Dialect::PostgreSql, None) => pattern.push('%'),
                (Dialect::PostgreSql, Some(special @ ('%' | '_' | ESCAPE))) => pattern.extend([ESCAPE, *special]),
                (_, Some(character)) => pattern.push(*character),
            }
        }
        Some(pattern)
    }
}
