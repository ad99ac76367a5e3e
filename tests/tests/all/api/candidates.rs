//! Candidates: rules that decide beside those that count, and change no answer until they are promoted.

use super::administration::{Office, assert_refused, assert_status, office};
use super::decisions::logged;
use super::gateway::{application, at_host, keyed_by, passed};
use super::*;

const PATH: &str = "/v1/snapshots/candidate";
const PROMOTE: &str = "/v1/snapshots/candidate/promote";
const WRITER: &str = "01980000-0000-7000-8000-000000000399";

/// Readers may archive, too, and read no longer.
fn archiving() -> Value {
    json!({ "changes": [
        { "table": "role", "update": { "id": READER, "permissions": [{ "permission": "documents.archive" }] } },
        { "table": "role", "insert": { "id": WRITER, "name": "writer", "type": "custom", "permissions": [] } },
        { "table": "tenant_setting", "insert": { "category": "auth", "setting_key": "policy.ben", "setting_value":
            format!("permit (principal == User::\"{BEN}\", action == Action::\"document:read\", resource);") } },
    ] })
}

fn make(office: &Office, body: Value) -> Value {
    assert_status(&office.owner("POST", PATH, body), 201)
}

fn promote(office: &Office, id: &Value) -> Response {
    office.owner("POST", PROMOTE, json!({ "id": id }))
}

/// What the log says beside each decision: who, what was decided, and what would have been.
fn differences(edge: &Edge) -> Vec<(String, String, String)> {
    let rows = logged(edge);
    let text = |row: &Row, column: &str| row[column].as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = rows
        .iter()
        .filter(|row| !row["candidate"].is_null())
        .map(|row| (text(row, "principal_id"), text(row, "outcome"), text(row, "shadow_outcome")))
        .collect();
    all.sort();
    all
}

#[test]
fn only_what_a_candidate_decides_otherwise_is_logged_and_no_answer_changes() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    let ask = |user: &str, action: &str| body(&edge.post("/access/v1/evaluation", &key, &question(user, action)));
    let before: Vec<Value> = [(ANNA, "read"), (ANNA, "archive"), (BEN, "read"), (BEN, "archive")]
        .iter()
        .map(|(user, action)| ask(user, action)["decision"].clone())
        .collect();
    assert_eq!(before, [true, false, false, false]);
    logged(edge);
    edge.sql("DELETE FROM decision_log");
    let versions = office.versions();
    let made = make(&office, archiving());
    assert_eq!((&made["state"], &made["base_version"], &made["findings"]), (&json!("deciding"), &json!(7), &json!([])));
    assert_eq!(office.versions(), versions, "nothing counts that did not");
    assert_eq!(office.events(), ["snapshot_candidate.created"]);

    for (number, (user, action)) in
        [(ANNA, "read"), (ANNA, "archive"), (BEN, "read"), (BEN, "archive")].iter().enumerate()
    {
        let answer = ask(user, action);
        assert_eq!(answer["decision"], before[number], "no answer changes");
        let is_logged = answer["decision"] == json!(false);
        assert_eq!(answer["context"].get("decision_id").is_some(), is_logged);
    }
    let told = |user: &str, was: &str, is: &str| (user.to_owned(), was.to_owned(), is.to_owned());
    assert_eq!(
        differences(edge),
        [told(ANNA, "allow", "no_permit"), told(ANNA, "no_permit", "allow"), told(BEN, "no_permit", "allow")]
    );
    // What is too long to be kept is not asked about.
    let mut long = question(ANNA, "read");
    long["context"] = json!({ "note": "x".repeat(20_000) });
    assert_decision(&edge.post("/access/v1/evaluation", &key, &long), true);
    assert_eq!(differences(edge).len(), 3);
    // The fourth is a denial like any other.
    assert_eq!(edge.sql("SELECT 1 FROM decision_log").len(), 4);
    let policies = edge
        .sql("SELECT shadow_policies AS p FROM decision_log WHERE principal_id LIKE '%102' AND candidate IS NOT NULL");
    assert_eq!(policies[0]["p"], "[\"custom/ben\"]");
    let shown = assert_status(&office.owner("GET", PATH, Value::Null), 200);
    assert_eq!(shown["differences"], json!({ "allow_to_deny": 1, "deny_to_allow": 2, "denied_otherwise": 0 }));
    assert_eq!(shown["id"], made["id"]);

    // Discarded, it decides nothing any more.
    assert_status(&office.owner("DELETE", PATH, Value::Null), 204);
    assert_problem(&office.owner("GET", PATH, Value::Null), 404, "http.not_found");
    assert_problem(&office.owner("DELETE", PATH, Value::Null), 404, "http.not_found");
    ask(ANNA, "read");
    assert_eq!(logged(edge).len(), 4);
    assert_eq!(office.events(), ["snapshot_candidate.created", "snapshot_candidate.deleted"]);
}

