//! What is said of the service itself: whether it runs, and this document.

use serde_json::json;

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
