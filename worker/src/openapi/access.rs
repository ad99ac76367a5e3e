//! What is said of access: deciding by the AuthZEN API, and the rows that say who may do what.

use parapet::authzen::MAX_EVALUATIONS;
use parapet::engine::{DEFAULT_PAGE, MAX_PAGE};
use parapet::model::{ApiKey, Permission, Role, RolePermission, UserGroupRole, UserRole};
use serde_json::{Map, Value, json};

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
    all.extend(searches(schemas));
    all.extend(ofrep(schemas));
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

/// The three searches: an evaluation with one part left open.
fn searches(schemas: &mut Schemas) -> Vec<About> {
    let open = |description: &str| {
        json!({
            "type": "object",
            "properties": { "type": { "type": "string" }, "properties": { "type": "object" } },
            "required": ["type"],
            "description": description,
        })
    };
    let subject = schemas.add("SearchedSubject", open("`user` or `service_account`; an `id` is ignored."));
    let resource = schemas.add("SearchedResource", open("Of which type; an `id` is ignored."));
    let page = json!({
        "type": "object",
        "properties": {
            "token": { "type": "string", "description": "The `next_token` of the page before; empty for the first." },
            "limit": { "type": "integer", "minimum": 1, "default": DEFAULT_PAGE,
                       "description": format!("At most so many results; more than {MAX_PAGE} are {MAX_PAGE}.") },
        },
    });
    let page = schemas.add("SearchPage", page);
    let request = |parts: &[(&str, Value)]| {
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        let context = json!({ "type": "object", "description": "Under which circumstances." });
        let others = [("context", context), ("page", page.clone())];
        let properties: Map<String, Value> =
            parts.iter().chain(&others).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
        json!({ "type": "object", "properties": properties, "required": names })
    };
    let part = |name: &str| refer(&format!("Evaluation{name}"));
    let of_subjects = request(&[("subject", subject), ("action", part("Action")), ("resource", part("Resource"))]);
    let of_resources = request(&[("subject", part("Subject")), ("action", part("Action")), ("resource", resource)]);
    let of_actions = request(&[("subject", part("Subject")), ("resource", part("Resource"))]);
    let found = |properties: &[&str]| {
        let all: Map<String, Value> =
            properties.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
        let result =
            json!({ "type": "object", "properties": all, "required": properties, "additionalProperties": false });
        let page = json!({
            "type": "object",
            "properties": {
                "next_token": { "type": "string", "description": "Empty where this page is the last." },
                "count": { "type": "integer", "minimum": 0 },
            },
            "required": ["next_token", "count"],
            "additionalProperties": false,
        });
        json!({
            "type": "object",
            "properties": { "page": page, "results": { "type": "array", "items": result } },
            "required": ["page", "results"],
            "additionalProperties": false,
        })
    };
    let entities = schemas.add("FoundEntities", found(&["type", "id"]));
    let names = schemas.add("FoundActions", found(&["name"]));
    let (anna, document) =
        (json!({ "type": "user", "id": "anna@acme.example" }), json!({ "type": "document", "id": "d1" }));
    let read = json!({ "name": "read" });
    let search = |what: &'static str, id: &'static str, summary: &'static str, about: &'static str| {
        About::new("POST", what, id, DECIDE, summary).describe(about)
    };
    vec![
        search(
            "/access/v1/search/subject",
            "searchSubjects",
            "Who may do it",
            "AuthZEN 1.0, section 8.4. Each result is somebody whom an evaluation allows it, called as the tenant's \
             setting `auth/subject_id` says. A page may have fewer results than asked for, and none, and a `next_token` \
             all the same. Where the question, the rules or the people change, the token is refused (`search.token`).",
        )
        .takes(
            schemas.add("SubjectSearch", of_subjects),
            json!({ "subject": { "type": "user" }, "action": read, "resource": document }),
        )
        .answer(200, decided(&entities, "A page of subjects, by their ids.")),
        search(
            "/access/v1/search/resource",
            "searchResources",
            "To what somebody may do it",
            "AuthZEN 1.0, section 8.5. Resources that the registry knows are found.",
        )
        .takes(
            schemas.add("ResourceSearch", of_resources),
            json!({ "subject": anna, "action": read, "resource": { "type": "document" } }),
        )
        .answer(200, decided(&entities, "A page of resources, by their ids.")),
        search("/access/v1/search/action", "searchActions", "What somebody may do", "AuthZEN 1.0, section 8.6.")
            .takes(
                schemas.add("ActionSearch", of_actions),
                json!({ "subject": anna, "resource": document, "page": { "limit": 10 } }),
            )
            .answer(200, decided(&names, "A page of actions, by their names.")),
    ]
}

