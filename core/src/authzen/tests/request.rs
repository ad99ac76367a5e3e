//! What a request must be, and what it is refused for.

use super::*;

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
        assert_eq!(fault(&evaluation(&body).unwrap_err()), ("authzen.missing_field", pointer));
        assert_eq!(fault(&evaluations(&body).unwrap_err()), ("authzen.missing_field", pointer));
    }
    assert!(evaluation(&with(whole(), "/context", None)).is_ok());
    let search = |body: Value| SubjectSearch::parse(body.to_string().as_bytes()).unwrap_err();
    for pointer in ["/subject", "/subject/type", "/action", "/resource", "/resource/id"] {
        assert_eq!(fault(&search(with(whole(), pointer, None))), ("authzen.missing_field", pointer));
    }
    let error = ResourceSearch::parse(with(whole(), "/resource/type", None).to_string().as_bytes()).unwrap_err();
    assert_eq!(fault(&error), ("authzen.missing_field", "/resource/type"));
    let error = ActionSearch::parse(with(whole(), "/subject/id", None).to_string().as_bytes()).unwrap_err();
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
            assert_eq!(error, AuthzenError::WrongType { pointer: pointer.to_owned(), expected: "an object" });
        }
    }
    for pointer in ["/subject/type", "/subject/id", "/action/name", "/resource/type", "/resource/id"] {
        for value in [json!(null), json!({}), json!([]), json!(1), json!(true)] {
            let error = evaluation(&with(whole(), pointer, Some(value))).unwrap_err();
            assert_eq!(error, AuthzenError::WrongType { pointer: pointer.to_owned(), expected: "a string" });
        }
    }
    for value in [json!(null), json!({}), json!("a"), json!(1)] {
        let error = evaluations(&with(whole(), "/evaluations", Some(value.clone()))).unwrap_err();
        assert_eq!(fault(&error), ("authzen.wrong_type", "/evaluations"));
        let error = evaluations(&with(whole(), "/options", Some(json!({"evaluations_semantic": value})))).unwrap_err();
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
        let error = ActionSearch::parse(with(whole(), "/page", Some(page)).to_string().as_bytes()).unwrap_err();
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
        assert_eq!(fault(&error), ("authzen.malformed_json", ""), "{}", String::from_utf8_lossy(body));
    }
    let error = Evaluation::parse(b"{\n  \"subject\": x}").unwrap_err();
    assert_eq!(error, AuthzenError::MalformedJson { line: 2, column: 14 });
}

/// Names are compared after their escapes are resolved (RFC 7493, section 2.3).
#[test]
fn a_key_that_is_there_twice_is_refused_wherever_it_is() {
    for (body, pointer) in [
        (r#"{"subject": 1, "subject": 2}"#, "/subject"),
        (r#"{"subject": {"id": "a", "id": "a"}}"#, "/subject/id"),
        (r#"{"subject": {"id": "a", "\u0069d": "b"}}"#, "/subject/id"),
        (r#"{"unknown": [0, {"a/b~c": 1, "a/b~c": 2}]}"#, "/unknown/1/a~1b~0c"),
        (r#"{"evaluations": [{"resource": 1, "resource": 2}]}"#, "/evaluations/0/resource"),
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
    assert_eq!(error, AuthzenError::TooLarge { length: MAX_BODY + 1, limit: MAX_BODY });
    assert_eq!(fault(&error), ("authzen.too_large", ""));
}

#[test]
fn attributes_may_be_nested_so_deep() {
    for pointer in ["/context", "/subject/properties", "/action/properties", "/resource/properties"] {
        assert!(evaluation(&with(whole(), pointer, Some(nested(MAX_ATTRIBUTE_DEPTH)))).is_ok(), "{pointer}");
        let error = evaluation(&with(whole(), pointer, Some(nested(MAX_ATTRIBUTE_DEPTH + 1)))).unwrap_err();
        assert_eq!(fault(&error), ("authzen.too_deep", pointer));
    }
    assert!(evaluation(&with(whole(), "/unknown", Some(nested(MAX_DEPTH - 1)))).is_ok());
    let error = evaluation(&with(whole(), "/unknown", Some(nested(MAX_DEPTH)))).unwrap_err();
    assert_eq!(error.code(), "authzen.too_deep");
    assert!(error.pointer().starts_with("/unknown/a/a"));
    let abyss = "[".repeat(MAX_BODY);
    assert_eq!(Evaluation::parse(abyss.as_bytes()).unwrap_err().code(), "authzen.too_deep");
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
