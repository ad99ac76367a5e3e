//! Tests of AuthZEN: the examples of the standard, and each rule and error.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn evaluation(body: &Value) -> Result<Evaluation, AuthzenError> {
    Evaluation::parse(body.to_string().as_bytes())
}

fn evaluations(body: &Value) -> Result<EvaluationsRequest, AuthzenError> {
    EvaluationsRequest::parse(body.to_string().as_bytes())
}

fn batch(body: &Value) -> Evaluations {
    match evaluations(body).unwrap() {
        EvaluationsRequest::Batch(batch) => batch,
        EvaluationsRequest::Single(single) => panic!("not a batch: {single:?}"),
    }
}

fn whole() -> Value {
    json!({
        "subject": {"type": "user", "id": "alice@example.com"},
        "action": {"name": "can_read", "properties": {"method": "GET"}},
        "resource": {"type": "account", "id": "123"},
        "context": {"time": "1985-10-26T01:22-07:00"},
    })
}

/// The request with the value at a pointer replaced, or removed.
fn with(mut body: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match value {
        Some(value) => parent[name] = value,
        None => drop(parent.as_object_mut().unwrap().remove(name)),
    }
    body
}

fn fault(error: &AuthzenError) -> (&'static str, &str) {
    (error.code(), error.pointer())
}

/// Nested so many levels deep.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

// The examples of the standard.

