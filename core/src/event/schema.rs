//! The JSON Schema of what is delivered, by event.

use super::{EVENTS, Event};
use crate::model::TableInfo;
use crate::model::document::row_schemas;
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of an event's `data`. What it refers to lies under `place` (`#/$defs/`): the rows, by the
/// names of their types, without what is secret.
fn data(event: &Event, object: Value) -> Value {
    json!({
        "type": "object",
        "description": event.about,
        "properties": {
            "actor": {
                "type": "object",
                "description": "Who did it; `system` is the service itself, `anonymous` somebody who has not shown who they are.",
                "properties": {
                    "type": { "type": "string" },
                    "id": { "type": "string" },
                    "api_key_id": { "type": "string", "format": "uuid" },
                    "session_id": { "type": "string", "format": "uuid" },
                    "access_token_id": { "type": "string", "format": "uuid", "description": "The `jti`, where they came with an access token that they got by the key or session." },
                    "tenant_id": { "type": "string", "format": "uuid", "description": "Whose they are, where that is another tenant: the operators'." },
                },
                "required": ["type"],
                "additionalProperties": false,
            },
            "request_id": { "type": ["string", "null"], "description": "The request by which it happened; null where the service did it." },
            "resource": {
                "type": "object",
                "description": "What it happened to; `id` is null where the row has another key.",
                "properties": { "type": { "const": event.table() }, "id": { "type": ["string", "null"] } },
                "required": ["type", "id"],
                "additionalProperties": false,
            },
            "object": object,
            "changed": {
                "type": ["array", "null"],
                "items": { "type": "string" },
                "description": "Which columns changed; null where the row was made or removed.",
            },
            "cause": { "type": "object", "description": "What it follows from, where nobody asked for it." },
        },
        "required": ["actor", "request_id", "resource", "object", "changed"],
        "additionalProperties": false,
    })
}

