//! Administration: what every table has in common, and that nobody gets more than they hold.

use super::*;
use parapet::administration::roles;
use uuid::Uuid;

pub(super) const OLGA: &str = "01980000-0000-7000-8000-000000000111";
pub(super) const ADAM: &str = "01980000-0000-7000-8000-000000000112";
const READ_DOCUMENTS: &str = "01980000-0000-7000-8000-000000000401";

/// `acme` with the roles of the system, Olga its owner, and Adam an admin.
pub(super) struct Office {
    pub edge: Edge,
    pub owner: ApiKeyToken,
    pub admin: ApiKeyToken,
    /// The ids of the system's roles: owner, admin, auditor, helpdesk.
    pub roles: Vec<Uuid>,
}

pub(super) fn office() -> Office {
    let edge = Edge::new();
    let tenant: Uuid = TENANT.parse().unwrap();
    let mut number = 0x0198_0000_0000_7000_8000_0000_0000_0700_u128;
    let rows = roles(tenant, time("2026-01-01T00:00:00.000Z"), || {
        number += 1;
        Uuid::from_u128(number)
    });
    let ids: Vec<Uuid> = rows.iter().map(|role| role.id).collect();
    let run = |statement: Statement| pollster::block_on(edge.app.db.all(statement)).unwrap();
    use parapet::model::Row as _;
    for role in &rows {
        run(insert(const { &parapet::model::Role::INFO }, role.to_sql()));
    }
    for (user, email, role) in [(OLGA, "olga@acme.example", ids[0]), (ADAM, "adam@acme.example", ids[1])] {
        let user_row = json!({ "id": user, "tenant_id": TENANT, "email": email, "created_at": NOW, "updated_at": NOW });
        let user_row =
            parapet::model::User::from_json(user_row.as_object().unwrap().clone(), user, &mut vec![]).unwrap();
        run(insert(const { &parapet::model::User::INFO }, user_row.to_sql()));
        number += 1;
        run(Statement::new(
            "INSERT INTO user_role (id, tenant_id, user_id, role_id, assigned_at, is_active)
             VALUES (?1, ?2, ?3, ?4, '2026-01-01T00:00:00.000Z', 1)",
        )
        .bind(Uuid::from_u128(number))
        .bind(TENANT)
        .bind(user)
        .bind(role));
    }
    let scopes = ["admin:read", "admin:write"];
    let owner = edge.key_of(TENANT, Some(OLGA), None, &scopes);
    let admin = edge.key_of(TENANT, Some(ADAM), None, &scopes);
    Office { edge, owner, admin, roles: ids }
}

impl Office {
    pub fn by(&self, key: &ApiKeyToken, method: &str, path: &str, body: Value) -> Response {
        self.edge.call(key, method, path, (!body.is_null()).then_some(body))
    }

    pub fn owner(&self, method: &str, path: &str, body: Value) -> Response {
        self.by(&self.owner, method, path, body)
    }

    pub fn admin(&self, method: &str, path: &str, body: Value) -> Response {
        self.by(&self.admin, method, path, body)
    }

    /// The log's rows, verified.
    pub fn log(&self) -> Vec<parapet::model::AuditLog> {
        use parapet::model::Row as _;
        let rows = self.edge.sql("SELECT * FROM audit_log ORDER BY sequence");
        let rows: Vec<_> = rows.into_iter().map(|row| parapet::model::AuditLog::from_sql(row).unwrap()).collect();
        parapet::audit::verify(rows.clone(), None).unwrap();
        rows
    }

    pub fn events(&self) -> Vec<String> {
        let rows = self.edge.sql("SELECT event_type FROM outbox ORDER BY rowid");
        rows.iter().map(|row| row["event_type"].as_str().unwrap().to_owned()).collect()
    }

    pub fn versions(&self) -> (i64, i64) {
        let rows = self.edge.sql("SELECT policy_version, directory_version FROM tenant_epoch");
        (rows[0]["policy_version"].as_i64().unwrap(), rows[0]["directory_version"].as_i64().unwrap())
    }
}