#[test]
fn example_of_an_evaluation() {
    let read = evaluation(&whole()).unwrap();
    assert_eq!(read.subject.r#type, "user");
    assert_eq!(read.subject.id, "alice@example.com");
    assert!(read.subject.properties.is_empty());
    assert_eq!(read.action.name, "can_read");
    assert_eq!(read.action.properties["method"], "GET");
    assert_eq!(read.resource.r#type, "account");
    assert_eq!(read.resource.id, "123");
    assert_eq!(read.resource.properties, None);
    assert_eq!(read.context["time"], "1985-10-26T01:22-07:00");
}

#[test]
fn examples_of_subject_resource_and_action() {
    let body = json!({
        "subject": {
            "type": "user",
            "id": "alice@example.com",
            "properties": {"department": "Sales", "ip_address": "172.217.22.14", "device_id": "8:65:ee:17:7e:0b"},
        },
        "resource": {
            "type": "book",
            "id": "123",
            "properties": {"library_record": {"title": "AuthZEN in Action", "isbn": "978-0593383322"}},
        },
        "action": {"name": "extend-loan", "properties": {"period": "2W"}},
    });
    let read = evaluation(&body).unwrap();
    assert_eq!(
        Value::from(read.subject.properties.clone()),
        body["subject"]["properties"]
    );
    assert_eq!(
        read.resource.properties.clone().map(Value::from).as_ref(),
        Some(&body["resource"]["properties"])
    );
    assert_eq!(
        Value::from(read.action.properties.clone()),
        body["action"]["properties"]
    );
    assert!(read.context.is_empty());
}

#[test]
fn examples_of_batches() {
    let document = |id: &str| json!({"resource": {"type": "document", "id": id}});
    let [one, two] = [document("boxcarring.md"), document("subject-search.md")];
    let mut three = document("resource-search.md");
    three["action"] = json!({"name": "can_edit"});
    let defaults = json!({
        "subject": {"type": "user", "id": "alice@example.com"},
        "context": {"time": "2024-05-31T15:22-07:00"},
        "action": {"name": "can_read"},
        "evaluations": [one, two, three],
    });
    let mut without_defaults = json!({"evaluations": defaults["evaluations"]});
    for item in without_defaults["evaluations"].as_array_mut().unwrap() {
        for part in ["subject", "context", "action"] {
            if item.get(part).is_none() {
                item[part] = defaults[part].clone();
            }
        }
    }
    for body in [defaults, without_defaults] {
        let batch = batch(&body);
        assert_eq!(batch.semantic, Semantic::ExecuteAll);
        let read: Vec<_> = batch
            .items
            .iter()
            .map(|item| {
                let item = item.as_ref().unwrap();
                assert_eq!(item.subject.id, "alice@example.com");
                assert_eq!(item.context["time"], "2024-05-31T15:22-07:00");
                (item.action.name.as_str(), item.resource.id.as_str())
            })
            .collect();
        let expected = [
            ("can_read", "boxcarring.md"),
            ("can_read", "subject-search.md"),
            ("can_edit", "resource-search.md"),
        ];
        assert_eq!(read, expected);
    }
}

/// The standard's three documents, of which the second is denied.
#[test]
fn examples_of_semantics() {
    for (semantic, expected) in [
        (None, &[true, false, true][..]),
        (Some("execute_all"), &[true, false, true]),
        (Some("deny_on_first_deny"), &[true, false]),
        (Some("permit_on_first_permit"), &[true]),
    ] {
        let mut body = json!({
            "subject": {"type": "user", "id": "alice@example.com"},
            "action": {"name": "read"},
            "options": {"another_option": "value"},
            "evaluations": [
                {"resource": {"type": "document", "id": "1"}},
                {"resource": {"type": "document", "id": "2"}},
                {"resource": {"type": "document", "id": "3"}},
            ],
        });
        if let Some(semantic) = semantic {
            body["options"]["evaluations_semantic"] = json!(semantic);
        }
        let response = batch(&body).answer(|item| answered(item.unwrap().resource.id != "2"));
        let decisions: Vec<_> = response
            .evaluations
            .iter()
            .map(EvaluationResponse::decision)
            .collect();
        assert_eq!(decisions, expected, "{semantic:?}");
    }
}

#[test]
fn examples_of_searches() {
    let mut body = whole();
    body["page"] = json!({"token": "a3M9NDU2O3N6PTI=", "limit": 2, "properties": {}});
    let bytes = body.to_string();
    let page = Page {
        token: Some("a3M9NDU2O3N6PTI=".to_owned()),
        limit: Some(2),
    };

    let subjects = SubjectSearch::parse(
        with(body.clone(), "/subject/id", None)
            .to_string()
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (
            subjects.subject_type.as_str(),
            subjects.resource.id.as_str()
        ),
        ("user", "123")
    );
    assert_eq!(subjects.page, page);
    assert_eq!(
        SubjectSearch::parse(bytes.as_bytes()).unwrap(),
        subjects,
        "an id is ignored"
    );

    let resources = ResourceSearch::parse(
        with(body.clone(), "/resource/id", None)
            .to_string()
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (
            resources.resource_type.as_str(),
            resources.action.name.as_str()
        ),
        ("account", "can_read")
    );
    assert_eq!(resources.page, page);
    assert_eq!(
        ResourceSearch::parse(bytes.as_bytes()).unwrap(),
        resources,
        "an id is ignored"
    );

    let actions = ActionSearch::parse(with(body, "/action", None).to_string().as_bytes()).unwrap();
    assert_eq!(
        (actions.subject.id.as_str(), actions.resource.id.as_str()),
        ("alice@example.com", "123")
    );
    assert_eq!(actions.page, page);
    assert_eq!(
        ActionSearch::parse(bytes.as_bytes()).unwrap(),
        actions,
        "an action is ignored"
    );

    let first = with(whole(), "/page", Some(json!({"token": ""})));
    assert_eq!(
        ActionSearch::parse(first.to_string().as_bytes())
            .unwrap()
            .page,
        Page::default()
    );
}

#[test]
fn examples_of_search_responses() {
    let entity = |r#type: &str, id: &str| (r#type.to_owned(), id.to_owned());
    let found = SearchResponse::entities(
        [entity("account", "123"), entity("account", "456")],
        Some("a3M9NDU2O3N6PTI=".to_owned()),
    );
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"{"page":{"next_token":"a3M9NDU2O3N6PTI=","count":2},"results":[{"type":"account","id":"123"},{"type":"account","id":"456"}]}"#
    );
    let found = SearchResponse::actions(["can_read".to_owned()], None);
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"{"page":{"next_token":"","count":1},"results":[{"name":"can_read"}]}"#
    );
}

