//! The audit log as people read it and as its chain needs it; and who tried to sign in.

use super::administration::{Office, assert_status, office};
use super::*;
use parapet::audit::{Head, Verifier, read_line};
use parapet::model::{AttemptResult, AuditLog};

/// Rows of all kinds, through the API.
fn busy() -> Office {
    let office = office();
    for number in 0..7 {
        assert_status(&office.owner("POST", "/v1/roles", json!({ "name": format!("role {number}") })), 201);
        let later = office.edge.app.clock.now().as_millis() + 1000;
        office.edge.app.clock.set(Timestamp::from_millis(later));
    }
    let refused = office.admin("POST", "/v1/user-roles", json!({ "user_id": BEN, "role_id": office.roles[0] }));
    assert_eq!(refused.status, 403);
    office
}

#[test]
fn the_newest_come_first_and_a_list_is_narrowed() {
    let office = busy();
    let page = assert_status(&office.owner("GET", "/v1/audit-logs?limit=3", Value::Null), 200);
    let sequences = |page: &Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|item| item["sequence"].as_i64().unwrap()).collect()
    };
    assert_eq!(sequences(&page), [8, 7, 6]);
    let next = format!("/v1/audit-logs?limit=3&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(sequences(&assert_status(&office.owner("GET", &next, Value::Null), 200)), [5, 4, 3]);
    for (query, found) in [
        ("result=failure", vec![8]),
        ("event_type=access.denied", vec![8]),
        ("event_type=role.created&from=2026-03-02T10:00:05Z", vec![7, 6]),
        ("resource_type=role&to=2026-03-02T10:00:02Z", vec![2, 1]),
        ("user_id=01980000-0000-7000-8000-000000000112", vec![8]),
        ("resource_id=01980000-0000-7000-8000-000000000112", vec![]),
    ] {
        let page = assert_status(&office.owner("GET", &format!("/v1/audit-logs?{query}"), Value::Null), 200);
        assert_eq!(sequences(&page), found, "{query}");
    }
    assert_problem(&office.owner("GET", "/v1/audit-logs?sequence=1", Value::Null), 400, "query.invalid");
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:read"]);
    for path in ["/v1/audit-logs", "/v1/audit-logs/export", "/v1/login-attempts"] {
        assert_problem(&office.by(&anna, "GET", path, Value::Null), 403, "access.missing_permission");
    }
}

/// A row about Ben, whose name lies under his key.
fn about_ben(office: &Office) {
    use parapet::audit::{Changes, Entry, SubjectKey, event_data, seal_personal};
    use parapet::model::{AuditSubject, Row as _};
    let (ben, tenant) = (BEN.parse().unwrap(), TENANT.parse().unwrap());
    let keys = office.edge.app.config().unwrap().data_keys().unwrap();
    let key = SubjectKey::new(ben, [5; 32]);
    let subject = AuditSubject {
        id: ben,
        tenant_id: tenant,
        subject_key: Some(key.seal(keys, [1; 12])),
        created_at: time(NOW),
        destroyed_at: None,
    };
    let rows = office.log();
    let head = rows.last().map(Head::of).unwrap_or_default();
    let id = uuid::Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0b01);
    let after = json!({ "email": "ben@acme.example" }).as_object().unwrap().clone();
    let personal = seal_personal(&key, Changes { before: None, after: Some(after) }, id, [2; 12]);
    let public = Changes { before: None, after: json!({ "state": "active" }).as_object().cloned() };
    let (row, _) = head.append(Entry {
        id,
        tenant_id: tenant,
        user_id: None,
        event_type: "user.created".to_owned(),
        resource_type: Some("user".to_owned()),
        resource_id: Some(ben),
        event_data: event_data(public, Some(personal)),
        ip_address: Some("192.0.2.1".to_owned()),
        user_agent: Some("=HYPERLINK(\"https://evil.example\",\"x\")".to_owned()),
        result: AttemptResult::Success,
        created_at: office.edge.app.clock.now(),
    });
    let run = |statement: Statement| pollster::block_on(office.edge.app.db.all(statement)).unwrap();
    run(insert(const { &AuditSubject::INFO }, subject.to_sql()));
    run(insert(const { &AuditLog::INFO }, row.to_sql()));
}

