//! What is said of governance: the audit log, and who tried to sign in.

use parapet::model::{AuditLog, LoginAttempt};
use serde_json::json;

use super::about::About;
use super::schemas::Schemas;
use super::table::list;
use crate::governance::audit_export::{DEFAULT_LIMIT, MOST};

const TAG: &str = "Governance";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let log = list::<AuditLog>(schemas, TAG).describe(
        "What is personal of a row stands in `event_data.personal`: `subject`, and `data`, which is null once the \
         subject's key is destroyed.",
    );
    vec![log, export(), list::<LoginAttempt>(schemas, TAG)]
}

/// Of JSON lines and of CSV no schema is said: neither is one JSON value.
fn export() -> About {
    let link =
        json!({ "description": "The next page, `rel=\"next\"`; absent on the last.", "schema": { "type": "string" } });
    let answer = json!({
        "description": "Rows in the order of their sequence.",
        "headers": {
            "Content-Disposition": { "$ref": "#/components/headers/ContentDisposition" },
            "Link": link,
        },
        "content": { "application/jsonl": {}, "text/csv": {} },
    });
    let sequence = json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX, "default": 1 });
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT });
    About::new("GET", "/v1/audit-logs/export", "exportAuditLogs", TAG, "Export the audit log")
        .describe(
            "JSON lines are what `parapet audit verify` reads: personal data stays sealed, as the hashes cover it. CSV is \
             for spreadsheets: text that one would take for a formula begins with an apostrophe.",
        )
        .query("format", json!({ "enum": ["jsonl", "csv"], "default": "jsonl" }), "As what.")
        .query("from_sequence", sequence, "The first row.")
        .query("limit", limit, "The most rows of a page; a page of long rows has fewer.")
        .answer(200, answer)
        .refuses(400)
}
