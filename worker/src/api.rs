//! All routes of the JSON API: what `/openapi.json` describes, and what the hosted pages ask.

use crate::guard::Route;
use crate::{
    access, bulk, decision_log, directory, federation, gateway, governance, health, login, messaging, metrics, openapi,
    tenancy,
};

/// Them.
pub fn routes() -> Vec<Route> {
    [
        health::routes(),
        metrics::routes(),
        openapi::routes(),
        access::routes(),
        decision_log::routes(),
        directory::routes(),
        login::routes(),
        tenancy::routes(),
        bulk::routes(),
        governance::routes(),
        federation::routes(),
        gateway::routes(),
        messaging::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
