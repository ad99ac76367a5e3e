//! A row's line in an export: JSON, one row a line (JSONL).

use crate::Finding;
use crate::model::{AuditLog, Row};
use serde_json::{Map, Value};

/// A row's line in an export, without the line's end.
pub fn line(row: &AuditLog) -> String {
    // A row has text keys and no failing `Serialize`.
    serde_json::to_string(row).unwrap_or_default()
}

/// Reads a line of an export. It must be exactly what [`line()`] writes: a key that is there twice, or a digit that no
/// reader tells from another, would otherwise stand in it unseen.
///
/// # Errors
/// Everything that is wrong: `audit.malformed`, `audit.not_as_exported`, and what a row of a document may have wrong.
/// Each finding's row is `#` and the line's number.
pub fn read_line(text: &str, number: u64) -> Result<AuditLog, Vec<Finding>> {
    let label = format!("#{number}");
    let refused = |code, message: String| Err(vec![Finding::error("audit_log", code, message).row(&label)]);
    let row: Map<String, Value> = match serde_json::from_str(text) {
        Ok(row) => row,
        Err(error) => return refused("audit.malformed", format!("line {number} is no JSON object: {error}")),
    };
    let mut findings = vec![];
    match AuditLog::from_json(row, &label, &mut findings) {
        Some(_) if !findings.is_empty() => Err(findings),
        Some(row) if line(&row) != text => {
            refused("audit.not_as_exported", format!("line {number} is not written as an export writes it"))
        }
        Some(row) => Ok(row),
        None => Err(findings),
    }
}
