//! Applications behind the gateway. An addition to the diagram.

use super::Timestamp;
use super::row::{Invariants, Problems, row};
use super::shape::{is_domain, is_origin};
use uuid::Uuid;

row! {
    /// A host name whose requests are decided here and passed on to an application.
    GatewayHost in gateway_host {
        /// UUIDv7.
        id: Uuid,
        /// The tenant whose application it is.
        tenant_id: Uuid => tenant,
        /// The host name, in lower case. The tenant has shown by DNS that it may speak for it.
        host: String,
        /// Where requests are passed on to, `https://app.internal.example.com`; null where another server passes them on
        /// and only asks here (forward authentication).
        origin: Option<String>,
        /// The route map that its requests are decided by: the name in the setting `auth/routes.<name>`.
        route_map: String,
        /// Whether requests are passed on; else the host is answered as nobody's.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["host"]
}

impl Invariants for GatewayHost {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            is_gateway_host(&self.host),
            "host",
            "gateway_host.host",
            "expected a host name in lower case",
        );
        problems.require(
            self.origin.as_deref().is_none_or(is_origin),
            "origin",
            "gateway_host.origin",
            "expected `https`, a host and perhaps a port, without a path",
        );
        problems.require(
            is_map(&self.route_map),
            "route_map",
            "gateway_host.route_map",
            "a route map's name is of letters, digits, `_` and `-`",
        );
    }
}

/// Whether a name can be an application's host: a domain, or a name under `localhost` on a developer's machine.
pub fn is_gateway_host(name: &str) -> bool {
    // A last label that begins with a letter is no number, so this is no address.
    let is_number =
        name.rsplit('.').next().is_some_and(|label| label.starts_with(|first: char| first.is_ascii_digit()));
    (is_domain(name) && !is_number) || name.strip_suffix(".localhost").is_some_and(is_label)
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_map(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
