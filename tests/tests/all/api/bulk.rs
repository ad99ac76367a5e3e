//! Bulk: lines of rows come in as requests of their own would, whole or not at all; and go out again.

use super::administration::{ADAM, OLGA, Office, assert_refused, assert_status, office};
use super::*;
use parapet_worker::bulk::MOST_LINES;
use uuid::Uuid;

fn id(number: u32) -> String {
    format!("01980000-0000-7000-8000-0000000b{number:04}")
}

fn line(table: &str, row: Value) -> String {
    json!({ "table": table, "row": row }).to_string()
}

fn user(number: u32) -> String {
    line("user", json!({ "id": id(number), "email": format!("u{number}@acme.example") }))
}

fn send(office: &Office, key: &ApiKeyToken, query: &str, body: impl Into<Vec<u8>>) -> Response {
    let mut request = keyed(key, "POST", &format!("/v1/import{query}"), None);
    request.headers.insert("content-type".to_owned(), "application/jsonl".to_owned());
    request.body = Body::Bytes(body.into());
    office.edge.send(request)
}

fn import(office: &Office, lines: &[String]) -> Response {
    send(office, &office.owner, "", lines.join("\n"))
}

fn counts(answer: &Value) -> [u64; 3] {
    ["created", "updated", "unchanged"].map(|name| answer[name].as_u64().unwrap())
}

/// Code, place and field of each finding.
fn findings(answer: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = answer["findings"].as_array().unwrap().iter();
    findings.map(|one| (text(&one["code"]), text(&one["row"]), text(&one["field"]))).collect()
}

