//! Batches: defaults, semantics, and the errors of single items.

use super::*;

#[test]
fn an_unknown_semantic_is_an_error_even_without_a_batch() {
    for semantic in ["", "EXECUTE_ALL", "deny_on_first_permit"] {
        let body = with(whole(), "/options", Some(json!({"evaluations_semantic": semantic})));
        let error = evaluations(&body).unwrap_err();
        assert_eq!(error, AuthzenError::UnknownSemantic { found: semantic.to_owned() });
        assert_eq!(fault(&error), ("authzen.unknown_semantic", "/options/evaluations_semantic"));
    }
    let long = with(whole(), "/options", Some(json!({"evaluations_semantic": "ä".repeat(1000)})));
    assert_eq!(evaluations(&long), Err(AuthzenError::UnknownSemantic { found: "ä".repeat(64) }));
}

/// 7.1: as a request to the Access Evaluation API, so that the answer is a decision and no array of one.
#[test]
fn no_evaluations_are_a_single_one() {
    let single = EvaluationsRequest::Single(evaluation(&whole()).unwrap());
    assert_eq!(evaluations(&whole()), Ok(single.clone()));
    assert_eq!(evaluations(&with(whole(), "/evaluations", Some(json!([])))), Ok(single));
}

#[test]
fn a_batch_may_have_a_thousand_items() {
    let body = |items: usize| with(whole(), "/evaluations", Some(json!(vec![json!({}); items])));
    assert_eq!(batch(&body(MAX_EVALUATIONS)).items.len(), MAX_EVALUATIONS);
    let error = evaluations(&body(MAX_EVALUATIONS + 1)).unwrap_err();
    assert_eq!(error, AuthzenError::TooManyEvaluations { found: 1001, limit: 1000 });
    assert_eq!(fault(&error), ("authzen.too_many_evaluations", "/evaluations"));
}

#[test]
fn an_items_own_part_replaces_the_default_whole() {
    let mut body = whole();
    body["subject"]["properties"] = json!({"device": "a"});
    body["resource"]["properties"] = json!({"owner": "a"});
    body["evaluations"] = json!([
        {},
        {"subject": {"type": "user", "id": "bob@example.com"}},
        {"action": {"name": "can_read"}},
        {"resource": {"type": "account", "id": "123"}},
        {"context": {"place": "home"}},
        {"context": {}},
    ]);
    let batch = batch(&body);
    let items: Vec<_> = batch.items.iter().map(|item| item.as_ref().unwrap()).collect();
    assert_eq!(items[0].subject.properties["device"], "a");
    assert!(items[1].subject.properties.is_empty());
    assert_eq!(items[1].action.properties["method"], "GET");
    assert!(items[2].action.properties.is_empty());
    assert!(items[2].resource.properties.is_some());
    assert_eq!(items[3].resource.properties, None);
    assert_eq!(serde_json::to_value(&*items[4].context).unwrap(), json!({"place": "home"}));
    assert!(items[5].context.is_empty());
}

#[test]
fn an_item_has_its_own_error() {
    let mut body = with(whole(), "/action", None);
    body["evaluations"] = json!([
        {"action": {"name": "can_read"}},
        {},
        {"action": {}},
        {"action": {"name": 1}},
        {"action": null},
        7,
        {"action": {"name": "can_read"}, "context": nested(33)},
    ]);
    let batch = batch(&body);
    let faults: Vec<_> = batch.items.iter().map(|item| item.as_ref().err().map(fault)).collect();
    assert_eq!(
        faults,
        [
            None,
            Some(("authzen.missing_field", "/evaluations/1/action")),
            Some(("authzen.missing_field", "/evaluations/2/action/name")),
            Some(("authzen.wrong_type", "/evaluations/3/action/name")),
            Some(("authzen.wrong_type", "/evaluations/4/action")),
            Some(("authzen.wrong_type", "/evaluations/5")),
            Some(("authzen.too_deep", "/evaluations/6/context")),
        ]
    );
    let response = batch.answer(|item| match item {
        Ok(_) => answered(true),
        Err(error) => EvaluationResponse::refused(error, None),
    });
    assert_eq!(
        serde_json::to_value(&response.evaluations[1]).unwrap(),
        json!({
            "decision": false,
            "context": {
                "outcome": "error",
                "reason": "authzen.missing_field",
                "policies": [],
                "errors": [],
                "error": {"status": 400, "message": "`/evaluations/1/action` is required"},
            },
        })
    );
}

/// A default that is wrong is the request's error, though every item replaces it: it could not have been meant.
#[test]
fn a_wrong_default_is_the_requests_error() {
    let mut body = with(whole(), "/subject/id", Some(json!(1)));
    body["evaluations"] = json!([{"subject": {"type": "user", "id": "a"}}]);
    assert_eq!(fault(&evaluations(&body).unwrap_err()), ("authzen.wrong_type", "/subject/id"));
}

#[test]
fn an_item_that_cannot_be_evaluated_is_a_denial_to_the_semantic() {
    let mut body = whole();
    body["options"] = json!({"evaluations_semantic": "deny_on_first_deny"});
    body["evaluations"] = json!([{}, 7, {}]);
    let response = batch(&body).answer(|item| match item {
        Ok(_) => answered(true),
        Err(error) => EvaluationResponse::refused(error, None),
    });
    let decisions: Vec<_> = response.evaluations.iter().map(EvaluationResponse::decision).collect();
    assert_eq!(decisions, [true, false]);
}

#[test]
fn when_a_semantic_stops() {
    for (semantic, after_deny, after_permit) in [
        (Semantic::ExecuteAll, false, false),
        (Semantic::DenyOnFirstDeny, true, false),
        (Semantic::PermitOnFirstPermit, false, true),
    ] {
        assert_eq!((semantic.stops_after(false), semantic.stops_after(true)), (after_deny, after_permit));
    }
}

#[test]
fn items_share_the_defaults() {
    let mut body = whole();
    body["evaluations"] = json!([{}, {}]);
    let batch = batch(&body);
    let [Ok(one), Ok(two)] = &batch.items[..] else { panic!("two items") };
    assert!(std::sync::Arc::ptr_eq(&one.context, &two.context));
}
