-- Permissions, roles, the organisation, groups, and the programs that act as themselves.

-- Actions on types of resource. Without a tenant they are of the operator's catalogue.
CREATE TABLE permission (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT REFERENCES tenant (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    resource    TEXT NOT NULL,
    action      TEXT NOT NULL,
    description TEXT,
    category    TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, resource, action)
) STRICT;

CREATE UNIQUE INDEX permission_catalogue_name ON permission (name) WHERE tenant_id IS NULL;
CREATE UNIQUE INDEX permission_catalogue_action ON permission (resource, action) WHERE tenant_id IS NULL;
CREATE INDEX permission_by_name ON permission (name);
CREATE INDEX permission_by_time ON permission (tenant_id, created_at, id);

-- A tenant's permission does not shadow the catalogue's, whichever comes first.
CREATE TRIGGER permission_shadows_nothing_inserted BEFORE INSERT ON permission
WHEN EXISTS (
    SELECT 1 FROM permission other
    WHERE other.name = NEW.name AND (other.tenant_id IS NULL) <> (NEW.tenant_id IS NULL)
)
BEGIN
    SELECT RAISE(ABORT, 'permission: the name is taken between catalogue and tenant');
END;

CREATE TRIGGER permission_shadows_nothing_updated BEFORE UPDATE OF name, tenant_id ON permission
WHEN EXISTS (
    SELECT 1 FROM permission other
    WHERE other.name = NEW.name AND other.id <> NEW.id AND (other.tenant_id IS NULL) <> (NEW.tenant_id IS NULL)
)
BEGIN
    SELECT RAISE(ABORT, 'permission: the name is taken between catalogue and tenant');
END;

-- A permission stays where it is: the rows that refer to it were checked against its tenant.
CREATE TRIGGER permission_keeps_its_tenant BEFORE UPDATE OF id, tenant_id ON permission
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.id <> OLD.id
BEGIN
    SELECT RAISE(ABORT, 'permission: id and tenant do not change');
END;

-- Sets of permissions under a name.
CREATE TABLE role (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT,
    type        TEXT NOT NULL CHECK (type IN ('system', 'custom')),
    permissions TEXT NOT NULL CHECK (json_valid(permissions)),
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name)
) STRICT;

CREATE INDEX role_by_time ON role (tenant_id, created_at, id);

