//! The second factors of a user as they are kept: what of them is secret, and what counts once.

use parapet::factor::webauthn::{Credential, CredentialKey};
use parapet::model::{MfaDevice, MfaDeviceType, Row as _, Secret, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::method::strength;
use crate::app::App;
use crate::document::rows;
use crate::error::ApiError;
use crate::messaging::notification::shortened;
use crate::platform::db::{Row, Statement};
use crate::platform::random;

/// With what is secret, which other reads leave out.
const READ: &str = "
    SELECT * FROM mfa_device WHERE tenant_id = ?1 AND user_id = ?2 AND is_verified = 1
    ORDER BY is_primary DESC, created_at, id";

/// Gives a row to the one who comes first: each step of an app counts once, and so does each count of a key. A key that does
/// not count says 0 always; what it signs counts once since its flow ends once.
const ADVANCE: &str = "
    UPDATE mfa_device SET counter = ?3, last_used_at = ?4
    WHERE tenant_id = ?1 AND id = ?2 AND is_verified = 1
      AND (counter < ?3 OR (type = 'webauthn' AND counter = 0 AND ?3 = 0))
    RETURNING id";

const USED: &str = "UPDATE mfa_device SET last_used_at = ?3 WHERE tenant_id = ?1 AND id = ?2 RETURNING id";

/// Gives a row to the one who comes first: whoever reads the codes before that finds them changed.
const SPEND: &str = "
    UPDATE mfa_device SET backup_codes = ?4 WHERE tenant_id = ?1 AND id = ?2 AND backup_codes = ?3 RETURNING id";

const RENEW: &str = "
    UPDATE mfa_device SET backup_codes = iif(id = ?3, ?4, NULL) WHERE tenant_id = ?1 AND user_id = ?2";

/// Reads the factors of a user that work, the one first that is asked for first.
pub fn of_user(tenant: Uuid, user: Uuid) -> Statement {
    Statement::new(READ).bind(tenant).bind(user)
}

/// The same, read.
pub async fn read(app: &App, tenant: Uuid, user: Uuid) -> Result<Vec<MfaDevice>, ApiError> {
    rows(app.db.all(of_user(tenant, user)).await.map_err(ApiError::database)?)
}

/// Seals what is secret of a factor: the secret of an app, an address, or a credential's key.
pub fn seal(app: &App, id: Uuid, secret: &[u8]) -> Result<Secret, ApiError> {
    let nonce = random::bytes().map_err(ApiError::internal)?;
    Ok(Secret::new(app.config()?.data_keys()?.seal(secret, &place(id), nonce)))
}

/// Opens it.
pub fn open(app: &App, device: &MfaDevice) -> Result<Vec<u8>, ApiError> {
    let sealed = device.secret.as_ref().ok_or_else(|| ApiError::internal("a factor has no secret"))?;
    app.config()?.data_keys()?.open(sealed.expose(), &place(device.id)).map_err(ApiError::internal)
}

/// The address that codes of a factor go to.
pub fn address(app: &App, device: &MfaDevice) -> Result<String, ApiError> {
    String::from_utf8(open(app, device)?).map_err(ApiError::internal)
}

/// The credential that a factor is.
pub fn credential(app: &App, device: &MfaDevice) -> Result<Credential, ApiError> {
    let key: CredentialKey = serde_json::from_slice(&open(app, device)?).map_err(ApiError::internal)?;
    let id = device.credential_id.clone().unwrap_or_default();
    Ok(Credential { id, sign_count: u32::try_from(device.counter).map_err(ApiError::internal)?, key })
}

fn place(id: Uuid) -> String {
    format!("mfa_device/{id}/secret")
}

/// Counts on, to a step or a count that was shown.
pub fn advance(device: &MfaDevice, counter: i64, now: Timestamp) -> Statement {
    Statement::new(ADVANCE).bind(device.tenant_id).bind(device.id).bind(counter).bind(now)
}

/// Writes that a factor was used.
pub fn used(device: &MfaDevice, now: Timestamp) -> Statement {
    Statement::new(USED).bind(device.tenant_id).bind(device.id).bind(now)
}

/// Leaves these of a device's backup codes.
pub fn spend(device: &MfaDevice, left: Vec<Secret>) -> Statement {
    let codes = |device: &MfaDevice| device.value("backup_codes").unwrap_or(parapet::model::SqlValue::Null);
    let after = MfaDevice { backup_codes: Some(left), ..device.clone() };
    Statement::new(SPEND).bind(device.tenant_id).bind(device.id).bind(codes(device)).bind(codes(&after))
}

/// Gives a user other backup codes, which lie with this device: those of before are void.
pub fn renew(device: &MfaDevice, codes: Vec<Secret>) -> Statement {
    let after = MfaDevice { backup_codes: Some(codes), ..device.clone() };
    let codes = after.value("backup_codes").unwrap_or(parapet::model::SqlValue::Null);
    Statement::new(RENEW).bind(device.tenant_id).bind(device.user_id).bind(device.id).bind(codes)
}

/// How many backup codes are left: they lie with one of the devices.
pub fn backup_codes(devices: &[MfaDevice]) -> usize {
    devices.iter().filter_map(|device| device.backup_codes.as_ref()).map(Vec::len).sum()
}

/// All factors of a user as they see them.
pub fn list(app: &App, found: Vec<Row>) -> Result<Value, ApiError> {
    let devices: Vec<MfaDevice> = rows(found)?;
    let items: Vec<Value> = devices.iter().map(|device| shown(app, device)).collect();
    Ok(json!({ "items": items, "backup_codes_left": backup_codes(&devices) }))
}

/// A factor as its user sees it. What does not open says nothing.
pub fn shown(app: &App, device: &MfaDevice) -> Value {
    let is_sent = matches!(device.r#type, MfaDeviceType::Sms | MfaDeviceType::Email);
    let address = is_sent.then(|| address(app, device).ok()).flatten().map(|address| shortened(&address));
    let is_passkey = device.r#type == MfaDeviceType::Webauthn
        && credential(app, device).is_ok_and(|credential| credential.key.user_verified);
    json!({
        "id": device.id,
        "type": device.r#type,
        "device_name": device.device_name,
        "strength": strength(device.r#type),
        "is_primary": device.is_primary,
        "is_passkey": is_passkey,
        "address": address,
        "created_at": device.created_at,
        "last_used_at": device.last_used_at,
    })
}
