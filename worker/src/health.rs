//! Whether the service runs, and whether it keeps up.
//!
//! `GET /healthz` asks nothing of the database and says nothing of it. `GET /v1/health` says in one word whether what waits
//! waits for too long, to anybody; so an isolate asks the database for that once in [`KNOWN_FOR`], whoever asks it. What
//! fails at one tenant's webhook or mail server is in no stranger's answer: only how long our own work waits is.

use parapet::administration::SYSTEM_TENANT;
use serde_json::json;

use crate::administration::Actor;
use crate::app::App;
use crate::authenticate::caller;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::readings::Readings;
use crate::response::Response;

/// For so long what was read is told again, in milliseconds.
const KNOWN_FOR: i64 = 10_000;

/// So old an event may be that is not fanned out, in seconds: a sweep finds it within a minute.
const OLDEST_EVENT: f64 = 300.0;

/// So long a delivery or a notification may be overdue, in seconds: longer than one that was begun is held by a sender.
const OVERDUE: f64 = 600.0;

/// `GET /healthz` and `GET /v1/health`.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/healthz",
            access: Access::Public(|_, _| Box::pin(async { Response::json(&json!({ "status": "ok" })) })),
        },
        Route { method: "GET", path: "/v1/health", access: Access::Public(|app, call| Box::pin(health(app, call))) },
    ]
}

async fn health(app: &App, call: &Call) -> Result<Response, ApiError> {
    if let Some(operator) = operator(app, call).await? {
        return numbers(app, &operator).await;
    }
    let now = app.clock.now();
    let keeps_up = match app.memory.health(now, KNOWN_FOR) {
        Some(known) => known,
        None => {
            let keeps_up = keeps_up(&Readings::times(app).await?);
            app.memory.keep_health(now, keeps_up);
            keeps_up
        }
    };
    Response::json(&json!({ "status": word(keeps_up) }))
}

/// The operator who asks. Whoever comes with the key of another tenant is answered as if they had none.
async fn operator(app: &App, call: &Call) -> Result<Option<Actor>, ApiError> {
    if call.request.header("authorization").is_none() || caller(app, call).await?.standing.tenant != SYSTEM_TENANT {
        return Ok(None);
    }
    Actor::admit(app, call, "tenant.read").await.map(Some)
}

async fn numbers(app: &App, _: &Actor) -> Result<Response, ApiError> {
    let readings = Readings::all(app).await?;
    let age = |name: &str| readings.seconds_since(name).unwrap_or(0.0);
    Response::json(&json!({
        "status": word(keeps_up(&readings)),
        "oldest_event_seconds": age("oldest_event"),
        "deliveries_overdue_seconds": age("oldest_delivery"),
        "notifications_overdue_seconds": age("oldest_notification"),
        "newest_snapshot_seconds": readings.seconds_since("newest_snapshot"),
        "deliveries_failed": readings.count("deliveries_failed"),
        "notifications_failed": readings.count("notifications_failed"),
        "late_duties": readings.late(),
    }))
}

fn keeps_up(readings: &Readings) -> bool {
    let within = |name: &str, most: f64| readings.seconds_since(name).is_none_or(|seconds| seconds <= most);
    within("oldest_event", OLDEST_EVENT)
        && within("oldest_delivery", OVERDUE)
        && within("oldest_notification", OVERDUE)
        && readings.late().is_empty()
}

fn word(keeps_up: bool) -> &'static str {
    if keeps_up { "ok" } else { "degraded" }
}
