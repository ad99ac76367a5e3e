//! The API's description, OpenAPI 3.1, at `/openapi.json`.
//!
//! It is made of the API's routes ([`crate::api`]; pages are for people and are not in it), the rows and what [`about`] says
//! of each route, off the edge ([`document`]), and kept in `worker/openapi.json`, which a test holds to the code. The Worker
//! carries that file alone.

use crate::guard::{Access, Route};
use crate::response::Response;

#[cfg(not(target_arch = "wasm32"))]
pub mod about;
#[cfg(not(target_arch = "wasm32"))]
mod access;
#[cfg(not(target_arch = "wasm32"))]
mod account;
#[cfg(not(target_arch = "wasm32"))]
mod bulk;
#[cfg(not(target_arch = "wasm32"))]
mod decisions;
#[cfg(not(target_arch = "wasm32"))]
mod directory;
#[cfg(not(target_arch = "wasm32"))]
pub mod document;
#[cfg(not(target_arch = "wasm32"))]
mod explanation;
#[cfg(not(target_arch = "wasm32"))]
mod factor;
#[cfg(not(target_arch = "wasm32"))]
mod federation;
#[cfg(not(target_arch = "wasm32"))]
mod gateway;
#[cfg(not(target_arch = "wasm32"))]
mod governance;
#[cfg(not(target_arch = "wasm32"))]
mod login;
#[cfg(not(target_arch = "wasm32"))]
mod messaging;
#[cfg(not(target_arch = "wasm32"))]
mod notifications;
#[cfg(not(target_arch = "wasm32"))]
mod policies;
#[cfg(not(target_arch = "wasm32"))]
mod problem;
#[cfg(not(target_arch = "wasm32"))]
pub mod schemas;
#[cfg(not(target_arch = "wasm32"))]
mod service;
#[cfg(not(target_arch = "wasm32"))]
mod sign_up;
#[cfg(not(target_arch = "wasm32"))]
mod snapshots;
#[cfg(not(target_arch = "wasm32"))]
mod table;
#[cfg(not(target_arch = "wasm32"))]
mod tenancy;
#[cfg(not(target_arch = "wasm32"))]
mod tokens;

/// The document, as it is served.
pub const DOCUMENT: &str = include_str!("../../openapi.json");

/// `GET /openapi.json`.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/openapi.json",
        access: Access::Public(|_, _| Box::pin(async { Ok(answer()) })),
    }]
}

/// It is the same for everybody, and changes with the Worker alone.
fn answer() -> Response {
    let response = Response { status: 200, body: DOCUMENT.as_bytes().to_vec(), ..Response::default() };
    response.with("content-type", "application/json").with("cache-control", "public, max-age=300")
}
