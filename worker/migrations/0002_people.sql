-- Users, and what they sign in with. What belongs to a user goes with the user's row.

-- The people of a tenant. Deleting one is a state; a purge blanks the row, and removes it only where nothing that must
-- stay refers to it.
CREATE TABLE user (
    id                    TEXT NOT NULL PRIMARY KEY,
    tenant_id             TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    email                 TEXT NOT NULL,
    username              TEXT,
    password_hash         TEXT,
    first_name            TEXT,
    last_name             TEXT,
    phone                 TEXT,
    avatar_url            TEXT,
    custom_attributes     TEXT NOT NULL CHECK (json_valid(custom_attributes)),
    email_verified        INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    phone_verified        INTEGER NOT NULL CHECK (phone_verified IN (0, 1)),
    is_active             INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    state                 TEXT NOT NULL CHECK (state IN ('invited', 'active', 'locked', 'suspended', 'deleted')),
    force_password_change INTEGER NOT NULL CHECK (force_password_change IN (0, 1)),
    password_changed_at   TEXT,
    last_login_at         TEXT,
    created_at            TEXT NOT NULL,
    updated_at            TEXT NOT NULL,
    deleted_at            TEXT,
    UNIQUE (tenant_id, id)
) STRICT;

-- A deleted user frees both.
CREATE UNIQUE INDEX user_email ON user (tenant_id, email) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX user_username ON user (tenant_id, username) WHERE deleted_at IS NULL;
CREATE INDEX user_by_time ON user (tenant_id, created_at, id);

-- Users signed in, each on one device.
CREATE TABLE user_session (
    id               TEXT NOT NULL PRIMARY KEY,
    tenant_id        TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id          TEXT NOT NULL,
    session_token    TEXT UNIQUE,
    device_info      TEXT,
    ip_address       TEXT,
    user_agent       TEXT,
    auth_time        TEXT NOT NULL,
    amr              TEXT NOT NULL CHECK (json_valid(amr)),
    expires_at       TEXT NOT NULL,
    created_at       TEXT NOT NULL,
    last_accessed_at TEXT,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX user_session_by_user ON user_session (tenant_id, user_id, created_at, id);
CREATE INDEX user_session_by_end ON user_session (expires_at);

-- Second factors.
CREATE TABLE mfa_device (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id       TEXT NOT NULL,
    type          TEXT NOT NULL CHECK (type IN ('totp', 'sms', 'email', 'webauthn')),
    device_name   TEXT NOT NULL,
    secret        TEXT,
    backup_codes  TEXT CHECK (json_valid(backup_codes)),
    credential_id TEXT,
    counter       INTEGER NOT NULL CHECK (counter >= 0),
    is_verified   INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
    is_primary    INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
    created_at    TEXT NOT NULL,
    last_used_at  TEXT,
    UNIQUE (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX mfa_device_by_user ON mfa_device (tenant_id, user_id, created_at, id);

-- Ways to set a new password, once and for a short time.
CREATE TABLE password_reset (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL,
    token      TEXT UNIQUE,
    expires_at TEXT NOT NULL,
    used       INTEGER NOT NULL CHECK (used IN (0, 1)),
    created_at TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX password_reset_by_user ON password_reset (tenant_id, user_id, created_at, id);
CREATE INDEX password_reset_by_end ON password_reset (expires_at);

-- Every try to sign in; it outlives the user.
CREATE TABLE login_attempt (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_id       TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id         TEXT REFERENCES user (id) ON DELETE SET NULL,
    email_attempted TEXT NOT NULL,
    ip_address      TEXT,
    user_agent      TEXT,
    result          TEXT NOT NULL CHECK (result IN ('success', 'failure')),
    failure_reason  TEXT,
    attempted_at    TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id)
) STRICT;

-- Throttling counts by account, by address and by tenant, each within a window of time.
CREATE INDEX login_attempt_by_email ON login_attempt (tenant_id, email_attempted, attempted_at);
CREATE INDEX login_attempt_by_ip ON login_attempt (ip_address, attempted_at);
CREATE INDEX login_attempt_by_time ON login_attempt (tenant_id, attempted_at, id);
CREATE INDEX login_attempt_by_user ON login_attempt (user_id, attempted_at);

-- Systems that tell us who somebody is.
CREATE TABLE identity_provider (
    id                TEXT NOT NULL PRIMARY KEY,
    tenant_id         TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name              TEXT NOT NULL,
    type              TEXT NOT NULL CHECK (type IN ('saml', 'oidc', 'social', 'ldap')),
    configuration     TEXT NOT NULL CHECK (json_valid(configuration)),
    attribute_mapping TEXT NOT NULL CHECK (json_valid(attribute_mapping)),
    secret            TEXT,
    auto_provision    INTEGER NOT NULL CHECK (auto_provision IN (0, 1)),
    is_active         INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name)
) STRICT;

CREATE INDEX identity_provider_by_time ON identity_provider (tenant_id, created_at, id);

-- Users, as an identity provider knows them.
CREATE TABLE federated_identity (
    id                   TEXT NOT NULL PRIMARY KEY,
    tenant_id            TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id              TEXT NOT NULL,
    identity_provider_id TEXT NOT NULL,
    external_id          TEXT NOT NULL,
    attributes           TEXT NOT NULL CHECK (json_valid(attributes)),
    last_sync_at         TEXT,
    created_at           TEXT NOT NULL,
    updated_at           TEXT NOT NULL,
    UNIQUE (identity_provider_id, external_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, identity_provider_id) REFERENCES identity_provider (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX federated_identity_by_user ON federated_identity (tenant_id, user_id);
CREATE INDEX federated_identity_by_provider ON federated_identity (tenant_id, identity_provider_id, created_at, id);
