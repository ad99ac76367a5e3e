//! A credential is added: the response of `navigator.credentials.create` (section 7.1).

use super::authenticator_data::AuthenticatorData;
use super::{Act, Ceremony, Credential, CredentialKey, RelyingParty, WebauthnError, base64url, client_data};
use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;
use serde::Deserialize;
use uuid::Uuid;

/// Who a credential is made for.
#[derive(Debug, Clone, Copy)]
pub struct Registrant<'a> {
    /// The user's id, which the key keeps as its user handle.
    pub id: Uuid,
    /// By which name they sign in.
    pub name: &'a str,
    /// What they are called.
    pub display_name: &'a str,
}

/// What the page sends: `RegistrationResponseJSON` (section 5.1). What is not read of it is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationResponse {
    #[serde(with = "base64url")]
    id: Vec<u8>,
    #[serde(with = "base64url")]
    raw_id: Vec<u8>,
    response: Response,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "clientDataJSON", with = "base64url")]
    client_data_json: Vec<u8>,
    #[serde(with = "base64url")]
    attestation_object: Vec<u8>,
    #[serde(default)]
    transports: Vec<String>,
}

impl RegistrationResponse {
    /// Reads what a page sent.
    ///
    /// # Errors
    /// [`WebauthnError::Malformed`].
    pub fn parse(json: &str) -> Result<Self, WebauthnError> {
        serde_json::from_str(json)
            .ok()
            .filter(|its: &Self| its.r#type == "public-key" && its.id == its.raw_id)
            .ok_or(WebauthnError::Malformed { part: "response" })
    }

    /// The new credential. Whoever keeps it refuses one whose id is kept already, of whichever user.
    ///
    /// # Errors
    /// [`WebauthnError`].
    pub fn verify(self, party: &RelyingParty, ceremony: &Ceremony) -> Result<Credential, WebauthnError> {
        if ceremony.act != Act::Registration {
            return Err(WebauthnError::WrongAct);
        }
        client_data::check(&self.response.client_data_json, ceremony, party)?;
        let data = authenticator_data(&self.response.attestation_object)
            .map_err(|_| WebauthnError::Malformed { part: "attestation object" })?;
        let data = AuthenticatorData::read(data)?;
        data.check(party, ceremony.usage)?;
        let attested = data.attested.as_ref().ok_or(WebauthnError::Malformed { part: "authenticator data" })?;
        if attested.id != self.raw_id {
            return Err(WebauthnError::WrongCredential);
        }
        let key = CredentialKey {
            public_key: attested.public_key.to_vec(),
            transports: self.response.transports.into_iter().filter(|way| is_transport(way)).take(MOST).collect(),
            aaguid: attested.aaguid,
            user_verified: data.user_verified(),
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
        };
        Ok(Credential { id: base64url::encode(attested.id), sign_count: data.sign_count, key })
    }
}

/// No more transports are kept: there are six (section 5.8.4).
const MOST: usize = 8;

/// A word such as `smart-card`. One that is not known is kept (section 5.2.1), and what is none is passed over.
fn is_transport(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// What an attestation object (section 6.5.4) holds beside its statement, which is not looked at: without roots to trust
/// it says no more than `none` does. The statement of `none` is empty (section 8.7).
fn authenticator_data(attestation_object: &[u8]) -> Result<&[u8], Error> {
    let mut decoder = Decoder::new(attestation_object);
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..decoder.map()?.ok_or_else(|| Error::message("a length"))? {
        let is_new = match decoder.str()? {
            "fmt" => format.replace(decoder.str()?).is_none(),
            "attStmt" => {
                let is_empty = decoder.probe().map().is_ok_and(|length| length == Some(0));
                let is_map = decoder.datatype()? == Type::Map;
                decoder.skip()?;
                is_map && statement.replace(is_empty).is_none()
            }
            "authData" => data.replace(decoder.bytes()?).is_none(),
            _ => false,
        };
        if !is_new {
            return Err(Error::message("an entry"));
        }
    }
    let whole = decoder.position() == attestation_object.len();
    match (format, statement, data) {
        (Some("none"), Some(false), _) => Err(Error::message("a statement")),
        (Some(_), Some(_), Some(data)) if whole => Ok(data),
        _ => Err(Error::message("three entries")),
    }
}
