//! Settings of a tenant.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words};
use serde_json::Value;
use uuid::Uuid;

words! {
    /// What a setting is about.
    SettingCategory {
        /// Access and sign-in: `auth/schema`, `auth/policy.<name>`.
        Auth = "auth",
        /// Passwords, sessions, limits.
        Security = "security",
        /// Looks.
        Ui = "ui",
        /// Other systems.
        Integration = "integration",
    }
}

row! {
    /// One setting. It overrides `tenant.settings`.
    TenantSetting in tenant_setting {
        /// UUIDv7.
        id: Uuid,
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Unique within tenant and category: letters, digits, `_`, `.` and `-`.
        setting_key: String,
        /// Any JSON but null.
        setting_value: Value,
        /// What it is for.
        description: Option<String>,
        /// What it is about.
        category: SettingCategory,
        /// When the row last changed.
        updated_at: Timestamp,
        /// When it was made.
        created_at: Timestamp,
    }
    unique ["tenant_id", "category", "setting_key"]
}

impl Invariants for TenantSetting {
    fn check(&self, problems: &mut Problems<'_>) {
        let holds = super::shape::is_action(&self.setting_key);
        problems.require(holds, "setting_key", "tenant_setting.setting_key", "expected `[A-Za-z0-9_.-]+`");
    }
}
