//! Keys that sign access tokens, and tokens that were revoked before their end. Additions to the diagram.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp, field::words};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// With what a key signs, by its name in a token's header (RFC 7518, section 3.1; RFC 8037, section 3.1).
    TokenAlgorithm {
        /// ECDSA with P-256 and SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

row! {
    /// A key that signs the access tokens of a tenant.
    TokenKey in token_key {
        /// UUIDv7: the `kid` in what it signs.
        id: Uuid,
        /// The tenant whose tokens it signs.
        tenant_id: Uuid => tenant,
        /// With what it signs.
        algorithm: TokenAlgorithm,
        /// What verifies it, as it is published: a JWK (RFC 7517).
        public_key: Map<String, Value>,
        /// AES-256-GCM under the data key: the secret scalar. Without it (in an export) nothing is signed with it.
        #[serde(skip_serializing)]
        private_key: Option<Secret>,
        /// From when it signs, unless a newer one does. It is published before.
        signs_from: Timestamp,
        /// Until when it is published and what it signed counts; null as long as no other follows it.
        retires_at: Option<Timestamp>,
        /// When it was made, and published.
        created_at: Timestamp,
    }
    unique ["tenant_id"] while "retires_at"
}

impl Invariants for TokenKey {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            self.public_key.contains_key("kty") && !self.public_key.contains_key("d"),
            "public_key",
            "token_key.public_key",
            "expected a public key as a JWK",
        );
    }
}

row! {
    /// An access token that counts no more, though its end has not come.
    TokenRevocation in token_revocation {
        /// The token's `jti`.
        id: Uuid,
        /// The tenant whose token it was.
        tenant_id: Uuid => tenant,
        /// Whose it was: its `sub`.
        subject: String,
        /// The token's own end; the row goes after it.
        expires_at: Timestamp,
        /// When it was revoked.
        created_at: Timestamp,
    }
}

impl Invariants for TokenRevocation {
    fn check(&self, _problems: &mut Problems<'_>) {}
}
