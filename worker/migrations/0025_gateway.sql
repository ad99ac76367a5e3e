-- Applications behind the gateway. What decides there is a rule like any other: it is kept as it was before each change.

INSERT INTO permission (id, tenant_id, name, resource, action, description, category, created_at) VALUES
    ('00000000-0000-7000-8000-00010000002f', NULL, 'parapet.gateway_host.read', 'parapet', 'gateway_host.read', 'See the applications behind the gateway', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000030', NULL, 'parapet.gateway_host.write', 'parapet', 'gateway_host.write', 'Put applications behind the gateway, change and remove them', 'admin', '1970-01-01T00:00:00.000Z');

-- The roles of the system in tenants that are there. Their rules get a new version, so that they count at once.
UPDATE tenant_epoch SET policy_version = policy_version + 1
WHERE tenant_id IN (SELECT tenant_id FROM role WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor'));

UPDATE role SET permissions = json_insert(permissions, '$[#]', json_object('permission', 'parapet.gateway_host.read'))
WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor');

UPDATE role SET permissions = json_insert(permissions, '$[#]', json_object('permission', 'parapet.gateway_host.write'))
WHERE type = 'system' AND name = 'owner';

CREATE TABLE gateway_host (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    host       TEXT NOT NULL UNIQUE,
    origin     TEXT,
    route_map  TEXT NOT NULL,
    is_active  INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (tenant_id, id)
) STRICT;

CREATE INDEX gateway_host_by_time ON gateway_host (tenant_id, created_at, id);

DROP TRIGGER tenant_setting_history_of_insert;
DROP TRIGGER tenant_setting_history_of_update;
DROP TRIGGER tenant_setting_history_of_delete;

CREATE TRIGGER tenant_setting_history_of_insert AFTER INSERT ON tenant_setting
WHEN NEW.category = 'auth' AND (NEW.setting_key IN ('anonymous_role', 'schema') OR NEW.setting_key LIKE 'policy.%' OR NEW.setting_key LIKE 'routes.%')
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'tenant_setting', NEW.id, NULL
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = NEW.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER tenant_setting_history_of_update AFTER UPDATE ON tenant_setting
WHEN (OLD.category = 'auth' AND (OLD.setting_key IN ('anonymous_role', 'schema') OR OLD.setting_key LIKE 'policy.%' OR OLD.setting_key LIKE 'routes.%'))
    OR (NEW.category = 'auth' AND (NEW.setting_key IN ('anonymous_role', 'schema') OR NEW.setting_key LIKE 'policy.%' OR NEW.setting_key LIKE 'routes.%'))
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
WHEN OLD.category = 'auth' AND (OLD.setting_key IN ('anonymous_role', 'schema') OR OLD.setting_key LIKE 'policy.%' OR OLD.setting_key LIKE 'routes.%')
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

-- The sessions of people at the hosts of applications: each a token of its own there, got for a code that was handed over once.
CREATE UNIQUE INDEX user_session_of_tenant ON user_session (tenant_id, id);

CREATE TABLE session_host (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_id       TEXT NOT NULL,
    session_id      TEXT NOT NULL,
    host            TEXT NOT NULL,
    code_hash       TEXT UNIQUE,
    state_hash      TEXT,
    code_expires_at TEXT,
    token_hash      TEXT UNIQUE,
    created_at      TEXT NOT NULL,
    UNIQUE (tenant_id, session_id, host),
    FOREIGN KEY (tenant_id, session_id) REFERENCES user_session (tenant_id, id) ON DELETE CASCADE
) STRICT;