/// The ids of the rules that refuse it.
#[track_caller]
pub(super) fn assert_refused(response: &Response, rules: &[&str]) {
    assert_problem(response, 403, "access.refused");
    let body = body(response);
    let mut codes: Vec<&str> =
        body["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    codes.dedup();
    let rules: Vec<String> = rules.iter().map(|rule| format!("administration.{rule}")).collect();
    assert_eq!(codes, rules, "{body:#}");
}

#[track_caller]
pub(super) fn assert_status(response: &Response, status: u16) -> Value {
    assert_eq!(response.status, status, "{}", String::from_utf8_lossy(&response.body));
    if response.body.is_empty() { Value::Null } else { body(response) }
}

#[test]
fn a_row_is_made_seen_changed_and_removed() {
    let office = office();
    let response = office.owner("POST", "/v1/roles", json!({ "name": "editor", "description": "writes" }));
    let made = assert_status(&response, 201);
    let path = response.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/v1/roles/{}", made["id"].as_str().unwrap()));
    assert_eq!((made["type"].as_str(), made["tenant_id"].as_str()), (Some("custom"), Some(TENANT)));

    let seen = office.owner("GET", &path, Value::Null);
    assert_eq!(assert_status(&seen, 200), made);
    let etag = seen.header("etag").unwrap().to_owned();
    assert_eq!(response.header("etag"), Some(etag.as_str()));

    let changed = assert_status(&office.owner("PATCH", &path, json!({ "description": null, "is_active": false })), 200);
    assert_eq!((&changed["description"], &changed["is_active"]), (&Value::Null, &json!(false)));
    let mut stale = keyed(&office.owner, "PATCH", &path, Some(json!({ "name": "x" })));
    stale.headers.insert("if-match".to_owned(), etag);
    assert_problem(&office.edge.send(stale), 412, "http.precondition_failed");

    assert_status(&office.owner("DELETE", &path, Value::Null), 204);
    assert_problem(&office.owner("GET", &path, Value::Null), 404, "http.not_found");
    assert_problem(&office.owner("DELETE", &path, Value::Null), 404, "http.not_found");

    let log = office.log();
    let events: Vec<&str> = log.iter().map(|row| row.event_type.as_str()).collect();
    assert_eq!(events, ["role.created", "role.updated", "role.deleted"]);
    assert_eq!(office.events(), events);
    assert_eq!(log[1].event_data["before"], json!({ "description": "writes", "is_active": true }));
    assert_eq!(log[1].event_data["after"], json!({ "description": null, "is_active": false }));
    assert_eq!(log[1].user_id, Some(OLGA.parse().unwrap()));
    assert_eq!(office.versions(), (10, 3));
}

#[test]
fn a_change_is_decided_by_at_once() {
    let office = office();
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
    let role =
        assert_status(&office.owner("POST", "/v1/user-roles", json!({ "user_id": BEN, "role_id": READER })), 201);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), true);
    let path = format!("/v1/user-roles/{}", role["id"].as_str().unwrap());
    assert_status(&office.owner("DELETE", &path, Value::Null), 204);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
    let path = format!("/v1/roles/{READER}");
    assert_status(&office.owner("PATCH", &path, json!({ "permissions": [] })), 200);
    assert_decision(&office.edge.ask(&pep), false);
    let anew = office.edge.restarted();
    assert_decision(&anew.ask(&pep), false);
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_nothing_is_written() {
    let office = office();
    let body = json!({ "name": " ", "id": ANNA, "type": "system", "colour": "red", "permissions": [{ "permission": "documents.read", "resource_id": "7" }] });
    let response = office.owner("POST", "/v1/roles", body);
    assert_problem(&response, 422, "request.invalid");
    let mut fields: Vec<String> = super::body(&response)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["field"].as_str().unwrap().to_owned())
        .collect();
    fields.sort();
    assert_eq!(fields, ["colour", "id", "name", "permissions/0/resource_id", "type"]);
    assert_eq!((office.log().len(), office.versions()), (0, (7, 3)));
}

#[test]
fn what_would_not_compile_is_refused_and_changes_nothing() {
    let office = office();
    let body = json!({ "role_id": READER, "permission_id": READ_DOCUMENTS, "conditions": { "Sounds": { "a": 1 } } });
    let response = office.owner("POST", "/v1/role-permissions", body);
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(super::body(&response)["findings"][0]["code"], "condition.unknown_operator");
    assert_eq!((office.log().len(), office.versions()), (0, (7, 3)));
}

