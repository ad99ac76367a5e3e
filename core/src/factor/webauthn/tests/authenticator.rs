//! A key in software, with a browser around it. It signs what it is told to, true or not.

use super::*;
use minicbor::Encoder;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Everything that browser and key say, each of it for a test to change.
#[derive(Clone)]
pub(super) struct Says {
    pub(super) r#type: Value,
    pub(super) client: Value,
    pub(super) rp_id: &'static str,
    pub(super) flags: u8,
    pub(super) sign_count: u32,
    pub(super) raw_id: Vec<u8>,
    pub(super) attested_id: Vec<u8>,
    pub(super) cose: Vec<u8>,
    pub(super) after: Vec<u8>,
    pub(super) user_handle: Option<Vec<u8>>,
    pub(super) transports: Value,
    pub(super) attestation: fn(&[u8]) -> Vec<u8>,
}

pub(super) const PRESENT: u8 = 0x01;
pub(super) const VERIFIED: u8 = 0x04;
pub(super) const ELIGIBLE: u8 = 0x08;
pub(super) const BACKED_UP: u8 = 0x10;
pub(super) const ATTESTED: u8 = 0x40;
pub(super) const EXTENSIONS: u8 = 0x80;

fn key() -> SigningKey {
    SigningKey::from_slice(&[3; 32]).unwrap()
}

/// A COSE key of ES256.
pub(super) fn cose() -> Vec<u8> {
    let point = key().verifying_key().to_sec1_point(false);
    let mut cose = Encoder::new(vec![]);
    cose.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap().i8(-1).unwrap().u8(1).unwrap();
    cose.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap().i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
    cose.into_writer()
}

/// An attestation object of the format `none`.
pub(super) fn none(data: &[u8]) -> Vec<u8> {
    let mut object = Encoder::new(vec![]);
    object.map(3).unwrap().str("fmt").unwrap().str("none").unwrap().str("attStmt").unwrap().map(0).unwrap();
    object.str("authData").unwrap().bytes(data).unwrap();
    object.into_writer()
}

impl Says {
    /// The truth.
    pub(super) fn to(ceremony: &Ceremony) -> Self {
        let (act, flags) = match ceremony.act {
            Act::Registration => ("webauthn.create", ATTESTED),
            Act::Authentication => ("webauthn.get", 0),
        };
        Self {
            r#type: json!("public-key"),
            client: json!({
                "type": act,
                "challenge": ceremony.challenge,
                "origin": "https://id.example",
                "crossOrigin": false,
            }),
            rp_id: "id.example",
            flags: flags | PRESENT | VERIFIED | ELIGIBLE | BACKED_UP,
            sign_count: 5,
            raw_id: vec![1, 2, 3],
            attested_id: vec![1, 2, 3],
            cose: cose(),
            after: vec![],
            user_handle: Some(USER.as_bytes().to_vec()),
            transports: json!(["internal", "hybrid"]),
            attestation: none,
        }
    }

    /// The response of the page, with a signature that fits where the act has one.
    pub(super) fn response(&self) -> Value {
        let client = self.client.to_string();
        let mut data = Sha256::digest(self.rp_id).to_vec();
        data.push(self.flags);
        data.extend(self.sign_count.to_be_bytes());
        if self.flags & ATTESTED != 0 {
            data.extend([0xAA; 16]);
            data.extend(u16::try_from(self.attested_id.len()).unwrap().to_be_bytes());
            data.extend(&self.attested_id);
            data.extend(&self.cose);
        }
        data.extend(&self.after);
        let signed = [data.as_slice(), &Sha256::digest(&client)].concat();
        let signature: DerSignature = key().sign(&signed);
        let id = base64url::encode(&self.raw_id);
        json!({
            "id": id,
            "rawId": id,
            "type": self.r#type,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url::encode(client.as_bytes()),
                "attestationObject": base64url::encode(&(self.attestation)(&data)),
                "authenticatorData": base64url::encode(&data),
                "signature": base64url::encode(signature.as_bytes()),
                "userHandle": self.user_handle.as_deref().map(base64url::encode),
                "transports": self.transports,
            },
        })
    }
}
