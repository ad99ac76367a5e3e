//! Options for `navigator.credentials`: what `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read
//! (sections 5.1.8 and 5.1.9).

use super::public_key::ALGORITHMS;
use super::registration::Registrant;
use super::{Act, CHALLENGE_BYTES, Ceremony, Credential, RelyingParty, TIMEOUT_MILLIS, Usage, base64url};
use serde::Serialize;
use uuid::Uuid;

const PUBLIC_KEY: &str = "public-key";

/// What a page hands to `navigator.credentials.create`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    rp: Rp,
    user: User,
    challenge: String,
    pub_key_cred_params: Vec<Parameters>,
    timeout: u32,
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: Selection,
    attestation: &'static str,
}

/// What a page hands to `navigator.credentials.get`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    challenge: String,
    timeout: u32,
    rp_id: String,
    allow_credentials: Vec<Descriptor>,
    user_verification: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct Rp {
    id: String,
    name: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    name: String,
    display_name: String,
}

#[derive(Debug, Clone, Serialize)]
struct Parameters {
    r#type: &'static str,
    alg: i64,
}

#[derive(Debug, Clone, Serialize)]
struct Descriptor {
    r#type: &'static str,
    id: String,
    transports: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    require_resident_key: bool,
    user_verification: &'static str,
}

impl RelyingParty {
    /// Begins to add a credential. Those that the user has are named, so that no key is added twice.
    pub fn registration(
        &self,
        usage: Usage,
        user: &Registrant<'_>,
        existing: &[Credential],
        random: [u8; CHALLENGE_BYTES],
    ) -> (Ceremony, CreationOptions) {
        let ceremony = Ceremony::new(random, Act::Registration, usage, Some(user.id));
        let is_passkey = usage == Usage::Passkey;
        let options = CreationOptions {
            rp: Rp { id: self.id().to_owned(), name: self.name().to_owned() },
            user: User {
                id: base64url::encode(user.id.as_bytes()),
                name: user.name.to_owned(),
                display_name: user.display_name.to_owned(),
            },
            challenge: ceremony.challenge.clone(),
            pub_key_cred_params: ALGORITHMS.map(|alg| Parameters { r#type: PUBLIC_KEY, alg }).to_vec(),
            timeout: TIMEOUT_MILLIS,
            exclude_credentials: descriptors(existing),
            authenticator_selection: Selection {
                // A second factor takes none of the few places for passkeys that a security key has.
                resident_key: if is_passkey { "required" } else { "discouraged" },
                require_resident_key: is_passkey,
                user_verification: verification(usage),
            },
            attestation: "none",
        };
        (ceremony, options)
    }

    /// Begins to use a credential: one of those of a user who is known, or any passkey where nobody is, whose key then
    /// says who it is.
    pub fn authentication(
        &self,
        usage: Usage,
        user: Option<(Uuid, &[Credential])>,
        random: [u8; CHALLENGE_BYTES],
    ) -> (Ceremony, RequestOptions) {
        let ceremony = Ceremony::new(random, Act::Authentication, usage, user.map(|(id, _)| id));
        let options = RequestOptions {
            challenge: ceremony.challenge.clone(),
            timeout: TIMEOUT_MILLIS,
            rp_id: self.id().to_owned(),
            allow_credentials: descriptors(user.map(|(_, credentials)| credentials).unwrap_or_default()),
            user_verification: verification(usage),
        };
        (ceremony, options)
    }
}

fn descriptors(credentials: &[Credential]) -> Vec<Descriptor> {
    let descriptor = |credential: &Credential| Descriptor {
        r#type: PUBLIC_KEY,
        id: credential.id.clone(),
        transports: credential.key.transports.clone(),
    };
    credentials.iter().map(descriptor).collect()
}

/// `preferred` would ask for a PIN that a second factor, after a password, does not need.
fn verification(usage: Usage) -> &'static str {
    if usage.verifies_user() { "required" } else { "discouraged" }
}
