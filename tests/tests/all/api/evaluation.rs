//! `POST /access/v1/evaluation`.

use super::*;

const PATH: &str = "/access/v1/evaluation";

#[test]
fn a_decision_says_why_and_as_of_when() {
    let edge = Edge::new();
    let response = edge.ask(&edge.key(&["access:evaluate"]));
    assert_decision(&response, true);
    let context = &body(&response)["context"];
    assert_eq!(context["outcome"], "allow");
    assert!(context["policies"][0].as_str().unwrap().starts_with(&format!("role/{READER}/")));
    assert_eq!(context["as_of"], json!({ "policy_version": 7, "directory_version": 3, "now": NOW }));
}

#[test]
fn a_denial_is_an_answer() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let response = edge.post(PATH, &key, &question(BEN, "read"));
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["outcome"], "no_permit");
}

#[test]
fn a_subject_is_found_by_id_username_or_email() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    for id in [ANNA, "anna", "anna@acme.example"] {
        assert_decision(&edge.post(PATH, &key, &question(id, "read")), true);
    }
    for id in ["", "nobody", "nobody@acme.example", TENANT, "' OR 1=1 --", &"x".repeat(100_000)] {
        let response = edge.post(PATH, &key, &question(id, "read"));
        assert_decision(&response, false);
        assert_eq!(body(&response)["context"]["reason"], "principal_unknown", "{id}");
    }
}

#[test]
fn a_service_account_asks_as_well() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let mut asked = question(BOT, "archive");
    asked["subject"]["type"] = "Service_Account".into();
    assert_decision(&edge.post(PATH, &key, &asked), true);
    asked["subject"]["id"] = "bot".into();
    assert_decision(&edge.post(PATH, &key, &asked), false);
}

#[test]
fn a_subject_of_another_type_is_unknown() {
    let edge = Edge::new();
    let mut asked = question(ANNA, "read");
    asked["subject"]["type"] = "robot".into();
    let response = edge.post(PATH, &edge.key(&["access:evaluate"]), &asked);
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["reason"], "principal_unknown");
}

#[test]
fn an_undeclared_action_or_type_is_no_permit() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let response = edge.post(PATH, &key, &question(ANNA, "shred"));
    assert_eq!(body(&response)["context"]["reason"], "unknown_action");
    let mut asked = question(ANNA, "read");
    asked["resource"]["type"] = "spaceship".into();
    let response = edge.post(PATH, &key, &asked);
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["reason"], "unknown_type");
}

#[test]
fn malformed_requests_say_where() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    for (sent, code, place) in [
        ("", "authzen.malformed_json", ""),
        ("{", "authzen.malformed_json", ""),
        ("\u{0}", "authzen.malformed_json", ""),
        ("[]", "authzen.wrong_type", ""),
        ("{}", "authzen.missing_field", "/subject"),
        (r#"{"subject": {"type": "user", "type": "admin"}}"#, "authzen.duplicate_key", "/subject/type"),
        (r#"{"subject": {"type": 1, "id": "x"}}"#, "authzen.wrong_type", "/subject/type"),
        (r#"{"subject": null}"#, "authzen.wrong_type", "/subject"),
    ] {
        let response = edge.post_bytes(PATH, &key, sent.as_bytes().to_vec());
        assert_problem(&response, 400, code);
        assert_eq!(body(&response)["findings"][0]["field"].as_str().unwrap_or(""), place, "{sent}");
    }
    assert_problem(&edge.post_bytes(PATH, &key, vec![0xff, 0xfe]), 400, "authzen.malformed_json");
}

#[test]
fn a_context_nested_too_deep_is_refused() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    for depth in [33, 70, 5_000, 100_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let mut asked = question(ANNA, "read").to_string();
        asked.insert_str(1, &format!("\"context\":{{\"deep\":{deep}}},"));
        let response = edge.post_bytes(PATH, &key, asked.into_bytes());
        assert_problem(&response, 400, "authzen.too_deep");
    }
}

#[test]
fn what_the_decision_point_sets_is_passed_over() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    for name in ["now", "weekday", "scopes", "flags"] {
        let mut asked = question(ANNA, "read");
        asked["context"] = json!({ name: "2020-01-01T00:00:00Z" });
        let response = edge.post(PATH, &key, &asked);
        assert_decision(&response, true);
        assert_eq!(body(&response)["context"]["as_of"]["now"], NOW, "{name}");
    }
}

#[test]
fn only_a_trusted_caller_says_where_from_and_how() {
    let edge = Edge::new();
    let (plain, trusted) = (edge.key(&["access:evaluate"]), edge.key(&["access:evaluate", "access:context"]));
    for (name, value) in [("ip", json!("10.0.0.1")), ("mfa", json!(true)), ("auth_time", json!(NOW))] {
        let mut asked = question(ANNA, "read");
        asked["context"] = json!({ name: value });
        assert_problem(&edge.post(PATH, &plain, &asked), 403, "access.missing_scope");
        assert_decision(&edge.post(PATH, &trusted, &asked), true);
    }
}

#[test]
fn a_keys_scopes_bind_its_owner_and_nobody_else() {
    let edge = Edge::new();
    let narrow = edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate"]);
    let response = edge.ask(&narrow);
    assert_decision(&response, false);
    assert_eq!(body(&response)["context"]["policies"], json!(["guardrail/api_key_scopes"]));
    // The same key asking about somebody else: then it is a PEP's, and its scopes say nothing of the subject.
    let bens = edge.key_of(TENANT, Some(BEN), None, &["access:evaluate"]);
    assert_decision(&edge.ask(&bens), true);
    let wide = edge.key_of(TENANT, Some(ANNA), None, &["access:evaluate", "document:read"]);
    assert_decision(&edge.ask(&wide), true);
    // By whatever name the owner is asked for.
    assert_decision(&edge.post(PATH, &narrow, &question("anna", "read")), false);
}
