//! One's own factors: `/v1/me/factors`, and the backup codes.

use parapet::factor::backup_code::BackupCodes;
use parapet::model::{MfaDevice, User, is_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::device;
use super::enrolment::{self, Begun, Wanted};
use super::policy::Policy;
use crate::administration::{Author, Deed, OWN_SCOPE, RowChange, enact};
use crate::app::App;
use crate::authenticate::Caller;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::login::Site;
use crate::login::flow::{Flow, LIFETIME};
use crate::login::new_password;
use crate::login::sent::Sent;
use crate::login::step_up::is_recent;
use crate::me::Me;
use crate::platform::random;
use crate::response::Response;

/// What a flow is for that adds a factor.
const PURPOSE: &str = "factor.enrolment";

/// The list, adding one in two steps, changing and removing one, and other backup codes.
pub fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/me/factors",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(list(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/factors",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(begin(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/factors/confirm",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(confirm(app, call, caller))),
        },
        Route {
            method: "PATCH",
            path: "/v1/me/factors/{id}",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(change(app, call, caller))),
        },
        Route {
            method: "DELETE",
            path: "/v1/me/factors/{id}",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(remove(app, call, caller))),
        },
        Route {
            method: "POST",
            path: "/v1/me/backup-codes",
            access: Access::Scope(OWN_SCOPE, |app, call, caller| Box::pin(renew(app, call, caller))),
        },
    ]
}

/// What was begun.
#[derive(Debug, Serialize, Deserialize)]
struct Adding {
    begun: Option<Begun>,
}

async fn list(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.no_query()?;
    let me = Me::of(&caller)?;
    let found = app.db.all(device::of_user(me.tenant, me.user)).await.map_err(ApiError::database)?;
    Response::json(&device::list(app, found)?)
}

async fn myself(app: &App, me: &Me) -> Result<User, ApiError> {
    let read = select::<User>("tenant_id = ?1 AND id = ?2", me.tenant).bind(me.user);
    rows::<User>(app.db.all(read).await.map_err(ApiError::database)?)?.pop().ok_or(ApiError::NotFound)
}

async fn begin(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let mut sent = Sent::of(call)?;
    let wanted = Wanted::read(&mut sent);
    sent.done()?;
    is_recent(app, &caller)?;
    let site = Site::of(app, call).await?;
    let user = myself(app, &me).await?;
    let (begun, needs) = enrolment::begin(app, call, &site, &user, &wanted).await?;
    let now = app.clock.now();
    let (flow, statement) = Flow::begin(&site, Some(me.user), PURPOSE, &Adding { begun: Some(begun) }, now)?;
    app.db.batch(vec![statement]).await.map_err(ApiError::database)?;
    let mut answer = needs.shown();
    if let Some(members) = answer.as_object_mut() {
        members.insert("flow".to_owned(), Value::from(flow.expose()));
        members.insert("expires_at".to_owned(), json!(now.plus_millis(LIFETIME)));
    }
    Response::json(&answer)
}

async fn confirm(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let mut sent = Sent::of(call)?;
    let (token, shown) = (sent.text("flow"), enrolment::confirmation(&mut sent));
    sent.done()?;
    is_recent(app, &caller)?;
    let site = Site::of(app, call).await?;
    let flow = Flow::<Adding>::tried(app, &site, PURPOSE, &token).await?.filter(|flow| flow.user == Some(me.user));
    let mut flow = flow.ok_or_else(is_over)?;
    let begun = flow.state.begun.take().ok_or_else(is_over)?;
    let user = myself(app, &me).await?;
    let (device, _) = enrolment::confirm(app, call, &site, &user, begun, &shown)?;
    if !flow.end(app).await? {
        return Err(is_over());
    }
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let (device, codes) = enrolment::add(app, &author, device).await?;
    Response::json(&enrolment::shown(app, &device, codes.as_ref()))
}

fn is_over() -> ApiError {
    let detail = "the step is over; begin anew".to_owned();
    ApiError::Conflict { code: "factor.step_over", detail, findings: Vec::new() }
}

/// One of the devices, which another user's is not.
fn one(devices: &[MfaDevice], id: Uuid) -> Result<&MfaDevice, ApiError> {
    devices.iter().find(|device| device.id == id).ok_or(ApiError::NotFound)
}

