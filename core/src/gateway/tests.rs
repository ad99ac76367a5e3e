//! What route maps take, and which questions they make.

use serde_json::{Value as Json, json};

use super::*;
use crate::schema::{Action, Attributes, ResourceType, Schema, Type};

fn schema() -> Schema {
    let mut schema = Schema::default();
    let attributes = Attributes::from([
        ("owner".to_owned(), Type::Entity("User".to_owned())),
        ("size".to_owned(), Type::Long),
        ("public".to_owned(), Type::Bool),
        ("tags".to_owned(), Type::Set(Box::new(Type::String))),
        ("address".to_owned(), Type::Record(Attributes::from([("city".to_owned(), Type::String)]))),
    ]);
    schema.types.insert("document".to_owned(), ResourceType { attributes, ..ResourceType::default() });
    for action in ["read", "write"] {
        let action = format!("document:{action}");
        schema.actions.insert(action, Action { resource: "document".to_owned(), groups: Default::default() });
    }
    schema.context.insert("reason".to_owned(), Type::String);
    schema.context.insert("action".to_owned(), Type::Record(Attributes::from([("dry_run".to_owned(), Type::Bool)])));
    schema
}

fn read(routes: Json) -> Result<RouteMap, Vec<(String, &'static str)>> {
    let mut faults = Vec::new();
    let map = RouteMap::read(&json!({"routes": routes}), &schema(), &mut faults);
    match map {
        Some(map) if faults.is_empty() => Ok(map),
        _ => Err(faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()),
    }
}

fn path(path: &str) -> NormalPath {
    NormalPath::parse(path).unwrap()
}

