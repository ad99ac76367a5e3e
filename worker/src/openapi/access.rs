//! What is said of access: deciding by the AuthZEN API, and the rows that say who may do what.

use parapet::authzen::MAX_EVALUATIONS;
use parapet::model::{ApiKey, Permission, Role, RolePermission, UserGroupRole, UserRole};
use serde_json::{Value, json};

use super::about::About;
use super::schemas::{Schemas, refer};
use super::table::{links, made, table};

const DECIDE: &str = "Decisions";
const TAG: &str = "Access";

/// Ids of the examples: nobody's.
const USER: &str = "01980000-0000-7000-8000-000000000101";
const ROLE: &str = "01980000-0000-7000-8000-000000000301";
const GROUP: &str = "01980000-0000-7000-8000-000000000201";
const PERMISSION: &str = "01980000-0000-7000-8000-000000000401";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let mut all = decisions(schemas);
    all.extend(metadata(schemas));
    let name = json!({ "name": "editor", "description": "Writes documents",
                       "permissions": [{ "permission": "documents.write" }] });
    all.extend(table::<Role>(schemas, TAG, name, json!({ "description": null, "is_active": false })));
    let permission =
        json!({ "name": "documents.write", "resource": "document", "action": "write", "category": "user" });
    all.extend(table::<Permission>(schemas, TAG, permission, json!({ "description": "Change documents" })));
    let gives = json!({ "role_id": ROLE, "permission_id": PERMISSION,
                        "conditions": { "StringEquals": { "resource.owner": "${principal.username}" } } });
    all.extend(table::<RolePermission>(schemas, TAG, gives, json!({ "effect": "deny" })));
    let has = json!({ "user_id": USER, "role_id": ROLE, "expires_at": "2030-01-31T08:00:00.000Z" });
    all.extend(table::<UserRole>(schemas, TAG, has, json!({ "expires_at": null })));
    let gives = json!({ "user_group_id": GROUP, "role_id": ROLE });
    all.extend(table::<UserGroupRole>(schemas, TAG, gives, json!({ "expires_at": "2030-01-31T08:00:00.000Z" })));
    all.extend(api_keys(schemas));
    all
}

/// A key's text is in the first answer alone.
fn api_keys(schemas: &mut Schemas) -> Vec<About> {
    let key = json!({ "name": "the shop's", "scopes": ["access:evaluate"] });
    let mut all = table::<ApiKey>(schemas, TAG, key, json!({ "is_active": false }));
    let shown = schemas.showing::<ApiKey>("key", "The key: shown this once, and not where the request comes again.");
    for about in all.iter_mut().filter(|about| about.method == "POST") {
        about.answers.insert("201".to_owned(), made(&shown, &links("ApiKey")));
        about.description = Some(
            "With `public_key` or `certificate_thumbprint` there is no key to show: its owner signs with the one, or \
             connects to an application behind the gateway with the other.",
        );
    }
    let rotation = json!({
        "type": "object",
        "properties": {
            "overlap_seconds": { "type": "integer", "minimum": 0, "maximum": 604_800, "default": 0,
                                 "description": "So long the old key lives on." },
            "expires_at": { "type": ["string", "null"], "format": "date-time",
                            "description": "When the new key ends; as the old one would have where nothing is said." },
        },
        "additionalProperties": false,
    });
    let rotation = schemas.add("ApiKeyRotation", rotation);
    let rotate =
        About::new("POST", "/v1/api-keys/{id}/rotate", "rotateApiKey", TAG, "Put a new API key in place of one")
            .parameter("IfMatch")
            .takes(rotation, json!({ "overlap_seconds": 3600 }))
            .or_nothing()
            .answer(201, made(&shown, &json!({})))
            .refuses(412);
    all.push(rotate);
    all.extend(own_api_keys(schemas, &shown));
    all
}