/// Flags by the OpenFeature Remote Evaluation Protocol.
fn ofrep(schemas: &mut Schemas) -> Vec<About> {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let context = json!({
        "type": "object",
        "properties": { "targetingKey": text("Whom it is for: a user by id, username or e-mail address, or a service account by id.") },
        "description": "What else it says counts as far as the schema declares it, as `context` and as what a caller may say \
                        of a subject.",
    });
    let request = schemas.add("OfrepRequest", json!({ "type": "object", "properties": { "context": context } }));
    let value = json!({
        "key": text("The flag."),
        "value": { "type": "boolean" },
        "variant": { "enum": ["on", "off"] },
        "reason": { "enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DEFAULT", "DISABLED"] },
        "metadata": object(json!({ "policyVersion": { "type": "integer", "minimum": 0 } }), &["policyVersion"]),
    });
    let value = schemas.add("OfrepEvaluation", object(value, &["key", "value", "variant", "reason", "metadata"]));
    let failure = json!({
        "key": text("The flag, where it is about one."),
        "errorCode": { "enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND"] },
        "errorDetails": text("For people, with the place."),
    });
    let failure = schemas.add("OfrepFailure", object(failure, &["errorCode", "errorDetails"]));
    let flags = json!({ "type": "array", "items": { "anyOf": [value.clone(), failure.clone()] } });
    let flags = schemas.add("OfrepEvaluations", object(json!({ "flags": flags }), &["flags"]));
    let etag = json!({ "$ref": "#/components/headers/ETag" });
    let mut all = decided(&flags, "Every flag, or why one cannot be evaluated.");
    if let Some(headers) = all.get_mut("headers").and_then(Value::as_object_mut) {
        headers.insert("ETag".to_owned(), etag.clone());
    }
    let known = json!({ "description": "They are what `If-None-Match` names.", "headers": { "ETag": etag } });
    let anna = json!({ "context": { "targetingKey": "anna@acme.example" } });
    let refused = "The request is not well formed, or the flag cannot be evaluated.";
    vec![
        About::new("POST", "/ofrep/v1/evaluate/flags", "evaluateFlagsByOfrep", DECIDE, "Evaluate all feature flags")
            .describe("OpenFeature Remote Evaluation Protocol, bulk.")
            .parameter("IfNoneMatch")
            .takes(request.clone(), anna.clone())
            .answer(200, all)
            .answer(304, known)
            .answer(400, decided(&failure, refused)),
        About::new("POST", "/ofrep/v1/evaluate/flags/{key}", "evaluateFlagByOfrep", DECIDE, "Evaluate a feature flag")
            .describe("OpenFeature Remote Evaluation Protocol, for one flag.")
            .in_path("key", json!({ "type": "string" }), "The flag's name.")
            .takes(request, anna)
            .answer(200, decided(&value, "What the flag is."))
            .answer(400, decided(&failure, refused))
            .answer(404, decided(&failure, "There is no such flag.")),
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
    let names = [
        "policy_decision_point",
        "access_evaluation_endpoint",
        "access_evaluations_endpoint",
        "search_subject_endpoint",
        "search_resource_endpoint",
        "search_action_endpoint",
    ];
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
