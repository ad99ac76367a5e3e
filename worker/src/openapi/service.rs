//! What is said of the service itself: whether it runs, and this document.

use serde_json::{Value, json};

use super::about::About;

const TAG: &str = "Service";

pub fn about() -> Vec<About> {
    vec![
        About::new("GET", "/healthz", "getHealth", TAG, "Whether the service runs").gives(
            json!({
                "type": "object",
                "properties": { "status": { "const": "ok" } },
                "required": ["status"],
                "additionalProperties": false,
            }),
            "It runs. It asks nothing of the database, and says nothing of it.",
        ),
        About::new("GET", "/v1/health", "getServiceHealth", TAG, "Whether the service keeps up")
            .describe(
                "`degraded` where events wait for more than 5 minutes, deliveries or notifications are overdue for more than 10, or a duty of the clock is late. What was read is told for 10 seconds. The numbers are for an operator alone, who comes with the key that `/v1/metrics` needs; whoever comes without a key, or with that of another tenant, is told the word.",
            )
            .gives(health(), "How it does.")
            .refuses(401)
            .refuses(403)
            .refuses(429)
            .refuses(500)
            .refuses(503),
        About::new("GET", "/v1/metrics", "getMetrics", TAG, "How the service does")
            .describe(
                "For operators, and 404 for everybody else: how old and how many the events, deliveries and notifications are that wait or failed, and how each duty of the clock went. Counts stop at 10,000. A scraper needs a key of the operators' tenant with `parapet:tenant.read`.",
            )
            .answer(
                200,
                json!({
                    "description": "Prometheus' text format 0.0.4.",
                    "content": { "text/plain": { "schema": { "type": "string" } } },
                }),
            )
            .refuses(404),
        About::new("GET", "/openapi.json", "getOpenApi", TAG, "This document")
            .gives(json!({ "type": "object" }), "OpenAPI 3.1."),
    ]
}

fn health() -> Value {
    let number = |description: &str| json!({ "type": "number", "minimum": 0, "description": description });
    json!({
        "type": "object",
        "properties": {
            "status": { "enum": ["ok", "degraded"] },
            "oldest_event_seconds": number("The age of the oldest event that is not fanned out; 0 where there is none."),
            "deliveries_overdue_seconds": number("How long the next try of a delivery is overdue."),
            "notifications_overdue_seconds": number("How long the next try of a notification is overdue."),
            "newest_snapshot_seconds": { "type": ["number", "null"], "minimum": 0,
                                         "description": "The age of the newest file of rules that was published." },
            "deliveries_failed": number("Deliveries given up and kept, counted up to 10,000."),
            "notifications_failed": number("Notifications given up and kept, counted up to 10,000."),
            "late_duties": { "type": "array", "items": { "type": "string" },
                             "description": "Duties of the clock whose last run ended too long ago." },
        },
        "required": ["status"],
        "additionalProperties": false,
    })
}
