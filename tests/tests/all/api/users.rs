//! Users: how they come, change, are kept out, go, come back, and are forgotten.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;

const OLGA: &str = "01980000-0000-7000-8000-000000000111";
const ADAM: &str = "01980000-0000-7000-8000-000000000112";

fn of(user: &str) -> String {
    format!("/v1/users/{user}")
}

fn to(user: &str, step: &str) -> String {
    format!("/v1/users/{user}/{step}")
}

fn fields(response: &Response) -> Vec<String> {
    let mut fields: Vec<String> = body(response)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| format!("{} {}", finding["field"].as_str().unwrap(), finding["code"].as_str().unwrap()))
        .collect();
    fields.sort();
    fields
}

fn count(office: &Office, sql: &'static str) -> i64 {
    office.edge.sql(sql)[0]["n"].as_i64().unwrap()
}

/// The tenant declares attributes of users and of resources.
pub(super) fn declare(office: &Office) {
    let schema = json!({
        "user": { "attributes": { "department": "String", "level": "Long", "address": { "city": "String" } },
                  "caller_attributes": { "device": "String" } },
        "types": { "document": { "attributes": { "owner": "User", "draft": "Bool" }, "parents": ["folder"] },
                   "folder": { "parents": ["folder"] } },
    });
    let insert = Statement::new(
        "INSERT INTO tenant_setting (id, tenant_id, setting_key, setting_value, category, updated_at, created_at)
         VALUES ('01980000-0000-7000-8000-000000000601', ?1, 'schema', ?2, 'auth', ?3, ?3)",
    );
    pollster::block_on(office.edge.app.db.all(insert.bind(TENANT).bind(schema.to_string()).bind(NOW))).unwrap();
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
}

#[test]
fn a_user_is_invited_seen_and_changed() {
    let office = office();
    let new = json!({ "email": "eve@acme.example", "state": "invited", "first_name": "Eve" });
    let response = office.admin("POST", "/v1/users", new);
    let made = assert_status(&response, 201);
    assert_eq!((made["state"].as_str(), made["email_verified"].as_bool()), (Some("invited"), Some(false)));
    assert!(made.get("password_hash").is_none());
    let path = response.header("location").unwrap().to_owned();
    office.edge.sql("UPDATE user SET email_verified = 1, phone_verified = 1, phone = '+4930123456'");
    let changed = assert_status(&office.admin("PATCH", &path, json!({ "email": "e@acme.example" })), 200);
    assert_eq!((&changed["email_verified"], &changed["phone_verified"]), (&json!(false), &json!(true)));
    let page =
        office.admin("GET", "/v1/users?email=e@acme.example&state=invited&is_active=true&sort=email", Value::Null);
    assert_eq!(assert_status(&page, 200)["items"], json!([changed]));
    // Personal data is in the log under the user's own key alone.
    let log = office.log();
    assert_eq!(log[1].event_type, "user.updated");
    assert!(!json!(log.iter().map(|row| &row.event_data).collect::<Vec<_>>()).to_string().contains("acme.example"));
    assert_eq!(office.versions().0, 7, "no rule changed");
}

#[test]
fn what_is_wrong_with_a_user_is_said_at_once() {
    let office = office();
    declare(&office);
    let new = json!({
        "email": "Eve@acme.example", "state": "locked", "password_hash": "x", "email_verified": true,
        "last_login_at": NOW, "deleted_at": NOW,
        "custom_attributes": { "level": "high", "shoe": 44, "device": "mine", "address": { "city": "Bonn", "zip": 1 } },
    });
    let response = office.owner("POST", "/v1/users", new);
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(
        fields(&response),
        [
            "custom_attributes/address/zip attribute.undeclared",
            "custom_attributes/device attribute.undeclared",
            "custom_attributes/level attribute.wrong_type",
            "custom_attributes/shoe attribute.undeclared",
            "deleted_at row.read_only",
            "email user.email_case",
            "email_verified row.read_only",
            "last_login_at row.read_only",
            "password_hash row.read_only",
            "state user.state",
        ]
    );
    let patch = json!({ "state": "suspended", "password_hash": null });
    let response = office.owner("PATCH", &of(BEN), patch);
    assert_eq!(fields(&response), ["password_hash row.read_only", "state row.read_only"]);
    let taken = office.owner("POST", "/v1/users", json!({ "email": "anna@acme.example" }));
    assert_problem(&taken, 409, "row.taken");
    assert_eq!(body(&taken)["findings"][0]["field"], "email");
    assert_eq!(office.log().len(), 0);
}

