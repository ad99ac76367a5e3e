-- Access tokens: the keys that sign them, those that were revoked, and how service accounts show who they are by a key.

INSERT INTO permission (id, tenant_id, name, resource, action, description, category, created_at) VALUES
    ('00000000-0000-7000-8000-00010000002d', NULL, 'parapet.token_key.read', 'parapet', 'token_key.read', 'See the keys that sign access tokens, never their secret', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000002e', NULL, 'parapet.token_key.write', 'parapet', 'token_key.write', 'Change the key that signs access tokens', 'admin', '1970-01-01T00:00:00.000Z');

-- The roles of the system in tenants that are there. Their rules get a new version, so that they count at once.
UPDATE tenant_epoch SET policy_version = policy_version + 1
WHERE tenant_id IN (SELECT tenant_id FROM role WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor'));

UPDATE role SET permissions = json_insert(permissions, '$[#]', json_object('permission', 'parapet.token_key.read'))
WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor');

UPDATE role SET permissions = json_insert(permissions, '$[#]', json_object('permission', 'parapet.token_key.write'))
WHERE type = 'system' AND name IN ('owner', 'admin');

CREATE TABLE token_key (
    id          TEXT NOT NULL PRIMARY KEY,
    tenant_id   TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    algorithm   TEXT NOT NULL CHECK (algorithm IN ('ES256', 'EdDSA')),
    public_key  TEXT NOT NULL CHECK (json_valid(public_key)),
    private_key TEXT,
    signs_from  TEXT NOT NULL,
    retires_at  TEXT,
    created_at  TEXT NOT NULL
) STRICT;

-- One key of a tenant has no successor: of two that are made at once the second is refused.
CREATE UNIQUE INDEX token_key_newest ON token_key (tenant_id) WHERE retires_at IS NULL;
CREATE INDEX token_key_by_time ON token_key (tenant_id, created_at, id);
-- Whose turn it is: which signs for too long, and which has ended.
CREATE INDEX token_key_by_age ON token_key (signs_from, id) WHERE retires_at IS NULL;
CREATE INDEX token_key_by_end ON token_key (retires_at, id) WHERE retires_at IS NOT NULL;

CREATE TABLE token_revocation (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    subject    TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX token_revocation_of_tenant ON token_revocation (tenant_id);
CREATE INDEX token_revocation_by_end ON token_revocation (expires_at);

-- Signed assertions that were used, each once (RFC 7523, section 3), until they would have ended.
CREATE TABLE used_assertion (
    tenant_id          TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    service_account_id TEXT NOT NULL,
    jti                TEXT NOT NULL,
    expires_at         TEXT NOT NULL,
    PRIMARY KEY (tenant_id, service_account_id, jti)
) STRICT;

CREATE INDEX used_assertion_by_end ON used_assertion (expires_at);

-- A key of a service account that is a public key, found by the `kid` of what was signed with it.
ALTER TABLE api_key ADD COLUMN public_key TEXT CHECK (json_valid(public_key));

CREATE INDEX api_key_public ON api_key (service_account_id, json_extract(public_key, '$.kid')) WHERE public_key IS NOT NULL;
