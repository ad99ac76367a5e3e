//! Our schema as Cedar's, in Cedar's JSON format.

use crate::schema::{
    ACTION, Attributes, DIRECTORY_TYPES, GROUP, ORGANIZATION_UNIT, ROLE, SERVICE_ACCOUNT, Schema, Type, USER,
};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// The part of the context that the decision point always sets.
const ALWAYS: [&str; 3] = ["flags", "now", "weekday"];

/// Cedar's schema for the whole of ours.
pub(crate) fn whole(schema: &Schema) -> Json {
    let types = schema.types.keys().map(String::as_str).collect();
    let actions = schema.actions.keys().map(String::as_str).collect();
    document(schema, &types, &actions)
}

/// Cedar's schema for what policies on these actions, speaking of these types, can reach.
pub(crate) fn slice(schema: &Schema, actions: &BTreeSet<&str>, named: &BTreeSet<&str>) -> Json {
    let mut types: BTreeSet<&str> = BTreeSet::new();
    let mut left: Vec<&str> = named.iter().copied().collect();
    left.extend(actions.iter().filter_map(|action| schema.actions.get(*action)).map(|action| action.resource.as_str()));
    left.extend(entity_types(&schema.user).chain(entity_types(&schema.context)));
    while let Some(name) = left.pop() {
        if let Some(ty) = schema.types.get(name)
            && types.insert(name)
        {
            left.extend(entity_types(&ty.attributes).chain(ty.parents.iter().map(String::as_str)));
        }
    }
    document(schema, &types, actions)
}

fn entity_types(attributes: &Attributes) -> impl Iterator<Item = &str> {
    attributes.values().flat_map(Type::entity_types)
}

fn document(schema: &Schema, types: &BTreeSet<&str>, actions: &BTreeSet<&str>) -> Json {
    let context = record(&schema.context, &ALWAYS);
    let mut entities = Map::new();
    for name in DIRECTORY_TYPES {
        let (attributes, parents): (&Attributes, Vec<&str>) = match name {
            USER => (&schema.user, vec![ROLE, GROUP]),
            SERVICE_ACCOUNT => (&schema.service_account, vec![]),
            GROUP => (&Attributes::new(), vec![ROLE, ORGANIZATION_UNIT]),
            ORGANIZATION_UNIT => (&Attributes::new(), vec![ORGANIZATION_UNIT]),
            _ => (&Attributes::new(), vec![]),
        };
        entities.insert(name.to_owned(), json!({"memberOfTypes": parents, "shape": record(attributes, &[])}));
    }
    for (name, ty) in schema.types.iter().filter(|(name, _)| types.contains(name.as_str())) {
        entities.insert(name.clone(), json!({"memberOfTypes": ty.parents, "shape": record(&ty.attributes, &[])}));
    }
    let mut members = Map::new();
    for (name, action) in schema.actions.iter().filter(|(name, _)| actions.contains(name.as_str())) {
        let groups: Vec<Json> = action.groups.iter().map(|group| json!({"id": group})).collect();
        for group in &action.groups {
            members.entry(group.clone()).or_insert_with(|| json!({}));
        }
        members.insert(
            name.clone(),
            json!({
                "memberOf": groups,
                "appliesTo": {
                    "principalTypes": [USER, SERVICE_ACCOUNT],
                    "resourceTypes": [action.resource],
                    "context": {"type": "ParapetContext"},
                },
            }),
        );
    }
    json!({"": {"commonTypes": {"ParapetContext": context}, "entityTypes": entities, "actions": members}})
}

fn record(attributes: &Attributes, required: &[&str]) -> Json {
    let members: Map<String, Json> = attributes
        .iter()
        .map(|(name, ty)| {
            let mut json = type_json(ty);
            if let Json::Object(object) = &mut json {
                object.insert("required".to_owned(), Json::Bool(required.contains(&name.as_str())));
            }
            (name.clone(), json)
        })
        .collect();
    json!({"type": "Record", "attributes": members})
}

fn type_json(ty: &Type) -> Json {
    match ty {
        Type::Bool => json!({"type": "Boolean"}),
        Type::Long => json!({"type": "Long"}),
        Type::String => json!({"type": "String"}),
        Type::Decimal | Type::Ip | Type::Datetime | Type::Duration => {
            json!({"type": "Extension", "name": ty.to_string()})
        }
        Type::Entity(name) if name == ACTION => json!({"type": "EntityOrCommon", "name": ACTION}),
        Type::Entity(name) => json!({"type": "Entity", "name": name}),
        Type::Set(element) => json!({"type": "Set", "element": type_json(element)}),
        Type::Record(attributes) => record(attributes, &[]),
    }
}
