//! `docs/events.md`: the catalogue, for people.

use super::schema::messages;
use serde_json::Value;
use std::fmt::Write as _;

const BEGINNING: &str = "\
# Events

Made of `core/src/event`; a test holds the two to each other. Each event is one row of the outbox, written in the
transaction of its cause, and is delivered to the webhooks that want it:

    {\"type\": \"user.created\", \"timestamp\": \"2026-01-31T08:00:00.000Z\", \"id\": \"…\", \"tenant_id\": \"…\",
     \"data\": {\"actor\": {…}, \"request_id\": \"…\", \"resource\": {\"type\": \"user\", \"id\": \"…\"}, \"object\": {…}, \"changed\": null}}

`id` is the `webhook-id`: the same however often it is sent. `data.object` is the row as the API shows it, and as it was
where it was removed; `data.changed` names what changed. A reader ignores what it does not know: members are added.

| event | what happened | `data.object` |
|---|---|---|
";

/// The text of `docs/events.md`.
pub fn markdown() -> String {
    let messages = messages("#/$defs/");
    let mut text = BEGINNING.to_owned();
    for (event, schema) in &messages.events {
        let object = schema.pointer("/allOf/1/properties/data/properties/object");
        let reference = object.and_then(|object| object.get("$ref")).and_then(Value::as_str);
        let object = match reference {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap_or_default();
                format!("[{name}](#{})", name.to_ascii_lowercase())
            }
            None => {
                let properties = object.and_then(|object| object.get("properties")).and_then(Value::as_object);
                let mut names: Vec<String> =
                    properties.into_iter().flat_map(|all| all.keys()).map(|name| format!("`{name}`")).collect();
                names.sort();
                names.join(", ")
            }
        };
        let _ = writeln!(text, "| `{}` | {} | {object} |", event.name, event.about);
    }
    text.push_str("\nA test event (`webhook.test`) comes to the webhook that asked for it alone; its `data` is `{\"webhook_id\": \"…\"}`.\n");
    for (table, name) in &messages.tables {
        let Some(row) = messages.rows.get(name) else { continue };
        let description = |of: &Value| {
            let text = of.get("description").and_then(Value::as_str).unwrap_or_default();
            text.replace('\n', " ")
        };
        let _ = write!(text, "\n## {name}\n\n{}\n\n", description(row));
        for column in table.columns {
            if let Some(property) = row.get("properties").and_then(|all| all.get(column.name)) {
                let _ = writeln!(text, "- `{}`: {}", column.name, description(property));
            }
        }
    }
    text
}
