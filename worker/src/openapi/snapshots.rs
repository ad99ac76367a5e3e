//! What is said of snapshots: the versions, what applications fetch, and the keys that verify it.

use parapet::model::SnapshotVersion;
use serde_json::{Value, json};

use super::about::About;
use super::schemas::{Schemas, refer};
use super::table::list;
use crate::access::candidate::{HOURS, MOST_HOURS};
use crate::access::preview::MOST_CHANGES;

const TAG: &str = "Snapshots";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = vec![list::<SnapshotVersion>(schemas, TAG), current(), me(), keys(schemas), roll_back(schemas)];
    all.extend(candidates(schemas));
    all
}

fn current() -> About {
    let about = About::new("GET", "/v1/snapshots/current", "getCurrentSnapshot", TAG, "Fetch the rules")
        .describe("The whole of the rules, signed with ES256, for an application's servers.");
    fetched(about)
}

fn me() -> About {
    let about = About::new("GET", "/v1/snapshots/me", "getMySnapshot", TAG, "Fetch one principal's part of the rules")
        .describe(
            "The part of whom the key acts for. A key of the tenant alone says whose part it wants, and no other key may.",
        )
        .query("subject_type", json!({ "enum": ["user", "service_account"] }), "Whose: of which type.")
        .query("subject_id", json!({ "type": "string" }), "Whose: by id, username or e-mail address.")
        .refuses(400)
        .refuses(404);
    fetched(about)
}

/// A file, unless the caller has it.
fn fetched(about: About) -> About {
    let headers = json!({
        "ETag": { "$ref": "#/components/headers/ETag" },
        "X-Parapet-Stale": { "$ref": "#/components/headers/Stale" },
    });
    let file = json!({
        "description": "The snapshot.",
        "headers": headers.clone(),
        "content": { "application/octet-stream": {} },
    });
    about
        .parameter("IfNoneMatch")
        .answer(200, file)
        .answer(304, json!({ "description": "The caller has it already.", "headers": headers }))
}

fn keys(schemas: &mut Schemas) -> About {
    let text = || json!({ "type": "string" });
    let jwk = json!({
        "type": "object",
        "properties": {
            "kty": { "const": "EC" }, "crv": { "const": "P-256" }, "alg": { "const": "ES256" },
            "use": { "const": "sig" }, "kid": text(), "x": text(), "y": text(),
        },
        "required": ["kty", "crv", "alg", "use", "kid", "x", "y"],
        "additionalProperties": false,
    });
    let keys = json!({
        "type": "object",
        "properties": { "keys": { "type": "array", "items": jwk } },
        "required": ["keys"],
        "additionalProperties": false,
    });
    let keys = schemas.add("SnapshotKeys", keys);
    About::new("GET", "/.well-known/parapet-keys", "getSnapshotKeys", TAG, "The public keys of snapshots")
        .gives(keys, "A JWK set (RFC 7517); empty where nothing is given out.")
        .refuses(503)
}

