//! Going back to the rules of an earlier version.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;

const READ: &str = "01980000-0000-7000-8000-000000000401";

fn back(office: &Office, key: &ApiKeyToken, version: i64) -> Response {
    office.by(key, "POST", &format!("/v1/snapshots/{version}/rollback"), json!({}))
}

fn rules(office: &Office) -> Vec<Vec<Row>> {
    [
        "SELECT id, name, description, permissions, is_active FROM role ORDER BY id",
        "SELECT * FROM role_permission ORDER BY id",
        "SELECT * FROM permission ORDER BY id",
        "SELECT id, setting_key, setting_value FROM tenant_setting ORDER BY id",
    ]
    .map(|sql| office.edge.sql(sql))
    .to_vec()
}

/// Publishes the version that is current.
fn publish(office: &Office) {
    assert_status(&office.owner("GET", "/v1/roles", Value::Null), 200);
}

#[test]
fn the_rules_of_then_come_back_as_a_new_version_and_every_isolate_decides_by_them() {
    let office = office();
    publish(&office);
    let pep = office.edge.key(&["access:evaluate"]);
    let before = rules(&office);
    let document = json!({ "name": "documents.print", "resource": "document", "action": "print", "category": "user" });
    let printing = assert_status(&office.owner("POST", "/v1/permissions", document), 201);
    let editor = json!({ "name": "editor", "permissions": [{ "permission": "documents.print" }] });
    let editor = assert_status(&office.owner("POST", "/v1/roles", editor), 201);
    let grant = json!({ "role_id": editor["id"], "permission_id": READ });
    assert_status(&office.owner("POST", "/v1/role-permissions", grant), 201);
    let reader = format!("/v1/roles/{READER}");
    assert_status(&office.owner("PATCH", &reader, json!({ "permissions": [], "description": "nothing" })), 200);
    assert_decision(&office.edge.ask(&pep), false);
    let between = (office.versions().0, rules(&office));
    assert_status(&office.owner("DELETE", &reader, Value::Null), 204);
    assert_eq!(
        office.edge.sql("SELECT 1 AS n FROM user_role WHERE role_id = '01980000-0000-7000-8000-000000000301'").len(),
        0
    );

    let done = assert_status(&back(&office, &office.owner, 7), 200);
    assert_eq!(done, json!({ "policy_version": 13, "rolled_back_to": 7, "rows": 4 }));
    assert_eq!(office.versions(), (13, 4), "who had a role that comes back is asked of the rows again");
    assert_eq!(rules(&office), before);
    // The role is back, and nobody has it: who has what is not among the rules.
    assert_decision(&office.edge.ask(&pep), false);
    assert_status(&office.owner("POST", "/v1/user-roles", json!({ "user_id": ANNA, "role_id": READER })), 201);
    assert_decision(&office.edge.ask(&pep), true);
    assert_decision(&office.edge.restarted().ask(&pep), true);

    // And back again, to what was between; from there nothing is left to do.
    let done = assert_status(&back(&office, &office.owner, between.0), 200);
    assert_eq!(done["policy_version"], 14);
    assert_eq!(rules(&office), between.1);
    assert_eq!(printing["name"], "documents.print");
    assert_decision(&office.edge.restarted().ask(&pep), false);
    let again = assert_status(&back(&office, &office.owner, between.0), 200);
    assert_eq!(again, json!({ "policy_version": 14, "rolled_back_to": between.0, "rows": 0 }));
    assert_eq!(office.versions().0, 14);

    let log = office.log();
    let restored = log.iter().filter(|row| row.event_type.ends_with(".restored")).count();
    assert_eq!(restored, 8);
    let told: Vec<_> = log.iter().filter(|row| row.event_type == "snapshot.rolled_back").collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].event_data["after"]["rolled_back_to"], 7);
}

#[test]
fn what_was_published_then_is_decided_by_again() {
    let office = office();
    publish(&office);
    let hash = |version: i64| {
        let rows = office.edge.sql("SELECT policy_version, content_hash FROM snapshot");
        rows.iter().find(|row| row["policy_version"] == version).map(|row| row["content_hash"].clone()).unwrap()
    };
    assert_status(&office.owner("PATCH", &format!("/v1/roles/{READER}"), json!({ "permissions": [] })), 200);
    assert_ne!(hash(8), hash(7));
    assert_status(&back(&office, &office.owner, 7), 200);
    assert_eq!(hash(9), hash(7), "the same rules are the same content");
    let pep = office.edge.key(&["access:evaluate"]);
    for edge in [&office.edge, &office.edge.restarted()] {
        let response = edge.ask(&pep);
        assert_decision(&response, true);
        assert_eq!(body(&response)["context"]["as_of"]["policy_version"], 9);
    }
}

