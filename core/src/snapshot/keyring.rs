//! The keyring: which keys a reader trusts, and which snapshot it expects.

use super::{Header, SnapshotError, VerifyingKey};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The verifying keys by id, and what a snapshot must be to be opened.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: BTreeMap<String, VerifyingKey>,
    tenant: Option<Uuid>,
    at_least: Option<u64>,
}

impl Keyring {
    /// A keyring without keys, which opens nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts a key as well. A key of the same id is replaced: an id has one key, and so one algorithm.
    #[must_use]
    pub fn with(mut self, key: VerifyingKey) -> Self {
        self.keys.insert(key.id().to_owned(), key);
        self
    }

    /// Opens this tenant's snapshots only.
    #[must_use]
    pub fn tenant(mut self, tenant: Uuid) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Opens no snapshot of a policy version below this one.
    #[must_use]
    pub fn at_least(mut self, policy_version: u64) -> Self {
        self.at_least = Some(policy_version);
        self
    }

    /// Whether a header is of the tenant and version that are expected. Says nothing of its signature.
    ///
    /// # Errors
    /// [`SnapshotError::WrongTenant`], [`SnapshotError::OlderVersion`].
    pub fn expects(&self, header: &Header) -> Result<(), SnapshotError> {
        if let Some(expected) = self.tenant
            && header.tenant != expected
        {
            return Err(SnapshotError::WrongTenant { expected, found: header.tenant });
        }
        if let Some(at_least) = self.at_least
            && header.policy_version < at_least
        {
            return Err(SnapshotError::OlderVersion { at_least, found: header.policy_version });
        }
        Ok(())
    }

    /// Whether the signature is that of a trusted key; `signed` is what it covers.
    pub(super) fn verify(&self, header: &Header, signed: &[u8]) -> Result<(), SnapshotError> {
        let Some(key) = self.keys.get(header.key_id()) else {
            return Err(SnapshotError::UnknownKey { id: header.key_id().to_owned() });
        };
        if key.verifies(header.tenant, signed, header.algorithm, header.signature()) {
            Ok(())
        } else {
            Err(SnapshotError::WrongSignature)
        }
    }
}