-- Permissions of roles. One that is given cannot be removed from under its roles.
CREATE TABLE role_permission (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    role_id       TEXT NOT NULL,
    permission_id TEXT NOT NULL REFERENCES permission (id),
    effect        TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
    conditions    TEXT CHECK (json_valid(conditions)),
    created_at    TEXT NOT NULL,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX role_permission_by_role ON role_permission (tenant_id, role_id, permission_id);
CREATE INDEX role_permission_by_permission ON role_permission (permission_id);
CREATE INDEX role_permission_by_time ON role_permission (tenant_id, created_at, id);

-- The permission is the tenant's own or the catalogue's. A composite reference cannot say “or null”.
CREATE TRIGGER role_permission_within_tenant_inserted BEFORE INSERT ON role_permission
WHEN EXISTS (SELECT 1 FROM permission WHERE id = NEW.permission_id AND tenant_id <> NEW.tenant_id)
BEGIN
    SELECT RAISE(ABORT, 'role_permission: the permission is of another tenant');
END;

CREATE TRIGGER role_permission_within_tenant_updated BEFORE UPDATE OF permission_id, tenant_id ON role_permission
WHEN EXISTS (SELECT 1 FROM permission WHERE id = NEW.permission_id AND tenant_id <> NEW.tenant_id)
BEGIN
    SELECT RAISE(ABORT, 'role_permission: the permission is of another tenant');
END;

-- Users have roles.
CREATE TABLE user_role (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id     TEXT NOT NULL,
    role_id     TEXT NOT NULL,
    assigned_by TEXT REFERENCES user (id) ON DELETE SET NULL,
    assigned_at TEXT NOT NULL,
    expires_at  TEXT,
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    UNIQUE (user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, assigned_by) REFERENCES user (tenant_id, id)
) STRICT;

CREATE INDEX user_role_by_user ON user_role (tenant_id, user_id, role_id);
CREATE INDEX user_role_by_role ON user_role (tenant_id, role_id, assigned_at, id);
CREATE INDEX user_role_by_time ON user_role (tenant_id, assigned_at, id);
CREATE INDEX user_role_by_end ON user_role (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX user_role_by_assigner ON user_role (assigned_by) WHERE assigned_by IS NOT NULL;

-- Units of the organisation. `path` is `/<id>/<id>/`: a subtree is a range of paths. A unit with units in it stays.
CREATE TABLE organization_unit (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    parent_id   TEXT,
    name        TEXT NOT NULL,
    description TEXT,
    path        TEXT NOT NULL CHECK (path GLOB '/*' || id || '/'),
    level       INTEGER NOT NULL CHECK (level >= 0 AND (level = 0) = (parent_id IS NULL)),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, parent_id, name),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES organization_unit (tenant_id, id)
) STRICT;

CREATE UNIQUE INDEX organization_unit_top_name ON organization_unit (tenant_id, name) WHERE parent_id IS NULL;
CREATE INDEX organization_unit_by_path ON organization_unit (tenant_id, path);
CREATE INDEX organization_unit_by_time ON organization_unit (tenant_id, created_at, id);

-- Groups of users. A unit with groups in it stays.
CREATE TABLE user_group (
    id                    TEXT NOT NULL PRIMARY KEY,
    tenant_id             TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    organization_unit_id  TEXT,
    name                  TEXT NOT NULL,
    description           TEXT,
    type                  TEXT NOT NULL CHECK (type IN ('manual', 'automatic')),
    auto_assignment_rules TEXT CHECK (json_valid(auto_assignment_rules)),
    created_at            TEXT NOT NULL,
    updated_at            TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY (tenant_id, organization_unit_id) REFERENCES organization_unit (tenant_id, id)
) STRICT;

CREATE INDEX user_group_by_unit ON user_group (tenant_id, organization_unit_id);
CREATE INDEX user_group_by_time ON user_group (tenant_id, created_at, id);

-- Users are in groups.
CREATE TABLE user_group_membership (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_id       TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL,
    user_group_id   TEXT NOT NULL,
    assigned_by     TEXT REFERENCES user (id) ON DELETE SET NULL,
    assignment_type TEXT NOT NULL CHECK (assignment_type IN ('manual', 'automatic')),
    assigned_at     TEXT NOT NULL,
    expires_at      TEXT,
    UNIQUE (user_id, user_group_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, assigned_by) REFERENCES user (tenant_id, id)
) STRICT;

CREATE INDEX user_group_membership_by_user ON user_group_membership (tenant_id, user_id, user_group_id);
CREATE INDEX user_group_membership_by_group ON user_group_membership (tenant_id, user_group_id, assigned_at, id);
CREATE INDEX user_group_membership_by_time ON user_group_membership (tenant_id, assigned_at, id);
CREATE INDEX user_group_membership_by_end ON user_group_membership (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX user_group_membership_by_assigner ON user_group_membership (assigned_by) WHERE assigned_by IS NOT NULL;

-- Groups give their members roles.
CREATE TABLE user_group_role (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_group_id TEXT NOT NULL,
    role_id       TEXT NOT NULL,
    assigned_by   TEXT REFERENCES user (id) ON DELETE SET NULL,
    assigned_at   TEXT NOT NULL,
    expires_at    TEXT,
    UNIQUE (user_group_id, role_id),
    FOREIGN KEY (tenant_id, user_group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, assigned_by) REFERENCES user (tenant_id, id)
) STRICT;

CREATE INDEX user_group_role_by_group ON user_group_role (tenant_id, user_group_id, role_id);
CREATE INDEX user_group_role_by_role ON user_group_role (tenant_id, role_id);
CREATE INDEX user_group_role_by_time ON user_group_role (tenant_id, assigned_at, id);
CREATE INDEX user_group_role_by_end ON user_group_role (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX user_group_role_by_assigner ON user_group_role (assigned_by) WHERE assigned_by IS NOT NULL;

-- Programs that act as themselves.
CREATE TABLE service_account (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT,
    permissions TEXT NOT NULL CHECK (json_valid(permissions)),
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at  TEXT NOT NULL,
    updated_at  TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name)
) STRICT;

CREATE INDEX service_account_by_time ON service_account (tenant_id, created_at, id);

-- Keys that act for a user, for a service account, or for the tenant alone. They go with their owner:
-- one that lost its owner must not become the tenant's.
CREATE TABLE api_key (
    id                 TEXT NOT NULL PRIMARY KEY,
    tenant_id          TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id            TEXT,
    service_account_id TEXT,
    name               TEXT NOT NULL,
    key_hash           TEXT UNIQUE,
    key_prefix         TEXT NOT NULL,
    scopes             TEXT NOT NULL CHECK (json_valid(scopes)),
    expires_at         TEXT,
    last_used_at       TEXT,
    is_active          INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at         TEXT NOT NULL,
    CHECK (user_id IS NULL OR service_account_id IS NULL),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, service_account_id) REFERENCES service_account (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX api_key_by_prefix ON api_key (key_prefix);
CREATE INDEX api_key_by_user ON api_key (tenant_id, user_id);
CREATE INDEX api_key_by_service_account ON api_key (tenant_id, service_account_id);
CREATE INDEX api_key_by_time ON api_key (tenant_id, created_at, id);

-- Instances of resource types that the directory knows; the id is the application's own.
CREATE TABLE resource (
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    id         TEXT NOT NULL,
    attributes TEXT NOT NULL CHECK (json_valid(attributes)),
    parents    TEXT NOT NULL CHECK (json_valid(parents)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, type, id)
) STRICT;

CREATE INDEX resource_by_time ON resource (tenant_id, created_at, type, id);