#[test]
fn personal_data_is_read_until_its_key_is_destroyed() {
    let office = busy();
    about_ben(&office);
    let path = "/v1/audit-logs?event_type=user.created";
    let personal = |office: &Office| {
        let page = assert_status(&office.owner("GET", path, Value::Null), 200);
        assert_eq!(page["items"][0]["event_data"]["after"], json!({ "state": "active" }));
        page["items"][0]["event_data"]["personal"].clone()
    };
    assert_eq!(personal(&office), json!({ "subject": BEN, "data": { "after": { "email": "ben@acme.example" } } }));
    // One for the credential, one for the rows, one for the keys.
    let before = office.edge.app.db.round_trips();
    personal(&office);
    assert_eq!(office.edge.app.db.round_trips() - before, 3);
    office.edge.sql("UPDATE audit_subject SET subject_key = 'd9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'");
    assert_eq!(personal(&office), json!({ "subject": BEN, "data": null, "unreadable": "seal.unknown_key" }));
    office.edge.sql("UPDATE audit_subject SET subject_key = NULL, destroyed_at = '2026-03-02T10:00:00.000Z'");
    assert_eq!(personal(&office), json!({ "subject": BEN, "data": null, "destroyed": true }));
    office.log();
}

#[test]
fn what_lies_under_an_older_data_key_is_still_read() {
    let mut office = busy();
    about_ben(&office);
    let mut variables = vec![
        ("FRESHNESS_SECONDS", "0".to_owned()),
        ("SNAPSHOT_KEY", "ab".repeat(32)),
        ("DATA_KEY", "ef".repeat(32)),
        ("DATA_KEY_ID", "d2".to_owned()),
    ];
    let data = |office: &Office| {
        let page = office.owner("GET", "/v1/audit-logs?event_type=user.created", Value::Null);
        assert_status(&page, 200)["items"][0]["event_data"]["personal"]["data"].clone()
    };
    let configure = |office: &mut Office, variables: &[(&str, String)]| {
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        office.edge.app.config = configuration(&variables);
    };
    configure(&mut office, &variables);
    assert_eq!(data(&office), Value::Null);
    variables.push(("OLD_DATA_KEYS", format!("d1:{}", "cd".repeat(32))));
    configure(&mut office, &variables);
    assert_eq!(data(&office)["after"]["email"], "ben@acme.example");
}