#[test]
fn attributes_are_as_declared_and_older_ones_do_not_keep_changes_out() {
    let office = office();
    office.edge.sql("UPDATE user SET custom_attributes = '{\"shoe\":44}' WHERE email LIKE 'ben%'");
    declare(&office);
    let patch = json!({ "custom_attributes": { "department": "sales", "address": { "city": "Bonn" } } });
    let changed = assert_status(&office.admin("PATCH", &of(BEN), patch), 200);
    assert_eq!(changed["custom_attributes"]["shoe"], 44);
    let response = office.admin("PATCH", &of(BEN), json!({ "custom_attributes": { "shoe": 45 } }));
    assert_eq!(fields(&response), ["custom_attributes/shoe attribute.undeclared"]);
    assert_status(&office.admin("PATCH", &of(BEN), json!({ "custom_attributes": { "shoe": null } })), 200);
}

#[test]
fn nobody_changes_themselves_and_an_owner_is_an_owners_to_change() {
    let office = office();
    let name = json!({ "first_name": "X" });
    assert_refused(&office.admin("PATCH", &of(ADAM), name.clone()), &["own_rights"]);
    assert_refused(&office.owner("PATCH", &of(OLGA), name.clone()), &["own_rights"]);
    assert_refused(&office.admin("PATCH", &of(OLGA), name.clone()), &["touches_owner"]);
    assert_refused(&office.admin("POST", &to(OLGA, "end-sessions"), Value::Null), &["touches_owner"]);
    for (method, path, body) in [
        ("DELETE", of(OLGA), Value::Null),
        ("POST", to(OLGA, "lock"), Value::Null),
        ("POST", to(OLGA, "suspend"), Value::Null),
        ("PATCH", of(OLGA), json!({ "is_active": false })),
    ] {
        assert_refused(&office.admin(method, &path, body.clone()), &["touches_owner", "leaves_no_owner"]);
        assert_refused(&office.owner(method, &path, body), &["own_rights", "leaves_no_owner"]);
    }
    // A second owner may be changed by the first, and does not count once kept out.
    let give = json!({ "user_id": BEN, "role_id": office.roles[0] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    assert_status(&office.owner("POST", &to(BEN, "suspend"), Value::Null), 200);
    assert_refused(&office.admin("POST", &to(BEN, "reactivate"), Value::Null), &["touches_owner"]);
    assert_refused(&office.owner("POST", &to(OLGA, "lock"), Value::Null), &["own_rights", "leaves_no_owner"]);
    assert_status(&office.owner("DELETE", &of(BEN), Value::Null), 204);
}

#[test]
fn whoever_changes_how_somebody_signs_in_holds_what_they_hold() {
    let office = office();
    // Anna may read documents, which Adam may not; Ben may nothing.
    assert_refused(&office.admin("PATCH", &of(ANNA), json!({ "email": "adam2@acme.example" })), &["not_held"]);
    assert_refused(&office.admin("PATCH", &of(ANNA), json!({ "username": "adam" })), &["not_held"]);
    assert_status(&office.admin("PATCH", &of(ANNA), json!({ "first_name": "Anna" })), 200);
    assert_status(&office.admin("PATCH", &of(BEN), json!({ "email": "b@acme.example" })), 200);
    assert_status(&office.owner("PATCH", &of(ANNA), json!({ "email": "a@acme.example" })), 200);
}

#[test]
fn only_sensible_steps_are_taken() {
    let office = office();
    let go = |step: &str| office.owner("POST", &to(BEN, step), Value::Null);
    let states = ["lock", "unlock", "suspend", "reactivate", "restore", "purge"];
    let mut allowed = vec![];
    for state in ["invited", "active", "locked", "suspended", "deleted"] {
        for step in states {
            let deleted = if state == "deleted" { Some(NOW) } else { None };
            let set = Statement::new("UPDATE user SET state = ?1, deleted_at = ?2, email = ?3 WHERE id = ?4");
            let set = set.bind(state).bind(deleted).bind("ben@acme.example").bind(BEN);
            pollster::block_on(office.edge.app.db.all(set)).unwrap();
            let response = go(step);
            if response.status == 200 {
                allowed.push(format!("{state} {step} {}", body(&response)["state"].as_str().unwrap()));
            } else {
                assert_problem(&response, 409, "user.state");
            }
        }
    }
    assert_eq!(
        allowed,
        [
            "active lock locked",
            "active suspend suspended",
            "locked unlock active",
            "locked suspend suspended",
            "suspended reactivate active",
            "deleted restore suspended",
            "deleted purge deleted",
        ]
    );
    assert_problem(&office.owner("POST", &to(READER, "lock"), Value::Null), 404, "http.not_found");
    let said = office.owner("POST", &to(BEN, "lock"), json!({ "reason": "x" }));
    assert_eq!(fields(&said), ["reason request.unknown_field"]);
}

#[test]
fn who_is_kept_out_has_no_session_and_no_key() {
    for (method, path, step) in [
        ("POST", to(ANNA, "lock"), Value::Null),
        ("POST", to(ANNA, "suspend"), Value::Null),
        ("PATCH", of(ANNA), json!({ "is_active": false })),
        ("DELETE", of(ANNA), Value::Null),
    ] {
        let office = office();
        let key = office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]);
        let pep = office.edge.key(&["access:evaluate"]);
        assert_decision(&office.edge.ask(&key), true);
        sessions(&office);
        assert!(office.by(&office.admin, method, &path, step).status < 300);
        assert_eq!(count(&office, "SELECT count(*) AS n FROM user_session"), 1, "Ben's stays");
        assert_eq!(count(&office, "SELECT count(*) AS n FROM password_reset"), 0);
        assert_eq!(office.edge.ask(&key).status, 401);
        assert_decision(&office.edge.ask(&pep), false);
        assert_decision(&office.edge.restarted().ask(&pep), false);
    }
    let office = office();
    sessions(&office);
    assert_status(&office.admin("POST", &to(ANNA, "end-sessions"), Value::Null), 204);
    assert_eq!(count(&office, "SELECT count(*) AS n FROM user_session"), 1);
    assert_eq!(office.events(), ["user.sessions_ended"]);
    assert_eq!(office.log()[0].resource_id, Some(ANNA.parse().unwrap()));
}

