//! Groups: who puts whom into them, which roles they give, and whom rules put where.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;
use parapet::model::{AssignmentType, Row as _, User, UserGroupMembership};
use parapet_worker::administration::{Actor, Plan, commit};
use parapet_worker::directory::membership;
use parapet_worker::error::ApiError;
use parapet_worker::guard::Call;
use uuid::Uuid;

const ADAM: &str = "01980000-0000-7000-8000-000000000112";
const OLGA: &str = "01980000-0000-7000-8000-000000000111";

fn group(office: &Office, body: Value) -> String {
    let made = assert_status(&office.owner("POST", "/v1/user-groups", body), 201);
    made["id"].as_str().unwrap().to_owned()
}

fn give_role(office: &Office, group: &str, role: &str) {
    let body = json!({ "user_group_id": group, "role_id": role });
    assert_status(&office.owner("POST", "/v1/user-group-roles", body), 201);
}

fn attributes(office: &Office, user: &str, attributes: &Value) {
    let statement = Statement::new("UPDATE user SET custom_attributes = ?2 WHERE id = ?1");
    pollster::block_on(office.edge.app.db.all(statement.bind(user).bind(attributes.to_string()))).unwrap();
    office.edge.sql("UPDATE tenant_epoch SET directory_version = directory_version + 1");
}

fn members(office: &Office, group: &str) -> Vec<(String, String)> {
    let path = format!("/v1/user-group-memberships?user_group_id={group}");
    let page = assert_status(&office.owner("GET", &path, Value::Null), 200);
    let items = page["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut members: Vec<_> = items.map(|row| (text(&row["user_id"]), text(&row["assignment_type"]))).collect();
    members.sort();
    members
}

fn sales() -> Value {
    json!({ "StringEquals": { "principal.department": "sales" } })
}

fn automatic(users: &[&str]) -> Vec<(String, String)> {
    users.iter().map(|user| ((*user).to_owned(), "automatic".to_owned())).collect()
}

#[test]
fn who_joins_a_group_gains_its_roles_and_whoever_adds_them_holds_these() {
    let office = office();
    let staff = group(&office, json!({ "name": "staff" }));
    give_role(&office, &staff, READER);
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
    let join = json!({ "user_id": BEN, "user_group_id": staff });
    assert_refused(&office.admin("POST", "/v1/user-group-memberships", join.clone()), &["not_held"]);
    let made = assert_status(&office.owner("POST", "/v1/user-group-memberships", join.clone()), 201);
    assert_eq!((&made["assigned_by"], &made["assignment_type"]), (&json!(OLGA), &json!("manual")));
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), true);
    assert_problem(&office.owner("POST", "/v1/user-group-memberships", join), 409, "row.taken");
    let path = format!("/v1/user-group-memberships/{}", made["id"].as_str().unwrap());
    // To shorten what somebody has gives nothing.
    let end = json!({ "expires_at": "2026-04-01T00:00:00.000Z" });
    assert_status(&office.admin("PATCH", &path, end), 200);
    assert_refused(&office.admin("PATCH", &path, json!({ "expires_at": null })), &["not_held"]);
    let past = office.owner("PATCH", &path, json!({ "expires_at": NOW }));
    let findings = body(&past)["findings"].clone();
    assert!(findings.as_array().unwrap().iter().any(|finding| finding["field"] == "expires_at"), "{findings:#}");
    let given = office.owner("PATCH", &path, json!({ "assigned_by": ANNA, "assignment_type": "automatic" }));
    assert_eq!(body(&given)["findings"].as_array().unwrap().len(), 2);
    assert_status(&office.admin("DELETE", &path, Value::Null), 204);
    assert_decision(&office.edge.post("/access/v1/evaluation", &pep, &question(BEN, "read")), false);
    let events = office.events();
    assert!(
        events.ends_with(&["user_group_membership.updated".to_owned(), "user_group_membership.removed".to_owned()])
    );
}

