//! Identity providers, and who their users are here.

use super::row::{Invariants, Problems, row};
use super::{Secret, Timestamp, field::words, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// What an identity provider speaks.
    IdentityProviderType {
        /// SAML 2.0.
        Saml = "saml",
        /// OpenID Connect.
        Oidc = "oidc",
        /// A social network's OAuth 2.
        Social = "social",
        /// LDAP.
        Ldap = "ldap",
    }
}

row! {
    /// A system that tells us who somebody is.
    IdentityProvider in identity_provider {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Unique within the tenant.
        name: String,
        /// What it speaks.
        r#type: IdentityProviderType,
        /// Addresses, certificates, client id and the like. No secrets: they are in `secret`.
        configuration: Map<String, Value> = Map::new(),
        /// Which of its attributes becomes which of the user's: `{"email": "mail"}`.
        attribute_mapping: Map<String, Value> = Map::new(),
        /// AES-256-GCM under the data key: the client secret, private key or bind password. An addition to the diagram.
        #[serde(skip_serializing)]
        secret: Option<Secret>,
        /// Whether it makes users that are not here yet.
        auto_provision: bool = false,
        /// Whether it may be used.
        is_active: bool = true,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "name"]
}

impl Invariants for IdentityProvider {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            shape::is_name(&self.name),
            "name",
            "identity_provider.name",
            "a name is 1 to 255 characters, not blank",
        );
    }
}

row! {
    /// A user, as an identity provider knows them.
    FederatedIdentity in federated_identity {
        /// UUIDv7.
        id: Uuid,
        /// The tenant of both.
        tenant_id: Uuid => tenant,
        /// Who they are here.
        user_id: Uuid => user,
        /// Which provider.
        identity_provider_id: Uuid => identity_provider,
        /// Who they are there: the subject, NameID or entry's UUID. Unique within the provider.
        external_id: String,
        /// What the provider last said about them.
        attributes: Map<String, Value> = Map::new(),
        /// When it last said so.
        last_sync_at: Option<Timestamp>,
        /// When they were linked.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["identity_provider_id", "external_id"]
}

impl Invariants for FederatedIdentity {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(
            !self.external_id.is_empty(),
            "external_id",
            "federated_identity.external_id",
            "an external id is not empty",
        );
    }
}
