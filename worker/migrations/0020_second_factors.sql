-- Second factors: backup codes that outlive the device that they lie with, and what is sent.

-- The codes are the user's. They lie with one of the devices, and with its removal go to the oldest of those that are left.
CREATE TRIGGER mfa_device_leaves_backup_codes AFTER DELETE ON mfa_device WHEN OLD.backup_codes IS NOT NULL
BEGIN
    UPDATE mfa_device SET backup_codes = OLD.backup_codes
    WHERE tenant_id = OLD.tenant_id AND id = (
        SELECT id FROM mfa_device WHERE tenant_id = OLD.tenant_id AND user_id = OLD.user_id AND is_verified = 1
        ORDER BY created_at, id LIMIT 1);
END;

INSERT INTO notification_template (id, tenant_id, name, type, locale, subject, template_body, variables, is_active, created_at, updated_at) VALUES
    ('00000000-0000-7000-8000-000200000301', NULL, 'sign_in.code', 'email', 'en', 'Your code for {{tenant_name}}', 'Hello {{user_name}},

your code for {{tenant_name}} is:

`{{code}}`

It is good once, for {{expires_minutes}} minutes. Nobody of {{tenant_name}} will ever ask you for it. If you did not try to sign in, somebody knows your password: set a new one.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "code": {"description": "The code"}, "expires_minutes": {"description": "For how long it is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000302', NULL, 'sign_in.code', 'sms', 'en', NULL, '{{code}} is your code for {{tenant_name}}, good for {{expires_minutes}} minutes. Tell it to nobody.', '{"tenant_name": {"description": "The tenant''s name"}, "code": {"description": "The code"}, "expires_minutes": {"description": "For how long it is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000303', NULL, 'factor.backup_code_used', 'email', 'en', 'A backup code of your account was used', 'Hello {{user_name}},

somebody signed in to your account at {{tenant_name}} with one of your backup codes, at {{time}}. Of these codes {{left}} are left.

If it was not you, set a new password at once and tell your administrator.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "left": {"description": "How many codes are left"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000304', NULL, 'factor.backup_code_used', 'in_app', 'en', 'A backup code of your account was used', 'At {{time}}. Of these codes {{left}} are left. If it was not you, set a new password at once and tell your administrator.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "left": {"description": "How many codes are left"}, "time": {"description": "When"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z');