/// Rules are changed where they lie in memory: what was refused is not in the next change, and what an isolate publishes
/// after several is what one that knows nothing makes of the rows.
#[test]
fn a_refused_change_is_not_in_the_next_one() {
    let office = office();
    let grant =
        |conditions: Value| json!({ "role_id": READER, "permission_id": READ_DOCUMENTS, "conditions": conditions });
    let condition = json!({ "cedar": "context has mfa && context.mfa" });
    let given = assert_status(&office.owner("POST", "/v1/role-permissions", grant(condition.clone())), 201);
    for refused in [json!({ "Sounds": { "a": 1 } }), json!({ "cedar": "context.mfa" })] {
        assert_problem(&office.owner("POST", "/v1/role-permissions", grant(refused)), 422, "request.invalid");
    }
    assert_status(&office.owner("PATCH", &format!("/v1/roles/{READER}"), json!({ "description": "reads" })), 200);
    let path = format!("/v1/role-permissions/{}", given["id"].as_str().unwrap());
    assert_eq!(office.owner("DELETE", &path, Value::Null).status, 204);
    assert_status(&office.owner("POST", "/v1/role-permissions", grant(condition)), 201);
    assert_eq!(office.versions().0, 11);
    let newest = || office.edge.sql("SELECT content_hash FROM snapshot WHERE policy_version = 11");
    let published = newest();
    assert_eq!(published.len(), 1);
    office.edge.sql("DELETE FROM snapshot");
    let anew = office.edge.restarted();
    anew.ask(&office.edge.key(&["access:evaluate"]));
    assert_eq!(newest(), published);
}

#[test]
fn a_taken_name_and_a_missing_row_are_said_with_their_field() {
    let office = office();
    let response = office.owner("POST", "/v1/roles", json!({ "name": "reader" }));
    assert_problem(&response, 409, "row.taken");
    assert_eq!(body(&response)["findings"][0]["field"], "name");
    let response = office.owner("POST", "/v1/user-roles", json!({ "user_id": ANNA, "role_id": ANNA }));
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(body(&response)["findings"][0]["field"], "role_id");
}

#[test]
fn nobody_gives_what_they_do_not_hold() {
    let office = office();
    let give = json!({ "user_id": BEN, "role_id": READER });
    assert_refused(&office.admin("POST", "/v1/user-roles", give.clone()), &["not_held"]);
    let add = json!({ "name": "mine", "permissions": [{ "permission": "documents.read" }] });
    assert_refused(&office.admin("POST", "/v1/roles", add), &["not_held"]);
    // Adam gets the role, and may pass it on; what he holds under a condition he gives under that alone.
    assert_status(&office.owner("POST", "/v1/user-roles", json!({ "user_id": ADAM, "role_id": READER })), 201);
    assert_status(&office.admin("POST", "/v1/user-roles", give), 201);
    let narrower = json!({ "role_id": READER, "permission_id": READ_DOCUMENTS,
                           "conditions": { "Bool": { "resource.draft": true } } });
    assert_status(&office.admin("POST", "/v1/role-permissions", narrower), 201);
    let log = office.log();
    let denied: Vec<_> = log.iter().filter(|row| row.event_type == "access.denied").collect();
    assert_eq!(denied.len(), 2);
    assert_eq!(denied[0].event_data["refused_by"], json!(["administration.not_held"]));
    assert_eq!(denied[0].user_id, Some(ADAM.parse().unwrap()));
}

#[test]
fn what_is_held_for_a_time_is_given_for_no_longer() {
    let office = office();
    let until = "2026-04-01T00:00:00.000Z";
    let held = json!({ "user_id": ADAM, "role_id": READER, "expires_at": until });
    assert_status(&office.owner("POST", "/v1/user-roles", held), 201);
    assert_refused(
        &office.admin("POST", "/v1/user-roles", json!({ "user_id": BEN, "role_id": READER })),
        &["not_held"],
    );
    let given = json!({ "user_id": BEN, "role_id": READER, "expires_at": until });
    let given = assert_status(&office.admin("POST", "/v1/user-roles", given), 201);
    let path = format!("/v1/user-roles/{}", given["id"].as_str().unwrap());
    assert_refused(&office.admin("PATCH", &path, json!({ "expires_at": null })), &["not_held"]);
}

