//! Tenants: the organisations that share the system and never see each other.

use super::row::{Invariants, Problems, row};
use super::{Timestamp, field::words, shape};
use serde_json::{Map, Value};
use uuid::Uuid;

words! {
    /// Whether a tenant may be used.
    TenantStatus {
        /// In use.
        Active = "active",
        /// Every access is refused, nothing is lost.
        Suspended = "suspended",
        /// Refused, and purged after a grace period.
        Deleted = "deleted",
    }
}

row! {
    /// An organisation with its own users, roles and rules.
    Tenant in tenant {
        /// UUIDv7.
        id: Uuid,
        /// What people call it.
        name: String,
        /// Its subdomain: a lower-case DNS label, unique, none of the reserved words.
        slug: String,
        /// A host name of its own, in lower case, unique. Verified before it is stored.
        domain: Option<String>,
        /// Address of its logo.
        logo_url: Option<String>,
        /// `#rrggbb`.
        primary_color: Option<String>,
        /// `#rrggbb`.
        secondary_color: Option<String>,
        /// Further branding of the hosted pages.
        branding_config: Map<String, Value> = Map::new(),
        /// Defaults of the tenant's settings, `{"<category>": {"<key>": value}}`; `tenant_setting` overrides them key by key.
        settings: Map<String, Value> = Map::new(),
        /// Whether it may be used.
        status: TenantStatus = TenantStatus::Active,
        /// When it was made.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
        /// When it was deleted; set exactly while the status is `deleted`.
        deleted_at: Option<Timestamp>,
    }
    unique ["slug"]
    unique ["domain"]
}

impl Invariants for Tenant {
    fn check(&self, problems: &mut Problems<'_>) {
        problems.require(shape::is_name(&self.name), "name", "tenant.name", "a name is 1 to 255 characters, not blank");
        if !shape::is_dns_label(&self.slug) {
            let message =
                format!("`{}` is no lower-case DNS label (letters, digits, inner hyphens, at most 63)", self.slug);
            problems.add("slug", "tenant.slug", message);
        } else if shape::is_reserved_slug(&self.slug) {
            problems.add("slug", "tenant.reserved_slug", format!("`{}` is reserved", self.slug));
        }
        if let Some(domain) = &self.domain {
            problems.require(shape::is_domain(domain), "domain", "tenant.domain", "expected a host name in lower case");
        }
        if let Some(url) = &self.logo_url {
            problems.require(shape::is_url(url), "logo_url", "tenant.url", "expected an http(s) address");
        }
        for (field, colour) in [("primary_color", &self.primary_color), ("secondary_color", &self.secondary_color)] {
            if let Some(colour) = colour {
                problems.require(shape::is_colour(colour), field, "tenant.color", "expected a colour as `#rrggbb`");
            }
        }
        problems.require(
            (self.status == TenantStatus::Deleted) == self.deleted_at.is_some(),
            "deleted_at",
            "tenant.deleted_at",
            "`deleted_at` is set exactly while the status is `deleted`",
        );
    }
}
