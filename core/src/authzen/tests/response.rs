//! Responses and metadata.

use super::*;

#[test]
fn what_base_urls_a_pdp_may_have() {
    for base in ["https://a", "https://a:8443/pdp", "http://localhost:8787", "http://127.0.0.1", "http://[::1]:80"] {
        assert!(Metadata::new(base).is_ok(), "{base}");
    }
    for base in [
        "",
        "https://",
        "https:///path",
        "pdp.example.com",
        "http://pdp.example.com",
        "http://localhost.example.com",
        "ftp://a",
        "https://a?b",
        "https://a#b",
        "https://a b",
        "https://user@a",
    ] {
        assert_eq!(Metadata::new(base), Err(InvalidBaseUrl), "{base}");
    }
    for slug in ["", "a/b", "A", "..", "a?b"] {
        assert_eq!(Metadata::of_tenant("https://a", slug), Err(InvalidBaseUrl), "{slug}");
    }
}

#[test]
fn the_response_as_it_is_sent() {
    let response = EvaluationResponse::new(ResponseContext {
        outcome: Outcome::Forbidden,
        reason: Some("principal_inactive".to_owned()),
        policies: vec!["custom/no".to_owned()],
        errors: vec![PolicyError { policy: "role/1".to_owned(), message: "no such attribute".to_owned() }],
        error: None,
        as_of: Some(AsOf { policy_version: 3, directory_version: 4, now: "2026-01-31T08:00:00.000Z".parse().unwrap() }),
        decision_id: None,
    });
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        concat!(
            r#"{"decision":false,"context":{"outcome":"forbidden","reason":"principal_inactive","policies":["custom/no"],"#,
            r#""errors":[{"policy":"role/1","message":"no such attribute"}],"#,
            r#""as_of":{"policy_version":3,"directory_version":4,"now":"2026-01-31T08:00:00.000Z"}}}"#
        )
    );
    let logged = serde_json::to_string(&response.logged(uuid::Uuid::from_u128(7))).unwrap();
    assert!(logged.ends_with(r#"000Z"},"decision_id":"00000000-0000-0000-0000-000000000007"}}"#), "{logged}");
}

#[test]
fn only_the_outcome_allow_is_a_permit() {
    for (outcome, name, decision) in [
        (Outcome::Allow, "allow", true),
        (Outcome::Forbidden, "forbidden", false),
        (Outcome::NoPermit, "no_permit", false),
        (Outcome::Error, "error", false),
    ] {
        let response = EvaluationResponse::new(ResponseContext { outcome, ..answered(true).context().clone() });
        assert_eq!(response.decision(), decision);
        assert_eq!(serde_json::to_value(outcome).unwrap(), name);
    }
}
