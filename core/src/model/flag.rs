//! Feature flags.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

row! {
    /// A feature that is on for some.
    FeatureFlag in feature_flag {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to; null for the operator's, which stand in no tenant's document.
        tenant_id: Option<Uuid> => tenant,
        /// Unique within the tenant: letters, digits, `_`, `.` and `-`.
        flag_name: String,
        /// Off, it is off for everybody.
        is_enabled: bool = false,
        /// For whom it is on: roll-out and targeting.
        configuration: Map<String, Value> = Map::new(),
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    unique ["tenant_id", "flag_name"]
    unique ["flag_name"] while "tenant_id"
}

impl Invariants for FeatureFlag {
    fn check(&self, problems: &mut Problems<'_>) {
        let holds = shape::is_action(&self.flag_name);
        problems.require(holds, "flag_name", "feature_flag.flag_name", "expected `[A-Za-z0-9_.-]+`");
    }
}
