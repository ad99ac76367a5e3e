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
        About::new("GET", "/openapi.json", "getOpenApi", TAG, "This document")
            .gives(json!({ "type": "object" }), "OpenAPI 3.1."),
    ]
}
