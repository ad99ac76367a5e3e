//! `POST /access/v1/search/subject`, `/resource` and `/action`.

use std::collections::BTreeSet;

use super::*;

const SUBJECT: &str = "/access/v1/search/subject";
const RESOURCE: &str = "/access/v1/search/resource";
const ACTION: &str = "/access/v1/search/action";
const MANY: usize = 150;

/// All results, page by page.
fn listing(edge: &Edge, key: &ApiKeyToken, path: &str, asked: &Value, limit: usize) -> Vec<String> {
    let (mut found, mut asked) = (Vec::new(), asked.clone());
    asked["page"] = json!({ "limit": limit });
    loop {
        let response = edge.post(path, key, &asked);
        assert_eq!(response.status, 200, "{:#}", body(&response));
        let page = body(&response);
        let results = page["results"].as_array().unwrap();
        assert_eq!(page["page"]["count"], results.len());
        assert!(results.len() <= limit);
        for result in results {
            found.push(result.get("id").or(result.get("name")).unwrap().as_str().unwrap().to_owned());
        }
        match page["page"]["next_token"].as_str().unwrap() {
            "" => return found,
            token => asked["page"] = json!({ "limit": limit, "token": token }),
        }
    }
}

/// A tenant of many, some of whom are deleted, suspended, switched off or have what has ended.
fn crowd() -> (Edge, ApiKeyToken, Value) {
    let edge = Edge::new();
    let document = parapet_tests::generate::tenant(5, MANY, 30, 900);
    let mut versioned = document.clone();
    versioned["tenant_epoch"] = json!([{ "policy_version": 7, "directory_version": 3 }]);
    edge.seed(&TenantDocument::from_value(versioned).unwrap());
    edge.sql("UPDATE user SET deleted_at = '2026-02-01T00:00:00.000Z', state = 'deleted' WHERE rowid % 11 = 3");
    edge.sql("UPDATE user SET state = 'suspended' WHERE rowid % 11 = 4");
    edge.sql("UPDATE user SET is_active = 0 WHERE rowid % 11 = 5");
    edge.sql("UPDATE user_role SET expires_at = '2026-03-02T10:00:00.000Z' WHERE rowid % 3 = 0");
    edge.sql("UPDATE user_role SET is_active = 0 WHERE rowid % 7 = 0");
    edge.sql("UPDATE user_group_membership SET expires_at = '2026-03-02T09:00:00.000Z' WHERE rowid % 3 = 0");
    let scopes = ["access:evaluate", "access:context"];
    let key = edge.key_of(document["tenant"]["id"].as_str().unwrap(), None, None, &scopes);
    (edge, key, document)
}

