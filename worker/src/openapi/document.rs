//! The document, from the routes and what is said of each.

use serde_json::{Map, Value, json};

use super::about::About;
use super::schemas::Schemas;
use super::{
    access, account, bulk, decisions, directory, explanation, factor, federation, gateway, governance, login,
    messaging, notifications, policies, problem, service, sign_up, snapshots, tenancy, tokens,
};
use crate::administration::{MOST, OWN_SCOPE};
use crate::api::routes;
use crate::guard::{Access, Route};

/// The document, as `worker/openapi.json` has it: a path's method and a component a line, so that a change is seen.
///
/// # Errors
/// The routes of which nothing is said, and what is said of routes that are not there.
pub fn text() -> Result<String, Vec<String>> {
    let mut text = String::new();
    write(&document()?, 3, &mut text);
    text.push('\n');
    Ok(text)
}

/// The document.
///
/// # Errors
/// As [`text`].
pub fn document() -> Result<Value, Vec<String>> {
    let mut schemas = Schemas::default();
    let mut said: Vec<About> = service::about();
    for area in [
        access::about,
        policies::about,
        decisions::about,
        explanation::about,
        snapshots::about,
        tokens::about,
        directory::about,
        login::about,
        account::about,
        sign_up::about,
        factor::about,
        tenancy::about,
        bulk::about,
        federation::about,
        gateway::about,
        governance::about,
        messaging::about,
        notifications::about,
    ] {
        said.extend(area(&mut schemas));
    }
    let webhooks = messaging::webhooks(&mut schemas);
    let mut wrong = Vec::new();
    let mut paths = Map::new();
    for route in routes() {
        let Some(at) = said.iter().position(|about| (about.method, about.path) == (route.method, route.path)) else {
            wrong.push(format!("nothing is said of {} {}", route.method, route.path));
            continue;
        };
        let about = said.swap_remove(at);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_ascii_lowercase(), operation(&route, about));
        }
    }
    wrong.extend(said.iter().map(|about| format!("there is no {} {}", about.method, about.path)));
    wrong.append(&mut schemas.clashes);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    for (name, schema) in problem::schemas() {
        schemas.add(name, schema);
    }
    Ok(json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Parapet",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Identity and access for many tenants.",
            "description": "Decisions by the AuthZEN API, and the administration of the rows that decide. The key tells \
                            the tenant. What is wrong is answered with a problem document (RFC 9457) that has all \
                            findings at once.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "Where this document is." }],
        "tags": [
            { "name": "Decisions", "description": "May somebody do something, who may, and what? AuthZEN 1.0; and feature flags by OFREP." },
            { "name": "Access", "description": "Who may do what: roles, permissions and who has them." },
            { "name": "Policies", "description": "The tenant's own rules in Cedar, and what a change of rules would do." },
            { "name": "Snapshots", "description": "The rules as they are published, signed, for applications that decide." },
            { "name": "Tokens", "description": "Access tokens of some minutes, by OAuth 2.0, and the keys that sign them." },
            { "name": "Directory", "description": "Who and what there is: people, accounts, units, groups, resources." },
            { "name": "Sign-in", "description": "People signing in and out, and their sessions." },
            { "name": "Tenancy", "description": "Tenants, their settings and features; making and ending tenants is operators'." },
            { "name": "Bulk", "description": "A whole tenant out, and many rows at once in." },
            { "name": "Federation", "description": "Issuers that are trusted to say who somebody is, and who users are there." },
            { "name": "Gateway", "description": "Applications whose requests are decided here before they are passed on." },
            { "name": "Governance", "description": "What was done and tried, as the log has it." },
            { "name": "Messages", "description": "What leaves the service: webhooks, by Standard Webhooks 1.0." },
            { "name": "Notifications", "description": "What people are told, by which ways, and what they want of it." },
            { "name": "Service", "description": "The service itself." },
        ],
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "securitySchemes": { "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-session",
                "description": "A session, which may do what is its user's own, and administer what its user may. What \
                                changes something comes from a page of the same origin, or with `X-CSRF-Token`.",
            }, "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, `pk_…`, or an access token of the tenant that was got by one (RFC 6750). An operation names the scopes of which it needs one; \
                                `x-parapet-permission` is what its owner needs beside.",
            } },
            "parameters": parameters(),
            "headers": headers(),
            "responses": problem::responses(),
            "schemas": schemas.take(),
        },
    }))
}

