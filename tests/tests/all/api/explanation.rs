//! `POST /v1/decisions/explain`: why, and what would turn it; to whom it is told.

use super::administration::{assert_status, office};
use super::*;

const PATH: &str = "/v1/decisions/explain";
const READ: &str = "01980000-0000-7000-8000-000000000401";

fn sentences(answer: &Value) -> Vec<&str> {
    answer["sentences"].as_array().unwrap().iter().map(|sentence| sentence.as_str().unwrap()).collect()
}

#[test]
fn a_denial_is_explained_with_names_and_with_what_would_turn_it() {
    let office = office();
    let rows = office.edge.sql("SELECT count(*) AS n FROM audit_log");
    let answer = assert_status(&office.admin("POST", PATH, question(BEN, "read")), 200);
    assert_eq!(answer["decision"]["outcome"], "no_permit");
    assert_eq!(answer["principal"], json!({ "type": "User", "id": BEN, "name": "ben@acme.example" }));
    assert_eq!((&answer["action"], &answer["resource"]["id"]), (&json!("document:read"), &json!("d1")));
    assert_eq!(answer["missing"][0]["why"], "not_assigned");
    assert_eq!(
        answer["suggestions"][0]["changes"],
        json!([{ "change": "assign_role", "role": READER, "name": "reader", "actions": 1 }])
    );
    assert_eq!(
        sentences(&answer),
        [
            "ben@acme.example may not `read` document `d1`: nothing permits it.",
            "The role `reader` would permit it, but ben@acme.example does not have it.",
            "It would be allowed if ben@acme.example had the role `reader`, which permits 1 action.",
        ]
    );
    assert_eq!(answer["as_of"], json!({ "policy_version": 7, "directory_version": 3, "now": NOW }));
    assert_eq!(office.edge.sql("SELECT count(*) AS n FROM audit_log"), rows, "nothing is written");

    // What was suggested is done, and turns the answer.
    let assignment = json!({ "user_id": BEN, "role_id": READER });
    assert_status(&office.owner("POST", "/v1/user-roles", assignment), 201);
    let answer = assert_status(&office.admin("POST", PATH, question(BEN, "read")), 200);
    assert_eq!(answer["decision"]["outcome"], "allow");
    assert_eq!(answer["policies"][0]["path"][0]["name"], "reader");
    assert!(answer.get("suggestions").is_none() && answer.get("missing").is_none(), "{answer:#}");
}

