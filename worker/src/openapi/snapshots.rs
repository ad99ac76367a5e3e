//! What is said of snapshots: the versions, what applications fetch, and the keys that verify it.

use parapet::model::SnapshotVersion;
use serde_json::{Value, json};

use super::about::About;
use super::schemas::Schemas;
use super::table::list;

const TAG: &str = "Snapshots";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    vec![list::<SnapshotVersion>(schemas, TAG), current(), me(), keys(schemas), roll_back(schemas)]
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
