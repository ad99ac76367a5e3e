-- Tenants, what is set for them, and which version of their rules is the newest.
--
-- In all migrations: ids are UUIDs and times RFC 3339 UTC with milliseconds, both text; JSON is text under json_valid;
-- booleans are 0 and 1. Every row but the operator's says its tenant, and refers to other rows together with it
-- (`FOREIGN KEY (tenant_id, x_id) REFERENCES x (tenant_id, id)`), so that a row joining two tenants cannot exist.
-- A column whose referent may vanish before the row has a second reference, to the id alone, that sets it null:
-- SQLite would otherwise null the tenant too.

-- The organisations that share the system and never see each other.
CREATE TABLE tenant (
    id              TEXT NOT NULL PRIMARY KEY,
    name            TEXT NOT NULL,
    slug            TEXT NOT NULL UNIQUE,
    domain          TEXT UNIQUE,
    logo_url        TEXT,
    primary_color   TEXT,
    secondary_color TEXT,
    branding_config TEXT NOT NULL CHECK (json_valid(branding_config)),
    settings        TEXT NOT NULL CHECK (json_valid(settings)),
    status          TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    deleted_at      TEXT
) STRICT;

CREATE INDEX tenant_by_time ON tenant (created_at, id);

-- The newest versions of a tenant: every change of what decides bumps one in its own batch.
CREATE TABLE tenant_epoch (
    tenant_id         TEXT NOT NULL PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    policy_version    INTEGER NOT NULL CHECK (policy_version >= 0),
    directory_version INTEGER NOT NULL CHECK (directory_version >= 0)
) STRICT;

-- Versions only grow: a stale isolate must never take an old state for a new one.
CREATE TRIGGER tenant_epoch_only_grows BEFORE UPDATE ON tenant_epoch
WHEN NEW.policy_version < OLD.policy_version OR NEW.directory_version < OLD.directory_version
BEGIN
    SELECT RAISE(ABORT, 'tenant_epoch: a version only grows');
END;

-- Published snapshots: which file is which version.
CREATE TABLE snapshot (
    tenant_id      TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    policy_version INTEGER NOT NULL CHECK (policy_version >= 0),
    content_hash   TEXT NOT NULL,
    created_at     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, policy_version)
) STRICT;

-- Settings of a tenant, key by key, over those in `tenant.settings`.
CREATE TABLE tenant_setting (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    setting_key   TEXT NOT NULL,
    setting_value TEXT NOT NULL CHECK (json_valid(setting_value)),
    description   TEXT,
    category      TEXT NOT NULL CHECK (category IN ('auth', 'security', 'ui', 'integration')),
    updated_at    TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    UNIQUE (tenant_id, category, setting_key)
) STRICT;

CREATE INDEX tenant_setting_by_time ON tenant_setting (tenant_id, created_at, id);

-- Features that are on for some; without a tenant they are the operator's.
CREATE TABLE feature_flag (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT REFERENCES tenant (id) ON DELETE CASCADE,
    flag_name     TEXT NOT NULL,
    is_enabled    INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    configuration TEXT NOT NULL CHECK (json_valid(configuration)),
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    UNIQUE (tenant_id, flag_name)
) STRICT;

CREATE UNIQUE INDEX feature_flag_global_name ON feature_flag (flag_name) WHERE tenant_id IS NULL;
CREATE INDEX feature_flag_by_time ON feature_flag (tenant_id, created_at, id);
