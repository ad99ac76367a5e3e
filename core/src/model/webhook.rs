//! Webhooks: events to machines, by Standard Webhooks 1.0.

use super::audit::check_event_type;
use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

row! {
    /// An address that wants to know of events.
    Webhook in webhook {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Unique within the tenant.
        name: String,
        /// Where to; `https`, but in local work.
        url: String,
        /// Further headers of each delivery, `{"<name>": "<value>"}`. Exports and the API show them; the log and events do not.
        headers: Map<String, Value> = Map::new(),
        /// AES-256-GCM under the data key: the signing secret. Without it (in an export) nothing is delivered.
        #[serde(skip_serializing)]
        secret: Option<Secret>,
        /// The secret before, while it still signs beside the new one. An addition to the diagram.
        #[serde(skip_serializing)]
        previous_secret: Option<Secret>,
        /// Until when `previous_secret` signs. An addition to the diagram.
        previous_secret_expires_at: Option<Timestamp>,
        /// The events that it wants to know of: `*` for all, `user.*` for all that begin so, else a type.
        event_types: Vec<String> = Vec::new(),
        /// Whether it is told.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "name"]
}

/// The longest value of a further header, in characters.
const LONGEST_HEADER: usize = 4096;

/// The most further headers.
const MOST_HEADERS: usize = 32;

/// Headers that a delivery has of its own, those of the connection (RFC 9110, section 7.6.1), and those by which proxies
/// say who calls.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 17] = [
        "accept-encoding",
        "connection",
        "cookie2",
        "date",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "www-authenticate",
        "http2-settings",
    ];
    const OUR_BEGINNINGS: [&str; 8] =
        ["access-control-", "cf-", "content-", "cdn-", "proxy-", "sec-", "webhook-", "x-forwarded-"];
    let name = name.to_ascii_lowercase();
    OURS.contains(&name.as_str()) || OUR_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

impl Invariants for Webhook {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "webhook.name",
            "a name is 1 to 255 characters, not blank",
        );
        problems.require(shape::is_url(&self.url), "url", "webhook.url", "expected an http(s) address");
        for (name, value) in &self.headers {
            let name_holds = (1..=128).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            let value_holds = value.as_str().is_some_and(|text| {
                text.len() <= LONGEST_HEADER && text.bytes().all(|b| (b' '..=b'~').contains(&b)) && text.trim() == text
            });
            problems.require(
                name_holds && value_holds,
                &format!("headers/{name}"),
                "webhook.header",
                "expected a header name and printable ASCII of at most 4096 characters, without spaces around it",
            );
            problems.require(
                !is_ours(name),
                &format!("headers/{name}"),
                "webhook.header_reserved",
                "this header is the service's, or of the connection",
            );
        }
        problems.require(
            self.headers.len() <= MOST_HEADERS,
            "headers",
            "webhook.too_many_headers",
            "a webhook has at most 32 further headers",
        );
        for (index, event_type) in self.event_types.iter().enumerate() {
            let named = event_type.strip_suffix(".*").unwrap_or(event_type);
            if event_type != "*" && !shape::is_dotted(named) {
                let message = format!(
                    "`{event_type}` is no event type: `*`, or lower-case words joined by dots, perhaps with `.*`"
                );
                problems.add(&format!("event_types/{index}"), "webhook.event_type", message);
            }
        }
    }
}

row! {
    /// An event on its way to a webhook. Delivered once `delivered_at` is set; given up once neither that nor
    /// `next_attempt_at` is.
    WebhookDelivery in webhook_delivery {
        /// UUIDv7.
        id: Uuid,
        /// The webhook's tenant.
        tenant_id: Uuid => tenant,
        /// Which webhook.
        webhook_id: Uuid => webhook,
        /// The event's `outbox` id, which is the `webhook-id`; no reference, since events are cleared sooner.
        /// Null in a test event, whose `webhook-id` is the delivery's own. An addition to the diagram.
        event_id: Option<Uuid>,
        /// The event's type.
        event_type: String,
        /// What is sent.
        payload: Map<String, Value> = Map::new(),
        /// The HTTP status of the last answer; null where there was none.
        response_status: Option<i64>,
        /// The last answer's first 1,024 bytes as text; where there was none, why.
        response_body: Option<String>,
        /// How often it was tried.
        attempt_count: i64 = 0,
        /// When it is tried next; null when it is not. An addition to the diagram.
        next_attempt_at: Option<Timestamp>,
        /// When it arrived.
        delivered_at: Option<Timestamp>,
        /// When it was queued.
        created_at: Timestamp,
    }
    unique ["webhook_id", "event_id"]
}

impl Invariants for WebhookDelivery {
    fn check(&self, problems: &mut Problems<'_>) {
        check_event_type(&self.event_type, "webhook_delivery.event_type", problems);
        problems.require(
            self.attempt_count >= 0,
            "attempt_count",
            "webhook_delivery.attempt_count",
            "a count is not negative",
        );
    }
}