fn ids(document: &Value, table: &str) -> BTreeSet<String> {
    document[table].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Those of a type whom a decision allows it, one by one.
fn allowed(edge: &Edge, key: &ApiKeyToken, asked: &Value, ids: &BTreeSet<String>) -> Vec<String> {
    let items: Vec<Value> = ids.iter().map(|id| json!({ "subject": with_id(&asked["subject"], id) })).collect();
    let mut batch = asked.clone();
    batch.as_object_mut().unwrap().remove("subject");
    batch["evaluations"] = items.into();
    let answer = body(&edge.post("/access/v1/evaluations", key, &batch));
    let decisions = answer["evaluations"].as_array().unwrap();
    assert_eq!(decisions.len(), ids.len());
    ids.iter().zip(decisions).filter(|(_, its)| its["decision"] == true).map(|(id, _)| id.clone()).collect()
}

fn with_id(subject: &Value, id: &str) -> Value {
    let mut subject = subject.clone();
    subject["id"] = id.into();
    subject
}

#[test]
fn subjects_are_those_whom_a_decision_allows() {
    let (edge, key, document) = crowd();
    let mut found = 0;
    for (ty, table) in [("user", "user"), ("service_account", "service_account")] {
        let ids = ids(&document, table);
        for mut asked in parapet_tests::generate::requests(7, &document, 40) {
            let properties = asked["subject"].get("properties").cloned().unwrap_or(json!({}));
            asked["subject"] = json!({ "type": ty, "properties": properties });
            let whole = allowed(&edge, &key, &asked, &ids);
            found += whole.len();
            for limit in [7, 1_000_000_000] {
                assert_eq!(listing(&edge, &key, SUBJECT, &asked, limit), whole, "{asked:#}");
            }
        }
    }
    assert!(found > 200, "only {found}");
}

#[test]
fn what_is_approved_and_what_names_users_reaches_them() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let asked = json!({ "subject": { "type": "user" }, "action": { "name": "read" },
                        "resource": { "type": "document", "id": "d1" } });
    assert_eq!(listing(&edge, &key, SUBJECT, &asked, 1), [ANNA]);
    edge.sql(
        "INSERT INTO access_request (id, tenant_id, requester_id, request_type, role_id, requested_permissions,
                                     justification, status, expires_at, created_at, updated_at)
         VALUES ('01980000-0000-7000-8000-000000000601', '01980000-0000-7000-8000-000000000001',
                 '01980000-0000-7000-8000-000000000102', 'role', '01980000-0000-7000-8000-000000000301', '[]', 'x',
                 'approved', '2026-03-03T00:00:00.000Z', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z')",
    );
    edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1, directory_version = directory_version + 1");
    assert_eq!(listing(&edge, &key, SUBJECT, &asked, 1), [ANNA, BEN]);
    edge.app.clock.set(time("2026-03-03T00:00:00.000Z"));
    assert_eq!(listing(&edge, &key, SUBJECT, &asked, 1), [ANNA]);
    // A policy that names no principal, and one that names a user.
    for (number, (text, whom)) in [
        ("permit (principal, action == Action::\"document:archive\", resource);", vec![ANNA, BEN]),
        (
            "permit (principal == User::\"01980000-0000-7000-8000-000000000102\", action == Action::\"document:archive\", resource);",
            vec![BEN],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        edge.sql("DELETE FROM tenant_setting");
        let insert = Statement::new(
            "INSERT INTO tenant_setting (id, tenant_id, setting_key, setting_value, category, updated_at, created_at)
             VALUES (?1, ?2, 'policy.own', ?3, 'auth', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z')",
        );
        let insert = insert.bind(format!("01980000-0000-7000-8000-0000000007{number:02}")).bind(TENANT).bind(json!(text).to_string());
        pollster::block_on(edge.app.db.all(insert)).unwrap();
        edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
        let mut asked = asked.clone();
        asked["action"]["name"] = "archive".into();
        assert_eq!(listing(&edge, &key, SUBJECT, &asked, 1), whom, "{text}");
    }
}

#[test]
fn subjects_are_called_as_the_tenant_calls_them() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let asked = json!({ "subject": { "type": "User" }, "action": { "name": "read" },
                        "resource": { "type": "document", "id": "d1" } });
    for (form, name) in [("id", ANNA), ("username", "anna"), ("email", "anna@acme.example")] {
        edge.sql("UPDATE tenant SET settings = '{}'");
        let update = Statement::new("UPDATE tenant SET settings = ?1 WHERE id = ?2");
        let update = update.bind(json!({ "auth": { "subject_id": form } }).to_string()).bind(TENANT);
        pollster::block_on(edge.app.db.all(update)).unwrap();
        let response = edge.post(SUBJECT, &key, &asked);
        assert_eq!(body(&response)["results"], json!([{ "type": "User", "id": name }]));
        assert_decision(&edge.post("/access/v1/evaluation", &key, &question(name, "read")), true);
    }
}

#[test]
fn actions_and_resources_are_those_that_a_decision_allows() {
    let (edge, key, document) = crowd();
    edge.sql(
        "INSERT INTO resource (tenant_id, type, id, attributes, parents, created_at, updated_at)
              SELECT id, 'document', 'd1', '{}', '[]', created_at, created_at FROM tenant WHERE slug LIKE 'meridian%'",
    );
    edge.sql("INSERT INTO resource (tenant_id, type, id, attributes, parents, created_at, updated_at)
              SELECT id, 'document', 'd2', '{\"status\": \"approved\", \"department\": \"sales\"}', '[]', created_at, created_at
              FROM tenant WHERE slug LIKE 'meridian%'");
    edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    let mut found = (0, 0);
    for user in ids(&document, "user") {
        let mut asked = json!({ "subject": { "type": "user", "id": user },
                                "resource": { "type": "document", "id": "d1" } });
        let actions = listing(&edge, &key, ACTION, &asked, 3);
        let all = ["approve", "archive", "comment", "create", "delete", "edit", "export", "list", "read", "share"];
        let decided = |asked: &Value, action: &str| {
            let mut asked = asked.clone();
            asked["action"] = json!({ "name": action });
            body(&edge.post("/access/v1/evaluation", &key, &asked))["decision"] == true
        };
        let whole: Vec<&str> = all.into_iter().filter(|action| decided(&asked, action)).collect();
        assert_eq!(actions, whole, "{user}");
        asked["action"] = json!({ "name": "read" });
        let resources = listing(&edge, &key, RESOURCE, &asked, 1);
        let whole: Vec<&str> = ["d1", "d2"]
            .into_iter()
            .filter(|id| {
                asked["resource"]["id"] = (*id).into();
                decided(&asked, "read")
            })
            .collect();
        assert_eq!(resources, whole, "{user}");
        found = (found.0 + actions.len(), found.1 + resources.len());
    }
    assert!(found.0 > 50 && found.1 > 5, "{found:?}");
}

#[test]
fn the_scopes_of_a_key_bind_its_owner() {
    let edge = Edge::new();
    let asked = json!({ "subject": { "type": "user", "id": "anna" }, "resource": { "type": "document", "id": "d1" } });
    for (scopes, actions) in
        [(vec!["access:evaluate"], vec![]), (vec!["access:evaluate", "document:read"], vec!["read"])]
    {
        let key = edge.key_of(TENANT, Some(ANNA), None, &scopes);
        assert_eq!(listing(&edge, &key, ACTION, &asked, 10), actions);
    }
}

#[test]
fn nobody_is_found_for_what_nobody_may() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let asked = |subject: &str, action: &str, resource: &str| json!({ "subject": { "type": subject }, "action": { "name": action }, "resource": { "type": resource, "id": "d1" } });
    for asked in
        [asked("user", "shred", "document"), asked("user", "read", "planet"), asked("robot", "read", "document")]
    {
        let nobody = json!({ "page": { "next_token": "", "count": 0 }, "results": [] });
        let (response, trips) = (edge.post(SUBJECT, &key, &asked), edge.app.db.round_trips());
        assert_eq!((response.status, body(&response)), (200, nobody));
        edge.post(SUBJECT, &key, &asked);
        assert_eq!(edge.app.db.round_trips() - trips, 1, "only the key is asked for");
    }
    edge.sql("UPDATE tenant SET status = 'suspended'");
    edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    assert!(listing(&edge, &key, SUBJECT, &asked("user", "read", "document"), 10).is_empty());
}

#[test]
fn a_listing_is_of_one_question_and_one_version() {
    let (edge, key, document) = crowd();
    let department = |name: &str| json!({ "department": name });
    let asked = json!({ "subject": { "type": "user" }, "action": { "name": "read" },
                        "resource": { "type": "document", "id": "d1", "properties": department("sales") },
                        "page": { "limit": 1 } });
    let first = body(&edge.post(SUBJECT, &key, &asked));
    let token = first["page"]["next_token"].as_str().unwrap().to_owned();
    assert!(!token.is_empty());
    let with = |path: &str, pointer: &str, value: Value| {
        let mut asked = asked.clone();
        asked["page"]["token"] = token.clone().into();
        *asked.pointer_mut(pointer).unwrap() = value;
        edge.post(path, &key, &asked)
    };
    let refused = |response: &Response| {
        assert_problem(response, 400, "search.token");
        assert_eq!(body(response)["findings"][0]["field"], "/page/token");
    };
    assert_eq!(with(SUBJECT, "/page/limit", json!(2)).status, 200);
    refused(&with(SUBJECT, "/action/name", "edit".into()));
    refused(&with(SUBJECT, "/resource/id", "d2".into()));
    refused(&with(SUBJECT, "/resource/properties", department("legal")));
    refused(&with(SUBJECT, "/subject/type", "service_account".into()));
    let mut other = asked.clone();
    other["subject"]["id"] = document["user"][0]["id"].clone();
    other["page"]["token"] = token.clone().into();
    refused(&edge.post(RESOURCE, &key, &other));
    refused(&edge.post(ACTION, &key, &other));
    for garbage in ["x", "0", &"f".repeat(98), token.get(1..).unwrap(), &"a".repeat(100_000)] {
        refused(&with(SUBJECT, "/page/token", garbage.into()));
    }
    // Another tenant's.
    let mut own = asked.clone();
    own["page"]["token"] = token.clone().into();
    refused(&edge.post(SUBJECT, &edge.key(&["access:evaluate"]), &own));
    for changed in [
        "UPDATE tenant_epoch SET directory_version = directory_version + 1",
        "UPDATE tenant_epoch SET policy_version = policy_version + 1",
    ] {
        edge.sql(changed);
        refused(&edge.post(SUBJECT, &key, &own));
        own["page"]["token"] = "".into();
        let first = body(&edge.post(SUBJECT, &key, &own));
        own["page"]["token"] = first["page"]["next_token"].clone();
        assert_eq!(edge.post(SUBJECT, &key, &own).status, 200);
    }
}

#[test]
fn malformed_requests_say_where() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let whole = json!({ "subject": { "type": "user", "id": ANNA }, "action": { "name": "read" },
                        "resource": { "type": "document", "id": "d1" } });
    for path in [SUBJECT, RESOURCE, ACTION] {
        for (pointer, value, code, place) in [
            ("/subject", json!(null), "authzen.wrong_type", "/subject"),
            ("/subject/type", json!(1), "authzen.wrong_type", "/subject/type"),
            ("/resource/type", json!([]), "authzen.wrong_type", "/resource/type"),
            ("/page", json!([]), "authzen.wrong_type", "/page"),
            ("/page", json!({ "limit": 0 }), "search.limit", "/page/limit"),
            ("/page", json!({ "limit": -1 }), "authzen.wrong_type", "/page/limit"),
            ("/page", json!({ "limit": 1.5 }), "authzen.wrong_type", "/page/limit"),
            ("/page", json!({ "token": 1 }), "authzen.wrong_type", "/page/token"),
        ] {
            let mut asked = whole.clone();
            asked["page"] = json!({});
            *asked.pointer_mut(pointer).unwrap() = value;
            let response = edge.post(path, &key, &asked);
            assert_problem(&response, 400, code);
            assert_eq!(body(&response)["findings"][0]["field"], place, "{path} {asked}");
        }
        for (sent, code) in [
            ("", "authzen.malformed_json"),
            ("[]", "authzen.wrong_type"),
            ("{}", "authzen.missing_field"),
            (r#"{"page": {"limit": 1, "limit": 2}}"#, "authzen.duplicate_key"),
        ] {
            assert_problem(&edge.post_bytes(path, &key, sent.as_bytes().to_vec()), 400, code);
        }
        assert_problem(&edge.post_bytes(path, &key, vec![b' '; 10 << 20]), 413, "http.body_too_large");
        let mut trusted = whole.clone();
        trusted["context"] = json!({ "ip": "10.0.0.1" });
        assert_problem(&edge.post(path, &key, &trusted), 403, "access.missing_scope");
        assert_problem(&edge.post(path, &edge.key(&["me"]), &whole), 403, "access.missing_scope");
        edge.app.db.fail(true);
        assert_problem(&edge.post(path, &key, &whole), 503, "database.unavailable");
        edge.app.db.fail(false);
    }
}

/// No statement of a search looks at a whole table, or at all of a tenant's rows for one piece.
#[test]
fn a_piece_is_found_by_an_index() {
    let (edge, key, _) = crowd();
    let asked = json!({ "subject": { "type": "user" }, "action": { "name": "read" },
                        "resource": { "type": "document", "id": "d1" }, "page": { "limit": 5 } });
    let (_, statements) = edge.app.db.recording(|| edge.post(SUBJECT, &key, &asked));
    let mut walked = 0;
    for statement in statements.iter().filter(|statement| statement.sql().contains("window")) {
        let plan = edge.app.db.plan(statement).unwrap().join("\n");
        assert!(!plan.contains("SCAN user") && !plan.contains("TEMP B-TREE FOR"), "{plan}");
        assert!(plan.contains("tenant_id=? AND user_id>? AND user_id<?"), "{plan}");
        walked += 1;
    }
    assert_eq!(walked, 1);
}