#[test]
fn nobody_puts_themselves_into_a_group() {
    let office = office();
    let empty = group(&office, json!({ "name": "empty" }));
    let join = |user: &str| json!({ "user_id": user, "user_group_id": empty });
    assert_refused(&office.admin("POST", "/v1/user-group-memberships", join(ADAM)), &["own_rights"]);
    assert_refused(&office.owner("POST", "/v1/user-group-memberships", join(OLGA)), &["own_rights"]);
    let made = assert_status(&office.owner("POST", "/v1/user-group-memberships", join(ADAM)), 201);
    let path = format!("/v1/user-group-memberships/{}", made["id"].as_str().unwrap());
    assert_refused(&office.admin("DELETE", &path, Value::Null), &["own_rights"]);
}

#[test]
fn a_group_gives_roles_that_its_giver_holds_and_never_owner() {
    let office = office();
    let staff = group(&office, json!({ "name": "staff" }));
    let give = |role: &str| json!({ "user_group_id": staff, "role_id": role });
    assert_refused(&office.admin("POST", "/v1/user-group-roles", give(READER)), &["not_held"]);
    let made = assert_status(&office.owner("POST", "/v1/user-group-roles", give(READER)), 201);
    assert_eq!(made["assigned_by"], OLGA);
    let owner = office.roles[0].to_string();
    for key in [&office.owner, &office.admin] {
        let response = office.by(key, "POST", "/v1/user-group-roles", give(&owner));
        assert_problem(&response, 422, "request.invalid");
        assert_eq!(body(&response)["findings"][0]["code"], "user_group_role.owner");
    }
    let auditor = office.roles[2].to_string();
    let path = format!("/v1/user-group-roles/{}", made["id"].as_str().unwrap());
    assert_status(&office.admin("POST", "/v1/user-group-roles", give(&auditor)), 201);
    assert_status(&office.admin("DELETE", &path, Value::Null), 204);
    assert_eq!(
        office.events()[1..],
        ["user_group_role.assigned", "user_group_role.assigned", "user_group_role.revoked"]
    );
}

#[test]
fn another_tenants_groups_are_not_there() {
    let office = office();
    office.edge.seed(&other());
    office.edge.sql(
        "INSERT INTO user_group VALUES ('01980000-0000-7000-8000-0000000009a1', '01980000-0000-7000-8000-000000000002',
         NULL, 'theirs', NULL, 'manual', NULL, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', NULL)",
    );
    let theirs = "01980000-0000-7000-8000-0000000009a1";
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({ "name": "ours" })), ("DELETE", Value::Null)] {
        let path = format!("/v1/user-groups/{theirs}");
        assert_problem(&office.owner(method, &path, body), 404, "http.not_found");
    }
    let join = office.owner("POST", "/v1/user-group-memberships", json!({ "user_id": BEN, "user_group_id": theirs }));
    assert_eq!(body(&join)["findings"][0]["code"], "reference.not_found");
    let give = office.owner("POST", "/v1/user-group-roles", json!({ "user_group_id": theirs, "role_id": READER }));
    assert_eq!(body(&give)["findings"][0]["code"], "reference.not_found");
    let preview = json!({ "user_group_id": theirs, "auto_assignment_rules": sales() });
    let preview = office.owner("POST", "/v1/user-groups/preview", preview);
    assert_eq!(body(&preview)["findings"][0]["code"], "reference.not_found");
}

