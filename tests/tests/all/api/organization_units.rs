//! Units of the organisation: where they lie follows from their parents, and a subtree moves as one.

use super::administration::{Office, assert_refused, assert_status, office};
use super::*;

fn unit(office: &Office, name: &str, parent: Option<&str>) -> String {
    let body = json!({ "name": name, "parent_id": parent });
    let made = assert_status(&office.owner("POST", "/v1/organization-units", body), 201);
    made["id"].as_str().unwrap().to_owned()
}

fn path_of(office: &Office, id: &str) -> (String, i64) {
    let row = assert_status(&office.owner("GET", &format!("/v1/organization-units/{id}"), Value::Null), 200);
    (row["path"].as_str().unwrap().to_owned(), row["level"].as_i64().unwrap())
}

/// The document that is remembered says the same as the rows.
#[track_caller]
fn assert_remembered(office: &Office) {
    let tenant = TENANT.parse().unwrap();
    let remembered = office.edge.app.memory.document(tenant, office.versions().0 as u64).unwrap();
    let (read, _) = pollster::block_on(parapet_worker::document::load(&office.edge.app, tenant)).unwrap();
    let mut units = remembered.organization_unit.clone();
    units.sort_by_key(|unit| unit.id);
    assert_eq!(units, read.organization_unit);
}

#[test]
fn a_subtree_moves_in_one_batch() {
    let office = office();
    let [top, other] = ["top", "other"].map(|name| unit(&office, name, None));
    let middle = unit(&office, "middle", Some(&top));
    let leaf = unit(&office, "leaf", Some(&middle));
    let beside = unit(&office, "beside", Some(&top));
    assert_eq!(path_of(&office, &leaf), (format!("/{top}/{middle}/{leaf}/"), 2));
    let log = office.log().len();
    let path = format!("/v1/organization-units/{middle}");
    let moved = assert_status(&office.owner("PATCH", &path, json!({ "parent_id": other })), 200);
    assert_eq!(moved["path"], format!("/{other}/{middle}/"));
    assert_eq!(path_of(&office, &leaf), (format!("/{other}/{middle}/{leaf}/"), 2));
    assert_eq!(path_of(&office, &beside), (format!("/{top}/{beside}/"), 1));
    assert_eq!(office.log().len(), log + 1);
    assert_remembered(&office);
    assert_status(&office.owner("PATCH", &path, json!({ "parent_id": null })), 200);
    assert_eq!(path_of(&office, &leaf), (format!("/{middle}/{leaf}/"), 1));
    assert_remembered(&office);
    // What is read back compiles.
    let anew = office.edge.restarted();
    assert_eq!(anew.call(&office.owner, "GET", &path, None).status, 200);
}

#[test]
fn a_unit_does_not_lie_below_itself() {
    let office = office();
    let top = unit(&office, "top", None);
    let leaf = unit(&office, "leaf", Some(&top));
    for parent in [&top, &leaf] {
        let path = format!("/v1/organization-units/{top}");
        let response = office.owner("PATCH", &path, json!({ "parent_id": parent }));
        assert_problem(&response, 422, "request.invalid");
        let finding = &body(&response)["findings"][0];
        assert_eq!(
            (finding["code"].as_str(), finding["field"].as_str()),
            (Some("organization_unit.cycle"), Some("parent_id"))
        );
    }
}

