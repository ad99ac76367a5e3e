//! Whether what is shown is the user's, and counts for the first time.
//!
//! What counts once is written before it counts, by comparing with what was read: of many who show the same at once, one
//! finds the row as it was.

use parapet::factor::backup_code;
use parapet::factor::one_time_code::SentCode;
use parapet::factor::totp::TotpSecret;
use parapet::factor::webauthn::{AuthenticationResponse, Ceremony, RelyingParty};
use parapet::model::{MfaDevice, MfaDeviceType, Secret};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::device;
use super::method::Method;
use crate::app::App;
use crate::error::ApiError;
use crate::platform::db::Statement;

/// What somebody shows.
pub enum Shown {
    /// A code, and which one it is.
    Code(Method, Secret),
    /// The response of a key, as the page sends it.
    Credential(String),
}

/// What was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Challenge {
    /// A code that was sent for a device.
    Code(Uuid, SentCode),
    /// A signature of one of the user's keys.
    Ceremony(Ceremony),
}

/// What was shown, and is right.
pub struct Right {
    /// What a session's `amr` says of it (RFC 8176).
    pub amr: Vec<&'static str>,
    /// Where it was a backup code: with which device they lie, and how many are left.
    pub spent: Option<(MfaDevice, usize)>,
}

impl Right {
    fn by(amr: &'static str) -> Self {
        Self { amr: vec![amr], spent: None }
    }
}

/// Checks what is shown against a user's devices and what was asked for. `attempt` is what a code was sent for.
pub async fn check(
    app: &App,
    party: &RelyingParty,
    devices: &[MfaDevice],
    challenge: Option<&Challenge>,
    attempt: Uuid,
    shown: &Shown,
) -> Result<Option<Right>, ApiError> {
    match (shown, challenge) {
        (Shown::Code(Method::Totp, code), _) => totp(app, devices, code).await,
        (Shown::Code(Method::BackupCode, code), _) => backup_code(app, devices, code).await,
        (Shown::Code(method, code), Some(Challenge::Code(id, sent))) => {
            let device = devices.iter().find(|device| device.id == *id && Method::from(device.r#type) == *method);
            let Some(device) = device else { return Ok(None) };
            let (keys, now) = (app.config()?.data_keys()?, app.clock.now());
            // It counts once since the flow ends once, and for so many tries as the flow does.
            if sent.clone().check(code.expose(), keys, attempt, now).is_err() {
                return Ok(None);
            }
            // RFC 8176 has no word for mail.
            let word = if *method == Method::Sms { "sms" } else { "otp" };
            Ok(is_first(app, device::used(device, now)).await?.then(|| Right::by(word)))
        }
        (Shown::Credential(json), Some(Challenge::Ceremony(ceremony))) => {
            let Ok(response) = AuthenticationResponse::parse(json) else { return Ok(None) };
            let id = response.credential_id();
            let Some(device) = devices.iter().find(|device| device.credential_id.as_ref() == Some(&id)) else {
                return Ok(None);
            };
            signed(app, party, ceremony, device, &response).await
        }
        _ => Ok(None),
    }
}

async fn totp(app: &App, devices: &[MfaDevice], code: &Secret) -> Result<Option<Right>, ApiError> {
    let now = app.clock.now();
    for device in devices.iter().filter(|device| device.r#type == MfaDeviceType::Totp) {
        let secret = TotpSecret::new(&device::open(app, device)?);
        let secret = secret.ok_or_else(|| ApiError::internal("what is kept of an app is no secret"))?;
        if let Ok(step) = secret.check(code.expose(), now, device.counter) {
            return Ok(is_first(app, device::advance(device, step, now)).await?.then(|| Right::by("otp")));
        }
    }
    Ok(None)
}

async fn backup_code(app: &App, devices: &[MfaDevice], code: &Secret) -> Result<Option<Right>, ApiError> {
    for device in devices {
        let codes = device.backup_codes.as_deref().unwrap_or_default();
        if let Some(left) = backup_code::spend(codes, device.user_id, code.expose()) {
            let spent = Some((device.clone(), left.len()));
            let first = is_first(app, device::spend(device, left)).await?;
            return Ok(first.then(|| Right { spent, ..Right::by("otp") }));
        }
    }
    Ok(None)
}

/// Checks the response of a key that is this device.
pub async fn signed(
    app: &App,
    party: &RelyingParty,
    ceremony: &Ceremony,
    device: &MfaDevice,
    response: &AuthenticationResponse,
) -> Result<Option<Right>, ApiError> {
    let credential = device::credential(app, device)?;
    let Ok(found) = response.verify(party, ceremony, &credential, device.user_id) else { return Ok(None) };
    if !is_first(app, device::advance(device, i64::from(found.sign_count), app.clock.now())).await? {
        return Ok(None);
    }
    // A key that can be copied lies in software, somewhere.
    let mut right = Right::by(if credential.key.backup_eligible { "swk" } else { "hwk" });
    right.amr.extend(found.user_verified.then_some("user"));
    Ok(Some(right))
}

/// Whether the statement, which gives a row to one alone, gave it here.
async fn is_first(app: &App, statement: Statement) -> Result<bool, ApiError> {
    Ok(app.db.first(statement).await.map_err(ApiError::database)?.is_some())
}