#[test]
fn an_export_is_verified_page_by_page() {
    let office = busy();
    about_ben(&office);
    let mut verifier = Verifier::new(Some(Head::default()));
    let mut path = "/v1/audit-logs/export?format=jsonl&limit=4".to_owned();
    let (mut pages, mut number) = (0, 0);
    loop {
        let response = office.owner("GET", &path, Value::Null);
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/jsonl")));
        for text in std::str::from_utf8(&response.body).unwrap().lines() {
            number += 1;
            let row = read_line(text, number).unwrap_or_else(|findings| panic!("{findings:?}"));
            assert_eq!(verifier.row(&row), []);
            assert!(!text.contains("ben@acme.example"), "personal data stays sealed");
        }
        pages += 1;
        let Some(link) = response.header("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    let (verified, finding) = verifier.finish();
    assert_eq!((pages, verified.rows, verified.head.sequence, finding), (3, 9, 9, None));
    let rest = office.owner("GET", "/v1/audit-logs/export?from_sequence=9", Value::Null);
    assert_eq!(std::str::from_utf8(&rest.body).unwrap().lines().count(), 1);
    let none = office.owner("GET", "/v1/audit-logs/export?from_sequence=10", Value::Null);
    assert_eq!((none.status, none.body.len(), none.header("link")), (200, 0, None));
}

#[test]
fn a_spreadsheet_gets_quoted_fields_and_no_formula() {
    let office = busy();
    about_ben(&office);
    let response = office.owner("GET", "/v1/audit-logs/export?format=csv&from_sequence=8", Value::Null);
    assert_eq!(response.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(response.header("content-disposition"), Some("attachment; filename=\"audit-log-8.csv\""));
    let text = std::str::from_utf8(&response.body).unwrap();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("id,tenant_id,sequence,user_id,event_type,"));
    assert!(lines[2].contains(",\"'=HYPERLINK(\"\"https://evil.example\"\",\"\"x\"\")\","), "{}", lines[2]);
    assert!(lines[2].contains(",\"{\"\"after\"\":{\"\"state\"\":\"\"active\"\"},"), "{}", lines[2]);
}

#[test]
fn a_page_of_an_export_is_bounded_in_rows_and_in_length() {
    let office = busy();
    for (query, code) in [
        ("limit=0", "query.limit"),
        ("limit=1001", "query.limit"),
        ("from_sequence=0", "query.value"),
        ("format=xml", "query.value"),
        ("format=csv&format=csv", "query.twice"),
        ("cursor=x", "query.unknown"),
    ] {
        let response = office.owner("GET", &format!("/v1/audit-logs/export?{query}"), Value::Null);
        assert_problem(&response, 400, "query.invalid");
        assert_eq!(body(&response)["findings"][0]["code"], code, "{query}");
    }
    // Long rows, four to a page and no more.
    office.edge.sql("DROP TRIGGER audit_log_is_not_changed");
    office.edge.sql("UPDATE audit_log SET user_agent = printf('%.*c', 1200000, 'x')");
    let response = office.owner("GET", "/v1/audit-logs/export", Value::Null);
    assert_eq!(std::str::from_utf8(&response.body).unwrap().lines().count(), 4);
    let next = "</v1/audit-logs/export?format=jsonl&from_sequence=5&limit=500>; rel=\"next\"";
    assert_eq!(response.header("link"), Some(next));
}

#[test]
fn another_tenants_log_is_not_there() {
    let office = busy();
    office.edge.seed(&other());
    office.edge.sql(
        "INSERT INTO audit_log SELECT '01980000-0000-7000-8000-0000000000a9', '01980000-0000-7000-8000-000000000002', 1,
         user_id, 'role.stolen', resource_type, resource_id, event_data, ip_address, user_agent, result, previous_hash,
         hash, created_at FROM audit_log WHERE sequence = 1",
    );
    let page = assert_status(&office.owner("GET", "/v1/audit-logs?event_type=role.stolen", Value::Null), 200);
    assert_eq!(page["items"], json!([]));
    let export = office.owner("GET", "/v1/audit-logs/export", Value::Null);
    assert!(!String::from_utf8(export.body).unwrap().contains("role.stolen"));
}

#[test]
fn who_tried_to_sign_in_is_listed() {
    let office = office();
    for (id, email, result) in [("b1", "anna@acme.example", "success"), ("b2", "eve@acme.example", "failure")] {
        let insert = Statement::new(
            "INSERT INTO login_attempt (id, tenant_id, user_id, email_attempted, ip_address, user_agent, result,
                                        failure_reason, attempted_at)
             VALUES ('01980000-0000-7000-8000-0000000000' || ?1, ?2, NULL, ?3, '192.0.2.7', NULL, ?4, NULL,
                     '2026-03-02T09:00:00.000Z')",
        );
        let insert = insert.bind(id).bind(TENANT).bind(email).bind(result);
        pollster::block_on(office.edge.app.db.all(insert)).unwrap();
    }
    for (query, count) in [
        ("", 2),
        ("?result=failure", 1),
        ("?email_attempted=anna@acme.example", 1),
        ("?ip_address=192.0.2.7", 2),
        ("?user_id=null", 2),
    ] {
        let page = assert_status(&office.owner("GET", &format!("/v1/login-attempts{query}"), Value::Null), 200);
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
}