/// A rule for documents with more members.
fn rule(more: Json) -> Json {
    let mut rule = json!({"methods": ["GET"], "path": "/documents/{id}", "action": {"name": "read"},
                          "resource": {"type": "document", "id": "{id}"}});
    for (name, value) in more.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

/// What a `PUT` is asked as.
fn asked(mut rule: Json, sent: &str, headers: &[(&str, &str)], body: &str) -> Result<Question, QuestionError> {
    rule["methods"] = json!(["PUT"]);
    let map = read(json!([rule])).unwrap();
    let (sent, query) = sent.split_once('?').unwrap_or((sent, ""));
    let found = map.find("PUT", &path(sent)).expect("a rule");
    let header = |name: &str| headers.iter().find(|(its, _)| *its == name).map(|(_, value)| *value);
    found.question(&Incoming { query, header: &header, body: body.as_bytes() }).map(Option::unwrap)
}

#[test]
fn the_more_exact_pattern_counts_and_a_method_is_its_own() {
    let map = read(json!([
        {"methods": ["GET"], "path": "/{*rest}", "pass": "signed_in"},
        {"methods": ["GET", "POST"], "path": "/documents/new", "pass": "anyone"},
        rule(json!({})),
        rule(json!({"methods": ["PUT"], "action": {"name": "write"}})),
        {"methods": ["*"], "path": "/hooks", "pass": "anyone"},
        {"methods": ["DELETE", "GET"], "path": "/hooks", "pass": "signed_in"},
    ]))
    .unwrap();
    let what = |method: &str, sent: &str| match map.find(method, &path(sent)) {
        None => "nothing",
        Some(Found { rule: Rule::Ask(_), .. }) => "ask",
        Some(Found { rule: Rule::Pass(Passes::Anyone), .. }) => "anyone",
        Some(Found { rule: Rule::Pass(Passes::SignedIn), .. }) => "signed in",
    };
    for (method, sent, expected) in [
        ("GET", "/documents/new", "anyone"),
        ("HEAD", "/documents/new", "anyone"),
        ("GET", "/documents/7", "ask"),
        ("PUT", "/documents/7", "ask"),
        ("DELETE", "/documents/7", "nothing"),
        ("get", "/documents/7", "nothing"),
        ("GET", "/documents/7/", "signed in"),
        ("GET", "/documents/7/pages", "signed in"),
        ("POST", "/documents/7/pages", "nothing"),
        ("GET", "/DOCUMENTS/new", "signed in"),
        ("GET", "/", "nothing"),
        ("POST", "/hooks", "anyone"),
        ("DELETE", "/hooks", "signed in"),
        ("GET", "/hooks", "signed in"),
        ("HEAD", "/hooks", "signed in"),
        ("PROPFIND", "/hooks", "anyone"),
        ("TRACE", "/hooks", "nothing"),
        ("CONNECT", "/hooks", "nothing"),
    ] {
        assert_eq!(what(method, sent), expected, "{method} {sent}");
    }
}

#[test]
fn a_question_is_of_the_path_the_query_headers_and_the_body() {
    let rule = rule(json!({
        "path": "/teams/{team}/documents/{id}",
        "action": {"name": "read", "properties": {"dry_run": {"query": "dry"}}},
        "resource": {"type": "document", "id": "{team}/{id}", "properties": {
            "owner": {"body": "/meta/owner"}, "size": {"header": "X-Size"}, "tags": {"query": "tag"},
            "public": {"value": false}, "address": {"body": "/address"}}},
        "context": {"reason": {"header": "x-reason"}},
    }));
    let question = asked(rule.clone(), "/teams/gr%C3%BCn/documents/a%20b?tag=x&tag=y%2Bz&dry=true&other=1;", &[], "");
    assert_eq!(question, Err(QuestionError::Query));
    let question = asked(
        rule,
        "/teams/gr%C3%BCn/documents/a%20b?tag=x&tag=y%2Bz&dry=true",
        &[("x-size", "12"), ("x-reason", "audit"), ("content-type", "application/merge-patch+json; charset=utf-8")],
        r#"{"meta": {"owner": {"type": "User", "id": "u"}}, "address": {"city": "Bern"}}"#,
    )
    .unwrap();
    assert_eq!((question.action.as_str(), question.resource.id.as_str()), ("read", "grün/a b"));
    assert_eq!(json!(question.action_attributes), json!({"dry_run": true}));
    assert_eq!(
        json!(question.resource_attributes),
        json!({"owner": {"type": "User", "id": "u"}, "size": 12, "tags": ["x", "y+z"], "public": false,
               "address": {"city": "Bern"}})
    );
    assert_eq!(json!(question.context), json!({"reason": "audit"}));
}

#[test]
fn what_is_not_said_is_absent_and_what_is_said_wrongly_is_refused() {
    let with =
        |properties: Json| rule(json!({"resource": {"type": "document", "id": "{id}", "properties": properties}}));
    let attributes = |question: Result<Question, QuestionError>| question.map(|it| json!(it.resource_attributes));
    let json_type = ("content-type", "application/json");
    let absent = with(json!({"size": {"query": "size"}, "owner": {"body": "/owner"}}));
    assert_eq!(attributes(asked(absent.clone(), "/documents/1", &[], "")), Ok(json!({})));
    assert_eq!(attributes(asked(absent.clone(), "/documents/1", &[json_type], r#"{"owner": null}"#)), Ok(json!({})));
    let question = asked(rule(json!({})), "/documents/1?%", &[], "not read");
    assert_eq!(question.unwrap().resource_attributes, None, "the registry's stay");
    for (sent, headers, body, error) in [
        ("/documents/1?size=1&size=2", vec![], "", QuestionError::Twice("size".to_owned())),
        ("/documents/1?size=one", vec![], "", QuestionError::WrongValue("size".to_owned())),
        ("/documents/1?size=01", vec![], "", QuestionError::WrongValue("size".to_owned())),
        ("/documents/1?size=+1", vec![], "", QuestionError::WrongValue("size".to_owned())),
        ("/documents/1?size=", vec![], "", QuestionError::WrongValue("size".to_owned())),
        ("/documents/1?size=%3", vec![], "", QuestionError::Query),
        ("/documents/1", vec![], "{}", QuestionError::MediaType),
        ("/documents/1", vec![("content-type", "text/json")], "{}", QuestionError::MediaType),
    ] {
        assert_eq!(asked(absent.clone(), sent, &headers, body), Err(error), "{sent} {body}");
    }
    for body in ["{", r#"{"owner": 1, "owner": 2}"#, r#"{"a": {"b": 1, "b": 1}}"#, "\u{feff}{}"] {
        let error = asked(absent.clone(), "/documents/1", &[json_type], body).unwrap_err();
        assert_eq!(error.code(), "request.not_json", "{body}");
    }
}

#[test]
fn a_resource_has_one_id_or_the_request_is_refused() {
    let with = |id: Json| rule(json!({"path": "/documents", "resource": {"type": "document", "id": id}}));
    let id = |rule: Json, sent: &str, body: &str| {
        asked(rule, sent, &[("content-type", "application/json")], body).map(|it| it.resource.id)
    };
    assert_eq!(id(with(json!("all")), "/documents", ""), Ok("all".to_owned()));
    let query = with(json!({"query": "id"}));
    assert_eq!(id(query.clone(), "/documents?id=7", ""), Ok("7".to_owned()));
    assert_eq!(id(query.clone(), "/documents?id=7&id=8", ""), Err(QuestionError::Twice("resource".to_owned())));
    assert_eq!(id(query.clone(), "/documents?id=", ""), Err(QuestionError::NoResource));
    assert_eq!(id(query.clone(), "/documents", ""), Err(QuestionError::NoResource));
    assert_eq!(id(query, "/documents?id=a%0Ab", ""), Err(QuestionError::WrongValue("resource".to_owned())));
    let body = with(json!({"body": "/id"}));
    assert_eq!(id(body.clone(), "/documents", r#"{"id": 7}"#), Ok("7".to_owned()));
    assert_eq!(id(body.clone(), "/documents", r#"{"id": 7.0}"#), Err(QuestionError::WrongValue("resource".to_owned())));
    assert_eq!(
        id(body.clone(), "/documents", r#"{"id": ["7"]}"#),
        Err(QuestionError::WrongValue("resource".to_owned()))
    );
    assert_eq!(id(body, "/documents", ""), Err(QuestionError::NoResource));
}

#[test]
fn a_body_is_read_only_where_a_rule_asks_and_as_far_as_it_says() {
    let limit = |mut rule: Json| {
        rule["methods"] = json!(["PUT"]);
        read(json!([rule])).unwrap().find("PUT", &path("/documents/1")).unwrap().body_limit()
    };
    assert_eq!(limit(rule(json!({}))), None);
    assert_eq!(limit(rule(json!({"context": {"reason": {"body": "/reason"}}}))), Some(64 * 1024));
    assert_eq!(limit(rule(json!({"context": {"reason": {"body": ""}}, "body_limit": 5}))), Some(5));
}

#[test]
fn faults_come_all_at_once_with_their_places() {
    let faults = read(json!([
        {"methods": ["GET"], "path": "/a/{id}"},
        {"methods": ["get"], "path": "a", "pass": "anyone"},
        {"methods": ["TRACE"], "path": "/b", "pass": "nobody"},
        rule(json!({"action": {"name": "raed"}})),
        rule(json!({"resource": {"type": "documents", "id": "{id}"}})),
        rule(json!({"resource": {"type": "document", "id": "{other}"}})),
        rule(json!({"resource": {"type": "document", "id": {"path": "other"}}})),
        rule(json!({"path": "/c/{id}", "resource": {"type": "document", "id": "{id}", "properties": {
            "owner": {"query": "a", "header": "b"}, "color": {"query": "c"}, "address": {"query": "d"},
            "size": {"header": "Cookie"}, "tags": {"body": "x"}, "public": {"file": "e"}}}})),
        rule(json!({"path": "/d/{id}", "context": {"mfa": {"value": true}, "now": {"query": "now"}}, "extra": 1})),
        rule(json!({"path": "/e/{id}", "body_limit": 0})),
        rule(json!({"path": "/f/{id}", "pass": "anyone"})),
        rule(json!({"path": "/g/{id}"})),
        rule(json!({"path": "/g/{id}", "methods": ["POST", "GET"]})),
        rule(json!({"path": "/g/{name}", "resource": {"type": "document", "id": "{name}"}})),
        rule(json!({"path": "/h/{id}", "context": {"reason": {"body": "/reason"}}})),
    ]))
    .unwrap_err();
    let expected = [
        ("/routes/0", "route.rule"),
        ("/routes/1/methods", "route.methods"),
        ("/routes/1/path", "route.path"),
        ("/routes/2/methods", "route.methods"),
        ("/routes/2/pass", "route.pass"),
        ("/routes/3/action/name", "route.unknown_action"),
        ("/routes/4/action/name", "route.unknown_action"),
        ("/routes/5/resource/id", "route.source"),
        ("/routes/6/resource/id/path", "route.source"),
        ("/routes/7/resource/properties/address", "route.source"),
        ("/routes/7/resource/properties/color", "route.unknown_attribute"),
        ("/routes/7/resource/properties/owner", "route.source"),
        ("/routes/7/resource/properties/public", "route.source"),
        ("/routes/7/resource/properties/size/header", "route.source"),
        ("/routes/7/resource/properties/tags/body", "route.source"),
        ("/routes/8/context/mfa", "route.unknown_attribute"),
        ("/routes/8/context/now", "route.unknown_attribute"),
        ("/routes/8/extra", "route.unknown_field"),
        ("/routes/9/body_limit", "route.body_limit"),
        ("/routes/10", "route.rule"),
        ("/routes/12", "route.twice"),
        ("/routes/14/methods", "route.body"),
        ("/routes", "route.conflict"),
    ];
    let mut found: Vec<(&str, &str)> = faults.iter().map(|(pointer, code)| (pointer.as_str(), *code)).collect();
    let mut expected = expected.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for json in [json!(null), json!([]), json!({}), json!({"routes": {}}), json!({"routes": [], "more": 1})] {
        let mut faults = Vec::new();
        let map = RouteMap::read(&json, &schema(), &mut faults);
        assert!(map.is_none() || !faults.is_empty(), "{json}");
        assert!(!faults.is_empty(), "{json}");
    }
}
