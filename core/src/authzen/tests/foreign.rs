//! Input from a foreign hand never panics.

use super::*;
use proptest::prelude::*;

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
            proptest::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
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
        prop_assert_eq!(super::super::json::read(text.as_bytes()).ok(), serde_json::from_str(&text).ok());
    }
}
