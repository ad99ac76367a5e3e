//! What is said of bulk: a tenant that goes out, lines that come in.

use serde_json::json;

use super::about::{About, JSON};
use super::schemas::Schemas;

const TAG: &str = "Bulk";

/// A JSON value a line. Of such lines no schema is said: they are not one JSON value.
const JSON_LINES: &str = "application/jsonl";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    vec![export_any(schemas), export_own(), import(schemas)]
}

fn export_any(schemas: &mut Schemas) -> About {
    let rows = json!({ "type": "array", "items": { "type": "object" } });
    let document = json!({
        "type": "object",
        "description": "A tenant document: the tenant, and one array of rows a table. Secrets are not in it.",
        "properties": { "tenant": { "type": "object" } },
        "required": ["tenant"],
        "additionalProperties": rows,
    });
    let document = schemas.add("TenantDocument", document);
    let answer = json!({
        "description": "The document.",
        "headers": { "Content-Disposition": { "$ref": "#/components/headers/ContentDisposition" } },
        "content": { JSON: { "schema": document }, JSON_LINES: {} },
    });
    About::new("GET", "/v1/tenants/{id}/export", "exportTenant", "Tenancy", "Export a tenant")
        .describe(
            "For operators. That it was exported stands in both logs. Logs are not in it: they are exported apart. A large \
             one is sent while it is read, and breaks off where the tenant changes meanwhile: suspend it before. As lines \
             where `Accept` names them.",
        )
        .answer(200, answer)
}

fn export_own() -> About {
    let answer = json!({
        "description": "A line a row: `{\"table\": \"user\", \"row\": {…}}`.",
        "headers": { "Content-Disposition": { "$ref": "#/components/headers/ContentDisposition" } },
        "content": { JSON_LINES: {} },
    });
    About::new("GET", "/v1/export", "exportLines", TAG, "Export one's own tenant as lines")
        .describe(
            "For owners. Tables come after those that they refer to, so that an import takes the lines as they come. Logs and \
             secrets are not in it. A large one breaks off where the tenant changes meanwhile.",
        )
        .answer(200, answer)
}

fn import(schemas: &mut Schemas) -> About {
    let count = |description: &str| json!({ "type": "integer", "description": description });
    let change = json!({
        "type": "object",
        "properties": {
            "row": { "type": "string", "description": "The line: `#12`." },
            "table": { "type": "string" },
            "id": { "type": ["string", "null"] },
            "effect": { "enum": ["created", "updated"] },
            "columns": { "type": "array", "items": { "type": "string" }, "description": "What would change of the row." },
        },
        "required": ["row", "table", "id", "effect"],
        "additionalProperties": false,
    });
    let change = schemas.add("ImportChange", change);
    let imported = json!({
        "type": "object",
        "properties": {
            "dry_run": { "type": "boolean" },
            "lines": count("How many there are."),
            "created": count("How many made a row."),
            "updated": count("How many changed one."),
            "unchanged": count("How many found a row as they state it."),
            "findings": {
                "type": "array",
                "items": { "$ref": "#/components/schemas/Finding" },
                "description": "What was not carried over; in a dry run, errors too. A finding's `row` is its line: `#12`.",
            },
            "changes": { "type": "array", "items": change, "description": "In a dry run: what would be done." },
        },
        "required": ["dry_run", "lines", "created", "updated", "unchanged", "findings"],
        "additionalProperties": false,
    });
    let imported = schemas.add("Imported", imported);
    About::new("POST", "/v1/import", "importLines", TAG, "Import lines")
        .describe(
            "1 to 1,000 lines `{\"table\": \"user\", \"row\": {…}}`, at most 1 MiB. Each makes or changes the row with its key, by the \
             rules and permissions of the table; a column that it leaves out stays. A line may refer to rows of lines before \
             it. All of them are applied, or none; the same lines again change nothing.",
        )
        .query("dry_run", json!({ "type": "boolean" }), "Whether nothing is to be done, and only said what would be.")
        .takes_as(
            &[JSON_LINES, "application/x-ndjson"],
            json!({ "type": "string" }),
            json!("{\"table\": \"user\", \"row\": {\"id\": \"0198f3a0-0000-7000-8000-000000000001\", \"email\": \"ada@acme.example\"}}"),
        )
        .gives(imported, "What was done, or would be.")
        .refuses(400)
        .refuses(409)
        .refuses(422)
}
