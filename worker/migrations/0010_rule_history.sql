-- What roles, their permissions, permissions and policies were before each change, so that the rules of an earlier
-- version can be written again. Triggers write it: no way of changing a row passes it by.
--
-- The service bumps `tenant_epoch` before it changes a row, in the same batch; so `policy_version` is the version that
-- the change made, and the state at a version is what the first entry after it says, else what is there now.
CREATE TABLE rule_history (
    entry          INTEGER NOT NULL PRIMARY KEY,
    tenant_id      TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    policy_version INTEGER NOT NULL,
    table_name     TEXT NOT NULL,
    row_id         TEXT NOT NULL,
    -- The row as it was; null where it was not there.
    before         TEXT CHECK (before IS NULL OR json_valid(before))
) STRICT;

CREATE INDEX rule_history_by_version ON rule_history (tenant_id, policy_version, entry);

-- Nothing is known of what was before this migration: an entry about no row, which no way back goes past.
INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id)
SELECT tenant_id, policy_version, 'tenant', tenant_id FROM tenant_epoch;

-- Before the first publication there is no version to go back to; and where the tenant itself goes, all of it goes.

CREATE TRIGGER role_history_of_insert AFTER INSERT ON role
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'role', NEW.id, NULL
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = NEW.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER role_history_of_update AFTER UPDATE ON role
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'role', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'name', OLD.name,
        'description', OLD.description, 'type', OLD.type, 'permissions', OLD.permissions,
        'is_active', OLD.is_active, 'created_at', OLD.created_at, 'updated_at', OLD.updated_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER role_history_of_delete AFTER DELETE ON role
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'role', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'name', OLD.name,
        'description', OLD.description, 'type', OLD.type, 'permissions', OLD.permissions,
        'is_active', OLD.is_active, 'created_at', OLD.created_at, 'updated_at', OLD.updated_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER role_permission_history_of_insert AFTER INSERT ON role_permission
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'role_permission', NEW.id, NULL
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = NEW.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER role_permission_history_of_update AFTER UPDATE ON role_permission
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'role_permission', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'role_id', OLD.role_id,
        'permission_id', OLD.permission_id, 'effect', OLD.effect, 'conditions', OLD.conditions,
        'created_at', OLD.created_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER role_permission_history_of_delete AFTER DELETE ON role_permission
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'role_permission', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'role_id', OLD.role_id,
        'permission_id', OLD.permission_id, 'effect', OLD.effect, 'conditions', OLD.conditions,
        'created_at', OLD.created_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER permission_history_of_insert AFTER INSERT ON permission
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'permission', NEW.id, NULL
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = NEW.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER permission_history_of_update AFTER UPDATE ON permission
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'permission', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'name', OLD.name,
        'resource', OLD.resource, 'action', OLD.action, 'description', OLD.description,
        'category', OLD.category, 'created_at', OLD.created_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER permission_history_of_delete AFTER DELETE ON permission
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'permission', OLD.id, json_object(
        'id', OLD.id, 'tenant_id', OLD.tenant_id, 'name', OLD.name,
        'resource', OLD.resource, 'action', OLD.action, 'description', OLD.description,
        'category', OLD.category, 'created_at', OLD.created_at
    )
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = OLD.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER tenant_setting_history_of_insert AFTER INSERT ON tenant_setting
WHEN NEW.category = 'auth' AND (NEW.setting_key = 'schema' OR NEW.setting_key LIKE 'policy.%')
BEGIN
    INSERT INTO rule_history (tenant_id, policy_version, table_name, row_id, before)
    SELECT e.tenant_id, e.policy_version, 'tenant_setting', NEW.id, NULL
    FROM tenant_epoch e JOIN tenant t ON t.id = e.tenant_id
    WHERE e.tenant_id = NEW.tenant_id AND EXISTS (SELECT 1 FROM snapshot s WHERE s.tenant_id = e.tenant_id);
END;

CREATE TRIGGER tenant_setting_history_of_update AFTER UPDATE ON tenant_setting
WHEN (OLD.category = 'auth' AND (OLD.setting_key = 'schema' OR OLD.setting_key LIKE 'policy.%'))
    OR (NEW.category = 'auth' AND (NEW.setting_key = 'schema' OR NEW.setting_key LIKE 'policy.%'))
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
WHEN OLD.category = 'auth' AND (OLD.setting_key = 'schema' OR OLD.setting_key LIKE 'policy.%')
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
