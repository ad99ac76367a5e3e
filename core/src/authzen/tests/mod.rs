//! Tests of AuthZEN, and what they share: a request, and ways to change it.

mod batch;
mod examples;
mod foreign;
mod request;
mod response;

use super::*;
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

fn answered(permit: bool) -> EvaluationResponse {
    EvaluationResponse::new(ResponseContext {
        outcome: if permit { Outcome::Allow } else { Outcome::NoPermit },
        reason: None,
        policies: Vec::new(),
        errors: Vec::new(),
        error: None,
        as_of: None,
        decision_id: None,
    })
}
