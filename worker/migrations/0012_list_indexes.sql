-- Lists in the order of their page: what a list is narrowed by, then what it is sorted by. A test asks SQLite for the
-- plan of every list. Without statistics SQLite takes a tenant for ten rows, so an index that finds few but does not sort
-- loses against one that walks the whole tenant in order.

DROP INDEX login_attempt_by_email;
DROP INDEX login_attempt_by_user;
CREATE INDEX login_attempt_by_email ON login_attempt (tenant_id, email_attempted, attempted_at, id);
CREATE INDEX login_attempt_by_address ON login_attempt (tenant_id, ip_address, attempted_at, id);
CREATE INDEX login_attempt_by_user ON login_attempt (user_id, tenant_id, attempted_at, id);

DROP INDEX audit_log_by_resource;
CREATE INDEX audit_log_by_resource ON audit_log (tenant_id, resource_id, resource_type, created_at, id);
CREATE INDEX audit_log_by_resource_type ON audit_log (tenant_id, resource_type, created_at, id);
CREATE INDEX audit_log_by_result ON audit_log (tenant_id, result, created_at, id);

-- The assigner first: the reference by which a removed user is blanked goes by it as well.
DROP INDEX user_role_by_assigner;
DROP INDEX user_group_membership_by_assigner;
DROP INDEX user_group_role_by_assigner;
CREATE INDEX user_role_by_assigner ON user_role (assigned_by, tenant_id, assigned_at, id) WHERE assigned_by IS NOT NULL;
CREATE INDEX user_group_membership_by_assigner ON user_group_membership (assigned_by, tenant_id, assigned_at, id)
WHERE assigned_by IS NOT NULL;
CREATE INDEX user_group_role_by_assigner ON user_group_role (assigned_by, tenant_id, assigned_at, id)
WHERE assigned_by IS NOT NULL;

DROP INDEX organization_unit_by_path;
CREATE INDEX organization_unit_by_path ON organization_unit (tenant_id, path, id);
CREATE INDEX organization_unit_by_name ON organization_unit (tenant_id, name, id);
CREATE INDEX resource_by_type ON resource (tenant_id, type, created_at, id);
CREATE INDEX snapshot_by_time ON snapshot (tenant_id, created_at, policy_version);
CREATE INDEX tenant_by_name ON tenant (name, id);
