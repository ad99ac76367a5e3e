-- What was done and what was decided.

-- What somebody did or tried: append-only, a hash chain a tenant. It refers to nothing but the tenant, since it
-- outlives what it tells of; a tenant with a log cannot be removed before its log is.
CREATE TABLE audit_log (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id),
    sequence      INTEGER NOT NULL CHECK (sequence >= 1),
    user_id       TEXT,
    event_type    TEXT NOT NULL,
    resource_type TEXT,
    resource_id   TEXT,
    event_data    TEXT NOT NULL CHECK (json_valid(event_data)),
    ip_address    TEXT,
    user_agent    TEXT,
    result        TEXT NOT NULL CHECK (result IN ('success', 'failure')),
    previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
    hash          TEXT NOT NULL CHECK (length(hash) = 64),
    created_at    TEXT NOT NULL,
    UNIQUE (tenant_id, sequence)
) STRICT;

CREATE INDEX audit_log_by_time ON audit_log (tenant_id, created_at, id);
CREATE INDEX audit_log_by_user ON audit_log (tenant_id, user_id, created_at, id);
CREATE INDEX audit_log_by_event ON audit_log (tenant_id, event_type, created_at, id);
CREATE INDEX audit_log_by_resource ON audit_log (tenant_id, resource_type, resource_id, created_at, id);

-- Points of the chain that were exported: only rows up to such a point may be removed.
CREATE TABLE audit_root (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id),
    sequence   INTEGER NOT NULL CHECK (sequence >= 1),
    hash       TEXT NOT NULL CHECK (length(hash) = 64),
    created_at TEXT NOT NULL,
    UNIQUE (tenant_id, sequence)
) STRICT;

CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

-- Without this, INSERT OR REPLACE would be an update: it fires no delete triggers. It fails as the unique key would.
CREATE TRIGGER audit_log_is_not_replaced BEFORE INSERT ON audit_log
WHEN EXISTS (
    SELECT 1 FROM audit_log
    WHERE id = NEW.id OR (tenant_id = NEW.tenant_id AND sequence = NEW.sequence)
)
BEGIN
    SELECT RAISE(ABORT, 'UNIQUE constraint failed: audit_log.tenant_id, audit_log.sequence');
END;

-- Retention removes a prefix, the oldest row first, and nothing beyond an exported root.
CREATE TRIGGER audit_log_loses_only_an_exported_prefix BEFORE DELETE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_root WHERE tenant_id = OLD.tenant_id AND sequence >= OLD.sequence)
    OR EXISTS (SELECT 1 FROM audit_log WHERE tenant_id = OLD.tenant_id AND sequence < OLD.sequence)
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only: only a prefix below an exported root is removed');
END;

-- A root is of the log as it is, and stays.
CREATE TRIGGER audit_root_is_of_the_log BEFORE INSERT ON audit_root
WHEN NOT EXISTS (
    SELECT 1 FROM audit_log
    WHERE tenant_id = NEW.tenant_id AND sequence = NEW.sequence AND hash = NEW.hash
)
    OR EXISTS (
        SELECT 1 FROM audit_root
        WHERE id = NEW.id OR (tenant_id = NEW.tenant_id AND sequence = NEW.sequence)
    )
BEGIN
    SELECT RAISE(ABORT, 'audit_root: no such row in audit_log, or a root already');
END;

CREATE TRIGGER audit_root_is_not_changed BEFORE UPDATE ON audit_root
BEGIN
    SELECT RAISE(ABORT, 'audit_root is append-only');
END;

CREATE TRIGGER audit_root_is_not_removed BEFORE DELETE ON audit_root
BEGIN
    SELECT RAISE(ABORT, 'audit_root is append-only');
END;

-- The keys under which the personal data of subjects lie in the log. A purge destroys one; the row stays and says so.
CREATE TABLE audit_subject (
    id           TEXT NOT NULL PRIMARY KEY,
    tenant_id    TEXT NOT NULL REFERENCES tenant (id),
    subject_key  TEXT,
    created_at   TEXT NOT NULL,
    destroyed_at TEXT,
    CHECK (destroyed_at IS NULL OR subject_key IS NULL)
) STRICT;

CREATE INDEX audit_subject_by_tenant ON audit_subject (tenant_id, id);

-- Decisions of the PDP: kept apart from the audit log, and not for ever.
CREATE TABLE decision_log (
    id             TEXT NOT NULL PRIMARY KEY,
    tenant_id      TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    request_id     TEXT,
    principal_type TEXT NOT NULL,
    principal_id   TEXT NOT NULL,
    action         TEXT NOT NULL,
    resource_type  TEXT NOT NULL,
    resource_id    TEXT NOT NULL,
    outcome        TEXT NOT NULL CHECK (outcome IN ('allow', 'forbidden', 'no_permit', 'error')),
    reason         TEXT,
    policies       TEXT NOT NULL CHECK (json_valid(policies)),
    errors         TEXT NOT NULL CHECK (json_valid(errors)),
    policy_version INTEGER NOT NULL,
    created_at     TEXT NOT NULL
) STRICT;

CREATE INDEX decision_log_by_time ON decision_log (tenant_id, created_at, id);
CREATE INDEX decision_log_by_principal ON decision_log (tenant_id, principal_type, principal_id, created_at, id);
CREATE INDEX decision_log_by_resource ON decision_log (tenant_id, resource_type, resource_id, created_at, id);