/// What people do with keys of their own.
fn own_api_keys(schemas: &mut Schemas, shown: &Value) -> Vec<About> {
    let scope = json!({ "type": "string" });
    let list = json!({
        "type": "object",
        "properties": {
            "items": { "type": "array", "items": refer("ApiKey") },
            "scopes": { "type": "array", "items": scope,
                        "description": "Which of the API's scopes a key has that one makes, beside actions; none where the \
                                        tenant lets nobody make any." },
        },
        "required": ["items", "scopes"],
        "additionalProperties": false,
    });
    let list = schemas.add("OwnApiKeys", list);
    let mut make = schemas.stated::<ApiKey>(&["name", "scopes", "expires_at", "is_active"], &["name"]);
    make.insert("additionalProperties".to_owned(), json!(false));
    let make = schemas.add("OwnApiKey", Value::Object(make));
    let key = json!({ "name": "my script's", "scopes": ["me"] });
    vec![
        About::new("GET", "/v1/me/api-keys", "listOwnApiKeys", TAG, "See one's own API keys")
            .gives(list, "All of them, the newest first.")
            .refuses(400)
            .refuses(404),
        About::new("POST", "/v1/me/api-keys", "createOwnApiKey", TAG, "Make an API key for oneself")
            .describe(
                "Needs a recent proof of who one is, and the tenant's setting `security/personal_api_keys`. Such a key \
                 administers nothing: who may administer makes others at `/v1/api-keys`.",
            )
            .takes(make, key)
            .answer(201, made(shown, &json!({})))
            .refuses(404)
            .refuses(409)
            .refuses(422),
        About::new("DELETE", "/v1/me/api-keys/{id}", "revokeOwnApiKey", TAG, "Take back an API key of one's own")
            .answer(204, json!({ "description": "It opens nothing any more." }))
            .refuses(400)
            .refuses(422),
    ]
}

fn decisions(schemas: &mut Schemas) -> Vec<About> {
    parts(schemas);
    let evaluation = schemas.add("Evaluation", evaluation(true));
    let evaluations = schemas.add("Evaluations", evaluations());
    let answer = schemas.add("EvaluationResponse", answer());
    let answers = json!({ "anyOf": [
        answer.clone(),
        {
            "type": "object",
            "properties": { "evaluations": { "type": "array", "items": answer.clone(), "minItems": 1 } },
            "required": ["evaluations"],
            "additionalProperties": false,
        },
    ] });
    let answers = schemas.add("EvaluationsResponse", answers);
    let one = json!({
        "subject": { "type": "user", "id": "anna@acme.example" },
        "action": { "name": "read" },
        "resource": { "type": "document", "id": "d1" },
    });
    let many = json!({
        "subject": { "type": "user", "id": "anna@acme.example" },
        "action": { "name": "read" },
        "evaluations": [
            { "resource": { "type": "document", "id": "d1" } },
            { "resource": { "type": "document", "id": "d2" } },
        ],
        "options": { "evaluations_semantic": "execute_all" },
    });
    vec![
        About::new("POST", "/access/v1/evaluation", "evaluate", DECIDE, "Decide")
            .describe(
                "AuthZEN 1.0, section 6. `ip`, `mfa` and `auth_time` of a context need the scope `access:context`.",
            )
            .takes(evaluation, one)
            .answer(200, decided(&answer, "The decision.")),
        About::new("POST", "/access/v1/evaluations", "evaluateAll", DECIDE, "Decide many times")
            .describe("AuthZEN 1.0, section 7. What an item leaves out is the request's own.")
            .takes(evaluations, many)
            .answer(200, decided(&answers, "A decision an item, in their order; one decision where there is none.")),
    ]
}

fn decided(schema: &Value, description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "X-Parapet-Stale": { "$ref": "#/components/headers/Stale" } },
        "content": { "application/json": { "schema": schema } },
    })
}

fn parts(schemas: &mut Schemas) {
    let properties = json!({ "type": "object", "description": "What the caller says of it." });
    let text = || json!({ "type": "string" });
    let part = |fields: &[&str], description: &str| {
        let mut schema = json!({ "type": "object", "description": description, "required": fields });
        let mut all: serde_json::Map<String, Value> =
            fields.iter().map(|field| ((*field).to_owned(), text())).collect();
        all.insert("properties".to_owned(), properties.clone());
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("properties".to_owned(), all.into());
        }
        schema
    };
    schemas.add(
        "EvaluationSubject",
        part(&["type", "id"], "Who: `user` or `service_account`, by id, username or e-mail address."),
    );
    schemas.add("EvaluationAction", part(&["name"], "What, without the resource type."));
    schemas.add("EvaluationResource", part(&["type", "id"], "To what. `properties` replace what the registry holds."));
}