/// The schemas that an event's refers to: each row that an event is about, by the name of its type. `place` is where they
/// will lie: `#/components/schemas/`.
fn rows(place: &str) -> (Vec<(&'static TableInfo, String)>, Map<String, Value>) {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = place.trim_start_matches('#').trim_end_matches('/').to_owned().into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let tables = row_schemas(&mut generator);
    let mut definitions = generator.take_definitions(true);
    let mut names = Vec::new();
    for (table, name, _) in tables {
        if !EVENTS.iter().any(|event| event.table() == table.name) {
            definitions.remove(name.as_ref());
            continue;
        }
        let Some(Value::Object(mut row)) = definitions.remove(name.as_ref()) else { continue };
        if let Some(Value::Object(properties)) = row.get_mut("properties") {
            properties.retain(|name, _| table.columns.iter().any(|column| column.name == name && !column.secret));
            hide(table.name, properties);
        }
        row.remove("required");
        row.insert("additionalProperties".to_owned(), json!(false));
        let ours = format!("{name}Object");
        definitions.insert(ours.clone(), Value::Object(row));
        names.push((table, ours));
    }
    // What only rows of other tables refer to is of no use.
    loop {
        let text = Value::Object(definitions.clone()).to_string();
        let unused: Vec<String> = definitions
            .keys()
            .filter(|name| !name.ends_with("Object") && !text.contains(&format!("/{name}\"")))
            .cloned()
            .collect();
        if unused.is_empty() {
            break;
        }
        unused.iter().for_each(|name| drop(definitions.remove(name)));
    }
    (names, definitions)
}

/// Events do not show all that a row has.
fn hide(table: &str, properties: &mut Map<String, Value>) {
    if table == "webhook" {
        let headers = json!({ "type": "object", "description": "Further headers; of each, only that it is set.",
                              "additionalProperties": { "const": { "set": true } } });
        properties.insert("headers".to_owned(), headers);
    }
    if table == "webhook_delivery" {
        properties.remove("payload");
        properties.remove("response_body");
    }
    if table == "user_notification" {
        properties.remove("subject");
        properties.remove("content");
    }
    if table == "tenant_setting" {
        properties.insert(
            "setting_value".to_owned(),
            json!({ "description": "What it is set to; of a secret, only that it is set." }),
        );
    }
}

/// The JSON Schema of an event's `data`, whole; nothing where there is no such event.
pub fn data_schema(name: &str) -> Option<Value> {
    let event = super::find(name)?;
    let (names, definitions) = rows("#/$defs/");
    let mut schema = data(event, object(event, &names, "#/$defs/"));
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Some(schema)
}

/// What is delivered: the schema that all events have in common, which belongs under the name [`ENVELOPE`]; what each adds
/// to it; and the schemas of rows that these refer to, under `place`.
pub struct Messages {
    /// What all have in common.
    pub envelope: Value,
    /// Each event, with its own schema.
    pub events: Vec<(&'static Event, Value)>,
    /// The rows, by the names of their schemas.
    pub rows: Map<String, Value>,
    /// The tables that events are about, with the names of their rows' schemas.
    pub tables: Vec<(&'static TableInfo, String)>,
}

/// The name of the schema that all events have in common.
pub const ENVELOPE: &str = "Event";

/// The JSON Schemas of what is delivered; they will lie under `place`.
pub fn messages(place: &str) -> Messages {
    let (tables, rows) = rows(place);
    let own = |event: &'static Event| {
        let data = json!({ "properties": {
            "resource": { "properties": { "type": { "const": event.table() } } },
            "object": object(event, &tables, place),
        } });
        let own = json!({ "properties": { "type": { "const": event.name }, "data": data } });
        (event, json!({ "allOf": [{ "$ref": format!("{place}{ENVELOPE}") }, own] }))
    };
    let any = Event { name: "", about: "What happened." };
    let mut data = data(&any, json!({ "type": "object", "description": "The row, as the API shows it." }));
    if let Some(kind) = data.pointer_mut("/properties/resource/properties/type") {
        *kind = json!({ "type": "string", "description": "The table." });
    }
    Messages { envelope: message(data), events: EVENTS.iter().map(own).collect(), rows, tables }
}

fn object(event: &Event, tables: &[(&'static TableInfo, String)], place: &str) -> Value {
    let integer = |description: &str| json!({ "type": "integer", "minimum": 0, "description": description });
    let own = |properties: Value| {
        let required: Vec<String> = properties.as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    match event.name {
        "snapshot.rolled_back" => own(json!({
            "policy_version": integer("The version that the rules have now."),
            "rolled_back_to": integer("The version whose rules they are."),
            "rows": integer("How many rows changed."),
        })),
        "webhook.redelivered" => own(json!({
            "id": { "type": "string", "format": "uuid", "description": "The webhook." },
            "from": { "type": "string", "format": "date-time", "description": "Deliveries that were made since." },
            "to": { "type": "string", "format": "date-time", "description": "Deliveries that were made before." },
            "delivered": { "type": "boolean", "description": "Whether those that had arrived are among them." },
            "deliveries": integer("How many there are."),
        })),
        _ => {
            let name = tables.iter().find(|(table, _)| table.name == event.table()).map_or("", |(_, name)| name);
            json!({ "$ref": format!("{place}{name}") })
        }
    }
}

/// What is delivered, around an event's data.
fn message(data: Value) -> Value {
    let uuid = |description: &str| json!({ "type": "string", "format": "uuid", "description": description });
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "description": "The event's type." },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it happened." },
            "id": uuid("The event, as in `webhook-id`: the same however often it is sent."),
            "tenant_id": uuid("Whose event it is."),
            "data": data,
        },
        "required": ["type", "timestamp", "id", "tenant_id", "data"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_names_its_type() {
        let messages = messages("#/$defs/");
        assert_eq!(messages.events.len(), EVENTS.len());
        assert!(messages.envelope["properties"]["data"]["properties"]["actor"].is_object());
        for (event, schema) in messages.events {
            assert_eq!(schema.pointer("/allOf/1/properties/type/const"), Some(&json!(event.name)));
        }
    }

    #[test]
    fn every_reference_points_somewhere_and_no_secret_is_shown() {
        for event in EVENTS {
            let schema = data_schema(event.name).unwrap();
            let text = schema.to_string();
            for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(schema.pointer(reference.trim_start_matches('#')).is_some(), "{}: {reference}", event.name);
            }
            assert!(!text.contains("writeOnly"), "{}", event.name);
        }
    }
}
