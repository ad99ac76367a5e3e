//! Signs with ES256: by WebCrypto at the edge, which has the curve in the machine's own code, by the crate elsewhere.

use parapet::token::{PublicKey, SigningKey, TokenError};

/// Nothing was signed. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("signature: {0}")]
pub struct SignerError(String);

impl From<TokenError> for SignerError {
    fn from(error: TokenError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(target_arch = "wasm32")]
pub use edge::Signer;
#[cfg(not(target_arch = "wasm32"))]
pub use here::Signer;

#[cfg(target_arch = "wasm32")]
mod edge {
    use js_sys::Promise;
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use worker::js_sys::Uint8Array;
    use worker::wasm_bindgen_futures::JsFuture;

    use super::{PublicKey, SignerError, SigningKey};
    use serde_json::Value;

    #[wasm_bindgen(module = "/src/platform/signer.js")]
    extern "C" {
        /// The platform's key of a private JWK.
        fn signing_key(jwk: &str) -> Promise;

        /// The signature of a text, in bytes.
        fn signature(key: &JsValue, text: &str) -> Promise;
    }

    /// A key that signs.
    #[derive(Debug)]
    pub struct Signer {
        key: JsValue,
        public: PublicKey,
    }

    impl Signer {
        /// Takes a key.
        pub async fn new(key: SigningKey) -> Result<Self, SignerError> {
            let jwk = Value::Object(key.private_jwk()).to_string();
            Ok(Self { key: wait(signing_key(&jwk)).await?, public: key.public().clone() })
        }

        /// What verifies what it signs.
        pub fn public(&self) -> &PublicKey {
            &self.public
        }

        /// The signature of a text: 64 bytes.
        pub async fn signature(&self, text: &str) -> Result<Vec<u8>, SignerError> {
            Ok(Uint8Array::new(&wait(signature(&self.key, text)).await?).to_vec())
        }
    }

    async fn wait(promise: Promise) -> Result<JsValue, SignerError> {
        JsFuture::from(promise).await.map_err(|error| SignerError(format!("{error:?}")))
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod here {
    use super::{PublicKey, SignerError, SigningKey};

    /// A key that signs.
    #[derive(Debug)]
    pub struct Signer(SigningKey);

    impl Signer {
        /// Takes a key.
        pub async fn new(key: SigningKey) -> Result<Self, SignerError> {
            Ok(Self(key))
        }

        /// What verifies what it signs.
        pub fn public(&self) -> &PublicKey {
            self.0.public()
        }

        /// The signature of a text: 64 bytes.
        pub async fn signature(&self, text: &str) -> Result<Vec<u8>, SignerError> {
            Ok(self.0.signature(text.as_bytes())?)
        }
    }
}