#[test]
fn example_of_metadata() {
    let metadata = Metadata::new("https://pdp.example.com").unwrap();
    assert_eq!(
        serde_json::to_value(&metadata).unwrap(),
        json!({
            "policy_decision_point": "https://pdp.example.com",
            "access_evaluation_endpoint": "https://pdp.example.com/access/v1/evaluation",
            "access_evaluations_endpoint": "https://pdp.example.com/access/v1/evaluations",
            "search_subject_endpoint": "https://pdp.example.com/access/v1/search/subject",
            "search_resource_endpoint": "https://pdp.example.com/access/v1/search/resource",
            "search_action_endpoint": "https://pdp.example.com/access/v1/search/action",
        })
    );
    assert_eq!(Metadata::new("https://pdp.example.com/").unwrap(), metadata);
    let tenant = Metadata::of_tenant("https://pdp.example.com", "tenant1").unwrap();
    assert_eq!(
        tenant.policy_decision_point,
        "https://pdp.example.com/tenant1"
    );
    assert_eq!(
        tenant.access_evaluation_endpoint,
        metadata.access_evaluation_endpoint
    );
}

// The rules.

#[test]
fn what_base_urls_a_pdp_may_have() {
    for base in [
        "https://a",
        "https://a:8443/pdp",
        "http://localhost:8787",
        "http://127.0.0.1",
        "http://[::1]:80",
    ] {
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
        assert_eq!(
            Metadata::of_tenant("https://a", slug),
            Err(InvalidBaseUrl),
            "{slug}"
        );
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let mut body = whole();
    for place in ["/new", "/subject/new", "/action/new", "/resource/new"] {
        body = with(body, place, Some(json!({"a": [1]})));
    }
    assert_eq!(evaluation(&body), evaluation(&whole()));
}

#[test]
fn a_missing_required_field_is_named() {
    for pointer in [
        "/subject",
        "/subject/type",
        "/subject/id",
        "/action",
        "/action/name",
        "/resource",
        "/resource/type",
        "/resource/id",
    ] {
        let body = with(whole(), pointer, None);
        assert_eq!(
            fault(&evaluation(&body).unwrap_err()),
            ("authzen.missing_field", pointer)
        );
        assert_eq!(
            fault(&evaluations(&body).unwrap_err()),
            ("authzen.missing_field", pointer)
        );
    }
    assert!(evaluation(&with(whole(), "/context", None)).is_ok());
    let search = |body: Value| SubjectSearch::parse(body.to_string().as_bytes()).unwrap_err();
    for pointer in [
        "/subject",
        "/subject/type",
        "/action",
        "/resource",
        "/resource/id",
    ] {
        assert_eq!(
            fault(&search(with(whole(), pointer, None))),
            ("authzen.missing_field", pointer)
        );
    }
    let error = ResourceSearch::parse(with(whole(), "/resource/type", None).to_string().as_bytes())
        .unwrap_err();
    assert_eq!(fault(&error), ("authzen.missing_field", "/resource/type"));
    let error =
        ActionSearch::parse(with(whole(), "/subject/id", None).to_string().as_bytes()).unwrap_err();
    assert_eq!(fault(&error), ("authzen.missing_field", "/subject/id"));
}

#[test]
fn a_wrong_type_is_named_and_null_is_one() {
    let objects = [
        "/subject",
        "/subject/properties",
        "/action",
        "/action/properties",
        "/resource",
        "/resource/properties",
        "/context",
    ];
    for pointer in objects {
        for value in [json!(null), json!("a"), json!([]), json!(1), json!(true)] {
            let error = evaluation(&with(whole(), pointer, Some(value))).unwrap_err();
            assert_eq!(
                error,
                AuthzenError::WrongType {
                    pointer: pointer.to_owned(),
                    expected: "an object"
                }
            );
        }
    }
    for pointer in [
        "/subject/type",
        "/subject/id",
        "/action/name",
        "/resource/type",
        "/resource/id",
    ] {
        for value in [json!(null), json!({}), json!([]), json!(1), json!(true)] {
            let error = evaluation(&with(whole(), pointer, Some(value))).unwrap_err();
            assert_eq!(
                error,
                AuthzenError::WrongType {
                    pointer: pointer.to_owned(),
                    expected: "a string"
                }
            );
        }
    }
    for value in [json!(null), json!({}), json!("a"), json!(1)] {
        let error = evaluations(&with(whole(), "/evaluations", Some(value.clone()))).unwrap_err();
        assert_eq!(fault(&error), ("authzen.wrong_type", "/evaluations"));
        let error = evaluations(&with(
            whole(),
            "/options",
            Some(json!({"evaluations_semantic": value})),
        ))
        .unwrap_err();
        assert_eq!(error.pointer(), "/options/evaluations_semantic");
    }
    for value in [json!(null), json!([]), json!("a")] {
        let error = evaluations(&with(whole(), "/options", Some(value))).unwrap_err();
        assert_eq!(fault(&error), ("authzen.wrong_type", "/options"));
    }
    for (page, pointer) in [
        (json!([]), "/page"),
        (json!({"token": 1}), "/page/token"),
        (json!({"limit": -1}), "/page/limit"),
        (json!({"limit": 1.5}), "/page/limit"),
    ] {
        let error = ActionSearch::parse(with(whole(), "/page", Some(page)).to_string().as_bytes())
            .unwrap_err();
        assert_eq!(fault(&error), ("authzen.wrong_type", pointer));
    }
    for body in ["null", "[]", "1", "\"a\""] {
        let error = Evaluation::parse(body.as_bytes()).unwrap_err();
        assert_eq!(fault(&error), ("authzen.wrong_type", ""));
    }
}

#[test]
fn what_is_no_json() {
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"{}{}",
        b"{} x",
        b"{'a':1}",
        b"{\"a\":1,}",
        b"{\"a\":NaN}",
        b"{\"a\":1e999}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
    ] {
        let error = Evaluation::parse(body).unwrap_err();
        assert_eq!(
            fault(&error),
            ("authzen.malformed_json", ""),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
    let error = Evaluation::parse(b"{\n  \"subject\": x}").unwrap_err();
    assert_eq!(
        error,
        AuthzenError::MalformedJson {
            line: 2,
            column: 14
        }
    );
}

/// Names are compared after their escapes are resolved (RFC 7493, section 2.3).
#[test]
fn a_key_that_is_there_twice_is_refused_wherever_it_is() {
    for (body, pointer) in [
        (r#"{"subject": 1, "subject": 2}"#, "/subject"),
        (r#"{"subject": {"id": "a", "id": "a"}}"#, "/subject/id"),
        (r#"{"subject": {"id": "a", "\u0069d": "b"}}"#, "/subject/id"),
        (
            r#"{"unknown": [0, {"a/b~c": 1, "a/b~c": 2}]}"#,
            "/unknown/1/a~1b~0c",
        ),
        (
            r#"{"evaluations": [{"resource": 1, "resource": 2}]}"#,
            "/evaluations/0/resource",
        ),
    ] {
        let error = EvaluationsRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(fault(&error), ("authzen.duplicate_key", pointer));
    }
}

#[test]
fn a_body_may_have_a_mebibyte() {
    let mut body = whole().to_string().into_bytes();
    body.resize(MAX_BODY, b' ');
    assert!(Evaluation::parse(&body).is_ok());
    body.push(b' ');
    let error = Evaluation::parse(&body).unwrap_err();
    assert_eq!(
        error,
        AuthzenError::TooLarge {
            length: MAX_BODY + 1,
            limit: MAX_BODY
        }
    );
    assert_eq!(fault(&error), ("authzen.too_large", ""));
}

#[test]
fn attributes_may_be_nested_so_deep() {
    for pointer in [
        "/context",
        "/subject/properties",
        "/action/properties",
        "/resource/properties",
    ] {
        assert!(
            evaluation(&with(whole(), pointer, Some(nested(MAX_ATTRIBUTE_DEPTH)))).is_ok(),
            "{pointer}"
        );
        let error = evaluation(&with(
            whole(),
            pointer,
            Some(nested(MAX_ATTRIBUTE_DEPTH + 1)),
        ))
        .unwrap_err();
        assert_eq!(fault(&error), ("authzen.too_deep", pointer));
    }
    assert!(evaluation(&with(whole(), "/unknown", Some(nested(MAX_DEPTH - 1)))).is_ok());
    let error = evaluation(&with(whole(), "/unknown", Some(nested(MAX_DEPTH)))).unwrap_err();
    assert_eq!(error.code(), "authzen.too_deep");
    assert!(error.pointer().starts_with("/unknown/a/a"));
    let abyss = "[".repeat(MAX_BODY);
    assert_eq!(
        Evaluation::parse(abyss.as_bytes()).unwrap_err().code(),
        "authzen.too_deep"
    );
}

#[test]
fn an_unknown_semantic_is_an_error_even_without_a_batch() {
    for semantic in ["", "EXECUTE_ALL", "deny_on_first_permit"] {
        let body = with(
            whole(),
            "/options",
            Some(json!({"evaluations_semantic": semantic})),
        );
        let error = evaluations(&body).unwrap_err();
        assert_eq!(
            error,
            AuthzenError::UnknownSemantic {
                found: semantic.to_owned()
            }
        );
        assert_eq!(
            fault(&error),
            ("authzen.unknown_semantic", "/options/evaluations_semantic")
        );
    }
    let long = with(
        whole(),
        "/options",
        Some(json!({"evaluations_semantic": "ä".repeat(1000)})),
    );
    assert_eq!(
        evaluations(&long),
        Err(AuthzenError::UnknownSemantic {
            found: "ä".repeat(64)
        })
    );
}

/// 7.1: as a request to the Access Evaluation API, so that the answer is a decision and no array of one.
#[test]
fn no_evaluations_are_a_single_one() {
    let single = EvaluationsRequest::Single(evaluation(&whole()).unwrap());
    assert_eq!(evaluations(&whole()), Ok(single.clone()));
    assert_eq!(
        evaluations(&with(whole(), "/evaluations", Some(json!([])))),
        Ok(single)
    );
}

#[test]
fn a_batch_may_have_a_thousand_items() {
    let body = |items: usize| with(whole(), "/evaluations", Some(json!(vec![json!({}); items])));
    assert_eq!(batch(&body(MAX_EVALUATIONS)).items.len(), MAX_EVALUATIONS);
    let error = evaluations(&body(MAX_EVALUATIONS + 1)).unwrap_err();
    assert_eq!(
        error,
        AuthzenError::TooManyEvaluations {
            found: 1001,
            limit: 1000
        }
    );
    assert_eq!(
        fault(&error),
        ("authzen.too_many_evaluations", "/evaluations")
    );
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
    let items: Vec<_> = batch
        .items
        .iter()
        .map(|item| item.as_ref().unwrap())
        .collect();
    assert_eq!(items[0].subject.properties["device"], "a");
    assert!(items[1].subject.properties.is_empty());
    assert_eq!(items[1].action.properties["method"], "GET");
    assert!(items[2].action.properties.is_empty());
    assert!(items[2].resource.properties.is_some());
    assert_eq!(items[3].resource.properties, None);
    assert_eq!(
        serde_json::to_value(&*items[4].context).unwrap(),
        json!({"place": "home"})
    );
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
    let faults: Vec<_> = batch
        .items
        .iter()
        .map(|item| item.as_ref().err().map(fault))
        .collect();
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
    assert_eq!(
        fault(&evaluations(&body).unwrap_err()),
        ("authzen.wrong_type", "/subject/id")
    );
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
    let decisions: Vec<_> = response
        .evaluations
        .iter()
        .map(EvaluationResponse::decision)
        .collect();
    assert_eq!(decisions, [true, false]);
}

#[test]
fn when_a_semantic_stops() {
    for (semantic, after_deny, after_permit) in [
        (Semantic::ExecuteAll, false, false),
        (Semantic::DenyOnFirstDeny, true, false),
        (Semantic::PermitOnFirstPermit, false, true),
    ] {
        assert_eq!(
            (semantic.stops_after(false), semantic.stops_after(true)),
            (after_deny, after_permit)
        );
    }
}

#[test]
fn items_share_the_defaults() {
    let mut body = whole();
    body["evaluations"] = json!([{}, {}]);
    let batch = batch(&body);
    let [Ok(one), Ok(two)] = &batch.items[..] else {
        panic!("two items")
    };
    assert!(std::sync::Arc::ptr_eq(&one.context, &two.context));
}

#[test]
fn which_principal_a_subject_type_means() {
    for (subject_type, expected) in [
        ("user", Some("User")),
        ("User", Some("User")),
        ("USER", Some("User")),
        ("service_account", Some("ServiceAccount")),
        ("Service_Account", Some("ServiceAccount")),
        ("ServiceAccount", None),
        ("group", None),
        ("user ", None),
        ("", None),
    ] {
        assert_eq!(principal_type(subject_type), expected, "{subject_type}");
    }
}

fn answered(permit: bool) -> EvaluationResponse {
    EvaluationResponse::new(ResponseContext {
        outcome: if permit {
            Outcome::Allow
        } else {
            Outcome::NoPermit
        },
        reason: None,
        policies: Vec::new(),
        errors: Vec::new(),
        error: None,
        as_of: None,
    })
}

#[test]
fn the_response_as_it_is_sent() {
    let response = EvaluationResponse::new(ResponseContext {
        outcome: Outcome::Forbidden,
        reason: Some("principal_inactive".to_owned()),
        policies: vec!["custom/no".to_owned()],
        errors: vec![PolicyError {
            policy: "role/1".to_owned(),
            message: "no such attribute".to_owned(),
        }],
        error: None,
        as_of: Some(AsOf {
            policy_version: 3,
            directory_version: 4,
            now: "2026-01-31T08:00:00.000Z".to_owned(),
        }),
    });
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        concat!(
            r#"{"decision":false,"context":{"outcome":"forbidden","reason":"principal_inactive","policies":["custom/no"],"#,
            r#""errors":[{"policy":"role/1","message":"no such attribute"}],"#,
            r#""as_of":{"policy_version":3,"directory_version":4,"now":"2026-01-31T08:00:00.000Z"}}}"#
        )
    );
}

#[test]
fn only_the_outcome_allow_is_a_permit() {
    for (outcome, name, decision) in [
        (Outcome::Allow, "allow", true),
        (Outcome::Forbidden, "forbidden", false),
        (Outcome::NoPermit, "no_permit", false),
        (Outcome::Error, "error", false),
    ] {
        let response = EvaluationResponse::new(ResponseContext {
            outcome,
            ..answered(true).context().clone()
        });
        assert_eq!(response.decision(), decision);
        assert_eq!(serde_json::to_value(outcome).unwrap(), name);
    }
}

// Foreign input.

fn any_json() -> impl Strategy<Value = Value> {
    let key = proptest::sample::select(vec![
        "subject",
        "action",
        "resource",
        "context",
        "evaluations",
        "options",
        "evaluations_semantic",
        "type",
        "id",
        "name",
        "properties",
        "page",
        "token",
        "limit",
        "a/b",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..8).prop_map(|fields| fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn parse_all(body: &[u8]) {
    let _ = Evaluation::parse(body);
    let _ = EvaluationsRequest::parse(body);
    let _ = SubjectSearch::parse(body);
    let _ = ResourceSearch::parse(body);
    let _ = ActionSearch::parse(body);
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        parse_all(&bytes);
    }

    #[test]
    fn foreign_json_never_panics_and_errors_point_into_it(body in any_json(), cut: proptest::sample::Index) {
        let text = body.to_string();
        parse_all(text.as_bytes());
        parse_all(&text.as_bytes()[..cut.index(text.len())]);
        if let Err(AuthzenError::WrongType { pointer, .. }) = evaluations(&body) {
            prop_assert!(body.pointer(&pointer).is_some(), "{}", pointer);
        }
    }

    /// Our reader differs from `serde_json`'s own in what it refuses, never in what it reads.
    #[test]
    fn json_is_read_as_it_is(body in any_json()) {
        let text = body.to_string();
        prop_assert_eq!(json::read(text.as_bytes()).ok(), serde_json::from_str(&text).ok());
    }
}