/// Anna and Ben are signed in, and Anna may set a new password.
fn sessions(office: &Office) {
    for (id, user) in [("1", ANNA), ("2", BEN)] {
        let insert = Statement::new(
            "INSERT INTO user_session (id, tenant_id, user_id, auth_time, amr, expires_at, created_at, ip_address)
             VALUES (?1, ?2, ?3, ?4, '[]', ?4, ?4, '192.0.2.7')",
        );
        pollster::block_on(office.edge.app.db.all(insert.bind(id).bind(TENANT).bind(user).bind(NOW))).unwrap();
    }
    office.edge.sql(
        "INSERT INTO password_reset VALUES ('1', '01980000-0000-7000-8000-000000000001',
         '01980000-0000-7000-8000-000000000101', 'hash', '2026-04-01T00:00:00.000Z', 0, '2026-03-01T00:00:00.000Z')",
    );
}

/// Anna has a key, is in a group, and has asked for a role.
fn settle(office: &Office) -> ApiKeyToken {
    let key = office.edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]);
    office.edge.sql(
        "INSERT INTO user_group VALUES ('01980000-0000-7000-8000-000000000801', '01980000-0000-7000-8000-000000000001',
         NULL, 'staff', NULL, 'manual', NULL, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', NULL)",
    );
    office.edge.sql(
        "INSERT INTO user_group_membership VALUES ('01980000-0000-7000-8000-000000000802',
         '01980000-0000-7000-8000-000000000001', '01980000-0000-7000-8000-000000000101',
         '01980000-0000-7000-8000-000000000801', NULL, 'manual', '2026-01-01T00:00:00.000Z', NULL)",
    );
    for (id, status, approver) in [
        ("01980000-0000-7000-8000-000000000803", "approved", Some(OLGA)),
        ("01980000-0000-7000-8000-000000000804", "pending", None),
        ("01980000-0000-7000-8000-000000000805", "rejected", None),
    ] {
        let insert = Statement::new(
            "INSERT INTO access_request VALUES (?1, ?2, ?3, 'role', ?4, '[]', 'my mother is ill', ?5, ?6, NULL, ?7, ?7)",
        );
        let bound = insert.bind(id).bind(TENANT).bind(ANNA).bind(READER).bind(status).bind(approver);
        pollster::block_on(office.edge.app.db.all(bound.bind("2026-01-01T00:00:00.000Z"))).unwrap();
    }
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    key
}

