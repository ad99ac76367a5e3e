//! What the browser says of the ceremony: `clientDataJSON` (section 5.8.1).

use super::{Act, Ceremony, RelyingParty, WebauthnError};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What is read of it. Browsers may say more (section 5.8.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

/// Checks it against the ceremony, and gives its hash, which the key signed.
pub(super) fn check(json: &[u8], ceremony: &Ceremony, party: &RelyingParty) -> Result<[u8; 32], WebauthnError> {
    let malformed = WebauthnError::Malformed { part: "client data" };
    let data: ClientData = serde_json::from_slice(json).map_err(|_| malformed)?;
    let act = match ceremony.act {
        Act::Registration => "webauthn.create",
        Act::Authentication => "webauthn.get",
    };
    if data.r#type != act {
        return Err(WebauthnError::WrongAct);
    }
    if data.challenge != ceremony.challenge {
        return Err(WebauthnError::WrongChallenge);
    }
    if !party.has_origin(&data.origin) {
        return Err(WebauthnError::WrongOrigin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(WebauthnError::CrossOrigin);
    }
    Ok(Sha256::digest(json).into())
}
