//! The OpenAPI document: it says of every route what the code says, and nothing of any other.

use super::*;
use parapet_worker::api::routes;
use parapet_worker::guard::Access;
use parapet_worker::openapi::document;
use std::collections::BTreeSet;

fn generated() -> Value {
    document::document().unwrap_or_else(|wrong| panic!("{wrong:#?}"))
}

#[test]
fn the_file_is_what_the_code_says() {
    let text = document::text().unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/openapi.json");
    if std::env::var_os("PARAPET_ACCEPT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept == text, "run the tests with PARAPET_ACCEPT=1 to write {}", path.display());
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), generated());
}

#[test]
fn it_is_served_to_anybody() {
    let response = Edge::new().get("/openapi.json");
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    assert_eq!(body(&response)["openapi"], "3.1.0");
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
}

#[test]
fn document_and_routes_are_equal() {
    let document = generated();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            documented.insert((method.to_ascii_uppercase(), path.clone()));
        }
    }
    let there: BTreeSet<_> = routes().iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(documented, there);
}

#[test]
fn what_a_route_needs_stands_in_it() {
    let document = generated();
    for route in routes() {
        let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
        let statuses = operation["responses"].as_object().unwrap();
        match route.access {
            Access::Public(_) => assert_eq!(operation["security"], json!([])),
            Access::Scope("me", _) => {
                assert_eq!(operation["security"], json!([{ "apiKey": ["me"] }, { "session": [] }]));
            }
            Access::Scope(scope, _) => assert_eq!(operation["security"], json!([{ "apiKey": [scope] }])),
            Access::ScopeOrPermission(scope, action, _) => {
                assert_eq!(operation["security"][0], json!({ "apiKey": [scope] }));
                assert_eq!(operation["security"][2], json!({ "apiKey": [format!("parapet:{action}")] }));
            }
            Access::Permission(action, _) => {
                assert_eq!(operation["x-parapet-permission"], format!("parapet.{action}"));
                assert_eq!(operation["security"][1], json!({ "apiKey": [format!("parapet:{action}")] }));
            }
        }
        if !matches!(route.access, Access::Public(_)) {
            assert!(["401", "403", "503"].iter().all(|status| statuses.contains_key(*status)), "{}", route.path);
        }
        assert!(statuses.keys().any(|status| status.starts_with('2')), "{}", route.path);
    }
}

#[test]
fn operations_have_names_of_their_own_and_references_point_somewhere() {
    let document = generated();
    let mut ids = BTreeSet::new();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    for operation in operations {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{}", operation["operationId"]);
        let tag = &operation["tags"][0];
        assert!(document["tags"].as_array().unwrap().iter().any(|its| its["name"] == *tag), "{tag}");
    }
    let mut references = vec![];
    visit(&document, &mut |key, value| {
        if key == "$ref" {
            references.push(value.as_str().unwrap().to_owned());
        } else if key == "operationId" {
            assert!(ids.contains(value.as_str().unwrap()), "{value}");
        }
    });
    assert!(references.len() > 50);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

fn visit(value: &Value, on: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                on(key, value);
                visit(value, on);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, on)),
        _ => {}
    }
}