#[test]
fn a_rule_is_an_owners_to_write_and_puts_everybody_where_they_belong() {
    let office = office();
    for (user, department) in [(ANNA, "sales"), (BEN, "support"), (OLGA, "sales")] {
        attributes(&office, user, &json!({ "department": department }));
    }
    let make = json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": sales() });
    assert_refused(&office.admin("POST", "/v1/user-groups", make.clone()), &["needs_owner"]);
    let preview = json!({ "auto_assignment_rules": sales() });
    let preview = assert_status(&office.admin("POST", "/v1/user-groups/preview", preview), 200);
    assert_eq!(preview, json!({ "join": 2, "leave": 0, "joining": [ANNA, OLGA], "leaving": [] }));
    let (policy, directory) = office.versions();
    let before = office.log().len();
    let id = group(&office, make);
    assert_eq!(members(&office, &id), automatic(&[ANNA, OLGA]));
    assert_eq!(office.versions(), (policy + 1, directory + 1));
    let log = office.log();
    let events: Vec<&str> = log[before..].iter().map(|row| row.event_type.as_str()).collect();
    assert_eq!(events, ["user_group.created", "user_group_membership.added", "user_group_membership.added"]);
    let cause = &log[before + 1].event_data["cause"];
    assert_eq!(cause["user_group_id"], id);
    assert_eq!(cause["rule_hash"].as_str().unwrap().len(), 64);
    // In a group that is there, a preview says who would leave.
    let support = json!({ "StringEquals": { "principal.department": "support" } });
    let preview = json!({ "user_group_id": id, "auto_assignment_rules": support });
    let preview = assert_status(&office.owner("POST", "/v1/user-groups/preview", preview), 200);
    assert_eq!(preview, json!({ "join": 1, "leave": 2, "joining": [BEN], "leaving": [ANNA, OLGA] }));
    let path = format!("/v1/user-groups/{id}");
    assert_refused(&office.admin("PATCH", &path, json!({ "auto_assignment_rules": support })), &["needs_owner"]);
    assert_status(&office.admin("PATCH", &path, json!({ "description": "who sells" })), 200);
    assert_eq!(members(&office, &id), automatic(&[ANNA, OLGA]));
    assert_status(&office.owner("PATCH", &path, json!({ "auto_assignment_rules": support })), 200);
    assert_eq!(members(&office, &id), automatic(&[BEN]));
    // A rule's work is not undone by hand, nor is it claimed.
    let rows = office.edge.sql("SELECT id FROM user_group_membership");
    let row = format!("/v1/user-group-memberships/{}", rows[0]["id"].as_str().unwrap());
    for (method, patch) in [("DELETE", Value::Null), ("PATCH", json!({ "expires_at": "2027-01-01T00:00:00.000Z" }))] {
        let response = office.owner(method, &row, patch);
        assert_eq!(body(&response)["findings"][0]["code"], "user_group_membership.automatic");
    }
    // Somebody may be put there by hand all the same, and stays when the rule goes.
    let join = json!({ "user_id": ANNA, "user_group_id": id });
    assert_status(&office.owner("POST", "/v1/user-group-memberships", join), 201);
    let manual = json!({ "type": "manual", "auto_assignment_rules": null });
    assert_refused(&office.admin("PATCH", &path, manual.clone()), &["needs_owner"]);
    assert_status(&office.owner("PATCH", &path, manual), 200);
    assert_eq!(members(&office, &id), [(ANNA.to_owned(), "manual".to_owned())]);
    assert_eq!(office.log().last().unwrap().event_data["cause"]["rule_hash"], Value::Null);
}

