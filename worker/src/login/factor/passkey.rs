//! `POST /v1/auth/passkey` and `…/begin`: a key that verifies its user signs in by itself. `POST /v1/auth/step-up/passkey`
//! and `…/begin`: who is signed in proves by it once more who they are.

use parapet::factor::webauthn::{AuthenticationResponse, Ceremony, Credential, RequestOptions, Usage};
use parapet::model::{MfaDevice, MfaDeviceType, Timestamp, User};
use parapet::opaque_token::OpaqueToken;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::check::{Right, signed};
use super::policy::Policy;
use super::{device, party, tries};
use crate::administration::OWN_SCOPE;
use crate::app::App;
use crate::authenticate::Caller;
use crate::cookie;
use crate::document::rows;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::Site;
use crate::login::flow::{Flow, LIFETIME};
use crate::login::sent::Sent;
use crate::login::sign_in::{Pending, Proving, Step, finish, step_is_over};
use crate::login::throttle::Counted;
use crate::me::Me;
use crate::platform::db::Statement;
use crate::platform::random;
use crate::response::Response;

/// What a flow is for that a passkey ends.
const PURPOSE: &str = "sign_in.passkey";

/// Signing in, and proving oneself again.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/v1/auth/passkey/begin",
            access: Access::Public(|app, call| Box::pin(answer_begin(app, call))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/passkey",
            access: Access::Public(|app, call| Box::pin(answer(app, call))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/step-up/passkey/begin",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(answer_begin_again(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/step-up/passkey",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(answer_again(app, call, caller))),
        },
    ]
}

/// The device of a credential.
const READ_DEVICE: &str = "
    SELECT * FROM mfa_device WHERE tenant_id = ?1 AND credential_id = ?2 AND type = 'webauthn' AND is_verified = 1";

const READ_OWNER: &str = "
    SELECT u.* FROM mfa_device f JOIN user u ON u.tenant_id = f.tenant_id AND u.id = f.user_id
    WHERE f.tenant_id = ?1 AND f.credential_id = ?2 AND u.deleted_at IS NULL";

const READ_KNOWN: &str = "
    SELECT 1 AS known FROM mfa_device f JOIN known_device k ON k.tenant_id = f.tenant_id AND k.user_id = f.user_id
    WHERE f.tenant_id = ?1 AND f.credential_id = ?2 AND k.token_hash = ?3";

/// What is waited for.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    ceremony: Ceremony,
    proving: Proving,
}

/// What was begun.
pub struct Begun {
    /// What the response of the key comes with.
    pub flow: OpaqueToken,
    /// What a page hands to `navigator.credentials.get`.
    pub options: RequestOptions,
    /// Until when it is waited for.
    pub expires_at: Timestamp,
}

impl Begun {
    fn respond(&self) -> Result<Response, ApiError> {
        let (flow, options) = (self.flow.expose(), &self.options);
        Response::json(&json!({ "flow": flow, "options": options, "expires_at": self.expires_at }))
    }
}

async fn answer_begin(app: &App, call: &Call) -> Result<Response, ApiError> {
    call.says_nothing()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    begin(app, call, &site, None).await?.respond()
}

async fn answer_begin_again(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let again = session(&caller)?;
    let site = Site::of(app, call).await?;
    begin(app, call, &site, Some(again)).await?.respond()
}

/// The user, and the session that they come with: a key or a token proves nothing of them.
fn session(caller: &Caller) -> Result<(Uuid, Uuid), ApiError> {
    let me = Me::of(caller)?;
    Ok((me.user, caller.standing.credential.session().ok_or(ApiError::NotFound)?))
}

/// Asks for a passkey: of whoever it is; or of a user, for a session that they have.
pub async fn begin(app: &App, call: &Call, site: &Site, again: Option<(Uuid, Uuid)>) -> Result<Begun, ApiError> {
    let now = app.clock.now();
    let random = random::bytes().map_err(ApiError::internal)?;
    let party = party(call, site)?;
    let (ceremony, options) = match again {
        None => party.authentication(Usage::Passkey, None, random),
        Some((user, _)) => {
            let mut devices = device::read(app, site.tenant.id, user).await?;
            devices.retain(|device| device.r#type == MfaDeviceType::Webauthn);
            let keys =
                devices.iter().map(|its| device::credential(app, its)).collect::<Result<Vec<Credential>, _>>()?;
            let keys: Vec<Credential> = keys.into_iter().filter(|its| its.key.user_verified).collect();
            party.authentication(Usage::Passkey, Some((user, &keys)), random)
        }
    };
    let proving = again.map_or(Proving::First, |(_, session)| Proving::Again(session));
    let user = again.map(|(user, _)| user);
    let (flow, statement) = Flow::begin(site, user, PURPOSE, &Asked { ceremony, proving }, now)?;
    app.db.batch(vec![statement]).await.map_err(ApiError::database)?;
    Ok(Begun { flow, options, expires_at: now.plus_millis(LIFETIME) })
}

/// What is sent: the flow, the response of the key, and whether the session is to come as a token.
fn read(call: &Call) -> Result<(String, String, bool), ApiError> {
    let mut sent = Sent::of(call)?;
    let read = (sent.text("flow"), sent.object("credential"), sent.wants_token());
    sent.done()?;
    Ok(read)
}

async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let (token, json, wants_token) = read(call)?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    show(app, call, &site, &token, &json, Proving::First).await?.respond(wants_token)
}

async fn answer_again(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let (token, json, wants_token) = read(call)?;
    let (_, session) = session(&caller)?;
    let site = Site::of(app, call).await?;
    show(app, call, &site, &token, &json, Proving::Again(session)).await?.respond(wants_token)
}

/// Shows a passkey, for what it was asked for.
pub async fn show(
    app: &App,
    call: &Call,
    site: &Site,
    token: &str,
    json: &str,
    proving: Proving,
) -> Result<Step, ApiError> {
    let flow = Flow::<Asked>::tried(app, site, PURPOSE, token).await?;
    let flow = flow.filter(|flow| flow.state.proving == proving).ok_or_else(step_is_over)?;
    let response = AuthenticationResponse::parse(json).ok();
    let id = response.as_ref().map(AuthenticationResponse::credential_id).unwrap_or_default();
    let of_credential = |sql: &'static str| Statement::new(sql).bind(site.tenant.id).bind(id.as_str());
    let browser = cookie::device(&call.request).map(|token| token.hash());
    let reads = vec![of_credential(READ_DEVICE), of_credential(READ_OWNER), of_credential(READ_KNOWN).bind(browser)];
    let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
    let device = rows::<MfaDevice>(answers.next().unwrap_or_default())?.pop();
    let owner = rows::<User>(answers.next().unwrap_or_default())?.pop();
    let is_known = !answers.next().unwrap_or_default().is_empty();
    let right: Option<Right> = match (&device, &response, &owner) {
        (Some(device), Some(response), Some(owner))
            if owner.may_act() && Policy::of(site).allows(MfaDeviceType::Webauthn) =>
        {
            signed(app, &party(call, site)?, &flow.state.ceremony, device, response).await?
        }
        _ => None,
    };
    let (Some(right), Some(user)) = (right, &owner) else {
        return Err(tries::in_vain(app, call, site, owner.as_ref(), 0).await?);
    };
    if !flow.end(app).await? {
        return Err(step_is_over());
    }
    let amr = right.amr.into_iter().chain(["mfa"]).map(str::to_owned).collect();
    let counted = Counted::nothing(site, is_known);
    let pending = Pending { amr, name: user.email.clone(), counted, proving };
    finish(app, call, site, user, &pending).await
}
