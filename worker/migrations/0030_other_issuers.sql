-- Callers by what others say of them: tokens of issuers that a tenant trusts, and client certificates.

INSERT INTO permission (id, tenant_id, name, resource, action, description, category, created_at) VALUES
    ('00000000-0000-7000-8000-000100000031', NULL, 'parapet.identity_provider.read', 'parapet', 'identity_provider.read', 'See the issuers that are trusted', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000032', NULL, 'parapet.identity_provider.write', 'parapet', 'identity_provider.write', 'Trust issuers, change and remove them', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000033', NULL, 'parapet.federated_identity.read', 'parapet', 'federated_identity.read', 'See who users are elsewhere', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000034', NULL, 'parapet.federated_identity.write', 'parapet', 'federated_identity.write', 'Say who users are elsewhere', 'admin', '1970-01-01T00:00:00.000Z');

-- The roles of the system in tenants that are there. Their rules get a new version, so that they count at once.
UPDATE tenant_epoch SET policy_version = policy_version + 1
WHERE tenant_id IN (SELECT tenant_id FROM role WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor'));

UPDATE role SET permissions = json_insert(permissions,
    '$[#]', json_object('permission', 'parapet.identity_provider.read'),
    '$[#]', json_object('permission', 'parapet.federated_identity.read'))
WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor');

UPDATE role SET permissions = json_insert(permissions,
    '$[#]', json_object('permission', 'parapet.identity_provider.write'),
    '$[#]', json_object('permission', 'parapet.federated_identity.write'))
WHERE type = 'system' AND name = 'owner';

-- A token is held against the one that its `iss` names.
CREATE INDEX identity_provider_of_issuer ON identity_provider (tenant_id, json_extract(configuration, '$.issuer'));

CREATE INDEX federated_identity_by_time ON federated_identity (tenant_id, created_at, id);

-- The keys of issuers, as they were last fetched, and when that was last tried.
CREATE TABLE issuer_key_set (
    identity_provider_id TEXT NOT NULL PRIMARY KEY,
    tenant_id            TEXT NOT NULL,
    source               TEXT NOT NULL,
    keys                 TEXT CHECK (json_valid(keys)),
    fetched_at           TEXT,
    fresh_until          TEXT,
    tried_at             TEXT NOT NULL,
    FOREIGN KEY (tenant_id, identity_provider_id) REFERENCES identity_provider (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX issuer_key_set_of_tenant ON issuer_key_set (tenant_id);

-- A key that is a client certificate, by the SHA-256 of its DER in base64url (RFC 8705, section 3.1).
ALTER TABLE api_key ADD COLUMN certificate_thumbprint TEXT;

CREATE UNIQUE INDEX api_key_certificate ON api_key (tenant_id, certificate_thumbprint);