#[test]
fn a_bad_rule_is_refused_with_its_place_and_changes_nothing() {
    let office = office();
    for (rule, code) in [
        (json!({ "StringEquals": { "principal.username": "root" } }), "user_group.rule_self_written"),
        (json!({ "DateLessThan": { "context.now": "2027-01-01T00:00:00Z" } }), "condition.unknown_path"),
        (json!({ "Sounds": { "principal.department": "x" } }), "condition.unknown_operator"),
    ] {
        let make = json!({ "name": "bad", "type": "automatic", "auto_assignment_rules": rule });
        for (path, body) in
            [("/v1/user-groups", make), ("/v1/user-groups/preview", json!({ "auto_assignment_rules": rule }))]
        {
            let response = office.owner("POST", path, body);
            assert_problem(&response, 422, "request.invalid");
            let finding = &super::body(&response)["findings"][0];
            assert_eq!(finding["code"], code);
            assert!(finding["field"].as_str().unwrap().starts_with("auto_assignment_rules"));
        }
    }
    let response = office.owner("POST", "/v1/user-groups/preview", json!({ "user_group_id": 7, "rules": 1 }));
    assert_eq!(body(&response)["findings"].as_array().unwrap().len(), 3);
    let typed = office.owner("POST", "/v1/user-groups", json!({ "name": "odd", "type": "automatic" }));
    assert_eq!(body(&typed)["findings"][0]["code"], "user_group.auto_assignment_rules");
    assert_eq!((office.log().len(), office.versions()), (0, (7, 3)));
}

/// Many users more, with a department.
fn crowd(office: &Office, count: usize) {
    let statement = Statement::new(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
         INSERT INTO user (id, tenant_id, email, custom_attributes, email_verified, phone_verified, is_active, state,
                           force_password_change, created_at, updated_at)
         SELECT printf('01980000-0000-7000-8001-%012x', i), ?1, 'u' || i || '@acme.example',
                '{\"department\":\"sales\"}', 0, 0, 1, 'active', 0, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
         FROM n",
    );
    pollster::block_on(office.edge.app.db.all(statement.bind(TENANT).bind(count as i64))).unwrap();
    office.edge.sql("UPDATE tenant_epoch SET directory_version = directory_version + 1");
}

#[test]
fn a_rule_about_too_many_is_refused_whole() {
    let office = office();
    crowd(&office, 2_500);
    let preview = json!({ "auto_assignment_rules": sales() });
    let preview = assert_status(&office.owner("POST", "/v1/user-groups/preview", preview), 200);
    assert_eq!((&preview["join"], preview["joining"].as_array().unwrap().len()), (&json!(2_500), 100));
    let make = json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": sales() });
    let response = office.owner("POST", "/v1/user-groups", make.clone());
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(body(&response)["findings"][0]["code"], "user_group.too_many_changes");
    assert_eq!(office.edge.sql("SELECT id FROM user_group_membership").len(), 0);
    office.edge.sql("DELETE FROM user WHERE id >= '01980000-0000-7000-8001-0000000003e8'");
    let id = group(&office, make);
    let count = office.edge.sql("SELECT count(*) AS count FROM user_group_membership");
    assert_eq!(count[0]["count"], membership::MOST);
    assert_eq!(office.log().len(), membership::MOST + 1);
    assert_eq!(office.events().len(), membership::MOST + 1);
    let path = format!("/v1/user-groups/{id}");
    let manual = json!({ "type": "manual", "auto_assignment_rules": null });
    assert_status(&office.owner("PATCH", &path, manual), 200);
    assert_eq!(members(&office, &id), []);
}

/// What the change of a user does, as the route of users commits it.
fn change(office: &Office, key: &ApiKeyToken, before: Option<User>, after: Option<User>) -> Result<Response, ApiError> {
    let call = Call {
        request: keyed(key, "PATCH", "/v1/users", None),
        id: "r".to_owned(),
        parameters: vec![],
        caller: Default::default(),
    };
    let app = &office.edge.app;
    let actor = pollster::block_on(Actor::admit(app, &call, "user.write"))?;
    let id = after.as_ref().or(before.as_ref()).unwrap().id;
    let reads = vec![membership::of_user(actor.tenant, id)];
    pollster::block_on(commit(app, &call, actor, reads, |state| {
        let mut plan = Plan::new(state, Response::default());
        let memberships = state.rows(0)?;
        membership::reevaluate(state, before.as_ref(), after.as_ref(), &memberships, &mut plan)?;
        Ok(plan)
    }))
}

