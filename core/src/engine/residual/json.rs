//! A residual as JSON.
//!
//! ```json
//! {"answer": "condition",
//!  "condition": {"any": [
//!    {"equals": [{"attribute": ["owner"], "type": "User"}, {"value": {"type": "User", "id": "…"}}]},
//!    {"all": [{"has": ["due"]}, {"not": {"less": [{"attribute": ["due"], "type": "datetime"}, {"value": "…"}]}}]}]},
//!  "unsupported": []}
//! ```
//!
//! `answer` is `always`, `never` (perhaps with `reason` and `at`, as in a decision) or `condition`. A condition is an
//! object with one of these members, but for `in`:
//!
//! | member | holds where |
//! |---|---|
//! | `all`, `any` | all, or at least one, of the conditions hold |
//! | `not` | the condition, which is a test, does not hold |
//! | `has` | the attribute is present: its path |
//! | `equals`, `less`, `less_or_equal` | the two operands compare so |
//! | `one_of` | the operand is one of the values |
//! | `like` | the attribute matches the pattern: `*` is any text, `\*` a star, `\\` a backslash |
//! | `in_range` | the first, an address or range, lies in the second |
//! | `contains`, `contains_all`, `contains_any` | the first, a set, has the second as an element; all, one of the second's |
//! | `in`, with `ids` | the entity is or lies in the second; in this snapshot, that is to be one of `ids` |
//!
//! A test does not hold where an attribute that it names is absent. An operand is `{"resource": true}`, the resource
//! itself; `{"attribute": path, "type": its declared type}`; `{"time_of_day": path, "shift": milliseconds}`, the time of
//! day of an instant so much later, a duration; or `{"value": …}` in the form in which a request gives values.

use super::expr::{Attribute, Comparison, Expr, Operand};
use super::{Answer, Residual};
use serde_json::{Map, Value as Json, json};

impl Residual {
    /// As JSON; the module says in which form.
    pub fn json(&self) -> Json {
        let mut json = Map::new();
        let (answer, condition) = match &self.answer {
            Answer::Always => ("always", None),
            Answer::Never => ("never", None),
            Answer::Condition(condition) => ("condition", Some(condition)),
        };
        json.insert("answer".to_owned(), answer.into());
        if let Some(condition) = condition {
            json.insert("condition".to_owned(), condition.json());
        }
        if let Some(reason) = self.reason {
            json.insert("reason".to_owned(), reason.name().into());
        }
        if let Some(at) = &self.at {
            json.insert("at".to_owned(), at.as_str().into());
        }
        let unsupported = self.unsupported.iter();
        let unsupported = unsupported.map(|part| json!({"policy": part.policy, "what": part.what}));
        json.insert("unsupported".to_owned(), unsupported.collect());
        Json::Object(json)
    }
}

impl Expr {
    /// As JSON; [`Residual::json`] says in which form.
    pub fn json(&self) -> Json {
        let parts = |parts: &[Self]| parts.iter().map(Self::json).collect::<Json>();
        let two = |name: &str, one: &Operand, other: &Operand| json!({name: [one.json(), other.json()]});
        match self {
            Self::All(all) => json!({"all": parts(all)}),
            Self::Any(any) => json!({"any": parts(any)}),
            Self::Not(inner) => json!({"not": inner.json()}),
            Self::Has(attribute) => json!({"has": attribute.path}),
            Self::Compare(Comparison::Equal, one, other) => two("equals", one, other),
            Self::Compare(Comparison::Less, one, other) => two("less", one, other),
            Self::Compare(Comparison::LessEqual, one, other) => two("less_or_equal", one, other),
            Self::OneOf(operand, values) => {
                let values = values.iter().map(|value| Operand::Value(value.clone()).json());
                json!({"one_of": [operand.json(), values.collect::<Json>()]})
            }
            Self::Like(attribute, pattern) => json!({"like": [attribute.json(), pattern.to_string()]}),
            Self::InRange(one, other) => two("in_range", one, other),
            Self::Contains(attribute, element) => json!({"contains": [attribute.json(), element.json()]}),
            Self::ContainsAll(one, other) => two("contains_all", one, other),
            Self::ContainsAny(one, other) => two("contains_any", one, other),
            Self::LiesIn(operand, other, ids) => {
                json!({"in": [operand.json(), Operand::entity(other).json()], "ids": ids})
            }
            Self::Unknown(number) => json!({"unknown": number}),
        }
    }
}

impl Operand {
    fn json(&self) -> Json {
        match self {
            Self::Resource => json!({"resource": true}),
            Self::Attribute(attribute) => attribute.json(),
            Self::TimeOfDay(attribute, shift) => json!({"time_of_day": attribute.path, "shift": shift}),
            Self::Value(value) => json!({"value": value.json()}),
        }
    }
}

impl Attribute {
    fn json(&self) -> Json {
        json!({"attribute": self.path, "type": self.r#type})
    }
}
