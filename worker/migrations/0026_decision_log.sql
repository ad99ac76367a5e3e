-- What a logged decision was asked, and as of when it was known who may what. Nothing refers to the table.
CREATE TABLE decision_log_with_requests (
    id                TEXT NOT NULL PRIMARY KEY,
    tenant_id         TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    request_id        TEXT,
    caller            TEXT NOT NULL CHECK (caller IN ('gateway', 'forward_auth', 'evaluation')),
    principal_type    TEXT NOT NULL,
    principal_id      TEXT NOT NULL,
    action            TEXT NOT NULL,
    resource_type     TEXT NOT NULL,
    resource_id       TEXT NOT NULL,
    request           TEXT NOT NULL CHECK (json_valid(request)),
    left_out          TEXT NOT NULL CHECK (json_valid(left_out)),
    outcome           TEXT NOT NULL CHECK (outcome IN ('allow', 'forbidden', 'no_permit', 'error')),
    reason            TEXT,
    policies          TEXT NOT NULL CHECK (json_valid(policies)),
    errors            TEXT NOT NULL CHECK (json_valid(errors)),
    policy_version    INTEGER NOT NULL,
    directory_version INTEGER NOT NULL,
    age               INTEGER NOT NULL,
    candidate         TEXT,
    shadow_outcome    TEXT CHECK (shadow_outcome IN ('allow', 'forbidden', 'no_permit', 'error')),
    shadow_policies   TEXT NOT NULL CHECK (json_valid(shadow_policies)),
    created_at        TEXT NOT NULL
) STRICT;

INSERT INTO decision_log_with_requests
    (id, tenant_id, request_id, caller, principal_type, principal_id, action, resource_type, resource_id, request, left_out,
     outcome, reason, policies, errors, policy_version, directory_version, age, shadow_policies, created_at)
SELECT id, tenant_id, request_id, 'evaluation', principal_type, principal_id, action, resource_type, resource_id, '{}', '[]',
       outcome, reason, policies, errors, policy_version, 0, 0, '[]', created_at
FROM decision_log;

DROP TABLE decision_log;

ALTER TABLE decision_log_with_requests RENAME TO decision_log;

CREATE INDEX decision_log_by_time ON decision_log (tenant_id, created_at, id);
CREATE INDEX decision_log_by_principal ON decision_log (tenant_id, principal_id, created_at, id);
CREATE INDEX decision_log_by_resource ON decision_log (tenant_id, resource_id, created_at, id);
CREATE INDEX decision_log_by_candidate ON decision_log (tenant_id, candidate, created_at, id) WHERE candidate IS NOT NULL;

-- Rules that decide beside those that count.
CREATE TABLE snapshot_candidate (
    tenant_id    TEXT NOT NULL PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    id           TEXT NOT NULL,
    base_version INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    changes      TEXT NOT NULL CHECK (json_valid(changes)),
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL
) STRICT;

-- Which decisions are logged is a rule of the tenant like its policies: it is kept as it was before each change.
DROP TRIGGER tenant_setting_history_of_insert;
DROP TRIGGER tenant_setting_history_of_update;
DROP TRIGGER tenant_setting_history_of_delete;

CREATE TRIGGER tenant_setting_history_of_insert AFTER INSERT ON tenant_setting
WHEN NEW.category = 'auth' AND (NEW.setting_key IN ('anonymous_role', 'decision_log', 'schema') OR NEW.setting_key LIKE 'policy.%' OR NEW.setting_key LIKE 'routes.%')
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'tenant_setting', NEW.id, NULL
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = NEW.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER tenant_setting_history_of_update AFTER UPDATE ON tenant_setting
WHEN (OLD.category = 'auth' AND (OLD.setting_key IN ('anonymous_role', 'decision_log', 'schema') OR OLD.setting_key LIKE 'policy.%' OR OLD.setting_key LIKE 'routes.%'))
    OR (NEW.category = 'auth' AND (NEW.setting_key IN ('anonymous_role', 'decision_log', 'schema') OR NEW.setting_key LIKE 'policy.%' OR NEW.setting_key LIKE 'routes.%'))
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'tenant_setting', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'setting_key', OLD.setting_key,
        'setting_value', OLD.setting_value, 'description', OLD.description, 'category', OLD.category,
        'updated_at', OLD.updated_at, 'created_at', OLD.created_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER tenant_setting_history_of_delete AFTER DELETE ON tenant_setting
WHEN OLD.category = 'auth' AND (OLD.setting_key IN ('anonymous_role', 'decision_log', 'schema') OR OLD.setting_key LIKE 'policy.%' OR OLD.setting_key LIKE 'routes.%')
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'tenant_setting', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'setting_key', OLD.setting_key,
        'setting_value', OLD.setting_value, 'description', OLD.description, 'category', OLD.category,
        'updated_at', OLD.updated_at, 'created_at', OLD.created_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;
