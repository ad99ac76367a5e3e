-- Notifications to people: when each is tried next and what it is made of until then, what people want to be told, where
-- nothing arrives, earlier texts of templates, and the operators' templates.

ALTER TABLE user_notification ADD COLUMN next_attempt_at TEXT;
ALTER TABLE user_notification ADD COLUMN sealed TEXT;

-- What waits is found by when it is tried next.
DROP INDEX user_notification_waiting;
CREATE INDEX user_notification_due ON user_notification (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX user_notification_by_time ON user_notification (tenant_id, created_at, id);
CREATE INDEX user_notification_by_status ON user_notification (tenant_id, status, created_at, id);

-- What a user wants to be told of, and how. Where there is no row, they want it.
CREATE TABLE notification_preference (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL,
    name       TEXT NOT NULL,
    type       TEXT NOT NULL CHECK (type IN ('email', 'sms', 'in_app')),
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (tenant_id, user_id, name, type),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- Addresses at which nothing arrives.
CREATE TABLE message_suppression (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL,
    type       TEXT NOT NULL CHECK (type IN ('email', 'sms', 'in_app')),
    address    TEXT NOT NULL,
    reason     TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (tenant_id, address, type),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX message_suppression_by_time ON message_suppression (tenant_id, created_at, id);
CREATE INDEX message_suppression_by_user ON message_suppression (tenant_id, user_id, created_at, id);

-- What a template was before each change of its text: the newest 50 of each, written by the trigger in the batch of the
-- change.
CREATE TABLE notification_template_version (
    notification_template_id TEXT NOT NULL REFERENCES notification_template (id) ON DELETE CASCADE,
    version                  INTEGER NOT NULL,
    tenant_id                TEXT,
    subject                  TEXT,
    template_body            TEXT NOT NULL,
    variables                TEXT NOT NULL CHECK (json_valid(variables)),
    updated_at               TEXT NOT NULL,
    PRIMARY KEY (notification_template_id, version)
) STRICT;

CREATE TRIGGER notification_template_version_of_update AFTER UPDATE ON notification_template
WHEN NEW.subject IS NOT OLD.subject OR NEW.template_body <> OLD.template_body OR NEW.variables <> OLD.variables
BEGIN
    INSERT INTO notification_template_version
        (notification_template_id, version, tenant_id, subject, template_body, variables, updated_at)
    SELECT OLD.id, coalesce(max(v.version), 0) + 1, OLD.tenant_id, OLD.subject, OLD.template_body, OLD.variables,
           OLD.updated_at
    FROM notification_template_version v WHERE v.notification_template_id = OLD.id;
    DELETE FROM notification_template_version
    WHERE notification_template_id = OLD.id AND version <= (
        SELECT max(v.version) - 50 FROM notification_template_version v WHERE v.notification_template_id = OLD.id
    );
END;

-- The operator's catalogue, as `core/src/administration` has it, and the system's roles, which are not to be changed.
INSERT INTO permission (id, tenant_id, name, resource, action, description, category, created_at) VALUES
    ('00000000-0000-7000-8000-000100000029', NULL, 'parapet.notification_template.read', 'parapet', 'notification_template.read', 'See, preview and test the templates of notifications', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000002a', NULL, 'parapet.notification_template.write', 'parapet', 'notification_template.write', 'Make, change and delete templates of notifications', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000002b', NULL, 'parapet.user_notification.read', 'parapet', 'user_notification.read', 'See what was sent to whom and where nothing arrives, never a link or code', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00010000002c', NULL, 'parapet.user_notification.write', 'parapet', 'user_notification.write', 'Let messages go again where one did not arrive', 'admin', '1970-01-01T00:00:00.000Z');

-- Their rules get a new version, so that they count at once.
UPDATE tenant_epoch SET policy_version = policy_version + 1
WHERE tenant_id IN (SELECT tenant_id FROM role WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor'));

UPDATE role SET permissions = json_insert(permissions,
    '$[#]', json_object('permission', 'parapet.notification_template.read'),
    '$[#]', json_object('permission', 'parapet.user_notification.read'))
WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor');

UPDATE role SET permissions = json_insert(permissions,
    '$[#]', json_object('permission', 'parapet.notification_template.write'),
    '$[#]', json_object('permission', 'parapet.user_notification.write'))
WHERE type = 'system' AND name IN ('owner', 'admin');

-- The operators' templates. A tenant's own of the same name, type and language goes before; a test holds each to what its
-- purpose offers (`worker/src/messaging/notification/purpose.rs`).
INSERT INTO notification_template
    (id, tenant_id, name, type, locale, subject, template_body, variables, is_active, created_at, updated_at) VALUES
    ('00000000-0000-7000-8000-000200000001', NULL, 'email.verify', 'email', 'en', 'Confirm your e-mail address', 'Hello {{user_name}},

please confirm that this is your e-mail address at {{tenant_name}}.

[Confirm the address]({{link}})

The link is good for {{expires_minutes}} minutes. If you did not expect this message, there is nothing to do.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "link": {"description": "The link, which is secret"}, "expires_minutes": {"description": "For how many minutes the link is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000002', NULL, 'password.reset', 'email', 'en', 'Set a new password', 'Hello {{user_name}},

somebody, probably you, asked for a new password at {{tenant_name}}.

[Set a new password]({{link}})

The link is good for {{expires_minutes}} minutes, and once. If it was not you, there is nothing to do: your password stays as it is.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "link": {"description": "The link, which is secret"}, "expires_minutes": {"description": "For how many minutes the link is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000003', NULL, 'user.invitation', 'email', 'en', 'You are invited to {{tenant_name}}', 'Hello {{user_name}},

{{#if invited_by}}{{invited_by}} invites you{{else}}you are invited{{/if}} to {{tenant_name}}.

[Accept the invitation]({{link}})

The link is good for {{expires_hours}} hours.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "link": {"description": "The link, which is secret"}, "invited_by": {"description": "Who invites"}, "expires_hours": {"description": "For how many hours the link is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000004', NULL, 'sign_in.new_device', 'email', 'en', 'A new sign-in to your account', 'Hello {{user_name}},

somebody signed in to your account at {{tenant_name}} from a device that we did not know.

- When: {{time}}
- Device: {{device}}
{{#if ip_address}}- Address: {{ip_address}}
{{/if}}
If it was you, there is nothing to do. If it was not, set a new password at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "device": {"description": "What signed in"}, "ip_address": {"description": "From where"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000005', NULL, 'sign_in.new_device', 'in_app', 'en', 'A new sign-in to your account', '{{device}} signed in at {{time}}{{#if ip_address}} from {{ip_address}}{{/if}}. If it was not you, set a new password at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "device": {"description": "What signed in"}, "ip_address": {"description": "From where"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000006', NULL, 'sign_in.many_failures', 'email', 'en', 'Many failed sign-ins to your account', 'Hello {{user_name}},

somebody tried {{attempts}} times to sign in to your account at {{tenant_name}} and did not succeed, the last time at {{time}}{{#if ip_address}} from {{ip_address}}{{/if}}.

If it was you, there is nothing to do. If it was not, your password held; make sure that it is used nowhere else.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "attempts": {"description": "How many there were"}, "ip_address": {"description": "From where the last one came"}, "time": {"description": "When the last one was"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000007', NULL, 'sign_in.many_failures', 'in_app', 'en', 'Many failed sign-ins to your account', '{{attempts}} tries to sign in failed, the last at {{time}}{{#if ip_address}} from {{ip_address}}{{/if}}.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "attempts": {"description": "How many there were"}, "ip_address": {"description": "From where the last one came"}, "time": {"description": "When the last one was"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000008', NULL, 'password.changed', 'email', 'en', 'Your password was changed', 'Hello {{user_name}},

the password of your account at {{tenant_name}} was changed at {{time}}{{#if ip_address}} from {{ip_address}}{{/if}}.

If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "ip_address": {"description": "From where"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000009', NULL, 'password.changed', 'in_app', 'en', 'Your password was changed', 'It was changed at {{time}}{{#if ip_address}} from {{ip_address}}{{/if}}. If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "ip_address": {"description": "From where"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000000a', NULL, 'email.changed', 'email', 'en', 'Your e-mail address was changed', 'Hello {{user_name}},

the e-mail address of your account at {{tenant_name}} was changed at {{time}} to {{new_email}}.

If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "new_email": {"description": "The new address"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000000b', NULL, 'factor.added', 'email', 'en', 'A second factor was added to your account', 'Hello {{user_name}},

a second factor was added to your account at {{tenant_name}}: {{factor}}, at {{time}}.

If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "factor": {"description": "Which one"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000000c', NULL, 'factor.added', 'in_app', 'en', 'A second factor was added to your account', '{{factor}}, at {{time}}. If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "factor": {"description": "Which one"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000000d', NULL, 'factor.removed', 'email', 'en', 'A second factor was removed from your account', 'Hello {{user_name}},

a second factor was removed from your account at {{tenant_name}}: {{factor}}, at {{time}}.

If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "factor": {"description": "Which one"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000000e', NULL, 'factor.removed', 'in_app', 'en', 'A second factor was removed from your account', '{{factor}}, at {{time}}. If it was not you, tell your administrator at once.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "factor": {"description": "Which one"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000000f', NULL, 'user.state_changed', 'email', 'en', 'Your account at {{tenant_name}} is {{state}}', 'Hello {{user_name}},

your account at {{tenant_name}} is now {{state}}. If you have questions, ask your administrator.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "state": {"description": "What the account is now"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000010', NULL, 'role.assigned', 'email', 'en', 'You have the role {{role}}', 'Hello {{user_name}},

at {{tenant_name}} you now have the role {{role}}{{#if expires_at}} until {{expires_at}}{{/if}}.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "role": {"description": "The role"}, "expires_at": {"description": "Until when"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000011', NULL, 'role.assigned', 'in_app', 'en', 'You have the role {{role}}', 'You now have the role {{role}}{{#if expires_at}} until {{expires_at}}{{/if}}.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "role": {"description": "The role"}, "expires_at": {"description": "Until when"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000012', NULL, 'access_request.made', 'email', 'en', '{{requester}} asks for {{requested}}', 'Hello {{user_name}},

{{requester}} asks for {{requested}} at {{tenant_name}}.
{{#if justification}}
They say: {{justification}}
{{/if}}', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "requester": {"description": "Who asks"}, "requested": {"description": "For what"}, "justification": {"description": "Why"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000013', NULL, 'access_request.made', 'in_app', 'en', '{{requester}} asks for {{requested}}', '{{requester}} asks for {{requested}}.{{#if justification}} They say: {{justification}}{{/if}}', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "requester": {"description": "Who asks"}, "requested": {"description": "For what"}, "justification": {"description": "Why"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000014', NULL, 'access_request.decided', 'email', 'en', 'Your request for {{requested}}: {{decision}}', 'Hello {{user_name}},

your request for {{requested}} at {{tenant_name}} was {{decision}}.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "requested": {"description": "For what"}, "decision": {"description": "What was decided"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000015', NULL, 'access_request.decided', 'in_app', 'en', 'Your request for {{requested}}: {{decision}}', 'Your request for {{requested}} was {{decision}}.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "requested": {"description": "For what"}, "decision": {"description": "What was decided"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000016', NULL, 'api_key.expiring', 'email', 'en', 'The API key {{key_name}} ends soon', 'Hello {{user_name}},

the API key {{key_name}} at {{tenant_name}} ends at {{expires_at}}. What uses it needs another one until then.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "key_name": {"description": "The key"}, "expires_at": {"description": "When it ends"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000017', NULL, 'api_key.expiring', 'in_app', 'en', 'The API key {{key_name}} ends soon', 'It ends at {{expires_at}}. What uses it needs another one until then.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "key_name": {"description": "The key"}, "expires_at": {"description": "When it ends"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000018', NULL, 'webhook.disabled', 'email', 'en', 'The webhook {{webhook}} was switched off', 'Hello {{user_name}},

the webhook {{webhook}} of {{tenant_name}} was switched off{{#if reason}}: {{reason}}{{/if}}. Nothing is delivered to it until it is switched on again.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "webhook": {"description": "Its name"}, "reason": {"description": "Why"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000019', NULL, 'webhook.disabled', 'in_app', 'en', 'The webhook {{webhook}} was switched off', '{{#if reason}}{{reason}}. {{/if}}Nothing is delivered to it until it is switched on again.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "webhook": {"description": "Its name"}, "reason": {"description": "Why"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000001a', NULL, 'phone.verify', 'sms', 'en', NULL, '{{code}} is your code for {{tenant_name}}. It is good for {{expires_minutes}} minutes. Nobody else needs it.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "code": {"description": "The code, which is secret"}, "expires_minutes": {"description": "For how many minutes it is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000001b', NULL, 'test', 'email', 'en', 'A test from {{tenant_name}}', 'Hello {{user_name}},

this is a test. If you read it, mail from {{tenant_name}} arrives.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000001c', NULL, 'test', 'sms', 'en', NULL, 'This is a test from {{tenant_name}}.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-00020000001d', NULL, 'test', 'in_app', 'en', 'A test from {{tenant_name}}', 'This is a test.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z');
