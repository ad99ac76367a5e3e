//! Settings by their key: what may be set, what counts, who may change it, and that secrets are never shown.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;
use parapet::seal::{DataKey, DataKeyring};

fn set(office: &Office, path: &str, value: Value, status: u16) -> Value {
    let path = format!("/v1/tenant-settings/{path}");
    assert_status(&office.owner("PUT", &path, json!({ "value": value })), status)
}

fn get(office: &Office, path: &str) -> (Value, String) {
    let body = assert_status(&office.owner("GET", &format!("/v1/tenant-settings/{path}"), Value::Null), 200);
    (body["value"].clone(), body["source"].as_str().unwrap().to_owned())
}

#[track_caller]
fn codes(response: &Response) -> Vec<String> {
    let findings = body(response)["findings"].as_array().unwrap().clone();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_setting_counts_before_the_tenant_and_the_tenant_before_the_default() {
    let office = office();
    let (path, default) = ("security/session_idle_minutes", (json!(60), "default".to_owned()));
    assert_eq!(get(&office, path), default);
    office.edge.sql(r#"UPDATE tenant SET settings = '{"security":{"session_idle_minutes":30,"mfa":"never"}}'"#);
    assert_eq!(get(&office, path), (json!(30), "tenant".to_owned()));
    assert_eq!(get(&office, "security/mfa"), (json!("optional"), "default".to_owned()), "what may not be there is not");
    let made = set(&office, path, json!(15), 201);
    assert_eq!((&made["value"], &made["source"], &made["default"]), (&json!(15), &json!("setting"), &json!(60)));
    assert_eq!(set(&office, path, json!(20), 200)["value"], 20);
    let log = office.log().len();
    set(&office, path, json!(20), 200);
    assert_eq!(office.log().len(), log, "what stays as it is changes nothing");
    let page = assert_status(&office.owner("GET", "/v1/tenant-settings?category=security", Value::Null), 200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let all = assert_status(&office.owner("GET", "/v1/tenant-settings/effective", Value::Null), 200);
    let all = all["items"].as_array().unwrap();
    let idle = all.iter().find(|item| item["key"] == "session_idle_minutes").unwrap();
    assert_eq!((&idle["value"], &idle["source"]), (&json!(20), &json!("setting")));
    assert_eq!(all.len(), parapet::setting::KNOWN.iter().filter(|known| !known.is_open()).count());
    let item = format!("/v1/tenant-settings/{path}");
    assert_status(&office.owner("DELETE", &item, Value::Null), 204);
    assert_problem(&office.owner("DELETE", &item, Value::Null), 404, "http.not_found");
    assert_eq!(get(&office, path), (json!(30), "tenant".to_owned()));
    assert_eq!(office.events(), ["tenant_setting.created", "tenant_setting.updated", "tenant_setting.deleted"]);
}

#[test]
fn what_is_not_known_or_does_not_fit_is_refused() {
    let office = office();
    for path in ["ui/colour", "auth/x.mine", "mood/x.a", "ui/x.", "ui/x.a%20b"] {
        let path = format!("/v1/tenant-settings/{path}");
        assert_problem(&office.owner("PUT", &path, json!({ "value": 1 })), 404, "http.not_found");
        assert_problem(&office.owner("GET", &path, Value::Null), 404, "http.not_found");
    }
    set(&office, "ui/x.greeting", json!({ "de": "Hallo" }), 201);
    let path = "/v1/tenant-settings/security/password_min_length";
    let response = office.owner("PUT", path, json!({ "value": 4, "description": 1, "colour": "red" }));
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(codes(&response), ["row.wrong_type", "row.unknown_field", "tenant_setting.value"]);
    assert_eq!(codes(&office.owner("PUT", path, json!({}))), ["row.missing"]);
    let mut stale = keyed(&office.owner, "PUT", path, Some(json!({ "value": 10 })));
    stale.headers.insert("if-match".to_owned(), "\"old\"".to_owned());
    assert_problem(&office.edge.send(stale), 412, "http.precondition_failed");
    set(&office, "security/password_min_length", json!(10), 201);
    let etag = office.owner("GET", path, Value::Null).header("etag").unwrap().to_owned();
    let mut current = keyed(&office.owner, "PUT", path, Some(json!({ "value": 11 })));
    current.headers.insert("if-match".to_owned(), etag);
    assert_status(&office.edge.send(current), 200);
}

#[test]
fn a_secret_is_written_and_never_shown() {
    let office = office();
    let path = "integration/smtp_password";
    assert_eq!(get(&office, path), (json!({ "set": false }), "default".to_owned()));
    let made = set(&office, path, json!("hunter2!"), 201);
    assert_eq!(made["value"], json!({ "set": true }));
    assert_eq!(get(&office, path), (json!({ "set": true }), "setting".to_owned()));
    set(&office, path, json!("hunter3!"), 200);
    let row = &office.edge.sql("SELECT setting_value FROM tenant_setting")[0];
    let sealed: String = serde_json::from_str(row["setting_value"].as_str().unwrap()).unwrap();
    let keys = DataKeyring::new(DataKey::from_hex("d1", &"cd".repeat(32)).unwrap());
    let context = format!("tenant_setting/{TENANT}/integration/smtp_password");
    assert_eq!(keys.open(&sealed, &context).unwrap(), b"hunter3!");
    let list = office.owner("GET", "/v1/tenant-settings", Value::Null);
    let all = office.owner("GET", "/v1/tenant-settings/effective", Value::Null);
    let seen = [list.body, all.body].concat();
    let log = office.edge.sql("SELECT event_data AS text FROM audit_log UNION ALL SELECT payload FROM outbox");
    let log: String = log.iter().map(|row| row["text"].as_str().unwrap().to_owned()).collect();
    for text in [String::from_utf8(seen).unwrap(), log] {
        assert!(!text.contains("hunter") && !text.contains(&sealed), "{text}");
    }
    assert_eq!(office.events(), ["tenant_setting.created", "tenant_setting.updated"]);
}

#[test]
fn what_decides_for_everybody_is_an_owners() {
    let office = office();
    let put = |key: &ApiKeyToken, path: &str, value: Value| {
        office.by(key, "PUT", &format!("/v1/tenant-settings/{path}"), json!({ "value": value }))
    };
    assert_status(&put(&office.admin, "ui/theme", json!("dark")), 201);
    let schema =
        json!({ "user": { "attributes": { "department": "String" } }, "types": { "document": {}, "folder": {} } });
    let policy = json!("permit (principal, action, resource) when { resource is folder };");
    assert_refused(&put(&office.admin, "auth/schema", schema.clone()), &["needs_owner"]);
    assert_refused(
        &put(&office.admin, "auth/policy.mine", json!("permit (principal, action, resource);")),
        &["needs_owner"],
    );
    assert_refused(&put(&office.admin, "auth/subject_id", json!("email")), &["needs_owner"]);
    let before = put(&office.owner, "auth/policy.mine", policy.clone());
    assert_eq!(codes(&before)[0], "policy.invalid");
    assert_status(&put(&office.owner, "auth/schema", schema), 201);
    assert_status(&put(&office.owner, "auth/policy.mine", policy), 201);
    let path = "/v1/tenant-settings/auth/policy.mine";
    assert_refused(&office.admin("DELETE", path, Value::Null), &["needs_owner"]);
    // Without the schema, the policy would not compile.
    assert_problem(&office.owner("DELETE", "/v1/tenant-settings/auth/schema", Value::Null), 422, "request.invalid");
    let wrong = put(&office.owner, "auth/schema", json!({ "user": { "attributes": { "email": "String" } } }));
    let findings = body(&wrong)["findings"].clone();
    let taken = findings.as_array().unwrap().iter().find(|finding| finding["code"] == "schema.taken").unwrap();
    assert_eq!(taken["field"], "setting_value/user/attributes/email");
}

#[test]
fn another_schema_evaluates_the_rules_anew() {
    let office = office();
    office.edge.sql(
        r#"UPDATE user SET custom_attributes = '{"grade":"7"}' WHERE id = '01980000-0000-7000-8000-000000000102'"#,
    );
    office.edge.sql("UPDATE tenant_epoch SET directory_version = directory_version + 1");
    let schema = |ty: &str| json!({ "user": { "attributes": { "grade": ty } }, "types": { "document": {} } });
    set(&office, "auth/schema", schema("String"), 201);
    let rule = json!({ "Null": { "principal.grade": false } });
    let make = json!({ "name": "graded", "type": "automatic", "auto_assignment_rules": rule });
    assert_status(&office.owner("POST", "/v1/user-groups", make), 201);
    let count = || office.edge.sql("SELECT id FROM user_group_membership").len();
    assert_eq!(count(), 1);
    set(&office, "auth/schema", schema("Long"), 200);
    assert_eq!(count(), 0, "`\"7\"` is no number, and whoever has it is in no automatic group");
    set(&office, "auth/schema", schema("String"), 200);
    assert_eq!(count(), 1);
    let events = office.events();
    assert_eq!(events[events.len() - 2..], ["tenant_setting.updated", "user_group_membership.added"]);
}
