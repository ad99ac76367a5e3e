-- The admin API: the permissions that it asks for, and what makes its requests safe to repeat.

-- The operator's catalogue of `core/src/administration.rs`; a test holds the two to each other.
INSERT INTO permission (id, tenant_id, name, resource, action, description, category, created_at) VALUES
    ('00000000-0000-7000-8000-000100000001', NULL, 'parapet.tenant.read', 'parapet', 'tenant.read', 'See the tenant; operators: all tenants', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000002', NULL, 'parapet.tenant.write', 'parapet', 'tenant.write', 'Change the tenant''s name and branding; operators: make, suspend and delete tenants', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000003', NULL, 'parapet.tenant_setting.read', 'parapet', 'tenant_setting.read', 'See settings', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000004', NULL, 'parapet.tenant_setting.write', 'parapet', 'tenant_setting.write', 'Change settings', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000005', NULL, 'parapet.feature_flag.read', 'parapet', 'feature_flag.read', 'See feature flags', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000006', NULL, 'parapet.feature_flag.write', 'parapet', 'feature_flag.write', 'Change feature flags', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000007', NULL, 'parapet.user.read', 'parapet', 'user.read', 'See users', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000008', NULL, 'parapet.user.write', 'parapet', 'user.write', 'Invite, change, delete and restore users', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000009', NULL, 'parapet.user.support', 'parapet', 'user.support', 'Lock, unlock, suspend and reactivate users, and end their sessions', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000000a', NULL, 'parapet.user.purge', 'parapet', 'user.purge', 'Remove a deleted user''s personal data for good', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000000b', NULL, 'parapet.role.read', 'parapet', 'role.read', 'See roles', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000000c', NULL, 'parapet.role.write', 'parapet', 'role.write', 'Make, change and delete roles', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000000d', NULL, 'parapet.permission.read', 'parapet', 'permission.read', 'See permissions', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000000e', NULL, 'parapet.permission.write', 'parapet', 'permission.write', 'Make, change and delete permissions', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000000f', NULL, 'parapet.role_permission.read', 'parapet', 'role_permission.read', 'See what roles give', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000010', NULL, 'parapet.role_permission.write', 'parapet', 'role_permission.write', 'Change what roles give', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000011', NULL, 'parapet.user_role.read', 'parapet', 'user_role.read', 'See who has which role', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000012', NULL, 'parapet.user_role.write', 'parapet', 'user_role.write', 'Give and take roles', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000013', NULL, 'parapet.organization_unit.read', 'parapet', 'organization_unit.read', 'See the organisation', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000014', NULL, 'parapet.organization_unit.write', 'parapet', 'organization_unit.write', 'Change the organisation', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000015', NULL, 'parapet.user_group.read', 'parapet', 'user_group.read', 'See groups', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000016', NULL, 'parapet.user_group.write', 'parapet', 'user_group.write', 'Make, change and delete groups', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000017', NULL, 'parapet.user_group_membership.read', 'parapet', 'user_group_membership.read', 'See who is in which group', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000018', NULL, 'parapet.user_group_membership.write', 'parapet', 'user_group_membership.write', 'Put users into groups and take them out', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000019', NULL, 'parapet.user_group_role.read', 'parapet', 'user_group_role.read', 'See which roles groups give', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000001a', NULL, 'parapet.user_group_role.write', 'parapet', 'user_group_role.write', 'Change which roles groups give', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000001b', NULL, 'parapet.service_account.read', 'parapet', 'service_account.read', 'See service accounts', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000001c', NULL, 'parapet.service_account.write', 'parapet', 'service_account.write', 'Make, change and delete service accounts', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000001d', NULL, 'parapet.api_key.read', 'parapet', 'api_key.read', 'See API keys, never their secret', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000001e', NULL, 'parapet.api_key.write', 'parapet', 'api_key.write', 'Make, rotate and revoke API keys', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000001f', NULL, 'parapet.resource.read', 'parapet', 'resource.read', 'See registered resources', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000020', NULL, 'parapet.resource.write', 'parapet', 'resource.write', 'Register, change and remove resources', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000021', NULL, 'parapet.policy.read', 'parapet', 'policy.read', 'See the tenant''s own policies, and preview changes', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000022', NULL, 'parapet.policy.write', 'parapet', 'policy.write', 'Change the tenant''s own policies', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000023', NULL, 'parapet.snapshot.read', 'parapet', 'snapshot.read', 'See and fetch published versions', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000024', NULL, 'parapet.snapshot.write', 'parapet', 'snapshot.write', 'Roll the rules back to an earlier version', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000025', NULL, 'parapet.audit_log.read', 'parapet', 'audit_log.read', 'Read and export the audit log', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000026', NULL, 'parapet.login_attempt.read', 'parapet', 'login_attempt.read', 'Read who tried to sign in', 'admin', '1970-01-01T00:00:00.000Z');

-- Answers that were given under an Idempotency-Key, so that a repeated request is answered and not done again.
CREATE TABLE idempotency_key (
    tenant_id       TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    api_key_id      TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash    TEXT NOT NULL CHECK (length(request_hash) = 64),
    status          INTEGER NOT NULL,
    etag            TEXT,
    location        TEXT,
    body            TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, api_key_id, idempotency_key)
) STRICT;

CREATE INDEX idempotency_key_by_time ON idempotency_key (created_at);