#[test]
fn an_organisation_has_at_most_32_levels() {
    let office = office();
    let mut last = unit(&office, "0", None);
    for level in 1..32 {
        last = unit(&office, &level.to_string(), Some(&last));
    }
    let deeper = office.owner("POST", "/v1/organization-units", json!({ "name": "x", "parent_id": last }));
    assert_eq!(body(&deeper)["findings"][0]["code"], "organization_unit.depth");
    let apart = unit(&office, "apart", None);
    let below = unit(&office, "below", Some(&apart));
    let above =
        office.edge.sql("SELECT id FROM organization_unit WHERE name = '30'")[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/organization-units/{apart}");
    let response = office.owner("PATCH", &path, json!({ "parent_id": above }));
    assert_eq!(body(&response)["findings"][0]["code"], "organization_unit.depth");
    let path = format!("/v1/organization-units/{below}");
    assert_status(&office.owner("PATCH", &path, json!({ "parent_id": above })), 200);
}

#[test]
fn path_and_level_are_nobodys_to_set() {
    let office = office();
    let response = office.owner("POST", "/v1/organization-units", json!({ "name": "a", "path": "/x/", "level": 3 }));
    assert_problem(&response, 422, "request.invalid");
    assert_eq!(body(&response)["findings"].as_array().unwrap().len(), 2);
    let missing = office.owner("POST", "/v1/organization-units", json!({ "name": "a", "parent_id": ANNA }));
    assert_eq!(body(&missing)["findings"][0]["code"], "reference.not_found");
    let a = unit(&office, "a", None);
    unit(&office, "a", Some(&a));
    assert_problem(&office.owner("POST", "/v1/organization-units", json!({ "name": "a" })), 409, "row.taken");
}

#[test]
fn a_unit_in_use_stays() {
    let office = office();
    let top = unit(&office, "top", None);
    let leaf = unit(&office, "leaf", Some(&top));
    let group = json!({ "name": "staff", "organization_unit_id": leaf });
    let group = assert_status(&office.owner("POST", "/v1/user-groups", group), 201);
    for id in [&top, &leaf] {
        let path = format!("/v1/organization-units/{id}");
        assert_problem(&office.owner("DELETE", &path, Value::Null), 409, "organization_unit.in_use");
    }
    let path = format!("/v1/user-groups/{}", group["id"].as_str().unwrap());
    assert_status(&office.owner("DELETE", &path, Value::Null), 204);
    for id in [&leaf, &top] {
        assert_status(&office.owner("DELETE", &format!("/v1/organization-units/{id}"), Value::Null), 204);
    }
}

#[test]
fn units_are_listed_by_their_parent() {
    let office = office();
    let top = unit(&office, "top", None);
    unit(&office, "leaf", Some(&top));
    for (query, names) in
        [("parent_id=null", vec!["top"]), (&format!("parent_id={top}"), vec!["leaf"]), ("name=leaf", vec!["leaf"])]
    {
        let page = assert_status(&office.owner("GET", &format!("/v1/organization-units?{query}"), Value::Null), 200);
        let found: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(found, names);
    }
}

#[test]
fn where_a_policy_names_a_unit_only_an_owner_moves_what_lies_in_it() {
    let office = office();
    let named = unit(&office, "named", None);
    let leaf = unit(&office, "leaf", None);
    let path = format!("/v1/organization-units/{leaf}");
    assert_status(&office.admin("PATCH", &path, json!({ "name": "leaf one" })), 200);
    let policy = format!("permit (principal in OrganizationUnit::\"{named}\", action, resource);");
    let insert = Statement::new(
        "INSERT INTO tenant_setting (id, tenant_id, setting_key, setting_value, category, updated_at, created_at)
         VALUES (?1, ?2, 'policy.named', ?3, 'auth', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let insert = insert.bind("01980000-0000-7000-8000-0000000009b1").bind(TENANT).bind(json!(policy).to_string());
    pollster::block_on(office.edge.app.db.all(insert)).unwrap();
    office.edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    let group = assert_status(&office.admin("POST", "/v1/user-groups", json!({ "name": "staff" })), 201);
    assert_refused(&office.admin("PATCH", &path, json!({ "parent_id": named })), &["needs_owner"]);
    let group = format!("/v1/user-groups/{}", group["id"].as_str().unwrap());
    assert_refused(&office.admin("PATCH", &group, json!({ "organization_unit_id": named })), &["needs_owner"]);
    assert_status(&office.owner("PATCH", &group, json!({ "organization_unit_id": named })), 200);
    let join = json!({ "user_id": BEN, "user_group_id": group.rsplit('/').next().unwrap() });
    assert_refused(&office.admin("POST", "/v1/user-group-memberships", join.clone()), &["needs_owner"]);
    assert_status(&office.owner("POST", "/v1/user-group-memberships", join), 201);
}
