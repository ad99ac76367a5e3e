//! What a tenant asks of its people: which factors they may have, and who must have one.

use parapet::model::{MfaDevice, MfaDeviceType, User};
use serde_json::Value;

use crate::app::App;
use crate::error::ApiError;
use crate::login::Site;
use crate::platform::db::{Row, Statement};

/// The roles that a user has now: their own, those of their groups, and those that were given on request.
const READ_ROLES: &str = "
    SELECT o.name, o.type FROM role o WHERE o.tenant_id = ?1 AND o.is_active = 1 AND o.id IN (
        SELECT r.role_id FROM user_role r
        WHERE r.tenant_id = ?1 AND r.user_id = ?2 AND r.is_active = 1 AND (r.expires_at IS NULL OR r.expires_at > ?3)
        UNION ALL
        SELECT g.role_id FROM user_group_membership m
        JOIN user_group_role g ON g.tenant_id = m.tenant_id AND g.user_group_id = m.user_group_id
        WHERE m.tenant_id = ?1 AND m.user_id = ?2 AND (m.expires_at IS NULL OR m.expires_at > ?3)
          AND (g.expires_at IS NULL OR g.expires_at > ?3)
        UNION ALL
        SELECT a.role_id FROM access_request a
        WHERE a.tenant_id = ?1 AND a.requester_id = ?2 AND a.status = 'approved' AND a.role_id IS NOT NULL
          AND (a.expires_at IS NULL OR a.expires_at > ?3))";

/// What the settings of the category `security` say: `mfa`, `mfa_roles` and `mfa_methods`.
pub struct Policy {
    everybody: bool,
    administrators: bool,
    roles: Vec<String>,
    methods: Vec<MfaDeviceType>,
}

impl Policy {
    /// A tenant's.
    pub fn of(site: &Site) -> Self {
        let words = |key: &str| -> Vec<String> {
            let value = site.security(key);
            let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        };
        let who = site.security("mfa");
        Self {
            everybody: who == "everybody",
            administrators: who == "administrators",
            roles: words("mfa_roles"),
            methods: words("mfa_methods").iter().filter_map(|word| MfaDeviceType::from_word(word)).collect(),
        }
    }

    /// Whether a factor of this type may be added, and is enough.
    pub fn allows(&self, kind: MfaDeviceType) -> bool {
        self.methods.contains(&kind)
    }

    /// The types that may be added.
    pub fn methods(&self) -> &[MfaDeviceType] {
        &self.methods
    }

    /// Those of a user's factors that are asked for. What the tenant allows no longer is asked for where there is nothing
    /// better: it would else become easier to come in, by the password alone.
    pub fn offered(&self, devices: Vec<MfaDevice>) -> Vec<MfaDevice> {
        let is_enough = self.is_enough(&devices);
        devices.into_iter().filter(|device| !is_enough || self.allows(device.r#type)).collect()
    }

    /// Whether somebody with these factors has one that is enough.
    pub fn is_enough(&self, devices: &[MfaDevice]) -> bool {
        devices.iter().any(|device| self.allows(device.r#type))
    }

    /// Reads what [`is_asked`](Self::is_asked) must know of a user.
    pub fn read_roles(app: &App, user: &User) -> Statement {
        Statement::new(READ_ROLES).bind(user.tenant_id).bind(user.id).bind(app.clock.now())
    }

    /// Whether a user with these roles must have a factor.
    pub fn is_asked(&self, roles: &[Row]) -> bool {
        let text = |row: &Row, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let has = |row: &Row| {
            (self.administrators && text(row, "type") == "system") || self.roles.contains(&text(row, "name"))
        };
        self.everybody || roles.iter().any(has)
    }

    /// The same, asking the database where it must be known.
    pub async fn is_asked_of(&self, app: &App, user: &User) -> Result<bool, ApiError> {
        if self.everybody || (!self.administrators && self.roles.is_empty()) {
            return Ok(self.everybody);
        }
        let roles = app.db.all(Self::read_roles(app, user)).await.map_err(ApiError::database)?;
        Ok(self.is_asked(&roles))
    }
}
