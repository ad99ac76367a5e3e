//! Whether the service runs at all. It asks nothing of the database, and says nothing of it.

use serde_json::json;

use crate::guard::{Access, Route};
use crate::response::Response;

/// `GET /healthz`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/healthz",
        access: Access::Public(|_, _| Box::pin(async { Response::json(&json!({ "status": "ok" })) })),
    }]
}
