//! Any bytes in place of what browser and key say.

use super::authenticator::{ATTESTED, PRESENT, Says, cose};
use super::*;
use crate::factor::webauthn::authenticator_data::AuthenticatorData;
use crate::factor::webauthn::public_key::PublicKey;
use crate::factor::webauthn::{AuthenticationResponse, RegistrationResponse};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// Random bytes, and sound ones with a few changed.
fn bytes(sound: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = sound.len();
    let changed = vec((0..length, any::<u8>()), 0..4).prop_map(move |changes| {
        let mut bytes = sound.clone();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    });
    prop_oneof![
        changed.clone(),
        (changed, 0..length).prop_map(|(bytes, end)| bytes[..end].to_vec()),
        vec(any::<u8>(), 0..200)
    ]
}

fn sound_data() -> Vec<u8> {
    [&[7; 32], [PRESENT | ATTESTED].as_slice(), &[0; 4], &[0; 16], &[0, 3, 1, 2, 3], &cose()].concat()
}

fn registration() -> Ceremony {
    party().registration(Usage::SecondFactor, &registrant(), &[], RANDOM).0
}

proptest! {
    #[test]
    fn any_authenticator_data_is_read_or_refused(bytes in bytes(sound_data())) {
        if let Ok(AuthenticatorData { attested: Some(attested), .. }) = AuthenticatorData::read(&bytes) {
            prop_assert!(PublicKey::parse(attested.public_key).is_ok());
        }
    }

    #[test]
    fn any_key_and_signature_are_read_or_refused(cose in bytes(cose()), signature in vec(any::<u8>(), 0..80)) {
        if let Ok(key) = PublicKey::parse(&cose) {
            prop_assert_eq!(key.verify(b"a", &signature), Err(WebauthnError::WrongSignature));
        }
    }

    #[test]
    fn any_attestation_object_is_read_or_refused(object in bytes(super::authenticator::none(&sound_data()))) {
        let mut response = Says::to(&registration()).response();
        response["response"]["attestationObject"] = json!(base64url::encode(&object));
        // Its relying party is another.
        let refused = RegistrationResponse::parse(&response.to_string()).unwrap().verify(&party(), &registration());
        prop_assert!(refused.is_err());
    }

    #[test]
    fn any_client_data_is_read_or_refused(client in bytes(Says::to(&registration()).client.to_string().into_bytes())) {
        let mut response = Says::to(&registration()).response();
        let sound = response["response"]["clientDataJSON"].clone();
        response["response"]["clientDataJSON"] = json!(base64url::encode(&client));
        let answer = RegistrationResponse::parse(&response.to_string()).unwrap().verify(&party(), &registration());
        if response["response"]["clientDataJSON"] == sound {
            prop_assert!(answer.is_ok());
        }
        if answer.is_ok() {
            let client: serde_json::Value = serde_json::from_slice(&client).unwrap();
            prop_assert_eq!(&client["challenge"], &json!(registration().challenge));
            prop_assert_eq!(&client["type"], "webauthn.create");
        }
    }

    #[test]
    fn any_text_is_a_response_or_none(text in "\\PC{0,60}|[{}\\[\\]\":,a-z0-9]{0,60}") {
        prop_assert!(RegistrationResponse::parse(&text).is_err());
        prop_assert!(AuthenticationResponse::parse(&text).is_err());
    }
}
