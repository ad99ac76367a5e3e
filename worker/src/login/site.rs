//! A tenant's own place: the host at which its people sign in, and what the tenant has set for that.

use std::rc::Rc;

use parapet::model::{SettingCategory, Tenant, TenantDocument, TenantSetting, TenantStatus, Timestamp};
use parapet::setting;
use serde_json::Value;
use uuid::Uuid;

use crate::app::{App, Config};
use crate::authenticate::Host;
use crate::document::{rows, select};
use crate::error::ApiError;
use crate::guard::Call;
use crate::platform::db::Statement;
use crate::rate;
use crate::tenancy::tenant_setting;

const TENANT_BY_SLUG: &str = "
    SELECT t.*, e.policy_version FROM tenant t LEFT JOIN tenant_epoch e ON e.tenant_id = t.id WHERE t.slug = ?1";

const TENANT_BY_DOMAIN: &str = "
    SELECT t.*, e.policy_version FROM tenant t LEFT JOIN tenant_epoch e ON e.tenant_id = t.id WHERE t.domain = ?1";

const SETTINGS_BY_SLUG: &str = "
    SELECT s.* FROM tenant_setting s JOIN tenant t ON t.id = s.tenant_id
    WHERE t.slug = ?1 AND s.category IN ('security', 'ui')";

const SETTINGS_BY_DOMAIN: &str = "
    SELECT s.* FROM tenant_setting s JOIN tenant t ON t.id = s.tenant_id
    WHERE t.domain = ?1 AND s.category IN ('security', 'ui')";

const SETTINGS: &str = "tenant_id = ?1 AND category IN ('security', 'ui')";

/// An active tenant, at its host.
#[derive(Debug)]
pub struct Site {
    /// The tenant.
    pub tenant: Tenant,
    settings: Vec<TenantSetting>,
}

/// What was read of a host.
#[derive(Debug)]
pub struct Known {
    site: Rc<Site>,
    policy_version: u64,
    as_of: Timestamp,
}

impl Site {
    /// The tenant whose host was asked; 404 where the host is nobody's own, or the tenant is not active. Strangers ask this,
    /// so it is counted. What is known of a host counts as long as what is known of a key, and no longer than until this
    /// isolate hears of newer rules.
    pub async fn of(app: &App, call: &Call) -> Result<Rc<Self>, ApiError> {
        rate::stranger(app, &call.request)?;
        let config = app.config()?;
        let host = Host::of(&call.request, config.base_domain.as_deref());
        let (tenant, settings, name) = match &host {
            Host::Service => return Err(ApiError::NotFound),
            Host::Slug(slug) => (TENANT_BY_SLUG, SETTINGS_BY_SLUG, slug),
            Host::Named(domain) => (TENANT_BY_DOMAIN, SETTINGS_BY_DOMAIN, domain),
        };
        let now = app.clock.now();
        if let Some(known) = app.memory.site(&host).filter(|known| known.counts(app, now, config.freshness)) {
            return Ok(known.site.clone());
        }
        let reads = [tenant, settings].map(|sql| Statement::new(sql).bind(name.as_str()));
        let mut answers = app.db.batch(reads.to_vec()).await.map_err(ApiError::database)?.into_iter();
        let mut found = answers.next().unwrap_or_default();
        let version = found.first_mut().and_then(|row| row.remove("policy_version"));
        let tenant = rows::<Tenant>(found)?.pop();
        let tenant = tenant.filter(|tenant| tenant.status == TenantStatus::Active).ok_or(ApiError::NotFound)?;
        let site = Rc::new(Self { tenant, settings: rows(answers.next().unwrap_or_default())? });
        if let Some(version) = version.and_then(|version| version.as_f64()) {
            let known = Known { site: site.clone(), policy_version: version as u64, as_of: now };
            app.memory.keep_site(host, Rc::new(known));
        }
        Ok(site)
    }

