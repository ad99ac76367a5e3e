//! Which version of a tenant's rules is the newest, and which file holds it. Additions to the diagram.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, shape};
use serde_json::Value;
use uuid::Uuid;

row! {
    /// The newest versions of a tenant; every change of what decides bumps one in its own batch.
    TenantEpoch in tenant_epoch {
        /// Which tenant.
        tenant_id: Uuid => tenant,
        /// Counts changes of roles, permissions, policies and settings.
        policy_version: i64 = 0,
        /// Counts changes of users, groups, assignments and keys.
        directory_version: i64 = 0,
    }
    key ["tenant_id"]
}

impl Invariants for TenantEpoch {
    fn check(&self, problems: &mut Problems<'_>) {
        for (field, version) in [("policy_version", self.policy_version), ("directory_version", self.directory_version)]
        {
            problems.require(version >= 0, field, "tenant_epoch.version", "a version is not negative");
        }
    }
}

row! {
    /// A published snapshot: which file is which version.
    SnapshotVersion in snapshot {
        /// Whose.
        tenant_id: Uuid => tenant,
        /// Its version.
        policy_version: i64,
        /// SHA-256 of its content, in hex. A roll-back brings an old content under a new version.
        content_hash: String,
        /// When it was published.
        created_at: Timestamp,
    }
    key ["tenant_id", "policy_version"]
}

impl Invariants for SnapshotVersion {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(self.policy_version >= 0, "policy_version", "snapshot.version", "a version is not negative");
        problems.require(
            shape::is_sha256(&self.content_hash),
            "content_hash",
            "snapshot.content_hash",
            "expected SHA-256 as 64 hex digits",
        );
    }
}

row! {
    /// Rules that decide beside those that count, so that it is seen what they would change. An addition.
    SnapshotCandidate in snapshot_candidate {
        /// Whose: a tenant has one at most.
        tenant_id: Uuid => tenant,
        /// UUIDv7.
        id: Uuid,
        /// The version of the rules that it changes; it decides while that is the newest.
        base_version: i64,
        /// SHA-256 of its content, in hex.
        content_hash: String,
        /// What it changes, as a preview takes it.
        changes: Value,
        /// When it was made.
        created_at: Timestamp,
        /// It decides until then.
        expires_at: Timestamp,
    }
    key ["tenant_id"]
}

impl Invariants for SnapshotCandidate {
    fn check(&self, problems: &mut Problems<'_>) {
        let version = self.base_version >= 0;
        problems.require(version, "base_version", "snapshot_candidate.version", "a version is not negative");
        let is_hash = shape::is_sha256(&self.content_hash);
        let message = "expected SHA-256 as 64 hex digits";
        problems.require(is_hash, "content_hash", "snapshot_candidate.content_hash", message);
        problems.require(self.changes.is_array(), "changes", "snapshot_candidate.changes", "expected an array");
    }
}
