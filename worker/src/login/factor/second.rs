//! `POST /v1/auth/second-factor` and `…/begin`: what comes after a password.

use parapet::Finding;
use parapet::factor::webauthn::{Credential, RequestOptions, Usage};
use parapet::model::{MfaDevice, MfaDeviceType, Secret, Timestamp, User};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::{Challenge, Shown, check};
use super::method::Method;
use super::policy::Policy;
use super::proved::Proved;
use super::{code, conclude, device, party, tries};
use crate::administration::{Author, Deed, RowChange, enact};
use crate::app::App;
use crate::cookie;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::Site;
use crate::login::flow::{Flow, LIFETIME};
use crate::login::sent::Sent;
use crate::login::sign_in::{Pending, Step, step_is_over};
use crate::messaging::notification::shortened;
use crate::platform::random;
use crate::response::Response;

/// What a flow is for that goes on with a second factor.
const PURPOSE: &str = "sign_in.second_factor";

/// The step, and what begins it where something must be sent or asked for.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: "/v1/auth/second-factor/begin",
            access: Access::Public(|app, call| Box::pin(answer_begin(app, call))),
        },
        Route {
            method: "POST",
            path: "/v1/auth/second-factor",
            access: Access::Public(|app, call| Box::pin(answer(app, call))),
        },
    ]
}

/// What is waited for.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    proved: Proved,
    challenge: Option<Challenge>,
}

/// What was begun.
pub struct Begun {
    /// By which it is shown.
    pub method: Method,
    /// To where a code was sent, shortened.
    pub sent_to: Option<String>,
    /// What a page hands to `navigator.credentials.get`.
    pub options: Option<RequestOptions>,
    /// Until when the step waits.
    pub expires_at: Timestamp,
}

/// The step that goes on with one of a user's devices.
pub async fn step(
    app: &App,
    site: &Site,
    user: &User,
    pending: Pending,
    devices: Vec<MfaDevice>,
) -> Result<Step, ApiError> {
    let now = app.clock.now();
    let asked = Asked { proved: Proved::new(user, pending), challenge: None };
    let (flow, statement) = Flow::begin(site, Some(user.id), PURPOSE, &asked, now)?;
    app.db.batch(vec![statement]).await.map_err(ApiError::database)?;
    let code = (device::backup_codes(&devices) > 0).then_some(Method::BackupCode);
    let mut methods: Vec<Method> = Vec::new();
    for method in Policy::of(site).offered(devices).iter().map(|device| Method::from(device.r#type)).chain(code) {
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    Ok(Step::SecondFactor { flow, methods, expires_at: now.plus_millis(LIFETIME) })
}

async fn answer_begin(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, method) = (sent.text("flow"), sent.word("method", &Method::WORDS, Method::from_word));
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    let begun = begin(app, call, &site, &token, method.unwrap_or(Method::Totp)).await?;
    let mut answer = json!({ "flow": token, "method": begun.method, "expires_at": begun.expires_at });
    if let Some(members) = answer.as_object_mut() {
        members.extend(begun.sent_to.map(|to| ("sent_to".to_owned(), Value::from(to))));
        members.extend(begun.options.map(|options| ("options".to_owned(), json!(options))));
    }
    Response::json(&answer)
}

/// Sends a code, or asks for a signature.
pub async fn begin(app: &App, call: &Call, site: &Site, token: &str, method: Method) -> Result<Begun, ApiError> {
    let mut flow = Flow::<Asked>::seen(app, site, PURPOSE, token).await?.ok_or_else(step_is_over)?;
    let user = flow.state.proved.user(app, site, flow.user).await?.ok_or_else(step_is_over)?;
    let devices = Policy::of(site).offered(device::read(app, site.tenant.id, user.id).await?);
    let refuse = |code, message| ApiError::invalid(Finding::error("request", code, message).field("method"));
    let mut its = devices.iter().filter(|device| Method::from(device.r#type) == method);
    let first = its.next().ok_or_else(|| refuse("factor.not_there", "you have no such factor"))?;
    let mut begun = Begun { method, sent_to: None, options: None, expires_at: flow.expires_at };
    let challenge = match first.r#type {
        MfaDeviceType::Totp => return Err(refuse("factor.nothing_to_begin", "the app shows the code by itself")),
        MfaDeviceType::Webauthn => {
            let keys = std::iter::once(first).chain(its).map(|device| device::credential(app, device));
            let keys = keys.collect::<Result<Vec<Credential>, _>>()?;
            let random = random::bytes().map_err(ApiError::internal)?;
            let asked = party(call, site)?.authentication(Usage::SecondFactor, Some((user.id, &keys)), random);
            begun.options = Some(asked.1);
            Challenge::Ceremony(asked.0)
        }
        kind @ (MfaDeviceType::Sms | MfaDeviceType::Email) => {
            let address = device::address(app, first)?;
            begun.sent_to = Some(shortened(&address));
            Challenge::Code(first.id, code::send(app, &user, kind, &address, flow.id).await?)
        }
    };
    flow.state.challenge = Some(challenge);
    app.db.batch(vec![flow.write()?]).await.map_err(ApiError::database)?;
    Ok(begun)
}

async fn answer(app: &App, call: &Call) -> Result<Response, ApiError> {
    let mut sent = Sent::of(call)?;
    let (token, method) = (sent.text("flow"), sent.word("method", &Method::WORDS, Method::from_word));
    let shown = match method {
        Some(Method::Webauthn) => Shown::Credential(sent.object("credential")),
        method => Shown::Code(method.unwrap_or(Method::Totp), Secret::new(sent.text("code"))),
    };
    let wants_token = sent.wants_token();
    sent.done()?;
    cookie::is_no_stranger(&call.request)?;
    let site = Site::of(app, call).await?;
    show(app, call, &site, &token, &shown).await?.respond(wants_token)
}

/// Shows a second factor, and goes on with what comes then.
pub async fn show(app: &App, call: &Call, site: &Site, token: &str, shown: &Shown) -> Result<Step, ApiError> {
    let flow = Flow::<Asked>::tried(app, site, PURPOSE, token).await?.ok_or_else(step_is_over)?;
    let user = flow.state.proved.user(app, site, flow.user).await?.ok_or_else(step_is_over)?;
    let counted = tries::count(app, call, site, &user).await?;
    let all = device::read(app, site.tenant.id, user.id).await?;
    let devices = Policy::of(site).offered(all.clone());
    // The codes lie with any of the devices.
    let among = if matches!(shown, Shown::Code(Method::BackupCode, _)) { &all } else { &devices };
    let challenge = flow.state.challenge.as_ref();
    let right = check(app, &party(call, site)?, among, challenge, flow.id, shown).await?;
    let Some(right) = right else { return Err(tries::in_vain(app, call, site, Some(&user), counted.tries).await?) };
    if !flow.end(app).await? {
        return Err(step_is_over());
    }
    app.db.batch(counted.forget()).await.map_err(ApiError::database)?;
    if let Some((device, left)) = &right.spent {
        let change =
            || RowChange::noted(Some(device), Some(device), "backup_code_used").because(json!({ "left": left }));
        let deed = || Deed { changes: vec![change()], ..Deed::default() };
        enact(app, &Author::user(call, user.id, None), site.tenant.id, Vec::new(), |_, _| Ok((deed(), ()))).await?;
    }
    let mut pending = flow.state.proved.pending;
    pending.amr.extend(right.amr.into_iter().chain(["mfa"]).map(str::to_owned));
    conclude(app, call, site, &user, pending, &all).await
}
