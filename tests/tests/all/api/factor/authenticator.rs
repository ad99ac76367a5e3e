//! A passkey or security key in software, with the browser around it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ELIGIBLE: u8 = 0x08;
const ATTESTED: u8 = 0x40;

/// A key with one credential.
#[derive(Clone)]
pub struct Authenticator {
    pub key: SigningKey,
    pub id: Vec<u8>,
    /// The page that the browser shows.
    pub origin: String,
    /// The user that the credential is of, once there is one.
    pub user_handle: Option<String>,
    /// How often it signed; 0 where it does not count.
    pub sign_count: u32,
    /// Whether it verifies its user.
    pub verifies: bool,
    /// Whether it can be copied to other devices.
    pub is_synced: bool,
}

impl Authenticator {
    /// A key that is told apart by a byte.
    pub fn new(byte: u8) -> Self {
        Self {
            key: SigningKey::from_slice(&[byte; 32]).unwrap(),
            id: vec![byte; 16],
            origin: super::super::sign_in::HOST.to_owned(),
            user_handle: None,
            sign_count: 1,
            verifies: true,
            is_synced: false,
        }
    }

    fn rp_id(&self) -> String {
        self.origin.strip_prefix("https://").unwrap().to_owned()
    }

    fn client(&self, act: &str, options: &Value) -> String {
        json!({ "type": act, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false })
            .to_string()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let flags =
            flags | PRESENT | if self.verifies { VERIFIED } else { 0 } | if self.is_synced { ELIGIBLE } else { 0 };
        let mut data = Sha256::digest(self.rp_id()).to_vec();
        data.push(flags);
        data.extend(self.sign_count.to_be_bytes());
        data
    }

    /// `navigator.credentials.create`.
    pub fn create(&mut self, options: &Value) -> Value {
        assert_eq!(options["rp"]["id"], self.rp_id());
        self.user_handle = options["user"]["id"].as_str().map(str::to_owned);
        let client = self.client("webauthn.create", options);
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // A COSE key of ES256: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
        let point = self.key.verifying_key().to_sec1_point(false);
        data.extend([0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(point.x().unwrap());
        data.extend([0x22, 0x58, 0x20]);
        data.extend(point.y().unwrap());
        // {"fmt": "none", "attStmt": {}, "authData": data}.
        let mut object = vec![0xA3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xA0, 0x68]);
        object.extend(b"authData");
        object.push(0x59);
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(&data);
        self.response(json!({
            "clientDataJSON": encode(client.as_bytes()),
            "attestationObject": encode(&object),
            "transports": ["usb"],
        }))
    }

    /// `navigator.credentials.get`.
    pub fn get(&mut self, options: &Value) -> Value {
        assert_eq!(options["rpId"], self.rp_id());
        self.sign_count += u32::from(self.sign_count > 0);
        let client = self.client("webauthn.get", options);
        let data = self.data(0);
        let signature: DerSignature = self.key.sign(&[data.as_slice(), &Sha256::digest(&client)].concat());
        self.response(json!({
            "clientDataJSON": encode(client.as_bytes()),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_bytes()),
            "userHandle": self.user_handle,
        }))
    }

    fn response(&self, response: Value) -> Value {
        let id = encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {} })
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