fn user(office: &Office, id: &str) -> User {
    let statement = Statement::new("SELECT * FROM user WHERE id = ?1").bind(id);
    User::from_sql(pollster::block_on(office.edge.app.db.first(statement)).unwrap().unwrap()).unwrap()
}

fn with_department(mut user: User, department: &str) -> User {
    user.custom_attributes.insert("department".to_owned(), json!(department));
    user
}

#[test]
fn a_user_who_changes_joins_and_leaves_by_the_rules() {
    let office = office();
    let make = json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": sales() });
    let id = group(&office, make);
    let ben = user(&office, BEN);
    let seller = with_department(ben.clone(), "sales");
    change(&office, &office.admin, Some(ben.clone()), Some(seller.clone())).unwrap();
    assert_eq!(members(&office, &id), automatic(&[BEN]));
    // Nothing changes, nothing is written.
    let log = office.log().len();
    change(&office, &office.admin, Some(seller.clone()), Some(seller.clone())).unwrap();
    assert_eq!(office.log().len(), log);
    let mut suspended = seller.clone();
    suspended.state = parapet::model::UserState::Suspended;
    change(&office, &office.admin, Some(seller.clone()), Some(suspended)).unwrap();
    assert_eq!(members(&office, &id), automatic(&[BEN]));
    let mut deleted = seller.clone();
    (deleted.state, deleted.deleted_at) = (parapet::model::UserState::Deleted, Some(time(NOW)));
    change(&office, &office.admin, Some(seller.clone()), Some(deleted)).unwrap();
    assert_eq!(members(&office, &id), []);
    change(&office, &office.admin, None, Some(seller.clone())).unwrap();
    assert_eq!(members(&office, &id), automatic(&[BEN]));
    change(&office, &office.admin, Some(seller), Some(ben)).unwrap();
    assert_eq!(members(&office, &id), []);
    let events = office.events();
    let added = events.iter().filter(|event| *event == "user_group_membership.added").count();
    let removed = events.iter().filter(|event| *event == "user_group_membership.removed").count();
    assert_eq!((added, removed), (2, 2));
}

#[test]
fn nobody_gives_by_an_attribute_what_they_do_not_hold() {
    let office = office();
    let make = json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": sales() });
    let id = group(&office, make);
    give_role(&office, &id, READER);
    let refused = |result: Result<Response, ApiError>| match result {
        Err(ApiError::Refused { findings }) => findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let seller = |id: &str| (Some(user(&office, id)), Some(with_department(user(&office, id), "sales")));
    let (before, after) = seller(BEN);
    assert_eq!(refused(change(&office, &office.admin, before.clone(), after.clone())), ["administration.not_held"]);
    change(&office, &office.owner, before, after).unwrap();
    let (before, after) = seller(OLGA);
    assert_eq!(refused(change(&office, &office.owner, before, after)), ["administration.own_rights"]);
    // Whoever is there by hand already gains nothing.
    let join = json!({ "user_id": ANNA, "user_group_id": id });
    assert_status(&office.owner("POST", "/v1/user-group-memberships", join), 201);
    let (before, after) = seller(ANNA);
    change(&office, &office.admin, before, after).unwrap();
    assert_eq!(members(&office, &id), [(ANNA.to_owned(), "manual".to_owned()), automatic(&[BEN])[0].clone()]);
}

#[test]
fn a_membership_of_a_rule_says_so_in_its_row() {
    let office = office();
    attributes(&office, BEN, &json!({ "department": "sales" }));
    let id = group(&office, json!({ "name": "sales", "type": "automatic", "auto_assignment_rules": sales() }));
    let rows = office.edge.sql("SELECT * FROM user_group_membership");
    let row = UserGroupMembership::from_sql(rows[0].clone()).unwrap();
    assert_eq!((row.user_group_id, row.assignment_type), (id.parse::<Uuid>().unwrap(), AssignmentType::Automatic));
    assert_eq!((row.assigned_by, row.expires_at, row.assigned_at), (None, None, time(NOW)));
}
