//! PATCH (RFC 7644, section 3.5.2): operations, and a resource after them.

use super::error::{ErrorType, ScimError};
use super::filter::{AttributePath, Filter, Operator, Path};
use super::matching::matches_value;
use super::schema::{Attribute, Resolved, ResourceType, Target, container, place, read};
use serde_json::{Map, Value};

/// The schema of a PATCH request.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One request has so many operations at most.
pub const MOST_OPERATIONS: usize = 1000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Adds values.
    Add,
    /// Takes values away.
    Remove,
    /// Puts values in the place of others.
    Replace,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub op: Op,
    /// To what; to what its value names, where nothing is said.
    pub path: Option<Path>,
    /// With what.
    pub value: Value,
    /// Where it stands in the request.
    pub place: String,
}

/// Reads the operations of a request. Their words are read in any case, as Entra ID writes them.
pub fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>, ScimError> {
    let member = |object: &Map<String, Value>, name: &str| {
        object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let wrong = |place: &str, detail: &str| ScimError::new(ErrorType::InvalidSyntax, format!("{place}: {detail}"));
    let schemas = member(body, "schemas").unwrap_or_default();
    let is_patch = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP));
    if !schemas.as_array().is_some_and(|schemas| schemas.iter().any(is_patch)) {
        return Err(wrong("schemas", &format!("expected `{PATCH_OP}`")));
    }
    let Some(Value::Array(items)) = member(body, "Operations") else {
        return Err(wrong("Operations", "expected an array"));
    };
    if items.is_empty() || items.len() > MOST_OPERATIONS {
        return Err(wrong("Operations", &format!("expected 1 to {MOST_OPERATIONS}")));
    }
    let read = |(index, item): (usize, &Value)| {
        let place = format!("Operations[{index}]");
        let item = item.as_object().ok_or_else(|| wrong(&place, "expected an object"))?;
        let word = member(item, "op").and_then(|op| op.as_str().map(str::to_ascii_lowercase));
        let op = match word.as_deref() {
            Some("add") => Op::Add,
            Some("remove") => Op::Remove,
            Some("replace") => Op::Replace,
            _ => return Err(wrong(&place, "`op` is `add`, `remove` or `replace`")),
        };
        let path = match member(item, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() => None,
            Some(Value::String(path)) => Some(Path::parse(&path).map_err(|error| within(&place, error))?),
            Some(_) => return Err(wrong(&place, "`path` is text")),
        };
        let value = member(item, "value");
        match (op, &path, &value) {
            (Op::Remove, None, _) => {
                Err(ScimError::new(ErrorType::NoTarget, format!("{place}: `remove` needs a path")))
            }
            (Op::Add | Op::Replace, _, None) => Err(wrong(&place, "`value` is missing")),
            (Op::Add | Op::Replace, None, Some(value)) if !value.is_object() => {
                Err(ScimError::value(&place, "without a path, the value is an object of attributes"))
            }
            _ => Ok(Operation { op, path, value: value.unwrap_or_default(), place }),
        }
    };
    items.iter().enumerate().map(read).collect()
}

/// Does the operations, one after the other, to a resource as it is shown. Where one fails, none counts.
pub fn apply(
    resource: &ResourceType,
    document: &mut Map<String, Value>,
    operations: &[Operation],
) -> Result<(), ScimError> {
    for operation in operations {
        apply_one(resource, document, operation).map_err(|error| within(&operation.place, error))?;
    }
    Ok(())
}

