//! The user who asks (RFC 7644, section 3.11): `GET /scim/v2/Me`, with a session or a key of the scope `me`.

use super::{user, users};
use crate::administration::OWN_SCOPE;
use crate::app::App;
use crate::authenticate::Caller;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::me::Me;
use crate::publish;
use crate::response::Response;

/// The route. What people may change of themselves is `/v1/me/…`, which asks for proofs that SCIM has no words for.
pub fn routes() -> Vec<Route> {
    let access = Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(get(app, call, caller)));
    vec![Route { method: "GET", path: "/scim/v2/Me", access }]
}

async fn get(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let published = publish::current(app, caller.newest(), &call.id).await?;
    user::get(app, call, me.tenant, &users(&published), me.user).await
}
