//! The registry of resources: put by key, whatever the id is made of, within what the schema declares.

use super::administration::{assert_status, office};
use super::users::declare;
use super::*;

fn fields(response: &Response) -> Vec<String> {
    let findings = body(response)["findings"].as_array().unwrap().clone();
    let field =
        |finding: &Value| format!("{} {}", finding["field"].as_str().unwrap(), finding["code"].as_str().unwrap());
    findings.iter().map(field).collect()
}

#[test]
fn a_resource_is_put_seen_changed_and_removed() {
    let office = office();
    // `/`, a space, `%`, an umlaut and a question mark.
    let path = "/v1/resources/document/a%2Fb%20%25%C3%BC%3F";
    let response = office.admin("PUT", path, json!({ "attributes": { "draft": true } }));
    let made = assert_status(&response, 201);
    assert_eq!((made["type"].as_str(), made["id"].as_str()), (Some("document"), Some("a/b %ü?")));
    assert_eq!(response.header("location"), Some(path));
    let seen = office.admin("GET", path, Value::Null);
    assert_eq!((assert_status(&seen, 200), seen.header("etag")), (made.clone(), response.header("etag")));
    office.edge.app.clock.set(time("2026-03-02T11:00:00.000Z"));
    let same = assert_status(&office.admin("PUT", path, made.clone()), 200);
    assert_eq!(same, made, "nothing changed");
    let parents = json!([{ "type": "folder", "id": "7" }]);
    let replaced = assert_status(&office.admin("PUT", path, json!({ "parents": parents })), 200);
    assert_eq!((&replaced["attributes"], &replaced["parents"]), (&json!({}), &parents));
    assert_eq!(
        (&replaced["created_at"], &replaced["updated_at"]),
        (&made["created_at"], &json!("2026-03-02T11:00:00.000Z"))
    );
    let patched = assert_status(&office.admin("PATCH", path, json!({ "attributes": { "draft": false } })), 200);
    assert_eq!((&patched["attributes"], &patched["parents"]), (&json!({ "draft": false }), &parents));
    for method in ["PUT", "PATCH", "DELETE"] {
        let mut stale = keyed(&office.admin, method, path, (method != "DELETE").then(|| json!({})));
        stale.headers.insert("if-match".to_owned(), response.header("etag").unwrap().to_owned());
        assert_problem(&office.edge.send(stale), 412, "http.precondition_failed");
    }
    assert_status(&office.admin("DELETE", path, Value::Null), 204);
    assert_problem(&office.admin("GET", path, Value::Null), 404, "http.not_found");
    assert_problem(&office.admin("PATCH", path, json!({})), 404, "http.not_found");
    assert_problem(&office.admin("GET", "/v1/resources/document/%FF", Value::Null), 404, "http.not_found");
    let events = ["resource.registered", "resource.updated", "resource.updated", "resource.removed"];
    assert_eq!(office.events(), events);
    for row in office.log() {
        assert_eq!(row.event_data["key"], json!({ "type": "document", "id": "a/b %ü?" }));
    }
}

#[test]
fn lists_go_by_type_from_page_to_page() {
    let office = office();
    for number in 0..5 {
        assert_status(&office.admin("PUT", &format!("/v1/resources/document/{number}"), json!({})), 201);
        assert_status(&office.admin("PUT", &format!("/v1/resources/folder/{number}"), json!({})), 201);
    }
    let mut found = vec![];
    let mut path = "/v1/resources?type=folder&limit=2".to_owned();
    loop {
        let page = assert_status(&office.admin("GET", &path, Value::Null), 200);
        found.extend(page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/resources?type=folder&limit=2&cursor={next}");
    }
    assert_eq!(found, ["0", "1", "2", "3", "4"]);
}

#[test]
fn what_is_wrong_with_a_resource_is_said_at_once() {
    let office = office();
    let path = "/v1/resources/document/1";
    let odd = json!({ "type": "folder", "tenant_id": OTHER, "created_at": NOW, "colour": 1, "parents": [{ "type": "User", "id": "" }] });
    let response = office.admin("PUT", path, odd);
    assert_problem(&response, 422, "request.invalid");
    let mut found = fields(&response);
    found.sort();
    assert_eq!(
        found,
        [
            "colour row.unknown_field",
            "parents/0/id resource.id",
            "parents/0/type resource.type",
            "tenant_id row.read_only",
            "type row.read_only"
        ]
    );
    assert_eq!(fields(&office.admin("PUT", "/v1/resources/User/1", json!({}))), ["type resource.type"]);
    assert_eq!(office.log().len(), 0);
}

#[test]
fn attributes_and_parents_are_as_the_schema_says() {
    let office = office();
    declare(&office);
    let path = "/v1/resources/document/1";
    let odd = json!({ "attributes": { "draft": "yes", "size": 1 }, "parents": [{ "type": "document", "id": "2" }] });
    assert_eq!(
        fields(&office.admin("PUT", path, odd)),
        [
            "attributes/draft attribute.wrong_type",
            "attributes/size attribute.undeclared",
            "parents/0/type resource.parent_type"
        ]
    );
    assert_eq!(fields(&office.admin("PUT", "/v1/resources/shelf/1", json!({}))), ["type resource.unknown_type"]);
    let sound = json!({ "attributes": { "draft": true, "owner": { "type": "User", "id": ANNA } },
                        "parents": [{ "type": "folder", "id": "7" }] });
    assert_status(&office.admin("PUT", path, sound), 201);
}

#[test]
fn nothing_lies_in_itself() {
    let office = office();
    let put = |id: &str, parents: &[&str]| {
        let parents: Vec<Value> = parents.iter().map(|id| json!({ "type": "folder", "id": id })).collect();
        office.admin("PUT", &format!("/v1/resources/folder/{id}"), json!({ "parents": parents }))
    };
    assert_eq!(fields(&put("a", &["a"])), ["parents/0 resource.cycle"]);
    assert_status(&put("a", &["b"]), 201);
    assert_status(&put("b", &["c", "x"]), 201);
    assert_eq!(fields(&put("c", &["y", "a"])), ["parents/1 resource.cycle"]);
    let patch = json!({ "parents": [{ "type": "folder", "id": "a" }] });
    assert_status(&put("c", &["y"]), 201);
    assert_eq!(fields(&office.admin("PATCH", "/v1/resources/folder/c", patch)), ["parents/0 resource.cycle"]);
}

#[test]
fn another_tenants_resource_is_not_there() {
    let office = office();
    office.edge.seed(&other());
    office.edge.sql(
        "INSERT INTO resource VALUES ('01980000-0000-7000-8000-000000000002', 'document', 'theirs', '{}', '[]',
         '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let path = "/v1/resources/document/theirs";
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({})), ("DELETE", Value::Null)] {
        assert_problem(&office.owner(method, path, body), 404, "http.not_found");
    }
    assert_status(&office.owner("PUT", path, json!({ "attributes": { "ours": true } })), 201);
    let theirs = office.edge.sql("SELECT attributes FROM resource WHERE tenant_id LIKE '%02'");
    assert_eq!(theirs[0]["attributes"], "{}");
}