#[test]
fn the_failing_clause_is_named_with_its_values() {
    let office = office();
    let insert = json!({ "name": "owners", "permissions": [] });
    let role = assert_status(&office.owner("POST", "/v1/roles", insert), 201);
    let condition = json!({ "EntityEquals": { "resource.owner": "${principal}" }, "Bool": { "context.mfa": true } });
    let grant = json!({ "role_id": role["id"], "permission_id": READ, "conditions": condition });
    assert_status(
        &office.owner(
            "PUT",
            "/v1/tenant-settings/auth/schema",
            json!({ "value": { "types": { "document": {
        "attributes": { "owner": "User" } } } } }),
        ),
        201,
    );
    assert_status(&office.owner("POST", "/v1/role-permissions", grant), 201);
    let assignment = json!({ "user_id": BEN, "role_id": role["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", assignment), 201);

    let mut asked = question(BEN, "read");
    asked["resource"]["properties"] = json!({ "owner": { "type": "User", "id": ANNA } });
    let answer = assert_status(&office.admin("POST", PATH, asked.clone()), 200);
    let missing = &answer["missing"][0];
    let mut clauses = missing["clauses"].as_array().unwrap().clone();
    clauses.sort_by_key(|clause| clause["at"].as_str().unwrap().to_owned());
    assert_eq!(
        clauses,
        [
            json!({ "at": "/Bool/context.mfa", "holds": false, "operator": "Bool", "path": "context.mfa",
                    "value": null, "wanted": true }),
            json!({ "at": "/EntityEquals/resource.owner", "holds": false, "operator": "EntityEquals",
                    "path": "resource.owner", "value": { "type": "User", "id": ANNA }, "wanted": "${principal}",
                    "variables": { "principal": { "type": "User", "id": BEN } } }),
        ]
    );
    // Whom the values mean is said by name, of this tenant alone.
    let names = answer["names"].as_array().unwrap();
    assert!(names.contains(&json!({ "type": "User", "id": ANNA, "name": "anna" })), "{names:#?}");

    asked["context"] = json!({ "mfa": true });
    asked["resource"]["properties"] = json!({ "owner": { "type": "User", "id": BEN } });
    let answer = assert_status(&office.admin("POST", PATH, asked.clone()), 200);
    assert_eq!(answer["decision"]["outcome"], "allow", "{answer:#}");
    asked["scopes"] = json!(["access:evaluate"]);
    let answer = assert_status(&office.admin("POST", PATH, asked), 200);
    assert_eq!(answer["policies"][0]["policy"], "guardrail/api_key_scopes");
    assert_eq!(
        answer["suggestions"][0]["changes"],
        json!([{ "change": "add_scope", "scope": "document:read" }]),
        "{answer:#}"
    );
}

#[test]
fn what_is_not_there_is_said() {
    let office = office();
    let of = |asked: Value| assert_status(&office.admin("POST", PATH, asked), 200);
    let answer = of(question(BEN, "raed"));
    assert_eq!(answer["did_you_mean"], json!(["document:read"]));
    assert_eq!(sentences(&answer)[1], "There is no action `raed` on `document`; did you mean `document:read`?");
    let mut asked = question(BEN, "read");
    asked["resource"]["type"] = json!("documents");
    assert_eq!(of(asked)["did_you_mean"], json!(["document"]));
    let answer = of(question("nobody@acme.example", "read"));
    assert_eq!(answer["decision"]["reason"], "principal_unknown");
    assert_eq!(sentences(&answer)[1], "There is no user `nobody@acme.example`.");
    let mut asked = question(BEN, "read");
    asked["subject"]["type"] = json!("robot");
    assert_eq!(sentences(&of(asked))[1], "`robot` is no type of subject: `user` and `service_account` are.");
    let mut asked = question(BOT, "read");
    asked["subject"]["type"] = json!("service_account");
    let answer = of(asked);
    assert_eq!(answer["principal"]["name"], "bot");
    assert!(answer.get("suggestions").is_none(), "nobody assigns roles to service accounts: {answer:#}");
}

#[test]
fn bad_input_is_refused_with_all_its_places() {
    let office = office();
    let body = json!({ "subject": { "type": "user" }, "action": { "name": "read" },
                       "resource": { "type": "document", "id": "d1" }, "now": "noon", "scopes": [7], "more": 1 });
    let response = office.admin("POST", PATH, body);
    assert_problem(&response, 422, "request.invalid");
    let mut fields: Vec<String> = super::body(&response)["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["field"].as_str().unwrap().to_owned())
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["more", "now", "scopes", "subject/id"]);
    assert_problem(&office.admin("POST", PATH, json!([])), 400, "request.not_json");
    let path = format!("{PATH}?now=1");
    assert_problem(&office.admin("POST", &path, question(BEN, "read")), 400, "query.invalid");
}

#[test]
fn only_who_may_see_rules_and_users_is_told() {
    let office = office();
    let by = |user: &str, scopes: &[&str]| {
        let key = office.edge.key_of(TENANT, Some(user), None, scopes);
        office.by(&key, "POST", PATH, question(BEN, "read"))
    };
    assert_problem(&by(ANNA, &["admin:read"]), 403, "access.missing_permission");
    assert_problem(&by(super::administration::OLGA, &["access:evaluate"]), 403, "access.missing_scope");
    // The rules alone are not enough: an explanation says what users are.
    assert_problem(&by(super::administration::OLGA, &["parapet:policy.read"]), 403, "access.missing_scope");
    assert_status(&by(super::administration::OLGA, &["parapet:policy.read", "parapet:user.read"]), 200);
}

#[test]
fn another_tenants_people_and_rules_are_not_there() {
    let office = office();
    office.edge.seed(&other());
    let stranger = "01980000-0000-7000-8000-000000000191";
    use parapet::model::{Row as _, User};
    let row = json!({ "id": stranger, "tenant_id": OTHER, "email": "eve@other.example", "first_name": "Eve",
                      "last_name": "Other", "created_at": NOW, "updated_at": NOW });
    let row = User::from_json(row.as_object().unwrap().clone(), stranger, &mut vec![]).unwrap();
    pollster::block_on(office.edge.app.db.all(insert(const { &User::INFO }, row.to_sql()))).unwrap();
    let unknown = assert_status(&office.admin("POST", PATH, question(stranger, "read")), 200);
    let nobody = "01980000-0000-7000-8000-000000000192";
    let absent = assert_status(&office.admin("POST", PATH, question(nobody, "read")), 200);
    let same = unknown.to_string().replace(stranger, nobody);
    assert_eq!(same, absent.to_string(), "whether it is another tenant's shows nowhere");

    // A value that names somebody of another tenant gets no name.
    let owners = json!({ "name": "owners", "permissions": [{ "permission": "documents.archive",
        "conditions": { "EntityEquals": { "resource.owner": "${principal}" } } }] });
    assert_status(
        &office.owner(
            "PUT",
            "/v1/tenant-settings/auth/schema",
            json!({ "value": { "types": { "document": {
        "attributes": { "owner": "User" } } } } }),
        ),
        201,
    );
    assert_status(&office.owner("POST", "/v1/roles", owners), 201);
    let mut asked = question(BEN, "archive");
    asked["resource"]["properties"] = json!({ "owner": { "type": "User", "id": stranger } });
    let answer = assert_status(&office.admin("POST", PATH, asked), 200).to_string();
    assert!(answer.contains(stranger) && !answer.contains("Eve") && !answer.contains("eve@"), "{answer}");
}
