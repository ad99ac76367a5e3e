//! One form for conditions that mean the same, so that equal grants become one policy.

use super::Condition;
use serde_json::Value as Json;

impl Condition {
    /// A condition's text in its canonical form: members and values in order, single values bare.
    ///
    /// It is a name, not a meaning: two conditions of one form mean the same, two of different
    /// forms may mean the same.
    pub fn canonical(json: &Json) -> String {
        normalise(json, true).to_string()
    }
}

fn normalise(json: &Json, is_condition: bool) -> Json {
    match json {
        Json::Object(object) => {
            let mut members: Vec<(&String, Json)> = object
                .iter()
                .map(|(name, json)| {
                    let json = match name.as_str() {
                        "all" | "any" if is_condition => unordered(json),
                        "not" if is_condition => normalise(json, true),
                        "cedar" if is_condition => json.clone(),
                        "TimeOfDay" | "Weekday" if is_condition => json.clone(),
                        _ if is_condition => values(json),
                        _ => normalise(json, false),
                    };
                    (name, json)
                })
                .collect();
            members.sort_by(|one, other| one.0.cmp(other.0));
            Json::Object(members.into_iter().map(|(name, json)| (name.clone(), json)).collect())
        }
        other => other.clone(),
    }
}

fn unordered(json: &Json) -> Json {
    let Json::Array(parts) = json else { return json.clone() };
    let mut parts: Vec<Json> = parts.iter().map(|part| normalise(part, true)).collect();
    parts.sort_by_key(Json::to_string);
    parts.dedup();
    Json::Array(parts)
}

/// The values of each path: OR has no order.
fn values(json: &Json) -> Json {
    let Json::Object(paths) = json else { return json.clone() };
    let mut paths: Vec<(&String, Json)> = paths
        .iter()
        .map(|(path, values)| {
            let values = match values {
                Json::Array(list) => {
                    let mut list: Vec<Json> = list.iter().map(|value| normalise(value, false)).collect();
                    list.sort_by_key(Json::to_string);
                    list.dedup();
                    match list.len() {
                        1 => list.pop().unwrap_or_default(),
                        _ => Json::Array(list),
                    }
                }
                single => normalise(single, false),
            };
            (path, values)
        })
        .collect();
    paths.sort_by(|one, other| one.0.cmp(other.0));
    Json::Object(paths.into_iter().map(|(path, json)| (path.clone(), json)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_and_single_values_do_not_matter() {
        let same = [
            json!({"StringEquals": {"resource.a": ["x", "y"], "resource.b": "z"}, "Bool": {"context.mfa": true}}),
            json!({"Bool": {"context.mfa": [true]}, "StringEquals": {"resource.b": ["z"], "resource.a": ["y", "x", "x"]}}),
        ];
        assert_eq!(Condition::canonical(&same[0]), Condition::canonical(&same[1]));
        let interval = json!({"TimeOfDay": {"context.now": ["17:00", "09:00"]}});
        assert_eq!(Condition::canonical(&interval), interval.to_string());
    }
}
