//! The examples of the standard.

use super::*;

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
    assert_eq!(Value::from(read.subject.properties.clone()), body["subject"]["properties"]);
    assert_eq!(read.resource.properties.clone().map(Value::from).as_ref(), Some(&body["resource"]["properties"]));
    assert_eq!(Value::from(read.action.properties.clone()), body["action"]["properties"]);
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
        let expected =
            [("can_read", "boxcarring.md"), ("can_read", "subject-search.md"), ("can_edit", "resource-search.md")];
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
        let decisions: Vec<_> = response.evaluations.iter().map(EvaluationResponse::decision).collect();
        assert_eq!(decisions, expected, "{semantic:?}");
    }
}

#[test]
fn examples_of_searches() {
    let mut body = whole();
    body["page"] = json!({"token": "a3M9NDU2O3N6PTI=", "limit": 2, "properties": {}});
    let bytes = body.to_string();
    let page = Page { token: Some("a3M9NDU2O3N6PTI=".to_owned()), limit: Some(2), ..Page::default() };

    let subjects = SubjectSearch::parse(with(body.clone(), "/subject/id", None).to_string().as_bytes()).unwrap();
    assert_eq!((subjects.subject_type.as_str(), subjects.resource.id.as_str()), ("user", "123"));
    assert_eq!(subjects.page, page);
    assert_eq!(SubjectSearch::parse(bytes.as_bytes()).unwrap(), subjects, "an id is ignored");

    let resources = ResourceSearch::parse(with(body.clone(), "/resource/id", None).to_string().as_bytes()).unwrap();
    assert_eq!((resources.resource_type.as_str(), resources.action.name.as_str()), ("account", "can_read"));
    assert_eq!(resources.page, page);
    assert_eq!(ResourceSearch::parse(bytes.as_bytes()).unwrap(), resources, "an id is ignored");

    let actions = ActionSearch::parse(with(body, "/action", None).to_string().as_bytes()).unwrap();
    assert_eq!((actions.subject.id.as_str(), actions.resource.id.as_str()), ("alice@example.com", "123"));
    assert_eq!(actions.page, page);
    assert_eq!(ActionSearch::parse(bytes.as_bytes()).unwrap(), actions, "an action is ignored");

    let first = with(whole(), "/page", Some(json!({"token": ""})));
    assert_eq!(ActionSearch::parse(first.to_string().as_bytes()).unwrap().page, Page::default());
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
    assert_eq!(tenant.policy_decision_point, "https://pdp.example.com/tenant1");
    assert_eq!(tenant.access_evaluation_endpoint, metadata.access_evaluation_endpoint);
}
