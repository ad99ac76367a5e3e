//! What is said of policies: the tenant's own Cedar, and what a change of the rules would do.

use serde_json::{Value, json};

use super::about::About;
use super::schemas::{Schemas, refer};
use super::table::{list_as, shown};
use crate::access::policy::Policy;
use crate::access::preview::{MOST_CHANGES, MOST_REQUESTS};
use crate::administration::LONGEST_TEXT;

const TAG: &str = "Policies";

/// An id of the examples: nobody's.
const ROLE: &str = "01980000-0000-7000-8000-000000000301";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = policies(schemas);
    all.push(preview(schemas));
    all
}

fn policies(schemas: &mut Schemas) -> Vec<About> {
    let time = || json!({ "type": "string", "format": "date-time" });
    let row = json!({
        "type": "object",
        "description": "A policy of the tenant's own.",
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "name": { "type": "string", "description": "Unique: letters, digits, `_` and `-`." },
            "text": { "type": "string", "description": "One policy, in Cedar." },
            "description": { "type": ["string", "null"], "description": "What it is for." },
            "created_at": time(),
            "updated_at": time(),
        },
        "required": ["id", "name", "text", "description", "created_at", "updated_at"],
        "additionalProperties": false,
    });
    let row = schemas.add("Policy", row);
    let put = json!({
        "type": "object",
        "properties": {
            "text": { "type": "string", "description": "One policy, in Cedar." },
            "description": { "type": ["string", "null"], "maxLength": LONGEST_TEXT, "description": "What it is for." },
        },
        "required": ["text"],
        "additionalProperties": false,
    });
    let put = schemas.add("PolicyPut", put);
    let one = |method, id: &str, summary: &str| {
        let name = json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,121}$" });
        About::new(method, "/v1/policies/{name}", id, TAG, summary)
            .in_path("name", name, "The policy's name; `preview` is none here.")
            .refuses(404)
    };
    let text = "forbid (principal, action == Action::\"document:read\", resource) when { resource.archived };";
    vec![
        list_as::<Policy>(schemas, TAG, "Policy", &row),
        one("GET", "getPolicy", "See a policy").answer(200, shown(&row, "The policy.")),
        one("PUT", "putPolicy", "Write a policy, or replace it")
            .describe("It is compiled with all the rules; what is wrong is said by line and column.")
            .parameter("IfMatch")
            .takes(put, json!({ "text": text, "description": "Nobody reads what is archived" }))
            .answer(200, shown(&row, "The policy, as it is now."))
            .answer(201, shown(&row, "It was not there before."))
            .refuses(412),
        one("DELETE", "deletePolicy", "Remove a policy")
            .parameter("IfMatch")
            .answer(204, json!({ "description": "It is gone." }))
            .refuses(412),
    ]
}

fn preview(schemas: &mut Schemas) -> About {
    let change = |what: &str, description: &str| {
        json!({
            "type": "object",
            "properties": {
                "table": { "type": "string", "description": "A table that rules are made of: `role`." },
                what: { "type": "object", "description": description },
            },
            "required": ["table", what],
            "additionalProperties": false,
        })
    };
    let changes = json!([
        change("insert", "A row, as whoever makes it states it."),
        change("update", "Its key, and a merge patch of the rest."),
        change("delete", "Its key."),
    ]);
    let proposal = json!({
        "type": "object",
        "properties": {
            "changes": {
                "type": "array", "minItems": 1, "maxItems": MOST_CHANGES, "items": { "anyOf": changes },
                "description": "In this order.",
            },
            "requests": {
                "type": "array", "maxItems": MOST_REQUESTS, "items": refer("Evaluation"),
                "description": "What is asked before and after.",
            },
        },
        "required": ["changes"],
        "additionalProperties": false,
    });
    let proposal = schemas.add("PolicyProposal", proposal);
    let seen = schemas.add("PolicyPreview", seen());
    let example = json!({
        "changes": [{ "table": "role", "update": { "id": ROLE, "is_active": false } }],
        "requests": [{
            "subject": { "type": "user", "id": "anna@acme.example" },
            "action": { "name": "read" },
            "resource": { "type": "document", "id": "d1" },
        }],
    });
    About::new("POST", "/v1/policies/preview", "previewPolicies", TAG, "See what a change of the rules would do")
        .describe("Nothing is written. Changes that would be refused are answered with their findings, and do nothing.")
        .takes(proposal, example)
        .gives(seen, "What would change.")
        .refuses(422)
}

/// What a preview answers.
fn seen() -> Value {
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let list = |items: Value, description: &str| json!({ "type": "array", "items": items, "description": description });
    let text = || json!({ "type": "string" });
    let policy = object(json!({ "id": text(), "cedar": text() }), &["id", "cedar"]);
    let changed = object(json!({ "id": text(), "before": text(), "after": text() }), &["id", "before", "after"]);
    let policies = object(
        json!({
            "appear": list(policy.clone(), "Those that would be new."),
            "change": list(changed, "Those that would be another under the same id."),
            "vanish": list(policy, "Those that would be gone."),
        }),
        &["appear", "change", "vanish"],
    );
    let answer = object(
        json!({
            "outcome": { "enum": ["allow", "forbidden", "no_permit", "error"] },
            "reason": { "type": ["string", "null"], "description": "Why, where no policy decided." },
            "policies": list(text(), "The determining policies."),
            "errors": list(text(), "The policies whose evaluation failed."),
        }),
        &["outcome", "reason", "policies", "errors"],
    );
    let request = json!({ "type": "integer", "minimum": 0, "description": "Its place among the requests, from 0." });
    let differs = object(
        json!({ "request": request, "before": answer.clone(), "after": answer }),
        &["request", "before", "after"],
    );
    object(
        json!({
            "findings": list(refer("Finding"), "What is wrong with the changes; warnings where they would be accepted."),
            "policies": policies,
            "requests": list(differs, "The requests that would be answered otherwise."),
        }),
        &["findings", "policies", "requests"],
    )
}
