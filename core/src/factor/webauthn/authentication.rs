//! A credential is used: the response of `navigator.credentials.get` (section 7.2).

use super::authenticator_data::AuthenticatorData;
use super::public_key::PublicKey;
use super::{Act, Ceremony, Credential, RelyingParty, Usage, WebauthnError, base64url, client_data};
use serde::Deserialize;
use uuid::Uuid;

/// What the page sends: `AuthenticationResponseJSON` (section 5.1). What is not read of it is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationResponse {
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
    authenticator_data: Vec<u8>,
    #[serde(with = "base64url")]
    signature: Vec<u8>,
    #[serde(default, with = "base64url::option")]
    user_handle: Option<Vec<u8>>,
}

/// What a credential showed, to be kept: the counter in `mfa_device.counter` by comparing with what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated {
    /// The key's new counter.
    pub sign_count: u32,
    /// Whether the key verified its user: then it is two factors in one.
    pub user_verified: bool,
    /// Whether the key was copied to other devices: [`CredentialKey::backed_up`](super::CredentialKey::backed_up) from
    /// now on.
    pub backed_up: bool,
}

impl AuthenticationResponse {
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

    /// The id by which the credential is found, in base64url.
    pub fn credential_id(&self) -> String {
        base64url::encode(&self.raw_id)
    }

    /// Checks it against the ceremony and the credential of its id, whose owner is `owner`.
    ///
    /// # Errors
    /// [`WebauthnError`].
    pub fn verify(
        &self,
        party: &RelyingParty,
        ceremony: &Ceremony,
        credential: &Credential,
        owner: Uuid,
    ) -> Result<Authenticated, WebauthnError> {
        if ceremony.act != Act::Authentication {
            return Err(WebauthnError::WrongAct);
        }
        if self.credential_id() != credential.id {
            return Err(WebauthnError::WrongCredential);
        }
        let handle = self.response.user_handle.as_deref();
        let is_owners = match ceremony.user {
            Some(user) => user == owner && handle.is_none_or(|handle| handle == owner.as_bytes()),
            None => handle.is_some_and(|handle| handle == owner.as_bytes()),
        };
        if !is_owners {
            return Err(WebauthnError::WrongUser);
        }
        let hash = client_data::check(&self.response.client_data_json, ceremony, party)?;
        let data = AuthenticatorData::read(&self.response.authenticator_data)?;
        if data.attested.is_some() {
            return Err(WebauthnError::Malformed { part: "authenticator data" });
        }
        data.check(party, ceremony.usage)?;
        if ceremony.usage == Usage::Passkey && !credential.key.user_verified {
            return Err(WebauthnError::NotVerified);
        }
        if data.backup_eligible() != credential.key.backup_eligible {
            return Err(WebauthnError::BackupFlags);
        }
        let signed = [self.response.authenticator_data.as_slice(), &hash].concat();
        PublicKey::parse(&credential.key.public_key)?.verify(&signed, &self.response.signature)?;
        // A key that does not count says 0 always.
        if (data.sign_count, credential.sign_count) != (0, 0) && data.sign_count <= credential.sign_count {
            return Err(WebauthnError::CounterWentBack);
        }
        Ok(Authenticated {
            sign_count: data.sign_count,
            user_verified: data.user_verified(),
            backed_up: data.backed_up(),
        })
    }
}