fn apply_one(
    resource: &ResourceType,
    document: &mut Map<String, Value>,
    operation: &Operation,
) -> Result<(), ScimError> {
    let Some(path) = &operation.path else {
        let object = operation.value.as_object().cloned().unwrap_or_default();
        for (target, value) in resource.assignments(&object)? {
            change(document, operation.op, &target, None, value)?;
        }
        return Ok(());
    };
    match resource.target(&path.attribute).ok_or_else(|| no_path(&path.attribute))? {
        Target::Attribute(target) if target.is_read_only() => {
            Err(ScimError::new(ErrorType::Mutability, format!("{}: only the service sets it", place(&target))))
        }
        Target::Attribute(target) => {
            change(document, operation.op, &target, path.filter.as_ref(), operation.value.clone())
        }
        Target::Extension(extension) if operation.op == Op::Remove => {
            document.remove(extension.id);
            Ok(())
        }
        Target::Extension(extension) => {
            let whole = Map::from_iter([(extension.id.to_owned(), operation.value.clone())]);
            for (target, value) in resource.assignments(&whole)? {
                change(document, operation.op, &target, None, value)?;
            }
            Ok(())
        }
    }
}

/// There is no such attribute to be changed.
pub(super) fn no_path(path: &AttributePath) -> ScimError {
    ScimError::new(ErrorType::InvalidPath, format!("there is no attribute `{path}`"))
}

fn within(place: &str, error: ScimError) -> ScimError {
    ScimError { detail: format!("{place}: {}", error.detail), ..error }
}

fn change(
    document: &mut Map<String, Value>,
    op: Op,
    target: &Resolved<'_>,
    filter: Option<&Filter>,
    value: Value,
) -> Result<(), ScimError> {
    let place = place(target);
    let (attribute, name) = (target.attribute, target.attribute.name.to_string());
    let Some(within) = container(document, target.extension) else { return Ok(()) };
    if let Some(filter) = filter {
        return change_some(within, op, target, filter, value, &place);
    }
    if op == Op::Remove {
        return remove(within, target, value, &place);
    }
    let value = read(target.leaf(), target.part.is_none(), value, &place)?;
    match (target.part, value) {
        (None, None) if op == Op::Add => {}
        (None, None) => return remove(within, target, Value::Null, &place),
        (None, Some(Value::Array(values))) if op == Op::Add && attribute.multi_valued => {
            let all = within.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            values.into_iter().for_each(|value| add(all, value));
        }
        // Parts that are not named stay as they are (RFC 7644, section 3.5.2.3).
        (None, Some(Value::Object(parts))) if !attribute.multi_valued => {
            match within.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(object) => object.extend(parts),
                other => *other = Value::Object(parts),
            }
        }
        (None, Some(value)) => {
            within.insert(name, value);
        }
        (Some(part), value) if attribute.multi_valued => {
            let all = within.get_mut(&name).and_then(Value::as_array_mut);
            all.into_iter().flatten().for_each(|one| set_part(one, part, value.clone()));
        }
        (Some(part), value) => {
            set_part(within.entry(name).or_insert_with(|| Value::Object(Map::new())), part, value);
        }
    }
    Ok(())
}