#[test]
fn owners_are_made_by_owners_and_one_stays() {
    let office = office();
    let owner = office.roles[0];
    let give = json!({ "user_id": BEN, "role_id": owner });
    assert_refused(&office.admin("POST", "/v1/user-roles", give.clone()), &["not_held", "touches_owner"]);
    let olga = office.edge.sql("SELECT id FROM user_role WHERE user_id = '01980000-0000-7000-8000-000000000111'");
    let olga = format!("/v1/user-roles/{}", olga[0]["id"].as_str().unwrap());
    assert_refused(&office.owner("DELETE", &olga, Value::Null), &["own_rights", "leaves_no_owner"]);
    assert_refused(&office.admin("DELETE", &olga, Value::Null), &["touches_owner", "leaves_no_owner"]);
    let ben = assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let second = office.edge.key_of(TENANT, Some(BEN), None, &["admin:write"]);
    assert_status(&office.by(&second, "DELETE", &olga, Value::Null), 204);
    let ben = format!("/v1/user-roles/{}", ben["id"].as_str().unwrap());
    assert_refused(
        &office.by(&second, "PATCH", &ben, json!({ "is_active": false })),
        &["own_rights", "leaves_no_owner"],
    );
    // Olga is no owner any more.
    assert_problem(&office.owner("GET", "/v1/roles", Value::Null), 403, "access.missing_permission");
}

#[test]
fn a_role_of_the_system_is_not_changed() {
    let office = office();
    let path = format!("/v1/roles/{}", office.roles[2]);
    assert_refused(&office.owner("PATCH", &path, json!({ "description": "sees nothing" })), &["system_role"]);
    assert_refused(&office.owner("DELETE", &path, Value::Null), &["system_role"]);
    let add = json!({ "role_id": office.roles[2], "permission_id": READ_DOCUMENTS });
    assert_refused(&office.owner("POST", "/v1/role-permissions", add), &["system_role"]);
}

#[test]
fn the_catalogue_is_read_and_not_changed() {
    let office = office();
    let page = assert_status(&office.owner("GET", "/v1/permissions?tenant_id=null&limit=200", Value::Null), 200);
    assert_eq!(page["items"].as_array().unwrap().len(), parapet::administration::PERMISSIONS.len());
    let path = format!("/v1/permissions/{}", page["items"][0]["id"].as_str().unwrap());
    assert_problem(&office.owner("PATCH", &path, json!({ "name": "mine" })), 422, "request.invalid");
    assert_problem(&office.owner("DELETE", &path, Value::Null), 422, "request.invalid");
    let response = office.owner("DELETE", &format!("/v1/permissions/{READ_DOCUMENTS}"), Value::Null);
    assert_eq!(body(&response)["findings"][0]["code"], "permission.in_use");
}

#[test]
fn a_list_goes_from_page_to_page() {
    let office = office();
    for number in 0..7 {
        assert_status(&office.owner("POST", "/v1/roles", json!({ "name": format!("role {number}") })), 201);
    }
    for sort in ["created_at", "-created_at", "name", "-name"] {
        let whole = assert_status(&office.owner("GET", &format!("/v1/roles?sort={sort}"), Value::Null), 200);
        let whole = whole["items"].as_array().unwrap().clone();
        assert_eq!(whole.len(), 12);
        let mut paged = vec![];
        let mut path = format!("/v1/roles?sort={sort}&limit=5");
        loop {
            let page = assert_status(&office.owner("GET", &path, Value::Null), 200);
            paged.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/roles?sort={sort}&limit=5&cursor={next}");
        }
        assert_eq!(paged, whole, "{sort}");
    }
    let first = assert_status(&office.owner("GET", "/v1/roles?limit=5", Value::Null), 200);
    let other = format!("/v1/roles?limit=5&type=custom&cursor={}", first["next_cursor"].as_str().unwrap());
    let response = office.owner("GET", &other, Value::Null);
    assert_problem(&response, 400, "query.invalid");
    let response = office.owner("GET", "/v1/roles?limit=0&sort=x&type=odd&who=me&is_active=1&from=now", Value::Null);
    let codes: Vec<String> = body(&response)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["query.limit", "query.sort", "query.value", "query.unknown", "query.value", "query.time"]);
}

