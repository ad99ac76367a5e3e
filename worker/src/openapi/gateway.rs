//! What is said of the gateway: the applications behind it.

use parapet::model::GatewayHost;
use serde_json::json;

use super::about::About;
use super::schemas::Schemas;
use super::table::table;

const TAG: &str = "Gateway";

pub fn about(schemas: &mut Schemas) -> Vec<About> {
    let host = json!({ "host": "app.acme.com", "origin": "https://app-origin.acme.com", "route_map": "app" });
    let mut all = table::<GatewayHost>(schemas, TAG, host, json!({ "is_active": false }));
    for about in all.iter_mut().filter(|about| about.method == "POST") {
        about.description = Some(
            "The host counts once a TXT record of DNS says that the tenant may speak for it; the finding \
             `gateway_host.unverified` says which. The origin is `https`, of a host name that leads to the public \
             internet alone.",
        );
    }
    all
}