#[test]
fn who_is_deleted_is_given_nothing() {
    let office = office();
    let group = assert_status(&office.owner("POST", "/v1/user-groups", json!({ "name": "staff" })), 201)["id"].clone();
    let body = json!({ "name": "writer" });
    let role = assert_status(&office.owner("POST", "/v1/roles", body), 201)["id"].clone();
    assert_status(&office.owner("DELETE", &of(BEN), Value::Null), 204);
    for (path, body) in [
        ("/v1/user-roles", json!({ "user_id": BEN, "role_id": role })),
        ("/v1/user-group-memberships", json!({ "user_id": BEN, "user_group_id": group })),
    ] {
        let response = office.owner("POST", path, body.clone());
        assert_problem(&response, 422, "request.invalid");
        let finding = super::body(&response)["findings"][0].clone();
        assert_eq!((&finding["code"], &finding["field"]), (&json!("user.deleted"), &json!("user_id")), "{path}");
        // A user who is there, in whatever state, is given it.
        let there = json!({ "user_id": ANNA, "role_id": role, "user_group_id": group });
        let there = there.as_object().unwrap().iter().filter(|(name, _)| body.get(name.as_str()).is_some());
        assert_status(
            &office.owner(
                "POST",
                path,
                there.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into(),
            ),
            201,
        );
    }
}

#[test]
fn who_is_deleted_keeps_nothing_and_gets_nothing_back() {
    let office = office();
    let key = settle(&office);
    sessions(&office);
    assert_decision(&office.edge.ask(&key), true);
    assert_status(&office.admin("DELETE", &of(ANNA), Value::Null), 204);
    let events = [
        "user.deleted",
        "api_key.revoked",
        "user_role.revoked",
        "user_group_membership.removed",
        "access_request.cancelled",
        "access_request.cancelled",
    ];
    assert_eq!(office.events(), events);
    let log = office.log();
    assert_eq!(log.iter().map(|row| row.event_type.as_str()).collect::<Vec<_>>(), events);
    assert_eq!(log[4].event_data["after"], json!({ "status": "cancelled" }));
    assert_problem(&office.edge.ask(&key), 401, "key.inactive");
    // The e-mail and the username are free.
    let anew = json!({ "email": "anna@acme.example", "username": "anna" });
    let other = assert_status(&office.admin("POST", "/v1/users", anew), 201);
    assert_problem(&office.admin("POST", &to(ANNA, "restore"), Value::Null), 409, "row.taken");
    assert_problem(&office.admin("DELETE", &of(ANNA), Value::Null), 409, "user.state");
    assert_problem(&office.admin("PATCH", &of(ANNA), json!({ "first_name": "x" })), 409, "user.state");
    let other = of(other["id"].as_str().unwrap());
    assert_status(&office.admin("DELETE", &other, Value::Null), 204);

    let back = assert_status(&office.admin("POST", &to(ANNA, "restore"), Value::Null), 200);
    assert_eq!((&back["state"], &back["deleted_at"]), (&json!("suspended"), &Value::Null));
    assert_status(&office.admin("POST", &to(ANNA, "reactivate"), Value::Null), 200);
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.ask(&pep), false);
    assert_problem(&office.edge.ask(&key), 401, "key.inactive");
    assert_eq!(count(&office, "SELECT count(*) AS n FROM user_session"), 1);
    let alive = "SELECT count(*) AS n FROM access_request WHERE status IN ('pending', 'approved')";
    assert_eq!(count(&office, alive), 0);
}