fn evaluation(whole: bool) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": {
            "subject": refer("EvaluationSubject"),
            "action": refer("EvaluationAction"),
            "resource": refer("EvaluationResource"),
            "context": { "type": "object", "description": "Under which circumstances." },
        },
    });
    if let Some(schema) = schema.as_object_mut().filter(|_| whole) {
        schema.insert("required".to_owned(), json!(["subject", "action", "resource"]));
    }
    schema
}

/// Either one whole evaluation, or some that take from it what they leave out.
fn evaluations() -> Value {
    let mut schema = evaluation(false);
    let items = json!({
        "type": "array",
        "maxItems": MAX_EVALUATIONS,
        "description": "Without any, the request is one evaluation. One that is not valid is answered in its place, \
                        with `error`.",
        "items": evaluation(false),
    });
    let semantics = json!(["execute_all", "deny_on_first_deny", "permit_on_first_permit"]);
    let options = json!({
        "type": "object",
        "properties": { "evaluations_semantic": { "type": "string", "enum": semantics, "default": "execute_all" } },
    });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("evaluations".to_owned(), items);
        properties.insert("options".to_owned(), options);
    }
    if let Some(schema) = schema.as_object_mut() {
        let either = json!([
            { "required": ["subject", "action", "resource"] },
            { "required": ["evaluations"], "properties": { "evaluations": { "minItems": 1 } } },
        ]);
        schema.insert("anyOf".to_owned(), either);
    }
    schema
}

fn answer() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let object = |properties: Value, required: Value| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let error = object(
        json!({ "policy": text("The policy's id."), "message": text("What went wrong.") }),
        json!(["policy", "message"]),
    );
    let item = object(
        json!({ "status": { "type": "integer" }, "message": text("For people.") }),
        json!(["status", "message"]),
    );
    let version = json!({ "type": "integer", "minimum": 0 });
    let as_of = object(
        json!({ "policy_version": version, "directory_version": version,
                "now": { "type": "string", "format": "date-time" } }),
        json!(["policy_version", "directory_version", "now"]),
    );
    let context = object(
        json!({
            "outcome": { "enum": ["allow", "forbidden", "no_permit", "error"] },
            "reason": text("Why, where no policy decided: `unknown_action`."),
            "policies": { "type": "array", "items": { "type": "string" }, "description": "The determining policies." },
            "errors": { "type": "array", "items": error, "description": "The policies whose evaluation failed." },
            "error": item,
            "as_of": as_of,
            "decision_id": { "type": "string", "format": "uuid", "description": "Its id, where it is logged." },
        }),
        json!(["outcome", "policies", "errors"]),
    );
    object(json!({ "decision": { "type": "boolean" }, "context": context }), json!(["decision", "context"]))
}

fn metadata(schemas: &mut Schemas) -> Vec<About> {
    let names = ["policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint"];
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string", "format": "uri" }))).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": names });
    let schema = schemas.add("AuthzenConfiguration", schema);
    let path = "/.well-known/authzen-configuration";
    vec![
        About::new("GET", path, "getAuthzenConfiguration", DECIDE, "Where the AuthZEN API is")
            .describe("AuthZEN 1.0, section 9.")
            .gives(schema.clone(), "The host's endpoints; the credential tells the tenant.")
            .refuses(404),
        About::new(
            "GET",
            "/.well-known/authzen-configuration/{slug}",
            "getAuthzenConfigurationOfTenant",
            DECIDE,
            "Where a tenant's AuthZEN API is",
        )
        .in_path("slug", json!({ "type": "string", "pattern": "^[a-z0-9-]+$" }), "The tenant's slug.")
        .gives(schema, "The endpoints.")
        .refuses(404)
        .refuses(429)
        .refuses(503),
    ]
}
