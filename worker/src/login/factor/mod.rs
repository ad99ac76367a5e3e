//! Second factors and passkeys: what comes after a password, or instead of it, and how people get them.
//!
//! A factor is a row of `mfa_device`. What is asked of whom is [`policy`]'s; whether what is shown counts, [`check`]'s; how a
//! factor is added is [`enrolment`], whoever adds it.

mod check;
mod code;
mod device;
pub mod enrol;
pub mod enrolment;
mod method;
pub mod own_factor;
pub mod passkey;
pub mod policy;
mod proved;
pub mod second;
mod tries;
mod user_factor;

pub use check::Shown;
pub use method::{Method, strength};

use parapet::factor::webauthn::RelyingParty;
use parapet::model::{MfaDevice, User};

use super::sign_in::{Pending, Step, finish};
use super::site::Site;
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Call, Route};
use policy::Policy;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    [second::routes(), passkey::routes(), enrol::routes(), own_factor::routes(), user_factor::routes()]
        .into_iter()
        .flatten()
        .collect()
}

/// A password was right: what comes next for a user with these factors.
pub async fn after_password(
    app: &App,
    call: &Call,
    site: &Site,
    user: &User,
    pending: Pending,
    devices: Vec<MfaDevice>,
) -> Result<Step, ApiError> {
    if devices.is_empty() {
        return conclude(app, call, site, user, pending, &devices).await;
    }
    second::step(app, site, user, pending, devices).await
}

/// Everything that a user has was shown. Where the tenant asks for more than they have, they add it; else they are in.
async fn conclude(
    app: &App,
    call: &Call,
    site: &Site,
    user: &User,
    pending: Pending,
    devices: &[MfaDevice],
) -> Result<Step, ApiError> {
    let policy = Policy::of(site);
    if !policy.is_enough(devices) && policy.is_asked_of(app, user).await? {
        return enrol::step(app, site, user, pending, &policy).await;
    }
    finish(app, call, site, user, &pending).await
}

/// Who asks keys for signatures: the tenant under the host that was asked, which is its own. A key made at one host of a
/// tenant is not known at another.
fn party(call: &Call, site: &Site) -> Result<RelyingParty, ApiError> {
    let (host, origin) = (call.request.host(), call.request.origin.to_lowercase());
    RelyingParty::new(&host, &site.tenant.name, &[&origin]).map_err(ApiError::internal)
}