async fn change(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    let me = Me::of(&caller)?;
    let id = call.row_id()?;
    let mut sent = Sent::of(call)?;
    let (name, is_primary) = (sent.optional("device_name"), sent.flag("is_primary"));
    if name.as_ref().is_some_and(|name| !is_name(name)) {
        sent.wrong("device_name", "mfa_device.device_name", "a name is 1 to 255 characters, not blank");
    }
    if is_primary == Some(false) {
        sent.wrong("is_primary", "factor.primary", "another factor becomes the primary one");
    }
    sent.done()?;
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let after = enact(app, &author, me.tenant, vec![device::of_user(me.tenant, me.user)], |_, answers| {
        let devices: Vec<MfaDevice> = rows(answers.into_iter().next().unwrap_or_default())?;
        let before = one(&devices, id)?;
        let mut after = before.clone();
        after.device_name = name.clone().unwrap_or(after.device_name);
        let mut changes = Vec::new();
        if is_primary == Some(true) && !before.is_primary {
            after.is_primary = true;
            let others = devices.iter().filter(|device| device.is_primary);
            changes.extend(others.map(|other| {
                let less = MfaDevice { is_primary: false, ..other.clone() };
                RowChange::rewritten(other, &less, "updated")
            }));
        }
        if after != *before {
            changes.push(RowChange::rewritten(before, &after, "updated"));
        }
        Ok((Deed { changes, ..Deed::default() }, after))
    })
    .await?;
    Response::json(&device::shown(app, &after))
}

async fn remove(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let me = Me::of(&caller)?;
    let id = call.row_id()?;
    is_recent(app, &caller)?;
    let site = Site::of(app, call).await?;
    let policy = Policy::of(&site);
    let user = myself(app, &me).await?;
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    let reads = vec![
        device::of_user(me.tenant, me.user),
        Policy::read_roles(app, &user),
        select::<User>("tenant_id = ?1 AND id = ?2", me.tenant).bind(me.user),
        new_password::read_short(me.tenant, me.user),
    ];
    enact(app, &author, me.tenant, reads, |now, answers| {
        let mut answers = answers.into_iter();
        let mut devices: Vec<MfaDevice> = rows(answers.next().unwrap_or_default())?;
        let device = one(&devices, id)?.clone();
        let was_enough = policy.is_enough(&devices);
        devices.retain(|other| other.id != id);
        let is_asked = policy.is_asked(&answers.next().unwrap_or_default());
        if is_asked && was_enough && !policy.is_enough(&devices) {
            let detail = "your tenant asks you for a second factor, and this is the last".to_owned();
            return Err(ApiError::Conflict { code: "factor.required", detail, findings: Vec::new() });
        }
        // Backup codes that lie with it go to another device, by a trigger (migration 0020).
        let mut changes = vec![RowChange::remove_beside(&device, "removed")];
        let user = rows::<User>(answers.next().unwrap_or_default())?.pop().ok_or(ApiError::NotFound)?;
        let is_short = !answers.next().unwrap_or_default().is_empty();
        if let Some(after) = new_password::without_factor(&user, is_short, devices.is_empty(), now) {
            let cause = json!({ "mfa_device": device.id });
            changes.push(RowChange::update(&user, &after, "updated").because(cause));
        }
        Ok((Deed { changes, ..Deed::default() }, ()))
    })
    .await?;
    Ok(Response { status: 204, ..Response::default() })
}

async fn renew(app: &App, call: &Call, caller: Caller) -> Result<Response, ApiError> {
    call.says_nothing()?;
    let me = Me::of(&caller)?;
    is_recent(app, &caller)?;
    let codes = BackupCodes::new(random::bytes().map_err(ApiError::internal)?);
    let hashes = codes.hashes(me.user);
    let author = Author::user(call, me.user, Some(caller.standing.credential));
    enact(app, &author, me.tenant, vec![device::of_user(me.tenant, me.user)], |_, answers| {
        let devices: Vec<MfaDevice> = rows(answers.into_iter().next().unwrap_or_default())?;
        let Some(device) = devices.first() else {
            let detail = "backup codes stand in for a second factor, and you have none".to_owned();
            return Err(ApiError::Conflict { code: "factor.none", detail, findings: Vec::new() });
        };
        let changes = vec![RowChange::noted(Some(device), Some(device), "backup_codes_renewed")];
        Ok((Deed { statements: vec![device::renew(device, hashes.clone())], changes }, ()))
    })
    .await?;
    Response::json(&json!({ "backup_codes": codes.expose().collect::<Vec<_>>() }))
}
