//! `GET /`: there is nothing here but the way to one's account.

use super::return_to::HOME;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::Site;
use crate::response::Response;

/// The root of a tenant's host.
pub fn routes() -> Vec<Route> {
    vec![Route { method: "GET", path: "/", access: Access::Public(|app, call| Box::pin(go(app, call))) }]
}

async fn go(app: &App, call: &Call) -> Result<Response, ApiError> {
    Site::of(app, call).await?;
    Ok(Response { status: 303, ..Response::default() }.with("location", HOME))
}
