//! The tenant setting `auth/schema`: the attributes and parents that a tenant declares.

use super::{Attributes, DIRECTORY_TYPES, Schema, Type};
use crate::Finding;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// Reads the setting into a schema that holds the tenant's resource types already.
/// `row` is the setting's id, for the findings' places.
pub fn read_setting(schema: &mut Schema, setting: &Json, row: &str, findings: &mut Vec<Finding>) {
    let mut reader = Reader { row, findings };
    let Some(setting) = reader.object(setting, "setting_value") else { return };
    for (part, json) in setting {
        let way = format!("setting_value/{part}");
        match part.as_str() {
            "user" => {
                let parts = reader.parts(json, &way, &["attributes", "caller_attributes"]);
                for (name, attributes) in parts {
                    for (attribute, ty) in reader.attributes(attributes, &format!("{way}/{name}")) {
                        if schema.user.contains_key(&attribute) {
                            reader.finding(
                                &format!("{way}/{name}/{attribute}"),
                                "schema.taken",
                                format!("a user has `{attribute}` already"),
                            );
                            continue;
                        }
                        if name == "caller_attributes" {
                            schema.caller.insert(attribute.clone());
                        }
                        schema.user.insert(attribute, ty);
                    }
                }
            }
            "types" => {
                for (name, json) in reader.object(json, &way).into_iter().flatten() {
                    let way = format!("{way}/{name}");
                    if DIRECTORY_TYPES.contains(&name.as_str()) || Type::is_own_name(name) {
                        reader.finding(&way, "schema.reserved_type", format!("`{name}` cannot be a resource type"));
                        continue;
                    }
                    let mut ty = super::ResourceType::default();
                    for (part, json) in reader.parts(json, &way, &["attributes", "parents"]) {
                        let way = format!("{way}/{part}");
                        match part {
                            "attributes" => ty.attributes = reader.attributes(json, &way),
                            _ => ty.parents = reader.names(json, &way),
                        }
                    }
                    schema.types.insert(name.clone(), ty);
                }
            }
            "context" | "action" => {
                for (_, json) in reader.parts(json, &way, &["attributes"]) {
                    let attributes = reader.attributes(json, &format!("{way}/attributes"));
                    if part == "action" {
                        schema.context.insert("action".to_owned(), Type::Record(attributes));
                        continue;
                    }
                    for (name, ty) in attributes {
                        if name == "action" || schema.context.contains_key(&name) {
                            reader.finding(
                                &format!("{way}/attributes/{name}"),
                                "schema.taken",
                                format!("the context has `{name}` already"),
                            );
                            continue;
                        }
                        schema.context.insert(name, ty);
                    }
                }
            }
            _ => reader.finding(
                &way,
                "schema.unknown_part",
                format!("`{part}` is none of `user`, `types`, `context`, `action`"),
            ),
        }
    }
    reader.known_types(schema);
}

struct Reader<'a> {
    row: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn finding(&mut self, way: &str, code: &str, message: impl Into<String>) {
        self.findings.push(Finding::error("tenant_setting", code, message).row(self.row).field(way));
    }

    fn object<'j>(&mut self, json: &'j Json, way: &str) -> Option<&'j Map<String, Json>> {
        let object = json.as_object();
        if object.is_none() {
            self.finding(way, "schema.wrong_type", "expected an object");
        }
        object
    }

    /// The allowed members of an object; any other is a finding.
    fn parts<'j>(&mut self, json: &'j Json, way: &str, allowed: &[&'static str]) -> Vec<(&'static str, &'j Json)> {
        let mut parts = vec![];
        for (name, json) in self.object(json, way).into_iter().flatten() {
            match allowed.iter().find(|allowed| *allowed == name) {
                Some(allowed) => parts.push((*allowed, json)),
                None => self.finding(
                    &format!("{way}/{name}"),
                    "schema.unknown_part",
                    format!("`{name}` is none of {allowed:?}"),
                ),
            }
        }
        parts
    }

    fn attributes(&mut self, json: &Json, way: &str) -> Attributes {
        let mut attributes = Attributes::new();
        for (name, json) in self.object(json, way).into_iter().flatten() {
            if name.is_empty() || name.contains('.') {
                self.finding(
                    &format!("{way}/{name}"),
                    "schema.attribute_name",
                    "an attribute's name is not empty and holds no `.`",
                );
                continue;
            }
            match Type::read(json) {
                Ok(ty) => drop(attributes.insert(name.clone(), ty)),
                Err(error) => {
                    let inner: String = error.way.iter().map(|step| format!("/{step}")).collect();
                    self.finding(&format!("{way}/{name}{inner}"), "schema.unknown_type", error.message);
                }
            }
        }
        attributes
    }

    fn names(&mut self, json: &Json, way: &str) -> BTreeSet<String> {
        let names: Option<BTreeSet<String>> =
            json.as_array().and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
        if names.is_none() {
            self.finding(way, "schema.wrong_type", "expected an array of type names");
        }
        names.unwrap_or_default()
    }

    /// Every entity type that is named must exist.
    fn known_types(&mut self, schema: &Schema) {
        let mut check = |way: String, name: &str| {
            if !schema.has_type(name) {
                self.finding(&way, "schema.unknown_type", format!("there is no type `{name}`"));
            }
        };
        let places = [("user/attributes", &schema.user), ("context/attributes", &schema.context)];
        let types = schema.types.iter().map(|(name, ty)| (format!("types/{name}/attributes"), &ty.attributes));
        for (place, attributes) in places.into_iter().map(|(place, a)| (place.to_owned(), a)).chain(types) {
            for (attribute, ty) in attributes {
                for name in ty.entity_types().into_iter().filter(|name| *name != super::ACTION) {
                    check(format!("setting_value/{place}/{attribute}"), name);
                }
            }
        }
        for (name, ty) in &schema.types {
            for parent in &ty.parents {
                check(format!("setting_value/types/{name}/parents"), parent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(setting: Json) -> (Schema, Vec<Finding>) {
        let (mut schema, mut findings) = (Schema::default(), vec![]);
        read_setting(&mut schema, &setting, "s", &mut findings);
        (schema, findings)
    }

    #[test]
    fn attributes_parents_and_the_callers_own() {
        let (schema, findings) = read(json!({
            "user": {"attributes": {"department": "String"}, "caller_attributes": {"device_trust": "Long"}},
            "types": {"document": {"attributes": {"owner": "User"}, "parents": ["folder"]}, "folder": {}},
            "context": {"attributes": {"reason": "String"}},
            "action": {"attributes": {"dry_run": "Bool"}},
        }));
        assert_eq!(findings, []);
        assert_eq!(schema.user.get("department"), Some(&Type::String));
        assert!(schema.caller.contains("device_trust"));
        assert!(schema.ancestors_of("document").contains("folder"));
        let way = ["action".to_owned(), "dry_run".to_owned()];
        assert_eq!(Schema::at(&schema.context, &way), Some(&Type::Bool));
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let (_, findings) = read(json!({
            "user": {"attributes": {"email": "String", "level": "Number!"}, "extra": {}},
            "types": {"User": {}, "document": {"attributes": {"owner": "Person"}, "parents": ["shelf"]}},
            "context": {"attributes": {"now": "String"}},
            "oops": 1,
        }));
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        for code in ["schema.taken", "schema.unknown_type", "schema.unknown_part", "schema.reserved_type"] {
            assert!(codes.contains(&code), "{code} in {findings:#?}");
        }
        assert_eq!(findings.len(), 8, "{findings:#?}");
    }
}
