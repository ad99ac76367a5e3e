//! Feature flags: the tenant's own, the operator's beneath them, and which are on for whom.

use super::administration::{Office, assert_status, office};
use super::*;

fn flag(office: &Office, body: Value) -> String {
    let made = assert_status(&office.owner("POST", "/v1/feature-flags", body), 201);
    made["id"].as_str().unwrap().to_owned()
}

fn global(office: &Office, name: &str, configuration: Value) {
    let insert = Statement::new(
        "INSERT INTO feature_flag VALUES (?1, NULL, ?2, 1, ?3, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let id = format!("01980000-0000-7000-8000-00000000f{:03}", office.edge.sql("SELECT id FROM feature_flag").len());
    let insert = insert.bind(id).bind(name).bind(configuration.to_string());
    pollster::block_on(office.edge.app.db.all(insert)).unwrap();
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
}

fn evaluate(office: &Office, user: &str) -> Value {
    let key = office.edge.key(&["access:evaluate"]);
    let path = format!("/v1/flags/evaluate?subject_type=user&subject_id={user}");
    assert_status(&office.edge.call(&key, "GET", &path, None), 200)["flags"].clone()
}

#[test]
fn a_flag_is_on_for_whom_it_is_targeted() {
    let office = office();
    let targeting = json!({ "StringLike": { "principal.email": "anna@*" } });
    flag(&office, json!({ "flag_name": "beta", "is_enabled": true, "configuration": { "targeting": targeting } }));
    flag(&office, json!({ "flag_name": "none", "is_enabled": true, "configuration": { "percentage": 0 } }));
    flag(&office, json!({ "flag_name": "off", "configuration": {} }));
    flag(&office, json!({ "flag_name": "plain", "is_enabled": true }));
    assert_eq!(evaluate(&office, ANNA), json!({ "beta": true, "none": false, "plain": true }));
    assert_eq!(evaluate(&office, "anna@acme.example"), evaluate(&office, ANNA));
    assert_eq!(evaluate(&office, BEN), json!({ "beta": false, "none": false, "plain": true }));
    // The same as a decision goes by.
    let policy = json!({ "text": "permit (principal, action == Action::\"document:archive\", resource) when { context.flags.contains(\"beta\") };" });
    assert_status(&office.owner("PUT", "/v1/policies/beta", policy), 201);
    let pep = office.edge.key(&["access:evaluate"]);
    for (user, on) in [(ANNA, true), (BEN, false)] {
        assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(user, "archive")), on);
    }
    let nobody = "01980000-0000-7000-8000-0000000009d1";
    assert_eq!(evaluate(&office, nobody), json!({ "beta": false, "none": false, "plain": false }));
    office.edge.sql("UPDATE user SET state = 'suspended' WHERE id = '01980000-0000-7000-8000-000000000101'");
    office.edge.sql("UPDATE tenant_epoch SET directory_version = directory_version + 1");
    assert_eq!(evaluate(&office, ANNA)["plain"], false);
}

#[test]
fn a_key_asks_for_its_own_subject_or_says_whose() {
    let office = office();
    flag(&office, json!({ "flag_name": "plain", "is_enabled": true }));
    let ask =
        |key: &ApiKeyToken, query: &str| office.edge.call(key, "GET", &format!("/v1/flags/evaluate{query}"), None);
    for key in [
        office.edge.key_of(TENANT, Some(BEN), None, &["access:evaluate"]),
        office.edge.key_of(TENANT, None, Some(BOT), &["access:evaluate"]),
    ] {
        assert_eq!(assert_status(&ask(&key, ""), 200), json!({ "flags": { "plain": true } }));
    }
    let pep = office.edge.key(&["access:evaluate"]);
    for query in [
        "",
        "?subject_type=user",
        "?subject_id=x",
        "?subject_type=cat&subject_id=x",
        "?a=b",
        "?subject_type=user&subject_id=x&subject_id=y",
    ] {
        assert_problem(&ask(&pep, query), 400, "query.invalid");
    }
    assert_problem(&ask(&office.owner, ""), 403, "access.missing_scope");
}

#[test]
fn the_operators_flags_are_seen_counted_and_not_changed() {
    let office = office();
    global(&office, "everywhere", json!({}));
    global(&office, "broken", json!({ "targeting": { "StringEquals": { "resource.colour": "red" } } }));
    // Another tenant's mistake or the operator's own keeps nobody from changing anything.
    let own = flag(&office, json!({ "flag_name": "own", "is_enabled": true }));
    assert_eq!(evaluate(&office, ANNA), json!({ "everywhere": true, "own": true }));
    let page = assert_status(&office.owner("GET", "/v1/feature-flags?tenant_id=null", Value::Null), 200);
    let ids: Vec<&str> = page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    for (method, patch) in [("PATCH", json!({ "is_enabled": false })), ("DELETE", Value::Null)] {
        let response = office.owner(method, &format!("/v1/feature-flags/{}", ids[0]), patch);
        assert_eq!(body(&response)["findings"][0]["code"], "row.read_only");
    }
    // The tenant's own of the same name counts instead, and when it goes, the operator's is back.
    let mine = flag(&office, json!({ "flag_name": "everywhere" }));
    assert_eq!(evaluate(&office, ANNA), json!({ "own": true }));
    assert_eq!(evaluate(&Office { edge: office.edge.restarted(), ..self::office() }, ANNA), json!({ "own": true }));
    assert_status(&office.owner("DELETE", &format!("/v1/feature-flags/{mine}"), Value::Null), 204);
    assert_eq!(evaluate(&office, ANNA), json!({ "everywhere": true, "own": true }));
    assert_status(&office.owner("PATCH", &format!("/v1/feature-flags/{own}"), json!({ "is_enabled": false })), 200);
    assert_eq!(evaluate(&office, ANNA), json!({ "everywhere": true }));
}

#[test]
fn a_flag_that_does_not_compile_is_refused() {
    let office = office();
    for (configuration, code) in [
        (json!({ "percentage": 101 }), "feature_flag.percentage"),
        (json!({ "colour": 1 }), "feature_flag.unknown_part"),
        (json!({ "targeting": { "Sounds": {} } }), "condition.unknown_operator"),
        (json!({ "targeting": { "cedar": "context.flags.contains(\"x\")" } }), "policy.invalid"),
    ] {
        let body = json!({ "flag_name": "x", "is_enabled": true, "configuration": configuration });
        let response = office.owner("POST", "/v1/feature-flags", body);
        assert_problem(&response, 422, "request.invalid");
        assert_eq!(super::body(&response)["findings"][0]["code"], code);
    }
    assert_eq!((office.log().len(), office.versions()), (0, (7, 3)));
}
