//! `GET /.well-known/authzen-configuration`.

use super::*;

#[test]
fn the_metadata_needs_no_credential() {
    let response = Edge::new().get("/.well-known/authzen-configuration");
    assert_eq!(response.status, 200);
    let body = body(&response);
    assert_eq!(body["policy_decision_point"], "https://id.example");
    assert_eq!(body["access_evaluation_endpoint"], "https://id.example/access/v1/evaluation");
    assert_eq!(body["access_evaluations_endpoint"], "https://id.example/access/v1/evaluations");
}

#[test]
fn every_endpoint_that_it_names_is_there() {
    let edge = Edge::new();
    let body = body(&edge.get("/.well-known/authzen-configuration"));
    for (name, address) in body.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint")) {
        let path = address.as_str().unwrap().strip_prefix("https://id.example").unwrap();
        assert_eq!(edge.send(request("POST", path)).status, 401, "{name}");
    }
}

#[test]
fn a_tenant_among_several_has_its_own() {
    let edge = Edge::new();
    let response = edge.get("/.well-known/authzen-configuration/acme");
    assert_eq!(response.status, 200);
    assert_eq!(body(&response)["policy_decision_point"], "https://id.example/acme");
    assert_eq!(body(&response)["access_evaluation_endpoint"], "https://id.example/access/v1/evaluation");
}

#[test]
fn a_tenant_that_is_not_there_has_none() {
    let edge = Edge::new();
    for slug in ["nobody", "ACME", "a%22b", "a'b"] {
        assert_problem(&edge.get(&format!("/.well-known/authzen-configuration/{slug}")), 404, "http.not_found");
    }
    edge.sql("UPDATE tenant SET status = 'suspended'");
    assert_eq!(edge.get("/.well-known/authzen-configuration/acme").status, 404);
    edge.app.db.fail(true);
    assert_problem(&edge.get("/.well-known/authzen-configuration/acme"), 503, "database.unavailable");
}
