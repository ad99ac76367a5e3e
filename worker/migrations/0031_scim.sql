-- What provisioning clients say of users and groups (SCIM, RFC 7643): their own ids, and attributes that no column is for.
ALTER TABLE user ADD COLUMN external_id TEXT;
ALTER TABLE user ADD COLUMN scim_attributes TEXT CHECK (json_valid(scim_attributes));
ALTER TABLE user_group ADD COLUMN external_id TEXT;

-- What clients find by. Those who are deleted are not there for them.
CREATE INDEX user_by_external_id ON user (tenant_id, external_id) WHERE deleted_at IS NULL;
CREATE INDEX user_by_user_name ON user (
    tenant_id, coalesce(json_extract(scim_attributes, '$.userName'), username, email) COLLATE NOCASE, id
) WHERE deleted_at IS NULL;
CREATE INDEX user_by_change ON user (tenant_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX user_by_id ON user (tenant_id, id) WHERE deleted_at IS NULL;
CREATE INDEX user_group_by_external_id ON user_group (tenant_id, external_id);