/// Rules that decide beside those that count.
fn candidates(schemas: &mut Schemas) -> Vec<About> {
    const PATH: &str = "/v1/snapshots/candidate";
    let state = json!({ "enum": ["deciding", "expired", "outdated"], "description": "Whether it decides." });
    let count = |description: &str| json!({ "type": "integer", "minimum": 0, "description": description });
    let differences = json!({
        "type": "object",
        "description": "So many decisions it would have made otherwise, counted up to 10000.",
        "properties": {
            "allow_to_deny": count("Allowed, and it would deny."),
            "deny_to_allow": count("Denied, and it would allow."),
            "denied_otherwise": count("Denied, and it would for another reason."),
        },
        "required": ["allow_to_deny", "deny_to_allow", "denied_otherwise"],
        "additionalProperties": false,
    });
    let findings = json!({ "type": "array", "items": refer("Finding"),
                           "description": "Warnings of the compiler." });
    // Its row, and what is shown beside it.
    let time = || json!({ "type": "string", "format": "date-time" });
    let mut shown = |name: &str, beside: &str, with: &Value| {
        let schema = json!({
            "type": "object",
            "properties": {
                "id": { "type": "string", "format": "uuid" },
                "tenant_id": { "type": "string", "format": "uuid" },
                "base_version": count("The version of the rules that it changes."),
                "content_hash": { "type": "string", "description": "SHA-256 of its content, in hex." },
                "changes": { "type": "array", "items": { "type": "object" }, "description": "What it changes." },
                "created_at": time(),
                "expires_at": time(),
                "state": state,
                beside: with,
            },
            "required": ["id", "tenant_id", "base_version", "content_hash", "changes", "created_at", "expires_at", "state", beside],
            "additionalProperties": false,
        });
        schemas.add(name, schema)
    };
    let seen = shown("CandidateSeen", "differences", &differences);
    let made = shown("CandidateMade", "findings", &findings);
    let wanted = json!({
        "type": "object",
        "properties": {
            "changes": { "type": "array", "minItems": 1, "maxItems": MOST_CHANGES, "items": { "type": "object" },
                         "description": "As a preview takes them, of permissions, roles, what they give, and settings that \
                                         are rules." },
            "hours": { "type": "integer", "minimum": 1, "maximum": MOST_HOURS, "default": HOURS,
                       "description": "So long it decides." },
        },
        "required": ["changes"],
        "additionalProperties": false,
    });
    let wanted = schemas.add("CandidateMake", wanted);
    let change = json!({ "table": "tenant_setting", "insert": { "category": "auth", "setting_key": "policy.night",
        "setting_value": "forbid (principal, action, resource) when { context.weekday == 7 };" } });
    let id = json!({
        "type": "object",
        "properties": { "id": { "type": "string", "format": "uuid", "description": "The candidate that was looked at." } },
        "required": ["id"],
        "additionalProperties": false,
    });
    let id = schemas.add("CandidatePromotion", id);
    let promoted = json!({
        "type": "object",
        "properties": {
            "policy_version": count("The version that counts now."),
            "promoted": { "type": "string", "format": "uuid" },
            "rows": count("So many rows were written."),
        },
        "required": ["policy_version", "promoted", "rows"],
        "additionalProperties": false,
    });
    let promoted = schemas.add("CandidatePromoted", promoted);
    let made = json!({
        "description": "It decides beside the rules that count.",
        "headers": { "Idempotency-Replayed": { "$ref": "#/components/headers/IdempotencyReplayed" } },
        "content": { "application/json": { "schema": made } },
    });
    vec![
        About::new("GET", PATH, "getSnapshotCandidate", TAG, "See the candidate")
            .describe("With how many decisions it would have made otherwise; which, the log of decisions says.")
            .gives(seen, "The candidate.")
            .refuses(404),
        About::new("POST", PATH, "createSnapshotCandidate", TAG, "Let other rules decide beside those that count")
            .describe(
                "For an owner. No answer changes: where the candidate decides otherwise, the decision is logged with what \
                 it would have decided, whatever `auth/decision_log` says. It decides until it ends, is discarded or \
                 promoted, or the rules that it changes are no longer those of now.",
            )
            .parameter("IdempotencyKey")
            .takes(wanted, json!({ "changes": [change] }))
            .answer(201, made)
            .refuses(409)
            .refuses(422),
        About::new("DELETE", PATH, "deleteSnapshotCandidate", TAG, "Discard the candidate")
            .answer(204, json!({ "description": "It decides nothing any more." }))
            .refuses(404),
        About::new("POST", "/v1/snapshots/candidate/promote", "promoteSnapshotCandidate", TAG, "Let the candidate count")
            .describe("For an owner. Its changes are written as if each were asked for; 409 where the rules changed since.")
            .takes(id, json!({ "id": "01980000-0000-7000-8000-000000000121" }))
            .gives(promoted, "The rules are the candidate's.")
            .refuses(404)
            .refuses(409)
            .refuses(422),
    ]
}

fn roll_back(schemas: &mut Schemas) -> About {
    let count = |description: &str| json!({ "type": "integer", "minimum": 0, "description": description });
    let answer: Value = json!({
        "type": "object",
        "properties": {
            "policy_version": count("The version that counts now."),
            "rolled_back_to": count("The version whose rules these are."),
            "rows": count("So many rows were written; none where the rules are the same."),
        },
        "required": ["policy_version", "rolled_back_to", "rows"],
        "additionalProperties": false,
    });
    let answer = schemas.add("SnapshotRollback", answer);
    let version = json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    About::new("POST", "/v1/snapshots/{version}/rollback", "rollBack", TAG, "Go back to the rules of a version")
        .describe("The rules of then become a new and higher version. Users, assignments, keys and groups stay.")
        .in_path("version", version, "A version that was published.")
        .gives(answer, "The rules are those of then.")
        .refuses(404)
}
