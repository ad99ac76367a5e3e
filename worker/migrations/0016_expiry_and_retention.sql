-- What ends, what is told before it does, and what is not kept for ever: found by when, and never by looking at a whole table.

-- What has ended or will end soon, in the order of its end.
DROP INDEX user_role_by_end;
CREATE INDEX user_role_by_end ON user_role (expires_at, id) WHERE expires_at IS NOT NULL;
DROP INDEX user_group_membership_by_end;
CREATE INDEX user_group_membership_by_end ON user_group_membership (expires_at, id) WHERE expires_at IS NOT NULL;
DROP INDEX user_group_role_by_end;
CREATE INDEX user_group_role_by_end ON user_group_role (expires_at, id) WHERE expires_at IS NOT NULL;
CREATE INDEX api_key_by_end ON api_key (expires_at, id) WHERE expires_at IS NOT NULL AND is_active = 1;

-- What somebody was told of that ends soon: once for each end that it gets. It goes when the end has come.
CREATE TABLE reminder (
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    table_name TEXT NOT NULL,
    row_id     TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, table_name, row_id, expires_at)
) STRICT;

CREATE INDEX reminder_by_end ON reminder (expires_at);

INSERT INTO notification_template (id, tenant_id, name, type, locale, subject, template_body, variables, is_active, created_at, updated_at) VALUES
    ('00000000-0000-7000-8000-000200000101', NULL, 'role.expiring', 'email', 'en', 'Your role {{role}} ends soon', 'Hello {{user_name}},

your role {{role}} at {{tenant_name}} ends at {{expires_at}}. If you need it for longer, ask your administrator.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "role": {"description": "The role"}, "expires_at": {"description": "When it ends"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000102', NULL, 'role.expiring', 'in_app', 'en', 'Your role {{role}} ends soon', 'It ends at {{expires_at}}. If you need it for longer, ask your administrator.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "role": {"description": "The role"}, "expires_at": {"description": "When it ends"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z');

-- What may be forgotten of a tenant, the oldest first.
CREATE INDEX webhook_delivery_over ON webhook_delivery (tenant_id, created_at) WHERE next_attempt_at IS NULL;
CREATE INDEX user_notification_over ON user_notification (tenant_id, created_at) WHERE next_attempt_at IS NULL;
DROP INDEX outbox_by_publication;
CREATE INDEX outbox_published_of_tenant ON outbox (tenant_id, published_at) WHERE published_at IS NOT NULL;

-- What never arrived, as it is counted.
CREATE INDEX webhook_delivery_given_up ON webhook_delivery (created_at) WHERE next_attempt_at IS NULL AND delivered_at IS NULL;
CREATE INDEX user_notification_failed ON user_notification (created_at) WHERE status = 'failed';
