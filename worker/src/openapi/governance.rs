//! What is said of governance: the audit log, and who tried to sign in.

use parapet::model::{AuditLog, AuditRoot, LoginAttempt};
use serde_json::json;

use super::about::{About, JSON};
use super::schemas::Schemas;
use super::table::list;
use crate::administration::ListOf;
use crate::governance::audit_export::{DEFAULT_LIMIT, MOST};
use crate::governance::audit_root::STATED;

const TAG: &str = "Governance";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let log = list::<AuditLog>(schemas, TAG).describe(
        "What is personal of a row stands in `event_data.personal`: `subject`, and `data`, which is null once the \
         subject's key is destroyed.",
    );
    let roots =
        list::<AuditRoot>(schemas, TAG).describe("Up to where the log was exported, as whoever exported it stated.");
    vec![log, export(), roots, state_root(schemas), list::<LoginAttempt>(schemas, TAG)]
}

fn state_root(schemas: &mut Schemas) -> About {
    let row = schemas.row::<AuditRoot>();
    let new = schemas.stated::<AuditRoot>(STATED, STATED);
    let new = schemas.add("AuditRootCreate", new.into());
    let answer = json!({
        "description": "The point, as it is kept.",
        "headers": {
            "ETag": { "$ref": "#/components/headers/ETag" },
            "Idempotency-Replayed": { "$ref": "#/components/headers/IdempotencyReplayed" },
        },
        "content": { JSON: { "schema": row } },
    });
    let example = json!({ "sequence": 1, "hash": "0".repeat(64) });
    About::new("POST", AuditRoot::PATH, "createAuditRoot", TAG, "State up to where the log was exported")
        .describe(
            "For an owner whose key may write: `sequence` and `hash` of the last row of an export that was verified and is \
             kept. Rows up to there may be removed once they are old.",
        )
        .parameter("IdempotencyKey")
        .takes(new, example)
        .answer(201, answer)
        .refuses(409)
        .refuses(422)
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