/// Code, place and field of a finding.
type Found = (&'static str, &'static str, &'static str);

#[track_caller]
fn assert_found(response: &Response, expected: &[Found]) {
    let answer = assert_status(response, 422);
    let found = findings(&answer);
    let found: Vec<_> = found.iter().map(|(code, row, field)| (code.as_str(), row.as_str(), field.as_str())).collect();
    assert_eq!(found, expected, "{answer:#}");
}

/// A small company: each line refers to rows of lines before it.
fn company() -> Vec<String> {
    vec![
        line(
            "permission",
            json!({ "id": id(1), "name": "plans.read", "resource": "plan", "action": "read", "category": "plans" }),
        ),
        line("role", json!({ "id": id(2), "name": "planner" })),
        line("role_permission", json!({ "id": id(3), "role_id": id(2), "permission_id": id(1) })),
        line("organization_unit", json!({ "id": id(4), "name": "works" })),
        line("organization_unit", json!({ "id": id(5), "name": "office", "parent_id": id(4) })),
        user(6),
        user(7),
        line("user_group", json!({ "id": id(8), "name": "planners", "organization_unit_id": id(5) })),
        line("user_group_membership", json!({ "id": id(9), "user_id": id(6), "user_group_id": id(8) })),
        line("user_group_role", json!({ "id": id(10), "user_group_id": id(8), "role_id": id(2) })),
        line("user_role", json!({ "id": id(11), "user_id": id(7), "role_id": id(2) })),
        line("resource", json!({ "type": "plan", "id": "7", "attributes": {} })),
        line("feature_flag", json!({ "id": id(12), "flag_name": "plans", "is_enabled": true })),
    ]
}

fn asks(office: &Office, user: &str) -> bool {
    let pep = office.edge.key(&["access:evaluate"]);
    let question = json!({
        "subject": { "type": "user", "id": user }, "action": { "name": "read" },
        "resource": { "type": "plan", "id": "7" },
    });
    body(&office.edge.post("/access/v1/evaluation", &pep, &question))["decision"].as_bool().unwrap()
}

#[test]
fn a_company_comes_in_by_one_request_and_is_decided_by() {
    let office = office();
    assert!(!asks(&office, &id(6)));
    let answer = assert_status(&import(&office, &company()), 200);
    assert_eq!((counts(&answer), findings(&answer).len()), ([13, 0, 0], 0), "{answer:#}");
    assert!(asks(&office, &id(6)) && asks(&office, &id(7)) && !asks(&office, ADAM));
    assert_eq!(office.versions(), (8, 4));
    let log = office.log();
    assert_eq!(log.len(), 13);
    assert!(log.iter().all(|row| row.user_id == Some(OLGA.parse().unwrap())));
    assert_eq!(office.events().len(), 13);
    let unit = assert_status(&office.owner("GET", &format!("/v1/organization-units/{}", id(5)), Value::Null), 200);
    assert_eq!((&unit["path"], &unit["level"]), (&json!(format!("/{}/{}/", id(4), id(5))), &json!(1)));

    // The same again changes nothing, in whatever order; a column that is left out stays.
    for lines in [company(), company().into_iter().rev().collect()] {
        let answer = assert_status(&import(&office, &lines), 200);
        assert_eq!(counts(&answer), [0, 0, 13]);
    }
    assert_eq!((office.log().len(), office.versions()), (13, (8, 4)));
    let lines = [
        line("role", json!({ "id": id(2), "description": "plans" })),
        line("user", json!({ "id": id(7), "first_name": "Grace" })),
    ];
    assert_eq!(counts(&assert_status(&import(&office, &lines), 200)), [0, 2, 0]);
    let grace = assert_status(&office.owner("GET", &format!("/v1/users/{}", id(7)), Value::Null), 200);
    assert_eq!((&grace["first_name"], &grace["email"]), (&json!("Grace"), &json!("u7@acme.example")));
    // And null takes it away.
    let lines = [line("user", json!({ "id": id(7), "first_name": null }))];
    assert_eq!(counts(&assert_status(&import(&office, &lines), 200)), [0, 1, 0]);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let office = office();
    let lines = [company(), vec![line("user", json!({ "id": ADAM, "first_name": "Adam" }))]].concat().join("\n");
    let dry = assert_status(&send(&office, &office.owner, "?dry_run=true", lines.clone()), 200);
    assert_eq!((office.log().len(), office.versions(), office.events().len()), (0, (7, 3), 0));
    assert_eq!((dry["dry_run"].as_bool(), counts(&dry)), (Some(true), [13, 1, 0]));
    let changes = dry["changes"].as_array().unwrap();
    assert_eq!(changes[1], json!({ "row": "#2", "table": "role", "id": id(2), "effect": "created" }));
    let expected = json!({ "row": "#14", "table": "user", "id": ADAM, "effect": "updated", "columns": ["first_name"] });
    assert_eq!(changes[13], expected);
    let done = assert_status(&send(&office, &office.owner, "?dry_run=false", lines.clone()), 200);
    assert_eq!((counts(&done), done.get("changes")), (counts(&dry), None));

    // Every finding of every step at once: shape, references, what would not compile, what the caller may not do.
    let wrong = [
        line(
            "role_permission",
            json!({ "id": id(20), "role_id": id(2), "permission_id": id(1), "conditions": { "Sounds": { "a": 1 } } }),
        ),
        line("role_permission", json!({ "id": id(21), "role_id": id(99), "permission_id": id(1) })),
        line("role", json!({ "id": id(22), "name": " " })),
        line("role", json!({ "id": office.roles[2], "description": "mine" })),
    ];
    let dry = assert_status(&send(&office, &office.owner, "?dry_run=true", wrong.join("\n")), 200);
    let mut found = findings(&dry);
    found.sort();
    let found: Vec<_> = found.iter().map(|(code, row, _)| (code.as_str(), row.as_str())).collect();
    assert_eq!(found[0], ("administration.system_role", "#4"), "{dry:#}");
    assert_eq!(found[1], ("condition.unknown_operator", "#1"));
    assert!(found.contains(&("reference.not_found", "#2")));
    assert!(found.iter().any(|(_, row)| *row == "#3"));
}

#[test]
fn what_is_wrong_is_found_at_its_line_and_nothing_is_applied() {
    let office = office();
    let good = user(6);
    let before = (office.log().len(), office.versions());
    let cases: Vec<(Vec<String>, Vec<Found>)> = vec![
        (vec!["{\"table\":\"user\",\"ro".to_owned()], vec![("import.line", "#2", "")]),
        (vec![line("users", json!({}))], vec![("import.unknown_table", "#2", "")]),
        (vec![line("user", json!({ "email": "a@acme.example" }))], vec![("row.missing", "#2", "id")]),
        (vec![line("user", json!({ "id": 1, "email": "a@acme.example" }))], vec![("row.wrong_type", "#2", "id")]),
        (
            vec![line("user", json!({ "id": id(1).to_uppercase(), "email": "a@acme.example" }))],
            vec![("row.wrong_type", "#2", "id")],
        ),
        (vec![line("user", json!({ "id": id(1) }))], vec![("row.missing", "#2", "email")]),
        (
            vec![
                line("user", json!({ "id": id(1), "email": "u6@acme.example" })),
                line("user", json!({ "id": id(2), "email": "olga@acme.example" })),
            ],
            vec![("row.taken", "#2", "email"), ("row.taken", "#3", "email")],
        ),
        (vec![user(6)], vec![("row.duplicate", "#2", "")]),
        (
            vec![line("user", json!({ "id": id(1), "email": "x", "colour": "red", "state": "deleted" }))],
            vec![
                ("row.unknown_field", "#2", "colour"),
                ("user.email", "#2", "email"),
                ("user.deleted_at", "#2", "deleted_at"),
            ],
        ),
        (
            vec![line("user", json!({ "id": id(1), "email": "a@acme.example", "tenant_id": OTHER }))],
            vec![("row.other_tenant", "#2", "tenant_id")],
        ),
        (vec![line("user", json!({ "id": ANNA, "state": "suspended" }))], vec![("row.read_only", "#2", "state")]),
        (
            vec![line("user", json!({ "id": id(1), "email": "a@acme.example", "created_at": "2999-01-01T00:00:00Z" }))],
            vec![("row.future", "#2", "created_at")],
        ),
        (
            vec![line("user_group_membership", json!({ "id": id(1), "user_id": id(6), "user_group_id": id(99) }))],
            vec![("reference.not_found", "#2", "user_group_id")],
        ),
        (
            vec![
                line("organization_unit", json!({ "id": id(1), "name": "a", "parent_id": id(2) })),
                line("organization_unit", json!({ "id": id(2), "name": "b", "parent_id": id(1) })),
            ],
            vec![("reference.not_found", "#2", "parent_id"), ("reference.not_found", "#3", "parent_id")],
        ),
        (
            vec![line(
                "user_group",
                json!({ "id": id(1), "name": "sales", "type": "automatic", "auto_assignment_rules": { "StringEquals": { "principal.department": "sales" } } }),
            )],
            vec![("import.rule", "#2", "auto_assignment_rules")],
        ),
        (
            vec![line(
                "permission",
                json!({ "id": id(1), "tenant_id": null, "name": "x.read", "resource": "x", "action": "read", "category": "x" }),
            )],
            vec![("row.read_only", "#2", "tenant_id")],
        ),
    ];
    for (lines, expected) in cases {
        let lines = [vec![good.clone()], lines].concat();
        assert_found(&import(&office, &lines), &expected);
        assert_eq!((office.log().len(), office.versions()), before);
    }
    assert_found(&send(&office, &office.owner, "", " \n"), &[("import.lines", "", "")]);
    assert_found(&import(&office, &vec![good.clone(); MOST_LINES + 1]), &[("import.lines", "", "")]);
    assert_problem(&send(&office, &office.owner, "", vec![b' '; 1024 * 1024 + 1]), 413, "http.body_too_large");
    assert_problem(&send(&office, &office.owner, "?dry=1", good.clone()), 400, "query.invalid");
    assert_problem(&office.owner("POST", "/v1/import", json!({})), 415, "http.unsupported_media_type");
    assert_eq!((office.log().len(), office.versions()), before);
}

#[test]
fn each_line_is_judged_as_its_own_request_is() {
    let office = office();
    // Adam gives what he does not hold; nobody changes their own rights or a role of the system, or makes a role that gives.
    let give = |user: &str| line("user_role", json!({ "id": id(1), "user_id": user, "role_id": READER }));
    let response = send(&office, &office.admin, "", [user(6), give(BEN)].join("\n"));
    assert_refused(&response, &["not_held"]);
    assert_eq!(findings(&body(&response))[0].1, "#2");
    assert_refused(&import(&office, &[give(OLGA)]), &["own_rights"]);
    let old = json!({ "id": id(6), "email": "u6@acme.example", "created_at": "2020-01-01T00:00:00.000Z" });
    assert_refused(&send(&office, &office.admin, "", line("user", old)), &["needs_owner"]);
    let system = line("role", json!({ "id": office.roles[1], "description": "mine" }));
    assert_refused(&import(&office, &[user(6), system]), &["system_role"]);
    // By a line before it, the role gives; so it is not his to give either.
    let role = line("role", json!({ "id": id(2), "name": "new" }));
    let gives = line(
        "role_permission",
        json!({ "id": id(3), "role_id": READER, "permission_id": "01980000-0000-7000-8000-000000000401" }),
    );
    assert_refused(&send(&office, &office.admin, "", [role, gives].join("\n")), &["not_held"]);
    let made: Vec<_> = office.log().iter().filter(|row| row.event_type != "access.denied").cloned().collect();
    assert!(made.is_empty() && office.log().len() == 5, "{made:?}");

    let reads = office.edge.key_of(TENANT, Some(OLGA), None, &["admin:read"]);
    assert_problem(&send(&office, &reads, "", user(6)), 403, "access.missing_scope");
    let anna = office.edge.key_of(TENANT, Some(ANNA), None, &["admin:write"]);
    assert_problem(&send(&office, &anna, "", user(6)), 403, "access.missing_permission");
}

#[test]
fn one_owner_stays_though_two_step_down_at_once() {
    let office = office();
    let owner = |number, user: &str| {
        line("user_role", json!({ "id": id(number), "user_id": user, "role_id": office.roles[0] }))
    };
    // Olga is one, and cannot change what she is herself.
    assert_status(&import(&office, &[owner(1, BEN), owner(2, ANNA)]), 200);
    let ben = office.edge.key_of(TENANT, Some(BEN), None, &["admin:write"]);
    let ends = |number| line("user_role", json!({ "id": id(number), "is_active": false }));
    let olga = office.edge.sql("SELECT id FROM user_role WHERE user_id = '01980000-0000-7000-8000-000000000111'");
    let olga = line("user_role", json!({ "id": olga[0]["id"], "is_active": false }));
    assert_found(&send(&office, &ben, "", [olga.clone(), ends(2)].join("\n")), &[("import.owners", "#2", "")]);
    assert_status(&send(&office, &ben, "", olga), 200);
    assert_status(&send(&office, &ben, "", ends(2)), 200);
    assert_refused(&send(&office, &ben, "", ends(1)), &["own_rights", "leaves_no_owner"]);
}

#[test]
fn what_is_not_carried_over_is_listed() {
    let office = office();
    let row = json!({
        "id": id(6), "email": "u6@acme.example", "email_verified": true, "state": "suspended",
        "created_at": "2020-02-03T04:05:06.000Z", "updated_at": "2021-01-01T00:00:00.000Z", "phone_verified": false,
    });
    let lines = [
        line("user", row),
        line("api_key", json!({ "id": id(7) })),
        line("tenant_setting", json!({ "id": id(8) })),
        line(
            "user_role",
            json!({ "id": id(9), "user_id": BEN, "role_id": READER, "assigned_by": ANNA, "assigned_at": "2020-01-01T00:00:00Z" }),
        ),
    ];
    let expected = |answer: &Value| {
        let mut found = findings(answer);
        found.sort();
        let places: Vec<_> =
            found.iter().map(|(code, row, field)| (code.as_str(), row.as_str(), field.as_str())).collect();
        assert_eq!(
            places,
            [
                ("import.left_out", "#2", ""),
                ("import.left_out", "#3", ""),
                ("import.not_carried", "#1", "email_verified"),
                ("import.not_carried", "#4", "assigned_by"),
            ]
        );
    };
    let answer = assert_status(&import(&office, &lines), 200);
    assert_eq!(counts(&answer), [2, 0, 0]);
    expected(&answer);
    let seen = assert_status(&office.owner("GET", &format!("/v1/users/{}", id(6)), Value::Null), 200);
    assert_eq!((&seen["state"], &seen["email_verified"]), (&json!("suspended"), &json!(false)));
    assert_eq!(seen["created_at"], json!("2020-02-03T04:05:06.000Z"));
    assert_ne!(seen["updated_at"], json!("2021-01-01T00:00:00.000Z"));
    // Nobody who is imported is invited.
    let invited = line("user", json!({ "id": id(16), "email": "u16@acme.example", "state": "invited" }));
    assert_eq!(counts(&assert_status(&import(&office, &[invited]), 200)), [1, 0, 0]);
    assert!(office.edge.sql("SELECT id FROM user_notification").is_empty());
    // And the same again changes nothing.
    let again = assert_status(&import(&office, &lines), 200);
    assert_eq!(counts(&again), [0, 0, 2]);
    expected(&again);
}

#[test]
fn who_is_deleted_is_given_nothing_and_a_rule_puts_new_people_where_they_belong() {
    let office = office();
    let rules = json!({ "StringEquals": { "principal.department": "sales" } });
    let sales = json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": rules });
    let sales = assert_status(&office.owner("POST", "/v1/user-groups", sales), 201)["id"].clone();
    let seller = |number| {
        let attributes = json!({ "department": "sales" });
        line(
            "user",
            json!({ "id": id(number), "email": format!("u{number}@acme.example"), "custom_attributes": attributes }),
        )
    };
    assert_status(&import(&office, &(20..30).map(seller).collect::<Vec<_>>()), 200);
    let members = office.edge.sql("SELECT user_id FROM user_group_membership WHERE assignment_type = 'automatic'");
    assert_eq!(members.len(), 10);
    // Who was put there by a rule elsewhere is put there by a rule here, or not at all.
    let put = json!({ "id": id(3), "user_id": BEN, "user_group_id": sales, "assignment_type": "automatic" });
    let answer = assert_status(&import(&office, &[line("user_group_membership", put)]), 200);
    assert_eq!((counts(&answer), findings(&answer)[0].0.as_str()), ([0, 0, 1], "import.left_out"));
    assert_eq!(office.edge.sql("SELECT id FROM user_group_membership").len(), 10);
    // As the group is in an export: with its rule.
    let group = line("user_group", json!({ "id": sales, "auto_assignment_rules": rules, "description": "sell" }));
    assert_eq!(counts(&assert_status(&import(&office, &[group]), 200)), [0, 1, 0]);
    assert_status(&office.owner("DELETE", &format!("/v1/users/{}", id(20)), Value::Null), 204);
    let staff = line("user_group", json!({ "id": id(1), "name": "staff" }));
    let join = line("user_group_membership", json!({ "id": id(2), "user_id": id(20), "user_group_id": id(1) }));
    assert_found(&import(&office, &[staff, join]), &[("user.deleted", "#2", "user_id")]);
}

/// A thousand wide rows are one commit within the statements that D1 allows, and so is each change of them, in parts.
#[test]
fn a_full_request_is_one_commit() {
    let office = office();
    let lines: Vec<String> = (0..1000).map(|number| user(1000 + number)).collect();
    assert_eq!(counts(&assert_status(&import(&office, &lines), 200)), [1000, 0, 0]);
    assert_eq!(office.log().len(), 1000);
    let named = |number: u32| line("user", json!({ "id": id(1000 + number), "first_name": "A" }));
    let lines: Vec<String> = (0..1000).map(named).collect();
    let refused = assert_status(&import(&office, &lines), 422);
    let (code, place, _) = findings(&refused)[0].clone();
    assert_eq!(code, "import.too_many_changes");
    let fits: usize = place.trim_start_matches('#').parse::<usize>().unwrap() - 1;
    assert!(fits > 400, "{place}");
    assert_eq!(office.log().len(), 1000);
    assert_eq!(counts(&assert_status(&import(&office, &lines[..fits]), 200)), [0, fits as u64, 0]);
    assert_eq!(office.log().len(), 1000 + fits);
}

/// What goes out comes in again and changes nothing; what changed since is what it was.
#[test]
fn an_export_comes_in_again() {
    let office = office();
    assert_status(&import(&office, &company()), 200);
    let export = || {
        let response = office.owner("GET", "/v1/export", Value::Null);
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/jsonl")));
        String::from_utf8(response.body.clone()).unwrap()
    };
    let exported = export();
    let answer = assert_status(&send(&office, &office.owner, "", exported.clone()), 200);
    let [created, updated, unchanged] = counts(&answer);
    assert_eq!((created, updated), (0, 0), "{answer:#}");
    assert!(unchanged > 13 && exported.lines().count() as u64 >= unchanged);
    for (code, place, _) in findings(&answer) {
        assert_eq!(code, "import.left_out", "{place}");
    }
    assert_status(&office.owner("PATCH", &format!("/v1/users/{}", id(6)), json!({ "first_name": "Eve" })), 200);
    assert_status(&office.owner("PATCH", &format!("/v1/roles/{}", id(2)), json!({ "description": "x" })), 200);
    let gone = assert_status(&send(&office, &office.owner, "", exported.clone()), 200);
    // A column that was null is left out of an export, so nothing is said of it.
    assert_eq!(counts(&gone)[..2], [0, 0]);
    // Everything is an owner's to take out.
    assert_refused(&office.admin("GET", "/v1/export", Value::Null), &["needs_owner"]);
    assert_eq!(office.events().iter().filter(|event| *event == "tenant.exported").count(), 1);
}

/// The slow twin: of each change alone, an import says and does what `PATCH` says and does.
#[test]
fn a_line_does_what_its_own_request_would_do() {
    let lines = {
        let (roles, fixed) = (office().roles, |number| id(number));
        [
            ("user", "/v1/users", ANNA.to_owned(), json!({ "first_name": "Anne", "email": "anne@acme.example" })),
            ("user", "/v1/users", BEN.to_owned(), json!({ "is_active": false })),
            ("user", "/v1/users", OLGA.to_owned(), json!({ "email": "o@acme.example" })),
            ("user", "/v1/users", OLGA.to_owned(), json!({ "is_active": false })),
            ("user", "/v1/users", ADAM.to_owned(), json!({ "username": "adam" })),
            ("user", "/v1/users", BEN.to_owned(), json!({ "custom_attributes": { "department": "sales" } })),
            ("user", "/v1/users", BEN.to_owned(), json!({ "phone": "none" })),
            ("role", "/v1/roles", READER.to_owned(), json!({ "is_active": false })),
            ("role", "/v1/roles", READER.to_owned(), json!({ "permissions": [{ "permission": "documents.read" }] })),
            ("role", "/v1/roles", READER.to_owned(), json!({ "permissions": [{ "permission": "nothing" }] })),
            ("role", "/v1/roles", roles[0].to_string(), json!({ "description": "x" })),
            ("role", "/v1/roles", fixed(2), json!({ "name": "reader" })),
            ("organization_unit", "/v1/organization-units", fixed(5), json!({ "parent_id": null })),
            ("organization_unit", "/v1/organization-units", fixed(4), json!({ "parent_id": fixed(5) })),
            ("user_group", "/v1/user-groups", fixed(8), json!({ "organization_unit_id": fixed(4) })),
            (
                "user_group_membership",
                "/v1/user-group-memberships",
                fixed(9),
                json!({ "expires_at": "2999-01-01T00:00:00.000Z" }),
            ),
            (
                "user_group_membership",
                "/v1/user-group-memberships",
                fixed(9),
                json!({ "expires_at": "2000-01-01T00:00:00.000Z" }),
            ),
            ("user_group_membership", "/v1/user-group-memberships", fixed(9), json!({ "user_id": OLGA })),
            ("user_role", "/v1/user-roles", fixed(11), json!({ "is_active": false })),
            ("user_group_role", "/v1/user-group-roles", fixed(10), json!({ "role_id": READER })),
            ("feature_flag", "/v1/feature-flags", fixed(12), json!({ "is_enabled": false })),
            ("resource", "/v1/resources/plan", "7".to_owned(), json!({ "attributes": { "secret": true } })),
            ("resource", "/v1/resources/plan", "7".to_owned(), json!({ "parents": [{ "type": "plan", "id": "7" }] })),
            ("permission", "/v1/permissions", fixed(1), json!({ "action": "write" })),
            ("permission", "/v1/permissions", fixed(1), json!({ "description": "reads" })),
        ]
    };
    for by_owner in [true, false] {
        for (table, path, row, change) in &lines {
            let (one, other) = (office(), office());
            for office in [&one, &other] {
                assert_status(&import(office, &company()), 200);
            }
            let key = |office: &Office| if by_owner { office.owner.clone() } else { office.admin.clone() };
            let patched = one.by(&key(&one), "PATCH", &format!("{path}/{row}"), change.clone());
            let mut whole = change.clone();
            whole["id"] = json!(row);
            if *table == "resource" {
                whole["type"] = json!("plan");
            }
            let imported = send(&other, &key(&other), "", line(table, whole));
            let told = format!("{table} {change} by {}", if by_owner { "the owner" } else { "the admin" });
            // What contradicts another row is found before the database finds it.
            let expected = if patched.status == 409 { 422 } else { patched.status };
            assert_eq!(imported.status, expected, "{told}: {}", String::from_utf8_lossy(&imported.body));
            if patched.status >= 300 {
                let codes = |response: &Response| {
                    let mut codes: Vec<String> =
                        findings(&body(response)).into_iter().map(|(code, _, _)| code).collect();
                    codes.sort();
                    codes
                };
                assert_eq!(codes(&imported), codes(&patched), "{told}");
            }
            let rows = |office: &Office| {
                let mut rows =
                    office.edge.sql(Box::leak(format!("SELECT * FROM \"{table}\" ORDER BY id").into_boxed_str()));
                for row in &mut rows {
                    row.retain(|name, _| !["updated_at", "created_at", "assigned_at"].contains(&name.as_str()));
                }
                rows
            };
            assert_eq!(rows(&other), rows(&one), "{told}");
            let events = |office: &Office| office.events().split_off(13);
            assert_eq!(events(&other), events(&one), "{told}");
        }
    }
}

/// What one answered is not asked for again, and two at once are one after the other.
#[test]
fn an_idempotency_key_holds_for_lines_too() {
    let office = office();
    let send = |lines: String| {
        let mut request = keyed(&office.owner, "POST", "/v1/import", None);
        request.headers.insert("content-type".to_owned(), "application/x-ndjson".to_owned());
        request.headers.insert("idempotency-key".to_owned(), "one".to_owned());
        request.body = Body::Bytes(lines.into_bytes());
        office.edge.send(request)
    };
    let first = assert_status(&send(user(6)), 200);
    let again = send(user(6));
    assert_eq!((again.header("idempotency-replayed"), body(&again)), (Some("true"), first));
    assert_problem(&send(user(7)), 422, "request.idempotency_reused");
    let _: Uuid = id(6).parse().unwrap();
}
