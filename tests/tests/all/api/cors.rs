//! Pages of other origins: those that the key's own tenant names, and no others.

use super::*;

const PAGE: &str = "https://app.acme.example";

/// `acme` names one origin.
fn edge() -> Edge {
    let edge = Edge::new();
    edge.seed(&other());
    edge.sql(
        "INSERT INTO tenant_setting VALUES ('01980000-0000-7000-8000-0000000000a1',
         '01980000-0000-7000-8000-000000000001', 'cors_origins', '[\"https://app.acme.example\", \"*\", \"null\"]', NULL,
         'security', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    edge
}

fn preflight(edge: &Edge, path: &str, origin: &str) -> Response {
    let mut request = request("OPTIONS", path);
    request.headers.insert("origin".to_owned(), origin.to_owned());
    request.headers.insert("access-control-request-method".to_owned(), "POST".to_owned());
    edge.send(request)
}

fn from(edge: &Edge, origin: &str, key: &ApiKeyToken, question: Value) -> Response {
    let mut request = keyed(key, "POST", "/access/v1/evaluation", Some(question));
    request.headers.insert("origin".to_owned(), origin.to_owned());
    edge.send(request)
}

#[test]
fn a_browser_asks_beforehand_without_a_key() {
    let edge = edge();
    let response = preflight(&edge, "/v1/roles", PAGE);
    assert_eq!(response.status, 204);
    assert_eq!(response.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(response.header("access-control-allow-methods"), Some("GET, POST"));
    assert!(response.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(response.header("access-control-allow-credentials"), None);
    for origin in
        ["https://evil.example", "https://app.acme.example.evil.example", "http://app.acme.example", "*", "null"]
    {
        let response = preflight(&edge, "/v1/roles", origin);
        assert_eq!(response.header("access-control-allow-origin"), None, "{origin}");
    }
    assert_problem(&preflight(&edge, "/nowhere", PAGE), 404, "http.not_found");
    edge.sql("UPDATE tenant SET status = 'suspended'");
    assert_eq!(preflight(&edge, "/v1/roles", PAGE).header("access-control-allow-origin"), None);
}

#[test]
fn an_answer_is_for_pages_that_the_keys_tenant_names() {
    let edge = edge();
    let ours = edge.key(&["access:evaluate"]);
    let theirs = edge.key_of(OTHER, None, None, &["access:evaluate"]);
    let response = from(&edge, PAGE, &ours, question(ANNA, "read"));
    assert_decision(&response, true);
    assert_eq!(response.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(response.header("vary"), Some("origin"));
    assert_eq!(response.header("access-control-allow-credentials"), None);
    // An error can be read as well.
    let response = from(&edge, PAGE, &ours, json!({}));
    assert_eq!((response.status, response.header("access-control-allow-origin")), (400, Some(PAGE)));
    for (origin, key) in [("https://evil.example", &ours), ("null", &ours), ("*", &ours), (PAGE, &theirs)] {
        let response = from(&edge, origin, key, question(ANNA, "read"));
        assert_eq!(response.header("access-control-allow-origin"), None, "{origin}");
    }
    assert_eq!(edge.ask(&ours).header("vary"), None);
    // A setting that is none names nobody.
    edge.sql("UPDATE tenant_setting SET setting_value = '{\"any\": true}'");
    edge.sql("UPDATE tenant_epoch SET policy_version = policy_version + 1");
    let response = from(&edge, PAGE, &ours, question(ANNA, "read"));
    assert_eq!((response.status, response.header("access-control-allow-origin")), (200, None));
}

#[test]
fn the_admin_api_answers_pages_too() {
    let office = super::administration::office();
    office.edge.sql(
        "INSERT INTO tenant_setting VALUES ('01980000-0000-7000-8000-0000000000a1',
         '01980000-0000-7000-8000-000000000001', 'cors_origins', '[\"https://app.acme.example\"]', NULL, 'security',
         '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
    );
    let mut request = keyed(&office.owner, "GET", "/v1/roles", None);
    request.headers.insert("origin".to_owned(), PAGE.to_owned());
    let response = office.edge.send(request);
    assert_eq!((response.status, response.header("access-control-allow-origin")), (200, Some(PAGE)));
}