#[test]
fn a_repeated_request_is_answered_and_not_done_again() {
    let office = office();
    let send = |key: &str, body: Value| {
        let mut request = keyed(&office.owner, "POST", "/v1/roles", Some(body));
        request.headers.insert("idempotency-key".to_owned(), key.to_owned());
        office.edge.send(request)
    };
    let first = send("k", json!({ "name": "once" }));
    let again = send("k", json!({ "name": "once" }));
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_problem(&send("k", json!({ "name": "twice" })), 422, "request.idempotency_reused");
    assert_eq!(office.log().len(), 1);
}

#[test]
fn a_key_administers_for_somebody_within_its_scopes_alone() {
    let office = office();
    let nobody = office.edge.key(&["admin:read", "admin:write"]);
    assert_problem(&office.by(&nobody, "GET", "/v1/roles", Value::Null), 403, "access.no_principal");
    let reads = office.edge.key_of(TENANT, Some(OLGA), None, &["admin:read"]);
    assert_status(&office.by(&reads, "GET", "/v1/roles", Value::Null), 200);
    let post = office.by(&reads, "POST", "/v1/roles", json!({ "name": "x" }));
    assert_problem(&post, 403, "access.missing_scope");
    let one = office.edge.key_of(TENANT, Some(OLGA), None, &["parapet:role.read"]);
    assert_status(&office.by(&one, "GET", "/v1/roles", Value::Null), 200);
    assert_problem(&office.by(&one, "GET", "/v1/permissions", Value::Null), 403, "access.missing_scope");
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read"]);
    assert_problem(&office.by(&anna, "GET", "/v1/roles", Value::Null), 403, "access.missing_permission");
    assert_eq!(office.log().len(), 1, "a refusal is audited");
}

#[test]
fn another_tenants_rows_are_not_there() {
    let office = office();
    office.edge.seed(&other());
    let role = "01980000-0000-7000-8000-0000000009a1";
    office.edge.sql(
        "INSERT INTO role VALUES ('01980000-0000-7000-8000-0000000009a1', '01980000-0000-7000-8000-000000000002',
         'theirs', NULL, 'custom', '[]', 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let path = format!("/v1/roles/{role}");
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({ "name": "ours" })), ("DELETE", Value::Null)] {
        assert_problem(&office.owner(method, &path, body), 404, "http.not_found");
    }
    let give = office.owner("POST", "/v1/user-roles", json!({ "user_id": ANNA, "role_id": role }));
    assert_eq!(body(&give)["findings"][0]["code"], "reference.not_found");
    let page = assert_status(&office.owner("GET", "/v1/roles?limit=200", Value::Null), 200);
    assert!(page["items"].as_array().unwrap().iter().all(|item| item["tenant_id"] == TENANT));
}

/// What a policy of the tenant's own says of a role, an action or a flag stands in no row that grants.
#[test]
fn what_a_policy_names_is_an_owners_to_give() {
    let office = office();
    let role = assert_status(&office.owner("POST", "/v1/roles", json!({ "name": "named" })), 201);
    let role = role["id"].as_str().unwrap();
    let flag = json!({ "flag_name": "beta", "is_enabled": false });
    let flag = assert_status(&office.owner("POST", "/v1/feature-flags", flag), 201);
    let cedar = format!(
        "permit (principal in Role::\"{role}\", action, resource);
         permit (principal, action in Action::\"user\", resource is document)
         when {{ context has flags && context.flags.contains(\"beta\") }};"
    );
    for (name, policy) in ["one", "two"].iter().zip(cedar.split_inclusive(';')) {
        let response = office.owner("PUT", &format!("/v1/policies/{name}"), json!({ "text": policy.trim() }));
        assert!(response.status < 300, "{}", String::from_utf8_lossy(&response.body));
    }
    let give = json!({ "user_id": BEN, "role_id": role });
    assert_refused(&office.admin("POST", "/v1/user-roles", give.clone()), &["needs_owner"]);
    let off = json!({ "is_active": false });
    assert_refused(&office.admin("PATCH", &format!("/v1/roles/{role}"), off), &["needs_owner"]);
    let permission =
        json!({ "name": "documents.shred", "resource": "document", "action": "shred", "category": "user" });
    assert_refused(&office.admin("POST", "/v1/permissions", permission), &["needs_owner"]);
    let flag = format!("/v1/feature-flags/{}", flag["id"].as_str().unwrap());
    assert_refused(&office.admin("PATCH", &flag, json!({ "is_enabled": true })), &["needs_owner"]);
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    assert_status(&office.owner("PATCH", &flag, json!({ "is_enabled": true })), 200);
}
