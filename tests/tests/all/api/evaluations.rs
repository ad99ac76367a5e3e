//! `POST /access/v1/evaluations`: many questions at once.

use super::*;

const PATH: &str = "/access/v1/evaluations";

fn decisions(response: &Response) -> Vec<bool> {
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    let body = body(response);
    body["evaluations"].as_array().unwrap().iter().map(|answer| answer["decision"].as_bool().unwrap()).collect()
}

fn batch(semantic: Option<&str>) -> Value {
    let mut batch = question(ANNA, "read");
    batch["evaluations"] = json!([
        {},
        { "action": { "name": "archive" } },
        { "subject": { "type": "user", "id": "anna" } },
        { "subject": { "type": "user", "id": BEN } },
    ]);
    if let Some(semantic) = semantic {
        batch["options"] = json!({ "evaluations_semantic": semantic });
    }
    batch
}

#[test]
fn the_three_semantics() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let all = vec![true, false, true, false];
    assert_eq!(decisions(&edge.post(PATH, &key, &batch(None))), all);
    assert_eq!(decisions(&edge.post(PATH, &key, &batch(Some("execute_all")))), all);
    assert_eq!(decisions(&edge.post(PATH, &key, &batch(Some("deny_on_first_deny")))), [true, false]);
    assert_eq!(decisions(&edge.post(PATH, &key, &batch(Some("permit_on_first_permit")))), [true]);
}

#[test]
fn an_unknown_semantic_is_refused() {
    let edge = Edge::new();
    let response = edge.post(PATH, &edge.key(&["access:evaluate"]), &batch(Some("any")));
    assert_problem(&response, 400, "authzen.unknown_semantic");
}

#[test]
fn without_items_it_is_one_question() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.post(PATH, &key, &question(ANNA, "read")), true);
    let mut asked = question(ANNA, "read");
    asked["evaluations"] = json!([]);
    assert_decision(&edge.post(PATH, &key, &asked), true);
}

#[test]
fn an_item_that_cannot_be_evaluated_is_denied_alone() {
    let edge = Edge::new();
    let mut asked = question(ANNA, "read");
    asked["evaluations"] = json!([{}, { "action": {} }, 7, {}]);
    let response = edge.post(PATH, &edge.key(&["access:evaluate"]), &asked);
    assert_eq!(decisions(&response), [true, false, false, true]);
    let body = body(&response);
    assert_eq!(body["evaluations"][1]["context"]["reason"], "authzen.missing_field");
    assert_eq!(body["evaluations"][2]["context"]["reason"], "authzen.wrong_type");
}

#[test]
fn a_context_that_may_not_be_sent_denies_its_item_alone() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    let mut asked = question(ANNA, "read");
    asked["evaluations"] = json!([{}, { "context": { "mfa": true } }, {}]);
    let response = edge.post(PATH, &key, &asked);
    assert_eq!(decisions(&response), [true, false, true]);
    let body = body(&response);
    assert_eq!(body["evaluations"][1]["context"]["reason"], "authzen.untrusted_context");
}

#[test]
fn too_many_items_are_refused() {
    let edge = Edge::new();
    let mut asked = question(ANNA, "read");
    asked["evaluations"] = Value::Array(vec![json!({}); 1001]);
    let response = edge.post(PATH, &edge.key(&["access:evaluate"]), &asked);
    assert_problem(&response, 400, "authzen.too_many_evaluations");
}

#[test]
fn a_thousand_questions_about_two_subjects_ask_the_database_little() {
    let edge = Edge::new();
    let key = edge.key(&["access:evaluate"]);
    assert_decision(&edge.ask(&key), true);
    let mut asked = question(ANNA, "read");
    let ben = json!({ "subject": { "type": "user", "id": BEN } });
    asked["evaluations"] = (0..1000).map(|index| if index % 2 == 0 { json!({}) } else { ben.clone() }).collect();
    let before = edge.app.db.round_trips();
    let answers = decisions(&edge.post(PATH, &key, &asked));
    assert_eq!((answers.len(), answers.iter().filter(|decision| **decision).count()), (1000, 500));
    assert_eq!(edge.app.db.round_trips() - before, 2, "the key, and Ben");
}