#[test]
fn what_is_promoted_is_what_decided_written_as_anybody_would_write_it() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    let made = make(&office, archiving());
    let promoted = assert_status(&promote(&office, &made["id"]), 200);
    assert_eq!(promoted, json!({ "policy_version": 8, "promoted": made["id"], "rows": 3 }));
    assert_eq!(office.versions().0, 8);
    assert_decision(&edge.ask(&key), false);
    assert_decision(&edge.post("/access/v1/evaluation", &key, &question(ANNA, "archive")), true);
    assert_decision(&edge.post("/access/v1/evaluation", &key, &question(BEN, "read")), true);
    let hash = edge.sql("SELECT content_hash FROM snapshot WHERE policy_version = 8");
    assert_eq!(hash[0]["content_hash"], made["content_hash"], "the same rules, to the byte");
    let events = office.events();
    let mut written = events[1..].to_vec();
    written.sort();
    assert_eq!(written, ["role.created", "role.updated", "snapshot_candidate.promoted", "tenant_setting.created"]);
    assert_eq!(office.log().len(), 5);
    assert_problem(&office.owner("GET", PATH, Value::Null), 404, "http.not_found");
    // And there is a way back.
    assert_decision(&edge.restarted().ask(&key), false);
    assert_status(&office.owner("POST", "/v1/snapshots/7/rollback", Value::Null), 200);
    assert_decision(&edge.ask(&key), true);
}

#[test]
fn a_candidate_of_other_rules_decides_nothing_and_is_not_promoted() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    let made = make(&office, archiving());
    assert_problem(&office.owner("POST", PATH, archiving()), 409, "candidate.exists");
    assert_problem(&promote(&office, &json!(ANNA)), 409, "candidate.other");
    assert_status(&office.owner("POST", "/v1/roles", json!({ "name": "editor" })), 201);
    assert_eq!(assert_status(&office.owner("GET", PATH, Value::Null), 200)["state"], "outdated");
    assert_decision(&edge.ask(&key), true);
    assert_eq!(differences(edge), []);
    assert_problem(&promote(&office, &made["id"]), 409, "candidate.outdated");
    // Another takes its place.
    let other = make(&office, archiving());
    assert_ne!(other["id"], made["id"]);
    assert_decision(&edge.ask(&key), true);
    assert_eq!(differences(edge).len(), 1);
    // It ends by itself.
    edge.app.clock.set(edge.app.clock.now().plus_millis(24 * 60 * 60 * 1000));
    assert_eq!(assert_status(&office.owner("GET", PATH, Value::Null), 200)["state"], "expired");
    assert_decision(&edge.ask(&key), true);
    assert_eq!(differences(edge).len(), 1);
    assert_problem(&promote(&office, &other["id"]), 409, "candidate.expired");
    make(&office, json!({ "changes": archiving()["changes"], "hours": 1 }));
}

#[test]
fn a_candidate_that_is_not_to_be_had_fails_nothing() {
    let office = office();
    let edge = &office.edge;
    let key = edge.key(&["access:evaluate"]);
    let made = make(&office, archiving());
    let name =
        format!("candidate/{TENANT}/{}/{}", made["id"].as_str().unwrap(), made["content_hash"].as_str().unwrap());
    let whole = pollster::block_on(edge.app.kv.get(&name)).unwrap().unwrap();
    let put = |bytes: &[u8]| pollster::block_on(edge.app.kv.put(&name, bytes, Default::default())).unwrap();
    let mut forged = whole.clone();
    *forged.last_mut().unwrap() ^= 1;
    put(&forged);
    assert_decision(&edge.ask(&key), true);
    assert_eq!(differences(edge), []);
    // What could not be had is asked for again after a while, and not before.
    put(&whole);
    assert_decision(&edge.ask(&key), true);
    assert_eq!(differences(edge), []);
    edge.app.clock.set(edge.app.clock.now().plus_millis(31_000));
    assert_decision(&edge.ask(&key), true);
    assert_eq!(differences(edge).len(), 1);
    // Another isolate has it from the store, and it is never what counts.
    let later = edge.restarted();
    assert_decision(&later.ask(&key), true);
    assert_eq!(differences(&later).len(), 2);
}