/// Changes the values that a filter picks.
fn change_some(
    document: &mut Map<String, Value>,
    op: Op,
    target: &Resolved<'_>,
    filter: &Filter,
    value: Value,
    place: &str,
) -> Result<(), ScimError> {
    let attribute = target.attribute;
    if !attribute.multi_valued || attribute.parts.is_empty() {
        let detail = format!("{}: it has no values to choose from", attribute.name);
        return Err(ScimError::new(ErrorType::InvalidPath, detail));
    }
    let misfits = |error: ScimError| ScimError { kind: ErrorType::InvalidPath, ..error };
    // What is wrong with the filter does not hang on the values that there are.
    matches_value(attribute, filter, &Value::Null).map_err(misfits)?;
    let mut found = false;
    let mut kept = Vec::new();
    let read_value = |value: Value| match target.part {
        Some(part) => read(part, true, value, place),
        None => read(&Attribute { multi_valued: false, ..attribute.clone() }, true, value, place),
    };
    let new = if op == Op::Remove { None } else { read_value(value)? };
    let becomes_primary = match (target.part, &new) {
        (Some(part), Some(value)) => part.name == "primary" && *value == Value::Bool(true),
        (None, Some(value)) => value.get("primary") == Some(&Value::Bool(true)),
        (_, None) => false,
    };
    let all = document.get(attribute.name.as_ref()).and_then(Value::as_array).cloned().unwrap_or_default();
    for mut one in all {
        if !matches_value(attribute, filter, &one).map_err(misfits)? {
            if let Some(object) = one.as_object_mut().filter(|_| becomes_primary) {
                object.remove("primary");
            }
            kept.push(one);
            continue;
        }
        found = true;
        match (target.part, &new) {
            (Some(part), new) => set_part(&mut one, part, new.clone()),
            (None, None) => continue,
            (None, Some(Value::Object(parts))) => {
                one.as_object_mut().into_iter().for_each(|object| object.extend(parts.clone()));
            }
            (None, Some(new)) => one = new.clone(),
        }
        kept.push(one);
    }
    match (op, found) {
        (Op::Replace, false) => {
            let detail = format!("{}: no value is found by the filter", attribute.name);
            return Err(ScimError::new(ErrorType::NoTarget, detail));
        }
        // What is added to values that are not there is one of them, as clients mean it (Entra ID).
        (Op::Add, false) => {
            let mut one = Value::Object(Map::new());
            if !describe(attribute, filter, &mut one) {
                let detail = format!("{}: no value is found by the filter", attribute.name);
                return Err(ScimError::new(ErrorType::NoTarget, detail));
            }
            match (target.part, new) {
                (Some(part), new) => set_part(&mut one, part, new),
                (None, Some(Value::Object(parts))) => {
                    one.as_object_mut().into_iter().for_each(|it| it.extend(parts.clone()))
                }
                (None, _) => {}
            }
            kept.push(one);
        }
        _ => {}
    }
    kept.retain(|one| one.as_object().is_none_or(|object| !object.is_empty()));
    match kept.is_empty() {
        true => document.remove(attribute.name.as_ref()),
        false => document.insert(attribute.name.to_string(), Value::Array(kept)),
    };
    Ok(())
}

/// Makes a value of what a filter says that it is; false where it says more than `eq`.
fn describe(attribute: &Attribute, filter: &Filter, one: &mut Value) -> bool {
    match filter {
        Filter::And(first, second) => describe(attribute, first, one) && describe(attribute, second, one),
        Filter::Compare(path, Operator::Equal, value) => {
            let Some(part) = attribute.part(&path.name) else { return false };
            set_part(one, part, Some(value.clone()));
            true
        }
        _ => false,
    }
}

fn remove(
    document: &mut Map<String, Value>,
    target: &Resolved<'_>,
    value: Value,
    place: &str,
) -> Result<(), ScimError> {
    let name = target.attribute.name.as_ref();
    if target.leaf().required {
        return Err(ScimError::new(ErrorType::Mutability, format!("{place}: it cannot be without a value")));
    }
    match (target.part, document.get_mut(name)) {
        (_, None) => {}
        (Some(part), Some(Value::Array(all))) => all.iter_mut().for_each(|one| set_part(one, part, None)),
        (Some(part), Some(one)) => set_part(one, part, None),
        // Those values alone that are named, as Entra ID does it.
        (None, Some(Value::Array(all))) if !value.is_null() => {
            let named = read(target.attribute, true, value, place)?;
            let named = named.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            all.retain(|one| !named.iter().any(|named| is_same(one, named)));
            if all.is_empty() {
                document.remove(name);
            }
        }
        (None, Some(_)) => {
            document.remove(name);
        }
    }
    Ok(())
}

/// Adds a value to others. One that is there already is changed by what is said of it; a new primary one takes the place of
/// another (RFC 7644, section 3.5.2).
fn add(all: &mut Value, value: Value) {
    let Some(all) = all.as_array_mut() else { return };
    if value.get("primary") == Some(&Value::Bool(true)) {
        all.iter_mut().filter_map(Value::as_object_mut).for_each(|one| {
            one.remove("primary");
        });
    }
    match (all.iter_mut().find(|one| is_same(one, &value)), value) {
        (Some(Value::Object(one)), Value::Object(parts)) => one.extend(parts),
        (Some(_), _) => {}
        (None, value) => all.push(value),
    }
}

