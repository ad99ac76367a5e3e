//! Whatever is written in a document, reading it does not panic, and what reads is written as it was read.

use super::*;
use proptest::prelude::*;

/// JSON that a column might be mistaken for.
fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{"a": [null]}]])),
        (0..40u32).prop_map(|last| json!(id(last))),
    ]
}

/// Puts `new` at the `nth` place of the document, counted depth first.
fn replace(value: &mut Value, nth: &mut usize, new: &Value) {
    if *nth == 0 {
        *value = new.clone();
    }
    *nth = nth.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, nth, new)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, nth, new)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn one_value_replaced(place in 0..600usize, new in any_json()) {
        let mut document: Value = serde_json::from_str(EVERY_TABLE).unwrap();
        replace(&mut document, &mut place.clone(), &new);
        match TenantDocument::read(&document.to_string()) {
            Ok(read) => {
                let written = read.to_value();
                prop_assert_eq!(TenantDocument::from_value(written.clone()).unwrap().to_value(), written);
            }
            Err(findings) => {
                prop_assert!(!findings.is_empty());
                prop_assert!(findings.is_sorted());
            }
        }
    }

    #[test]
    fn any_text(text in ".{0,200}") {
        let _ = TenantDocument::read(&text);
    }
}