#[test]
fn a_role_that_somebody_got_since_stays_theirs_and_gives_nothing() {
    let office = office();
    publish(&office);
    let body = json!({ "name": "editor", "permissions": [{ "permission": "documents.read" }] });
    let editor = assert_status(&office.owner("POST", "/v1/roles", body), 201);
    let give = json!({ "user_id": BEN, "role_id": editor["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), true);
    assert_status(&back(&office, &office.owner, 7), 200);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
    let role = format!("/v1/roles/{}", editor["id"].as_str().unwrap());
    let role = assert_status(&office.owner("GET", &role, Value::Null), 200);
    assert_eq!((&role["is_active"], &role["permissions"]), (&json!(false), &json!([])));
    assert_eq!(
        office.edge.sql("SELECT 1 AS n FROM user_role WHERE user_id = '01980000-0000-7000-8000-000000000102'").len(),
        1
    );
}

#[test]
fn policies_and_schema_come_back_and_other_settings_stay() {
    let office = office();
    office.edge.sql(
        r#"INSERT INTO tenant_setting VALUES
           ('01980000-0000-7000-8000-000000000b01', '01980000-0000-7000-8000-000000000001', 'policy.night',
            '"forbid (principal, action == Action::\"document:read\", resource);"', NULL, 'auth',
            '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'),
           ('01980000-0000-7000-8000-000000000b02', '01980000-0000-7000-8000-000000000001', 'theme',
            '"dark"', NULL, 'ui', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')"#,
    );
    publish(&office);
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.ask(&pep), false);
    office.edge.sql("UPDATE tenant_epoch SET policy_version = 8");
    office.edge.sql("DELETE FROM tenant_setting WHERE setting_key = 'policy.night'");
    office.edge.sql("UPDATE tenant_setting SET setting_value = '\"light\"' WHERE setting_key = 'theme'");
    assert_decision(&office.edge.ask(&pep), true);
    assert_status(&back(&office, &office.owner, 7), 200);
    assert_decision(&office.edge.ask(&pep), false);
    assert_decision(&office.edge.restarted().ask(&pep), false);
    let theme = office.edge.sql("SELECT setting_value FROM tenant_setting WHERE setting_key = 'theme'");
    assert_eq!(theme[0]["setting_value"], "\"light\"");
}

#[test]
fn only_an_owner_goes_back() {
    let office = office();
    publish(&office);
    let reader = format!("/v1/roles/{READER}");
    assert_status(&office.owner("PATCH", &reader, json!({ "permissions": [] })), 200);
    assert_problem(&back(&office, &office.admin, 7), 403, "access.missing_permission");
    // Whoever was given the permission is no owner, and does not hold what would come back.
    let body = json!({ "name": "roller", "permissions": [{ "permission": "parapet.snapshot.write" }] });
    let roller = assert_status(&office.owner("POST", "/v1/roles", body), 201);
    let give = json!({ "user_id": BEN, "role_id": roller["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let ben = office.edge.key_of(TENANT, Some(BEN), None, &["admin:write"]);
    assert_refused(&back(&office, &ben, 7), &["not_held", "needs_owner"]);
    assert_status(&back(&office, &office.owner, 7), 200);
}

#[test]
fn what_was_not_kept_or_never_was_is_said() {
    let office = office();
    assert_problem(&back(&office, &office.owner, 6), 404, "http.not_found");
    assert_problem(&office.owner("POST", "/v1/snapshots/x/rollback", json!({})), 404, "http.not_found");
    publish(&office);
    office.edge.sql(
        "INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id)
         VALUES ('01980000-0000-7000-8000-000000000001', 8, 'tenant', '01980000-0000-7000-8000-000000000001')",
    );
    assert_problem(&back(&office, &office.owner, 7), 409, "snapshot.not_kept");
}

#[test]
fn what_rows_of_then_refer_to_must_be_there() {
    let office = office();
    publish(&office);
    // A name that somebody else took since, by a role that stays because somebody has it.
    let reader = format!("/v1/roles/{READER}");
    assert_status(&office.owner("PATCH", &reader, json!({ "name": "readers" })), 200);
    let body = json!({ "name": "reader" });
    let other = assert_status(&office.owner("POST", "/v1/roles", body), 201);
    let give = json!({ "user_id": BEN, "role_id": other["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let response = back(&office, &office.owner, 7);
    assert_problem(&response, 422, "request.invalid");
    let finding = &body_of(&response)["findings"][0];
    assert_eq!((finding["code"].as_str(), finding["field"].as_str()), (Some("row.taken"), Some("name")));

    // An account that names a permission which would go.
    let office = super::administration::office();
    publish(&office);
    let document = json!({ "name": "documents.print", "resource": "document", "action": "print", "category": "user" });
    assert_status(&office.owner("POST", "/v1/permissions", document), 201);
    office.edge.sql("UPDATE tenant_epoch SET policy_version = 9");
    office.edge.sql("UPDATE service_account SET permissions = '[{\"permission\":\"documents.print\"}]'");
    let response = back(&office, &office.owner, 7);
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(office.versions().0, 9);
}

#[test]
fn a_tenant_that_goes_takes_its_history_along() {
    let office = office();
    publish(&office);
    assert_status(&office.owner("POST", "/v1/roles", json!({ "name": "editor" })), 201);
    assert_eq!(office.edge.sql("SELECT 1 AS n FROM rule_history").len(), 1);
    office.edge.sql("DELETE FROM role_permission");
    office.edge.sql("DELETE FROM idempotency_key");
    office.edge.sql("DROP TRIGGER IF EXISTS audit_log_is_not_deleted");
    office.edge.sql("DELETE FROM tenant_epoch");
    office.edge.sql("DELETE FROM role");
    assert_eq!(office.edge.sql("SELECT 1 AS n FROM rule_history").len(), 1, "without versions there is none to keep");
}

fn body_of(response: &Response) -> Value {
    super::body(response)
}
