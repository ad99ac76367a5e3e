//! `POST /v1/policies/preview`: what a change would do, and that it does nothing.

use super::administration::{assert_status, office};
use super::*;

const READ: &str = "01980000-0000-7000-8000-000000000401";

fn question_of(kind: &str, id: &str, action: &str) -> Value {
    json!({ "subject": { "type": kind, "id": id }, "action": { "name": action },
            "resource": { "type": "document", "id": "d1" } })
}

#[test]
fn a_preview_says_which_policies_and_answers_change_and_writes_nothing() {
    let office = office();
    let rows = office.edge.sql("SELECT count(*) AS n FROM audit_log");
    let body = json!({
        "changes": [
            { "table": "role", "update": { "id": READER, "permissions": [] } },
            { "table": "role_permission", "insert": { "role_id": READER, "permission_id": READ,
              "conditions": { "Bool": { "resource.draft": false } } } },
            { "table": "service_account", "update": { "id": BOT, "is_active": false } },
        ],
        "requests": [question(ANNA, "read"), question(BEN, "read"), question_of("service_account", BOT, "archive")],
    });
    let seen = assert_status(&office.admin("POST", "/v1/policies/preview", body), 200);
    let ids = |what: &str| -> Vec<String> {
        let policies = seen["policies"][what].as_array().unwrap();
        policies.iter().map(|policy| policy["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("change"), Vec::<String>::new());
    let (appear, vanish) = (ids("appear"), ids("vanish"));
    assert_eq!((appear.len(), vanish.len()), (1, 2), "{seen:#}");
    assert!(appear[0].starts_with(&format!("role/{READER}/")) && vanish.iter().all(|id| *id != appear[0]));
    assert!(seen["policies"]["appear"][0]["cedar"].as_str().unwrap().contains("draft"));
    let differ = seen["requests"].as_array().unwrap();
    let outcomes: Vec<_> = differ
        .iter()
        .map(|one| (&one["request"], one["before"]["outcome"].as_str(), one["after"]["outcome"].as_str()))
        .collect();
    let (first, third) = (json!(0), json!(2));
    assert_eq!(
        outcomes,
        [(&first, Some("allow"), Some("no_permit")), (&third, Some("allow"), Some("forbidden"))],
        "Ben may not read, before and after"
    );
    assert_eq!(office.edge.sql("SELECT count(*) AS n FROM audit_log"), rows);
    assert_eq!(office.versions(), (7, 3));
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.ask(&pep), true);
}

#[test]
fn a_policy_with_the_same_id_is_seen_before_and_after() {
    let office = office();
    let insert = json!({ "name": "archivists", "permissions": [{ "permission": "documents.archive" }] });
    let made = assert_status(&office.owner("POST", "/v1/roles", insert), 201);
    let body = json!({ "changes": [{ "table": "role", "update": { "id": made["id"],
        "permissions": [{ "permission": "documents.archive" }, { "permission": "documents.read" }] } }] });
    let seen = assert_status(&office.owner("POST", "/v1/policies/preview", body), 200);
    let change = &seen["policies"]["change"][0];
    assert!(!change["before"].as_str().unwrap().contains("document:read"), "{seen:#}");
    assert!(change["after"].as_str().unwrap().contains("document:read"));
}

#[test]
fn a_proposal_that_does_not_compile_is_answered_with_all_its_findings() {
    let office = office();
    let body = json!({ "changes": [
        { "table": "role_permission", "insert": { "role_id": READER, "permission_id": READ,
          "conditions": { "Sounds": { "a": 1 } } } },
    ] });
    let seen = assert_status(&office.owner("POST", "/v1/policies/preview", body), 200);
    assert_eq!(seen["findings"][0]["code"], "condition.unknown_operator");
    assert_eq!(seen["policies"], json!({ "appear": [], "change": [], "vanish": [] }));

    let body = json!({ "changes": [
        { "table": "role", "insert": { "name": "reader" } },
        { "table": "role", "insert": { "name": "x", "tenant_id": OTHER } },
        { "table": "role_permission", "insert": { "role_id": ANNA, "permission_id": READ } },
        { "table": "permission", "delete": { "id": parapet::administration::catalogue()[0].id } },
        { "table": "role", "update": { "id": BEN, "name": "y" } },
        { "table": "user", "delete": { "id": BEN } },
        { "table": "access_request", "delete": { "id": BEN } },
    ] });
    let seen = assert_status(&office.owner("POST", "/v1/policies/preview", body), 200);
    let mut codes: Vec<&str> =
        seen["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    let expected = [
        "preview.table",
        "preview.table",
        "reference.not_found",
        "reference.not_found",
        "reference.not_found",
        "reference.not_found",
        "row.read_only",
        "row.taken",
    ];
    assert_eq!(codes, expected, "{seen:#}");
}

#[test]
fn a_malformed_preview_is_refused_with_all_its_places() {
    let office = office();
    let body = json!({ "changes": [{ "table": "role" }, 7, { "table": "role", "insert": {}, "delete": {} }],
                       "requests": [{}], "more": 1 });
    let response = office.owner("POST", "/v1/policies/preview", body);
    assert_problem(&response, 422, "request.invalid");
    let body = body_of(&response);
    let mut fields: Vec<&str> =
        body["findings"].as_array().unwrap().iter().map(|finding| finding["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(&fields[..3], ["changes/0", "changes/1", "changes/2"]);
    assert!(fields.iter().any(|field| field.starts_with("requests/0")) && fields.contains(&"more"), "{fields:?}");
    let many: Vec<Value> = (0..101).map(|_| question(ANNA, "read")).collect();
    let body = json!({ "changes": [{ "table": "role", "delete": { "id": READER } }], "requests": many });
    assert_problem(&office.owner("POST", "/v1/policies/preview", body), 422, "request.invalid");
    assert_problem(&office.owner("POST", "/v1/policies/preview", json!({})), 422, "request.invalid");
}

#[test]
fn a_preview_needs_the_permission() {
    let office = office();
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read", "admin:write"]);
    let body = json!({ "changes": [{ "table": "role", "delete": { "id": READER } }] });
    assert_problem(&office.by(&anna, "POST", "/v1/policies/preview", body), 403, "access.missing_permission");
}

fn body_of(response: &Response) -> Value {
    super::body(response)
}