    /// The tenant of somebody who is known, at whatever host; 404 where it is not active.
    pub async fn of_tenant(app: &App, tenant: Uuid) -> Result<Self, ApiError> {
        let reads = vec![select::<Tenant>("id = ?1", tenant), select::<TenantSetting>(SETTINGS, tenant)];
        let mut answers = app.db.batch(reads).await.map_err(ApiError::database)?.into_iter();
        let tenant = rows::<Tenant>(answers.next().unwrap_or_default())?.pop();
        let tenant = tenant.filter(|tenant| tenant.status == TenantStatus::Active).ok_or(ApiError::NotFound)?;
        Ok(Self { tenant, settings: rows(answers.next().unwrap_or_default())? })
    }

    /// The tenant whose rules these are.
    pub fn of_rules(document: &TenantDocument) -> Self {
        let is_asked_for =
            |row: &&TenantSetting| matches!(row.category, SettingCategory::Security | SettingCategory::Ui);
        let settings = document.tenant_setting.iter().filter(is_asked_for).cloned().collect();
        Self { tenant: document.tenant.clone(), settings }
    }

    /// A tenant that is being made, and has set nothing yet.
    pub fn of_new(tenant: &Tenant) -> Self {
        Self { tenant: tenant.clone(), settings: Vec::new() }
    }

    /// Where the tenant's own pages are, `https://host`: what links in messages lead to. What a request says of its host
    /// counts for nothing here.
    pub fn origin(&self, config: &Config) -> Option<String> {
        let slug = || config.base_domain.as_ref().map(|base| format!("{}.{base}", self.tenant.slug));
        let host = self.tenant.domain.clone().or_else(slug)?;
        Some(match config.local_port {
            Some(port) => format!("http://{host}:{port}"),
            None => format!("https://{host}"),
        })
    }

    /// What counts of a setting of the category `security`.
    pub fn security(&self, key: &str) -> Value {
        self.value(SettingCategory::Security, key)
    }

    /// What counts of a number among them.
    pub fn number(&self, key: &str) -> i64 {
        // Each has a default, which a test reads.
        self.security(key).as_i64().unwrap_or_default()
    }

    /// A secret among them, in the clear. It counts only if none of the settings that say to whom it is `told` changed since:
    /// whoever may change these could otherwise have a secret that they cannot read sent to a server of their own.
    pub fn secret(&self, app: &App, key: &str, told: &[&str]) -> Result<Option<String>, ApiError> {
        let row = |key: &str| self.row(SettingCategory::Security, key);
        let changed = told.iter().filter_map(|key| row(key)).map(|row| row.updated_at).max();
        let secret = row(key).filter(|secret| changed.is_none_or(|changed| secret.updated_at >= changed));
        secret.map(|secret| tenant_setting::opened(app, secret)).transpose()
    }

    /// Whether there is a row of a setting of the category `security`.
    pub fn has_set(&self, key: &str) -> bool {
        self.row(SettingCategory::Security, key).is_some()
    }

    /// What counts of a setting of the category `ui`.
    pub fn ui(&self, key: &str) -> Value {
        self.value(SettingCategory::Ui, key)
    }

    fn row(&self, category: SettingCategory, key: &str) -> Option<&TenantSetting> {
        self.settings.iter().find(|row| row.category == category && row.setting_key == key)
    }

    fn value(&self, category: SettingCategory, key: &str) -> Value {
        let row = self.row(category, key);
        setting::find(category, key).map(|known| known.effective(key, &self.tenant, row).0).unwrap_or_default()
    }
}

impl Known {
    /// Whether it counts: read less than `freshness` milliseconds ago, and before no change that this isolate has seen.
    fn counts(&self, app: &App, now: Timestamp, freshness: i64) -> bool {
        let age = now.as_millis() - self.as_of.as_millis();
        (0..freshness).contains(&age) && self.policy_version >= app.memory.newest(self.site.tenant.id).policy
    }
}
