//! What is said of messages out: webhooks, their deliveries, and what they are sent.

use parapet::event::{ENVELOPE, TEST, messages};
use parapet::model::{Webhook, WebhookDelivery};
use parapet::standard_webhooks;
use serde_json::{Map, Value, json};

use super::about::{About, JSON};
use super::schemas::Schemas;
use super::table::{links, list, made, shown, table};
use crate::messaging::{LONGEST_OVERLAP, MOST_REDELIVERED};

const TAG: &str = "Messages";

/// A secret is in the first answer alone.
const SECRET: &str = "What signs, `whsec_…`: shown this once, and not where the request comes again.";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let hook = json!({ "name": "audit sink", "url": "https://hooks.acme.com/in", "event_types": ["user.*"] });
    let mut all = table::<Webhook>(schemas, TAG, hook, json!({ "is_active": false }));
    let secret = schemas.showing::<Webhook>("secret", SECRET);
    for about in all.iter_mut().filter(|about| about.method == "POST") {
        about.answers.insert("201".to_owned(), made(&secret, &links("Webhook")));
        about.description = Some(
            "Whoever makes one must be allowed to see what it wants to know of. Its address is `https`, of a host name \
             that leads to the public internet alone.",
        );
    }
    let row = schemas.row::<WebhookDelivery>();
    let accepted = |schema: &Value, description: &str| json!({ "description": description, "content": { JSON: { "schema": schema } } });
    let location = json!({ "Location": { "$ref": "#/components/headers/Location" } });
    let mut sent = shown(&row, "The delivery, which is on its way.");
    if let Some(headers) = sent.get_mut("headers").and_then(Value::as_object_mut) {
        headers.extend(location.as_object().cloned().unwrap_or_default());
    }
    let post = |path, id: &str, summary: &str| {
        About::new("POST", path, id, TAG, summary).parameter("IfMatch").refuses(409).refuses(412)
    };
    all.push(
        post("/v1/webhooks/{id}/test", "testWebhook", "Send a test event to a webhook")
            .describe("It is tried once, whatever the webhook wants to know of.")
            .answer(202, sent),
    );
    let rotation = json!({
        "type": "object",
        "properties": { "overlap_seconds": {
            "type": "integer", "minimum": 0, "maximum": LONGEST_OVERLAP, "default": 86_400,
            "description": "So long the old secret signs beside the new one.",
        } },
        "additionalProperties": false,
    });
    let rotation = schemas.add("WebhookRotation", rotation);
    all.push(
        post("/v1/webhooks/{id}/rotate-secret", "rotateWebhookSecret", "Put a new secret in place of a webhook's")
            .takes(rotation, json!({ "overlap_seconds": 3600 }))
            .or_nothing()
            .answer(200, shown(&secret, "The webhook, with its new secret.")),
    );
    let span = json!({
        "type": "object",
        "properties": {
            "from": { "type": "string", "format": "date-time", "description": "Deliveries that were made since." },
            "to": { "type": "string", "format": "date-time", "description": "Deliveries that were made before." },
            "delivered": { "type": "boolean", "default": false, "description": "Those that have arrived, too." },
        },
        "required": ["from", "to"],
        "additionalProperties": false,
    });
    let span = schemas.add("WebhookRedelivery", span);
    let count = json!({
        "type": "object",
        "properties": { "deliveries": { "type": "integer", "minimum": 0, "maximum": MOST_REDELIVERED } },
        "required": ["deliveries"],
        "additionalProperties": false,
    });
    let count = schemas.add("WebhookRedelivered", count);
    let example = json!({ "from": "2026-01-31T08:00:00.000Z", "to": "2026-01-31T12:00:00.000Z" });
    all.push(
        post("/v1/webhooks/{id}/redeliver", "redeliverWebhook", "Deliver a span of time to a webhook again")
            .takes(span, example)
            .answer(202, accepted(&count, "So many are on their way.")),
    );
    all.push(list::<WebhookDelivery>(schemas, TAG));
    all.push(
        About::new("GET", "/v1/webhook-deliveries/{id}", "getWebhookDelivery", TAG, "See a webhook delivery")
            .answer(200, shown(&row, "The row.")),
    );
    all.push(
        post("/v1/webhook-deliveries/{id}/redeliver", "redeliverWebhookDelivery", "Deliver one again")
            .describe("It is tried from the beginning, under the `webhook-id` that it had.")
            .answer(202, shown(&row, "The delivery, which is on its way.")),
    );
    all
}

/// What webhooks are sent, by the event's type.
pub fn webhooks(schemas: &mut Schemas) -> Value {
    let messages = messages("#/components/schemas/");
    schemas.add(ENVELOPE, messages.envelope);
    for (name, row) in messages.rows {
        schemas.part(name, row);
    }
    let events = messages.events.into_iter();
    let mut webhooks: Map<String, Value> =
        events.map(|(event, schema)| (event.name.to_owned(), item(event.about, &schema))).collect();
    let test = json!({
        "type": "object",
        "properties": {
            "type": { "const": TEST }, "timestamp": { "type": "string", "format": "date-time" },
            "id": { "type": "string", "format": "uuid" }, "tenant_id": { "type": "string", "format": "uuid" },
            "data": {
                "type": "object",
                "properties": { "webhook_id": { "type": "string", "format": "uuid" } },
                "required": ["webhook_id"],
            },
        },
        "required": ["type", "timestamp", "id", "tenant_id", "data"],
    });
    webhooks.insert(TEST.to_owned(), item("A test, for the webhook that asked for it.", &test));
    Value::Object(webhooks)
}

fn item(about: &str, schema: &Value) -> Value {
    json!({ "post": {
        "summary": about,
        "tags": [TAG],
        "parameters": [
            { "$ref": "#/components/parameters/WebhookId" },
            { "$ref": "#/components/parameters/WebhookTimestamp" },
            { "$ref": "#/components/parameters/WebhookSignature" },
        ],
        "requestBody": { "required": true, "content": { JSON: { "schema": schema } } },
        "responses": {
            "2XX": { "description": "It has arrived." },
            "410": { "description": "The webhook is switched off." },
            "default": { "description": "It comes again." },
        },
    } })
}

/// The headers of a delivery (Standard Webhooks 1.0).
pub fn parameters() -> Map<String, Value> {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": true, "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    Map::from_iter([
        (
            "WebhookId".to_owned(),
            header(
                standard_webhooks::ID,
                "The event: the same however often it is sent.",
                json!({ "type": "string", "format": "uuid" }),
            ),
        ),
        (
            "WebhookTimestamp".to_owned(),
            header(standard_webhooks::TIMESTAMP, "When this attempt was made, in seconds since 1970.", text()),
        ),
        (
            "WebhookSignature".to_owned(),
            header(
                standard_webhooks::SIGNATURE,
                "`v1,<base64>`: HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`; two with a space between \
                 while a secret is being changed.",
                text(),
            ),
        ),
    ])
}