fn operation(route: &Route, about: About) -> Value {
    let guarded = !matches!(route.access, Access::Public(_));
    let changes = about.writes && matches!(route.access, Access::Permission(action, _) if !action.ends_with(".read"));
    let mut refusals = about.refusals;
    if guarded {
        refusals.extend([401, 403, 429, 500, 503]);
    }
    if guarded && route.path.contains("{id}") {
        refusals.push(404);
    }
    if about.body.is_some() {
        refusals.extend([400, 413, 415]);
    }
    if matches!(route.access, Access::Permission(..)) {
        refusals.push(400);
    }
    if changes {
        refusals.extend([409, 422]);
    }
    let mut answers = about.answers;
    for answer in answers.values_mut().filter_map(Value::as_object_mut) {
        let headers = answer.entry("headers").or_insert_with(|| json!({}));
        if let Some(headers) = headers.as_object_mut() {
            headers.insert("X-Request-ID".to_owned(), json!({ "$ref": "#/components/headers/RequestId" }));
        }
    }
    for status in refusals {
        if let Some(response) = problem::reference(status) {
            answers.entry(status.to_string()).or_insert(response);
        }
    }
    let stated = |name: &str| about.parameters.iter().any(|its| its["name"] == name && its["in"] == "path");
    let mut parameters: Vec<Value> = path_parameters(route.path)
        .filter(|name| !stated(name))
        .map(|name| match name {
            "id" => json!({ "$ref": "#/components/parameters/Id" }),
            _ => {
                json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
            }
        })
        .collect();
    parameters.extend(about.parameters.iter().cloned());
    if changes && route.method == "POST" {
        parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    }
    parameters.push(json!({ "$ref": "#/components/parameters/RequestId" }));
    let mut operation = json!({
        "operationId": about.id,
        "tags": [about.tag],
        "summary": about.summary,
        "parameters": parameters,
        "responses": answers,
        "security": security(&route.access),
    });
    if let Some(operation) = operation.as_object_mut() {
        let mut insert = |name: &str, value: Option<Value>| {
            value.map(|value| operation.insert(name.to_owned(), value));
        };
        insert("description", about.description.map(Value::from));
        insert("requestBody", about.body);
        if let Access::Permission(action, _) = route.access {
            insert("x-parapet-permission", Some(format!("parapet.{action}").into()));
        }
    }
    operation
}

/// The scopes that do: each alternative is enough.
fn security(access: &Access) -> Value {
    match access {
        Access::Public(_) => json!([]),
        Access::Scope(OWN_SCOPE, _) => json!([{ "apiKey": [OWN_SCOPE] }, { "session": [] }]),
        Access::Scope(scope, _) => json!([{ "apiKey": [scope] }]),
        Access::Permission(action, _) => {
            let [all, one] = administering(action);
            json!([all, one, { "session": [] }])
        }
        Access::ScopeOrPermission(scope, action, _) => {
            let [all, one] = administering(action);
            json!([{ "apiKey": [scope] }, all, one, { "session": [] }])
        }
    }
}

/// The scopes of a key that may administer: all of its kind, or this action.
fn administering(action: &str) -> [Value; 2] {
    let all = if action.ends_with(".read") { "admin:read" } else { "admin:write" };
    [json!({ "apiKey": [all] }), json!({ "apiKey": [format!("parapet:{action}")] })]
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn parameters() -> Value {
    let mut parameters = json!({
        "Id": {
            "name": "id", "in": "path", "required": true,
            "description": "The row's id.",
            "schema": { "type": "string", "format": "uuid" },
        },
        "Limit": {
            "name": "limit", "in": "query",
            "description": "The most rows of a page.",
            "schema": { "type": "integer", "minimum": 1, "maximum": MOST, "default": 50 },
        },
        "Cursor": {
            "name": "cursor", "in": "query",
            "description": "`next_cursor` of the page before, with the same filters and the same order.",
            "schema": { "type": "string", "minLength": 1 },
        },
        "IfMatch": {
            "name": "If-Match", "in": "header",
            "description": "The `ETag` of the row as it was seen, so that nobody else's change is lost.",
            "schema": { "type": "string" },
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header",
            "description": "The `ETag` of what the caller has already.",
            "schema": { "type": "string" },
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "description": "Makes it safe to send the same request again: for a day it is answered as before, and not done twice.",
            "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
        },
        "RequestId": {
            "name": "X-Request-ID", "in": "header",
            "description": "An id for the answer and the log; one is made where it is absent or not printable ASCII.",
            "schema": { "type": "string" },
        },
    });
    if let Some(parameters) = parameters.as_object_mut() {
        parameters.extend(messaging::parameters());
    }
    parameters
}

fn headers() -> Value {
    let header = |required: bool, description: &str| json!({ "description": description, "required": required, "schema": { "type": "string" } });
    json!({
        "RequestId": header(true, "The request's id, as it stands in the log."),
        "ETag": header(true, "The row's validator, for `If-Match`."),
        "Location": header(true, "Where the new row is."),
        "ContentDisposition": header(true, "The name of the file."),
        "Stale": {
            "description": "`true` where the database did not answer, and what was known before counts.",
            "schema": { "const": "true" },
        },
        "IdempotencyReplayed": header(false, "`true` where the answer is that of an earlier request."),
    })
}

/// JSON with the keys in their order, the first `levels` of objects broken into lines.
fn write(value: &Value, levels: usize, text: &mut String) {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write(item, 0, text);
            }
            text.push(']');
            return;
        }
        other => {
            text.push_str(&other.to_string());
            return;
        }
    };
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort_unstable();
    let line = if levels > 0 { "\n" } else { "" };
    text.push('{');
    for (index, key) in keys.into_iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        text.push_str(line);
        text.push_str(&Value::from(key.as_str()).to_string());
        text.push(':');
        write(object.get(key).unwrap_or(&Value::Null), levels.saturating_sub(1), text);
    }
    text.push_str(line);
    text.push('}');
}