#[test]
fn what_a_candidate_may_not_change_is_refused_when_it_is_made() {
    let office = office();
    let refused = |changes: Value, code: &str| {
        let response = office.owner("POST", PATH, json!({ "changes": changes }));
        assert_problem(&response, 422, "request.invalid");
        let findings = body(&response)["findings"].as_array().unwrap().clone();
        assert!(findings.iter().any(|finding| finding["code"] == code), "{findings:#?}");
    };
    refused(json!([]), "candidate.malformed");
    refused(json!([{ "table": "user", "insert": {} }]), "candidate.table");
    refused(json!([{ "table": "service_account", "delete": { "id": BOT } }]), "candidate.table");
    refused(json!([{ "table": "role", "rename": {} }]), "candidate.malformed");
    refused(json!([{ "table": "role", "update": { "id": ANNA, "name": "x" } }]), "reference.not_found");
    refused(json!([{ "table": "role", "update": { "id": READER, "name": "reader" } }]), "candidate.nothing");
    let setting = |category: &str, key: &str, value: Value| json!([{ "table": "tenant_setting", "insert": { "category": category, "setting_key": key, "setting_value": value } }]);
    refused(setting("security", "mfa", json!("everybody")), "candidate.setting");
    refused(setting("auth", "policy.x", json!(7)), "tenant_setting.value");
    refused(setting("auth", "policy.x", json!("permit (who, does, what);")), "policy.syntax");
    refused(setting("auth", "decision_log", json!({ "allow": 2 })), "decision_log.share");
    // What a permission means stays.
    let read = "01980000-0000-7000-8000-000000000401";
    refused(json!([{ "table": "permission", "update": { "id": read, "action": "view" } }]), "row.read_only");
    let role = office.roles[3];
    let of_system = json!({ "changes": [{ "table": "role", "update": { "id": role, "permissions": [] } }] });
    assert_refused(&office.owner("POST", PATH, of_system), &["system_role"]);
    for (hours, path) in [(json!(0), "hours"), (json!(721), "hours"), (json!("1"), "hours")] {
        let response = office.owner("POST", PATH, json!({ "changes": archiving()["changes"], "hours": hours }));
        assert_problem(&response, 422, "request.invalid");
        assert_eq!(body(&response)["findings"][0]["field"], path);
    }
    for body in [json!({}), json!({ "id": "x" }), json!({ "id": ANNA, "force": true })] {
        assert_problem(&office.owner("POST", PROMOTE, body), 422, "request.invalid");
    }
    assert_problem(&promote(&office, &json!(ANNA)), 404, "http.not_found");
    assert_eq!(office.events(), Vec::<String>::new());
}

#[test]
fn only_an_owner_makes_discards_and_promotes_one() {
    let office = office();
    let made = make(&office, archiving());
    for (method, path, body) in
        [("POST", PATH, archiving()), ("DELETE", PATH, Value::Null), ("POST", PROMOTE, json!({ "id": made["id"] }))]
    {
        assert_problem(&office.admin(method, path, body), 403, "access.missing_permission");
    }
    assert_status(&office.admin("GET", PATH, Value::Null), 200);
    // Whoever was given the action, and is no owner, makes nobody gain anything.
    let role = json!({ "name": "releaser", "permissions": [{ "permission": "parapet.snapshot.write" }] });
    let role = assert_status(&office.owner("POST", "/v1/roles", role), 201);
    assert_status(&office.owner("POST", "/v1/user-roles", json!({ "user_id": ANNA, "role_id": role["id"] })), 201);
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:write"]);
    assert_refused(&office.by(&anna, "POST", PATH, archiving()), &["not_held", "needs_owner"]);
}

#[test]
fn another_schema_moves_who_is_in_automatic_groups_when_it_is_promoted() {
    let office = office();
    let edge = &office.edge;
    let group = json!({ "name": "all", "type": "automatic",
        "auto_assignment_rules": { "StringEquals": { "principal.email": "anna@acme.example" } } });
    assert_status(&office.owner("POST", "/v1/user-groups", group), 201);
    assert_eq!(edge.sql("SELECT 1 FROM user_group_membership").len(), 1);
    let schema = json!({ "user": { "attributes": { "level": "Long" } } });
    let made = make(
        &office,
        json!({ "changes": [{ "table": "tenant_setting", "insert": {
        "category": "auth", "setting_key": "schema", "setting_value": schema } }] }),
    );
    assert_eq!(assert_status(&promote(&office, &made["id"]), 200)["rows"], 1);
    assert_eq!(edge.sql("SELECT 1 FROM user_group_membership").len(), 1);
}

#[test]
fn the_gateway_asks_a_candidate_too() {
    let office = application();
    let edge = &office.edge;
    make(&office, archiving());
    let key = |user: &str| edge.key_of(TENANT, Some(user), None, &["document:read"]);
    passed(edge.send(keyed_by(at_host("GET", "/documents/7"), &key(ANNA))));
    assert_problem(&edge.send(keyed_by(at_host("GET", "/documents/7"), &key(BEN))), 403, "access.denied");
    // What no route speaks of asks nobody.
    assert_problem(&edge.send(keyed_by(at_host("PUT", "/documents/7"), &key(BEN))), 403, "access.denied");
    let told = |user: &str, was: &str, is: &str| (user.to_owned(), was.to_owned(), is.to_owned());
    assert_eq!(differences(edge), [told(ANNA, "allow", "no_permit"), told(BEN, "no_permit", "allow")]);
}