#[test]
fn a_purge_leaves_nothing_personal() {
    let office = office();
    settle(&office);
    sessions(&office);
    for sql in [
        "UPDATE user SET password_hash = 'phc', phone = '+4930123456', custom_attributes = '{\"shoe\":44}'
         WHERE id = '01980000-0000-7000-8000-000000000101'",
        "INSERT INTO mfa_device VALUES ('1', '01980000-0000-7000-8000-000000000001',
         '01980000-0000-7000-8000-000000000101', 'totp', 'Anna''s phone', 's', NULL, NULL, 0, 1, 1, 'x', NULL)",
        "INSERT INTO login_attempt VALUES ('1', '01980000-0000-7000-8000-000000000001', NULL, 'anna@acme.example',
         '192.0.2.7', 'Firefox', 'failure', NULL, '2026-01-01T00:00:00.000Z')",
    ] {
        office.edge.sql(sql);
    }
    // The log and a kept answer tell of Anna.
    let mut request = keyed(&office.owner, "POST", "/v1/users", Some(json!({ "email": "zoe@acme.example" })));
    request.headers.insert("idempotency-key".to_owned(), "k".to_owned());
    let zoe = assert_status(&office.edge.send(request), 201)["id"].as_str().unwrap().to_owned();
    assert_status(&office.owner("PATCH", &of(ANNA), json!({ "first_name": "Annabelle" })), 200);
    assert_problem(&office.owner("POST", &to(ANNA, "purge"), Value::Null), 409, "user.state");
    for user in [ANNA, &zoe] {
        assert_status(&office.owner("DELETE", &of(user), Value::Null), 204);
        let admin = office.admin("POST", &to(user, "purge"), Value::Null);
        assert_problem(&admin, 403, "access.missing_permission");
        let purged = assert_status(&office.owner("POST", &to(user, "purge"), Value::Null), 200);
        assert_eq!(purged["email"], format!("{user}@purged.invalid"));
        assert_problem(&office.owner("POST", &to(user, "purge"), Value::Null), 409, "user.state");
        assert_problem(&office.owner("POST", &to(user, "restore"), Value::Null), 409, "user.state");
    }
    let mut left = String::new();
    for table in parapet::model::TABLES.iter().map(|table| table.name).chain(["idempotency_key"]) {
        let rows = pollster::block_on(office.edge.app.db.all(Statement::new(format!("SELECT * FROM \"{table}\""))));
        left.extend(rows.unwrap().into_iter().map(|row| format!("{table} {row:?}\n")));
    }
    for personal in ["anna@", "Anna", "zoe", "phc", "+4930", "shoe", "mother", "Firefox"] {
        assert!(!left.contains(personal), "{personal} is left");
    }
    for table in ["mfa_device", "password_reset"] {
        assert!(!left.contains(&format!("{table} ")), "{table}");
    }
    let destroyed = "SELECT count(*) AS n FROM audit_subject WHERE subject_key IS NULL AND destroyed_at IS NOT NULL";
    assert_eq!(count(&office, destroyed), 2);
    assert_eq!(count(&office, "SELECT count(*) AS n FROM user_session"), 1);
    // The chain holds, and still tells what was done.
    assert!(office.log().iter().any(|row| row.event_type == "user.purged"));
}

#[test]
fn who_was_never_in_the_log_is_purged_as_well() {
    let office = office();
    office
        .edge
        .sql("UPDATE user SET state = 'deleted', deleted_at = '2026-01-01T00:00:00.000Z' WHERE email LIKE 'ben%'");
    assert_status(&office.owner("POST", &to(BEN, "purge"), Value::Null), 200);
    assert_eq!(count(&office, "SELECT count(*) AS n FROM audit_subject WHERE subject_key IS NULL"), 1);
    assert!(office.log()[0].event_data.get("personal").is_none());
}

#[test]
fn the_help_desk_helps_and_does_no_more() {
    let office = office();
    let give = json!({ "user_id": BEN, "role_id": office.roles[3] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    let desk = office.edge.key_of(TENANT, Some(BEN), None, &["admin:read", "admin:write"]);
    assert_status(&office.by(&desk, "POST", &to(ANNA, "lock"), Value::Null), 200);
    assert_status(&office.by(&desk, "POST", &to(ANNA, "unlock"), Value::Null), 200);
    for (method, path) in [("DELETE", of(ANNA)), ("POST", to(ANNA, "restore")), ("POST", to(ANNA, "purge"))] {
        assert_problem(&office.by(&desk, method, &path, Value::Null), 403, "access.missing_permission");
    }
    assert_refused(&office.by(&desk, "POST", &to(OLGA, "lock"), Value::Null), &["touches_owner", "leaves_no_owner"]);
    assert_refused(&office.by(&desk, "POST", &to(BEN, "lock"), Value::Null), &["own_rights"]);
}

#[test]
fn a_list_of_users_is_one_statement_by_an_index() {
    let office = office();
    for query in
        ["", "?sort=email", "?sort=-email", "?email=x@y.z", "?username=anna", "?state=active", "?is_active=false"]
    {
        let path = format!("/v1/users{query}");
        assert_status(&office.owner("GET", &path, Value::Null), 200);
        let before = office.edge.app.db.round_trips();
        assert_status(&office.owner("GET", &path, Value::Null), 200);
        assert_eq!(office.edge.app.db.round_trips() - before, 2);
    }
    for (condition, order) in [
        ("", "created_at, id"),
        ("", "email, id"),
        ("AND state = 'active'", "created_at, id"),
        ("AND is_active = 0", "created_at, id"),
    ] {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM user WHERE tenant_id = '{TENANT}' {condition} ORDER BY {order} LIMIT 50"
        );
        let plan = format!("{:?}", pollster::block_on(office.edge.app.db.all(Statement::new(sql))).unwrap());
        assert!(plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{condition} {order}: {plan}");
    }
}
