//! Reading documents: each kind of bad input, several at once, and back.

mod anything;
mod references;
mod round_trip;
mod rules;
mod shape;

use super::*;
use serde_json::json;

const EVERY_TABLE: &str = include_str!("../every_table.json");
const TENANT: &str = "01980000-0000-7000-8000-000000000001";
const OTHER: &str = "01980000-0000-7000-8000-00000000ffff";

/// An id that ends in these digits.
fn id(last: u32) -> String {
    format!("01980000-0000-7000-8000-{last:012}")
}

fn tenant() -> Value {
    json!({"id": TENANT, "name": "Acme", "slug": "acme", "created_at": "2026-01-01T00:00:00Z"})
}

/// A document with these tables beside the tenant.
fn document(tables: Value) -> Result<TenantDocument, Vec<Finding>> {
    let mut document = tables;
    if document.get("tenant").is_none() {
        document["tenant"] = tenant();
    }
    TenantDocument::read(&document.to_string())
}

/// The findings as `table row field code`.
fn findings(read: Result<TenantDocument, Vec<Finding>>) -> Vec<String> {
    let findings = read.err().unwrap_or_default();
    let text = |finding: &Finding| {
        let row = finding.row.as_deref().unwrap_or("-");
        format!("{} {row} {} {}", finding.table, finding.field.as_deref().unwrap_or("-"), finding.code)
    };
    findings.iter().map(text).collect()
}

#[track_caller]
fn refused(tables: Value, expected: &[&str]) {
    assert_eq!(findings(document(tables)), expected);
}