#[test]
fn a_row_is_made_changed_and_shown_as_its_columns_say() {
    let document = generated();
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let names = |name: &str| -> Vec<String> {
        schema(name)["properties"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>().into_iter().collect()
    };
    assert_eq!(names("UserRoleCreate"), ["expires_at", "is_active", "role_id", "user_id"]);
    assert_eq!(schema("UserRoleCreate")["required"], json!(["user_id", "role_id"]));
    assert_eq!(names("UserRolePatch"), ["expires_at", "is_active"]);
    assert_eq!(schema("UserRolePatch").get("required"), None);
    assert_eq!(schema("UserRole")["required"].as_array().unwrap().len(), names("UserRole").len());
    assert_eq!(schema("Problem")["required"].as_array().unwrap().len(), 7);
    assert!(document["components"]["schemas"].as_object().unwrap().keys().all(|name| !name.contains("Secret")));
}

/// Whatever stands in a column that a document says can be set, the answer names that column, and is no fault of ours.
#[test]
fn a_wrong_value_of_any_column_is_refused_with_its_name() {
    let operators = super::tenants::operators();
    let office = &operators.office;
    let document = generated();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let content = &methods["post"]["requestBody"]["content"]["application/json"];
        let reference = content["schema"]["$ref"].as_str().unwrap_or_default();
        if !reference.ends_with("Create") {
            continue;
        }
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        for (name, property) in schema["properties"].as_object().unwrap() {
            let wrong = match property["type"].as_str().or(property["type"][0].as_str()) {
                Some("string") => vec![json!("x".repeat(65_537)), json!("a\0b"), json!(7), json!({})],
                Some("boolean") => vec![json!("true"), json!(1), json!([])],
                Some("integer") => vec![json!("1"), json!(1e308), json!(u64::MAX), json!([])],
                Some("array" | "object") => vec![json!("x".repeat(262_145)), json!(7)],
                _ => vec![json!("x".repeat(262_145))],
            };
            for value in wrong {
                let mut body = content["example"].clone();
                body[name] = value;
                let of_operators = path == "/v1/tenants";
                let response =
                    if of_operators { operators.call("POST", path, body) } else { office.owner("POST", path, body) };
                assert_problem(&response, 422, "request.invalid");
                let findings = super::body(&response)["findings"].clone();
                let named = |finding: &Value| finding["field"].as_str().is_some_and(|field| field.starts_with(name));
                assert!(findings.as_array().unwrap().iter().any(named), "{path} {name}: {findings:#}");
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "{tried}");
    assert!(office.log().is_empty());
}

#[test]
fn every_answer_has_the_columns_that_its_schema_requires() {
    let office = super::administration::office();
    let document = generated();
    for table in ["roles", "permissions", "user-roles"] {
        let page = body(&office.owner("GET", &format!("/v1/{table}"), Value::Null));
        let reference = document["paths"][format!("/v1/{table}")]["get"]["responses"]["200"]["content"]
            ["application/json"]["schema"]["$ref"]
            .as_str()
            .unwrap();
        let page_schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        let row = page_schema["properties"]["items"]["items"]["$ref"].as_str().unwrap();
        let row = document.pointer(row.trim_start_matches('#')).unwrap();
        let stated: BTreeSet<&String> = row["properties"].as_object().unwrap().keys().collect();
        let shown: BTreeSet<&String> = page["items"][0].as_object().unwrap().keys().collect();
        assert_eq!(stated, shown, "{table}");
    }
}

/// Found by `make test-api`: whoever only asks for a record leaves nothing to repeat, so its key was not looked at.
#[test]
fn what_writes_nothing_is_not_said_to_be_repeated() {
    let operation = &generated()["paths"]["/v1/tenant/domain"]["post"];
    let key = json!({ "$ref": "#/components/parameters/IdempotencyKey" });
    assert!(!operation["parameters"].as_array().unwrap().contains(&key));
    assert!(operation["responses"].get("409").is_none() && operation["responses"].get("422").is_some());
}

/// Found by `make test-api`: some bodies may be left out, and the document said of none.
#[test]
fn a_body_that_may_be_left_out_is_said_to_be() {
    let document = generated();
    let mut optional = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            if operation["requestBody"]["required"] == false {
                optional.insert(path.as_str());
            }
        }
    }
    let office = super::administration::office();
    let (hook, _) = super::webhooks::webhook(&office, "all", &["*"]);
    let key = json!({ "name": "mine", "user_id": super::administration::OLGA, "scopes": ["admin:read"] });
    let key = body(&office.owner("POST", "/v1/api-keys", key));
    let template = body(&office.owner("GET", "/v1/notification-templates", Value::Null))["items"][0].clone();
    let empty = [
        ("/v1/api-keys/{id}/rotate", key),
        ("/v1/notification-templates/{id}/preview", template),
        ("/v1/webhooks/{id}/rotate-secret", hook),
    ];
    assert_eq!(optional, empty.iter().map(|(path, _)| *path).collect());
    for (path, row) in empty {
        let response = office.owner("POST", &path.replace("{id}", row["id"].as_str().unwrap()), Value::Null);
        assert!(response.status < 300, "{path}: {}", String::from_utf8_lossy(&response.body));
    }
}

/// Found by `make test-api`: nobody got an empty cursor from a list.
#[test]
fn no_list_takes_an_empty_cursor_and_the_document_says_so() {
    let cursor = generated()["components"]["parameters"]["Cursor"]["schema"].clone();
    assert_eq!(cursor, json!({ "type": "string", "minLength": 1 }));
    let office = super::administration::office();
    for path in ["/v1/audit-logs/roots", "/v1/roles"] {
        let response = office.owner("GET", &format!("{path}?cursor="), Value::Null);
        assert_problem(&response, 400, "query.invalid");
        assert_eq!(body(&response)["findings"][0]["code"], "query.cursor");
    }
}

/// What is asked for and not there would not be done: a route refuses each parameter that the document has not.
#[test]
fn a_parameter_that_the_document_has_not_is_refused() {
    let operators = super::tenants::operators();
    let office = &operators.office;
    let scopes =
        ["admin:read", "admin:write", "access:evaluate", "access:snapshot", "me", "token:introspect", "token:revoke"];
    let key = office.edge.key_of(TENANT, Some(super::administration::OLGA), None, &scopes);
    let mut tried = 0;
    for route in routes() {
        // AuthZEN says nothing of queries, and what is public is fetched by all kinds of clients.
        if matches!(route.access, Access::Public(_)) || route.path.starts_with("/access/") {
            continue;
        }
        let path = route.path.replace("{id}", ANNA).replace("{category}/{key}", "ui/theme").replace("{version}", "7");
        let path = format!("{}?no_such=1", path.replace("{name}", "mine").replace("{type}", "document"));
        let key =
            if path.starts_with("/v1/tenants") || path.starts_with("/v1/metrics") { &operators.operator } else { &key };
        let body = if ["POST", "PUT", "PATCH"].contains(&route.method) { json!({}) } else { Value::Null };
        let response = office.by(key, route.method, &path, body);
        assert_eq!(response.status, 400, "{} {path}: {}", route.method, String::from_utf8_lossy(&response.body));
        assert_problem(&response, 400, "query.invalid");
        let findings = super::body(&response)["findings"].clone();
        let names = |finding: &Value| finding["code"] == "query.unknown" && finding["field"] == "no_such";
        assert!(findings.as_array().unwrap().iter().any(names), "{path}: {findings:#}");
        tried += 1;
    }
    assert!(tried > 80, "{tried}");
    assert!(office.log().is_empty());
}
