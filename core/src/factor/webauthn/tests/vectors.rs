//! The test vectors of Web Authentication Level 3, section 16: `vectors.json` has them in hex, as they are printed there.

use super::*;
use crate::factor::webauthn::{AuthenticationResponse, RegistrationResponse};
use serde_json::{Value, json};

pub(super) struct Vector {
    pub(super) section: String,
    id: Vec<u8>,
    registration: Value,
    pub(super) authentication: Value,
}

pub(super) fn vectors() -> Vec<Vector> {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let vector = |its: Value| Vector {
        section: its["section"].as_str().unwrap().to_owned(),
        id: bytes(&its["credential_id"]),
        registration: its["registration"].clone(),
        authentication: its["authentication"].clone(),
    };
    vectors.into_iter().map(vector).collect()
}

/// The relying party of all vectors.
fn party() -> RelyingParty {
    RelyingParty::new("example.org", "Example", &["https://example.org"]).unwrap()
}

pub(super) fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap()).unwrap()
}

fn text(hex: &Value) -> String {
    base64url::encode(&bytes(hex))
}

fn ceremony(of: &Value, act: Act, usage: Usage) -> Ceremony {
    Ceremony { challenge: text(&of["challenge"]), act, usage, user: Some(USER) }
}

impl Vector {
    fn register(&self, usage: Usage) -> Result<Credential, WebauthnError> {
        let its = &self.registration;
        let id = base64url::encode(&self.id);
        let response = json!({ "id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": text(&its["client_data_json"]),
            "attestationObject": text(&its["attestation_object"]),
        } });
        RegistrationResponse::parse(&response.to_string())?.verify(&party(), &ceremony(its, Act::Registration, usage))
    }

    fn authenticate(&self, credential: &Credential, says: &Value) -> Result<Authenticated, WebauthnError> {
        let id = base64url::encode(&self.id);
        let response = json!({ "id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": text(&says["client_data_json"]),
            "authenticatorData": text(&says["authenticator_data"]),
            "signature": text(&says["signature"]),
        } });
        let ceremony = ceremony(&self.authentication, Act::Authentication, Usage::SecondFactor);
        AuthenticationResponse::parse(&response.to_string())?.verify(&party(), &ceremony, credential, USER)
    }
}

#[test]
fn keys_of_every_algorithm_are_added_and_used() {
    // By section: what the flags of the registration and of the authentication say of user verification and backups.
    let says = [
        ("16.2", (false, true, true), (false, true)),
        ("16.3", (true, true, true), (false, false)),
        ("16.10", (true, true, true), (false, true)),
        ("16.11", (false, false, false), (false, false)),
    ];
    for (section, at_first, now) in says {
        let vector = vectors().into_iter().find(|vector| vector.section == section).unwrap();
        let credential = vector.register(Usage::SecondFactor).unwrap();
        let key = &credential.key;
        assert_eq!(credential.id, base64url::encode(&vector.id));
        assert_eq!((key.user_verified, key.backup_eligible, key.backed_up), at_first, "{section}");
        let passkey = vector.register(Usage::Passkey);
        assert_eq!(passkey.is_ok(), key.user_verified, "{section}");
        let shown = vector.authenticate(&credential, &vector.authentication).unwrap();
        assert_eq!((shown.user_verified, shown.backed_up), now, "{section}");
        assert_eq!(shown.sign_count, 0);
    }
}

#[test]
fn what_the_vectors_say_of_a_key_is_kept() {
    let vector = &vectors()[0];
    let credential = vector.register(Usage::SecondFactor).unwrap();
    assert_eq!(credential.key.aaguid.to_string(), "8446ccb9-ab1d-b374-750b-2367ff6f3a1f");
    // A COSE key of ES256 begins so.
    assert!(hex::encode(&credential.key.public_key).starts_with("a5010203262001215820afefa16f97ca9b2d"));
    let kept = serde_json::to_string(&credential.key).unwrap();
    assert_eq!(serde_json::from_str::<CredentialKey>(&kept).unwrap(), credential.key);
}

#[test]
fn frames_of_other_pages_are_refused() {
    for vector in vectors().into_iter().filter(|vector| ["16.4", "16.5"].contains(&vector.section.as_str())) {
        assert_eq!(vector.register(Usage::SecondFactor), Err(WebauthnError::CrossOrigin), "{}", vector.section);
    }
}

#[test]
fn any_changed_byte_is_noticed() {
    for vector in vectors().into_iter().filter(|vector| ["16.2", "16.10", "16.11"].contains(&vector.section.as_str())) {
        let credential = vector.register(Usage::SecondFactor).unwrap();
        // RSA takes its time where nothing is optimised.
        let stride = if vector.section == "16.10" { 61 } else { 1 };
        for part in ["client_data_json", "authenticator_data", "signature"] {
            for at in (0..bytes(&vector.authentication[part]).len()).step_by(stride) {
                let mut says = vector.authentication.clone();
                let mut changed = bytes(&says[part]);
                changed[at] ^= 1;
                says[part] = hex::encode(changed).into();
                assert!(vector.authenticate(&credential, &says).is_err(), "{} {part} {at}", vector.section);
            }
        }
    }
}

#[test]
fn another_key_did_not_sign() {
    let [one, other] = [&vectors()[0], &vectors()[1]].map(|vector| vector.register(Usage::SecondFactor).unwrap());
    let mixed = Credential { key: CredentialKey { public_key: other.key.public_key, ..one.key }, ..one };
    let vector = &vectors()[0];
    assert_eq!(vector.authenticate(&mixed, &vector.authentication), Err(WebauthnError::WrongSignature));
}
