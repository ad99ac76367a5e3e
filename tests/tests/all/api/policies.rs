//! The tenant's own Cedar as a resource: who may write it, and what is wrong with it by line and column.

use super::administration::{assert_refused, assert_status, office};
use super::*;

const FORBID: &str = "forbid (\n    principal,\n    action == Action::\"document:read\",\n    resource\n);";

#[test]
fn a_policy_is_an_owners_and_decides_at_once() {
    let office = office();
    let path = "/v1/policies/closed";
    let pep = office.edge.key(&["access:evaluate"]);
    assert_decision(&office.edge.ask(&pep), true);
    // The role `admin` has no `policy.write`; with it, the rules of administration still refuse.
    let text = json!({ "text": FORBID, "description": "closed for repairs" });
    assert_problem(&office.admin("PUT", path, text.clone()), 403, "access.missing_permission");
    let role = json!({ "name": "writer", "permissions": [{ "permission": "parapet.policy.write" }] });
    let role = assert_status(&office.owner("POST", "/v1/roles", role), 201);
    let give = json!({ "user_id": "01980000-0000-7000-8000-000000000112", "role_id": role["id"] });
    assert_status(&office.owner("POST", "/v1/user-roles", give), 201);
    assert_refused(&office.admin("PUT", path, text.clone()), &["needs_owner"]);
    let made = assert_status(&office.owner("PUT", path, text.clone()), 201);
    assert_eq!((&made["name"], &made["text"]), (&json!("closed"), &json!(FORBID)));
    assert_decision(&office.edge.ask(&pep), false);
    assert_eq!(assert_status(&office.admin("GET", path, Value::Null), 200), made);
    let page = assert_status(&office.admin("GET", "/v1/policies", Value::Null), 200);
    assert_eq!(page["items"], json!([made]));
    assert_refused(&office.admin("DELETE", path, Value::Null), &["needs_owner"]);
    assert_status(&office.owner("DELETE", path, Value::Null), 204);
    assert_decision(&office.edge.ask(&pep), true);
    assert_problem(&office.owner("GET", path, Value::Null), 404, "http.not_found");
    assert_status(&office.owner("PUT", "/v1/tenant-settings/ui/theme", json!({ "value": "dark" })), 201);
    assert_eq!(body(&office.owner("GET", "/v1/policies", Value::Null))["items"], json!([]));
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let office = office();
    for (text, code, at) in [
        ("permit (\n  principal,\n  action,\n  resource)", "policy.syntax", "line"),
        ("permit (principal, action, resource)\nwhen { principal.colour == 1 };", "policy.invalid", "line 2, column 8"),
        ("permit (principal, action == Action::\"document:burn\", resource);", "policy.invalid", "line 1"),
        ("permit (principal, action, resource); forbid (principal, action, resource);", "policy.count", ""),
    ] {
        let response = office.owner("PUT", "/v1/policies/mine", json!({ "text": text }));
        assert_problem(&response, 422, "request.invalid");
        let finding = &body(&response)["findings"][0];
        assert_eq!((finding["table"].as_str(), finding["row"].as_str()), (Some("policy"), Some("mine")), "{finding:#}");
        assert_eq!((finding["code"].as_str(), finding["field"].as_str()), (Some(code), Some("text")), "{finding:#}");
        assert!(finding["message"].as_str().unwrap().contains(at), "{finding:#}");
    }
    let named = office.owner("PUT", "/v1/policies/a.b", json!({ "text": FORBID }));
    assert_eq!(body(&named)["findings"][0]["field"], "name");
    let response = office.owner("PUT", "/v1/policies/mine", json!({ "text": 7, "description": [], "name": "x" }));
    assert_eq!(body(&response)["findings"].as_array().unwrap().len(), 3);
    assert_eq!((office.log().len(), office.versions()), (0, (7, 3)));
}
