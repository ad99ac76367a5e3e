//! `GET /script/{version}/passkey.js`: the one script of the pages, on those alone that ask for a passkey, which browsers
//! give to scripts only. It lies beside the pages, so that they allow no script within them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::response::Response;

const SCRIPT: &str = include_str!("passkey.js");

/// What the script of now is told by.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digits = hex::encode(Sha256::digest(SCRIPT));
    digits.truncate(16);
    digits
});

/// The script.
pub fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/script/{version}/passkey.js",
        access: Access::Public(|app, call| Box::pin(serve(app, call))),
    }]
}

/// Where it lies.
pub fn path() -> String {
    format!("/script/{}/passkey.js", *VERSION)
}

async fn serve(_: &App, call: &Call) -> Result<Response, ApiError> {
    let response = Response { status: 200, body: SCRIPT.as_bytes().to_vec(), ..Response::default() };
    let response = response.with("content-type", "text/javascript; charset=utf-8");
    // A page of before or after this version works with the one of now, and nobody keeps it for the other.
    let is_of_now = call.parameter("version") == *VERSION;
    Ok(if is_of_now { response.with("cache-control", "public, max-age=31536000, immutable") } else { response })
}
