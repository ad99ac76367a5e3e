//! How the service does, for operators alone: `GET /v1/metrics`, in Prometheus' text format 0.0.4.
//!
//! It costs one round trip and the same however much there is: counting stops at [`crate::readings::MOST`].

use std::fmt::Write as _;

use parapet::model::Timestamp;
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Route};
use crate::readings::{Readings, number, time};
use crate::response::Response;
use crate::scheduled::duties;
use crate::tenancy::tenant::operators_only;

/// Prometheus' text format.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /v1/metrics`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/metrics",
        access: Access::Permission("tenant.read", |app, call, actor| {
            Box::pin(async move {
                call.no_query()?;
                operators_only(&actor)?;
                metrics(app).await
            })
        }),
    }]
}

async fn metrics(app: &App) -> Result<Response, ApiError> {
    let duties = duties();
    let readings = Readings::all(app).await?;
    let seconds = |milliseconds: Option<i64>| milliseconds.map(|milliseconds| milliseconds as f64 / 1000.0);
    let mut text = Text::default();
    for (name, column, help) in [
        ("parapet_outbox_oldest_seconds", "oldest_event", "Age of the oldest event that is not fanned out; 0: none."),
        ("parapet_webhook_deliveries_overdue_seconds", "oldest_delivery", "How long the next delivery is overdue."),
        ("parapet_notifications_overdue_seconds", "oldest_notification", "How long the next notification is overdue."),
    ] {
        text.gauge(name, help);
        text.sample(name, "", Some(readings.seconds_since(column).unwrap_or(0.0)));
    }
    text.gauge("parapet_snapshot_newest_seconds", "Age of the newest file of rules that was published.");
    text.sample("parapet_snapshot_newest_seconds", "", readings.seconds_since("newest_snapshot"));
    for (name, column, help) in [
        ("parapet_outbox_waiting", "events", "Events that are not fanned out, counted up to 10000."),
        ("parapet_webhook_deliveries_waiting", "deliveries_waiting", "Deliveries with a try to come, up to 10000."),
        ("parapet_webhook_deliveries_failed", "deliveries_failed", "Deliveries given up and kept, up to 10000."),
        ("parapet_notifications_waiting", "notifications_waiting", "Notifications with a try to come, up to 10000."),
        ("parapet_notifications_failed", "notifications_failed", "Notifications given up and kept, up to 10000."),
        ("parapet_tenant_purges", "purges", "Tenants that are being purged."),
    ] {
        text.gauge(name, help);
        text.sample(name, "", readings.count(column));
    }
    let run = |name: &str| readings.run(name);
    let column = |name: &str, column: &str| run(name).and_then(|row| number(row, column));
    let instant =
        |name: &str, column: &str| seconds(run(name).and_then(|row| time(row, column)).map(Timestamp::as_millis));
    let mut each = |name: &str, kind: &str, help: &str, value: &dyn Fn(&str) -> Option<f64>| {
        text.metric(name, kind, help);
        for duty in &duties {
            text.sample(name, &format!("{{duty=\"{}\"}}", duty.name), value(duty.name));
        }
    };
    each("parapet_duty_period_seconds", "gauge", "From one start of a duty to the next.", &|name| {
        duties.iter().find(|duty| duty.name == name).map(|duty| duty.period as f64 / 1000.0)
    });
    each("parapet_duty_last_start_timestamp_seconds", "gauge", "When a duty last started.", &|name| {
        instant(name, "last_started_at")
    });
    each("parapet_duty_last_end_timestamp_seconds", "gauge", "When a duty last ended.", &|name| {
        instant(name, "last_finished_at")
    });
    each("parapet_duty_last_run_failed", "gauge", "1 where the newest run of a duty that ended failed.", &|name| {
        run(name).map(|row| f64::from(u8::from(row.get("last_error").is_some_and(Value::is_string))))
    });
    each("parapet_duty_runs_total", "counter", "Runs of a duty.", &|name| column(name, "runs"));
    each("parapet_duty_failures_total", "counter", "Runs of a duty that failed or never ended.", &|name| {
        column(name, "failures")
    });
    each("parapet_duty_items_total", "counter", "What a duty did, in its own unit.", &|name| column(name, "items"));
    each("parapet_duty_remaining", "gauge", "What a duty has left to do, where it counts that.", &|name| {
        column(name, "remaining")
    });
    let response = Response { status: 200, body: text.0.into_bytes(), ..Response::default() };
    Ok(response.with("content-type", MEDIA_TYPE))
}

/// What is told, line by line. Names, labels and texts are our own words, in which nothing needs an escape.
#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str) {
        self.metric(name, "gauge", help);
    }

    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A value; nothing where there is none.
    fn sample(&mut self, name: &str, labels: &str, value: Option<f64>) {
        if let Some(value) = value {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}