/// Whether two values are the same: by their `value` and `type`, where they have a `value`.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.get("value"), other.get("value")) {
        (Some(value), Some(its)) => {
            value == its && other.get("type").is_none_or(|kind| one.get("type").is_none_or(|its| its == kind))
        }
        _ => one == other,
    }
}

fn set_part(one: &mut Value, part: &Attribute, value: Option<Value>) {
    let Some(object) = one.as_object_mut() else { return };
    match value {
        Some(value) => object.insert(part.name.to_string(), value),
        None => object.remove(part.name.as_ref()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Attributes;
    use proptest::prelude::*;
    use serde_json::json;

    fn patched(document: &Value, operations: Value) -> Result<Value, ScimError> {
        let resource = ResourceType::user(&Attributes::new());
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        let mut document = document.as_object().unwrap().clone();
        apply(&resource, &mut document, &super::operations(body.as_object().unwrap())?)?;
        Ok(Value::Object(document))
    }

    /// The examples of RFC 7644, section 3.5.2, as far as they are about users.
    #[test]
    fn the_examples_of_the_rfc_are_done() {
        let before = json!({
            "userName": "babs", "emails": [{ "value": "babs@jensen.org", "type": "home" }],
            "addresses": [{ "type": "home", "locality": "X" }, { "type": "work", "streetAddress": "1", "region": "CA" }],
        });
        let added = json!([{ "op": "add", "value": { "emails": [{ "value": "babs@jensen.org", "type": "home" }], "nickName": "Babs" } }]);
        let after = patched(&before, added).unwrap();
        assert_eq!((&after["emails"], &after["nickName"]), (&before["emails"], &json!("Babs")));
        let replaced = json!([{ "op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "1010 Broadway Ave" }]);
        assert_eq!(patched(&before, replaced).unwrap()["addresses"][1]["streetAddress"], "1010 Broadway Ave");
        let replaced = json!([{ "op": "replace", "path": "addresses[type eq \"work\"]",
                                "value": { "type": "work", "streetAddress": "911 Universal City Plaza" } }]);
        let after = patched(&before, replaced).unwrap();
        assert_eq!(after["addresses"][1]["streetAddress"], "911 Universal City Plaza");
        let removed = json!([{ "op": "remove", "path": "addresses[type eq \"home\" and locality eq \"x\"]" }]);
        assert_eq!(patched(&before, removed).unwrap()["addresses"].as_array().unwrap().len(), 1);
        let removed = json!([{ "op": "remove", "path": "emails[type eq \"home\"].value" }]);
        assert_eq!(patched(&before, removed).unwrap()["emails"], json!([{ "type": "home" }]));
    }

    proptest! {
        /// Whatever is sent: what adds and then removes leaves what was there, and nothing stops it.
        #[test]
        fn nothing_that_is_sent_stops_it(op in "add|remove|replace|Add", path in "(title|name|emails|ims|x)(\\.value|\\.type)?(\\[type eq \"a\"\\])?", value in "[a-z]{0,3}") {
            let before = json!({ "userName": "u", "ims": [{ "value": "a", "type": "a" }] });
            for value in [json!(value), json!([value]), json!({ "value": value }), json!([{ "value": value }]), json!(null), json!(1)] {
                let _ = patched(&before, json!([{ "op": op, "path": path, "value": value }]));
            }
        }

        #[test]
        fn what_is_removed_after_it_was_added_is_gone(value in "[a-z]{1,4}", kind in "[a-z]{1,4}") {
            let before = json!({ "userName": "u" });
            let added = json!([{ "op": "add", "path": "ims", "value": [{ "value": value, "type": kind }] }]);
            let after = patched(&before, added).unwrap();
            let removed = json!([{ "op": "remove", "path": format!("ims[value eq \"{value}\"]") }]);
            prop_assert_eq!(patched(&after, removed).unwrap(), before);
        }
    }
}
