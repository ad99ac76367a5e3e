-- Signing up: what waits for a link to be followed, and messages to who is no user yet.

-- What somebody typed who wants an account. `id` is the user's to be. The password lies here as its hash alone; the row is
-- written with what asks for it, and has no token until its message is made.
CREATE TABLE pending_sign_up (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    email         TEXT NOT NULL,
    first_name    TEXT,
    last_name     TEXT,
    password_hash TEXT NOT NULL,
    terms_version TEXT,
    token_hash    TEXT UNIQUE CHECK (length(token_hash) = 64),
    expires_at    TEXT NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

CREATE INDEX pending_sign_up_by_email ON pending_sign_up (tenant_id, email);
CREATE INDEX pending_sign_up_by_end ON pending_sign_up (expires_at);

-- The same table, whose `user_id` may be null: nothing refers to it.
CREATE TABLE user_notification_to_anybody (
    id                       TEXT NOT NULL PRIMARY KEY,
    tenant_id                TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id                  TEXT,
    notification_template_id TEXT NOT NULL REFERENCES notification_template (id),
    subject                  TEXT,
    content                  TEXT NOT NULL,
    type                     TEXT NOT NULL CHECK (type IN ('email', 'sms', 'in_app')),
    status                   TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'delivered', 'failed')),
    metadata                 TEXT NOT NULL CHECK (json_valid(metadata)),
    sent_at                  TEXT,
    read_at                  TEXT,
    created_at               TEXT NOT NULL,
    next_attempt_at          TEXT,
    sealed                   TEXT,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

INSERT INTO user_notification_to_anybody
    (id, tenant_id, user_id, notification_template_id, subject, content, type, status, metadata, sent_at, read_at,
     created_at, next_attempt_at, sealed)
SELECT id, tenant_id, user_id, notification_template_id, subject, content, type, status, metadata, sent_at, read_at,
       created_at, next_attempt_at, sealed
FROM user_notification;

DROP TABLE user_notification;

ALTER TABLE user_notification_to_anybody RENAME TO user_notification;

CREATE INDEX user_notification_by_user ON user_notification (tenant_id, user_id, created_at, id);
CREATE INDEX user_notification_unread ON user_notification (tenant_id, user_id, created_at, id) WHERE read_at IS NULL;
CREATE INDEX user_notification_by_template ON user_notification (notification_template_id);
CREATE INDEX user_notification_due ON user_notification (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX user_notification_by_time ON user_notification (tenant_id, created_at, id);
CREATE INDEX user_notification_by_status ON user_notification (tenant_id, status, created_at, id);
CREATE INDEX user_notification_over ON user_notification (tenant_id, created_at) WHERE next_attempt_at IS NULL;
CREATE INDEX user_notification_failed ON user_notification (created_at) WHERE status = 'failed';

-- The template is the tenant's own or the system's.
CREATE TRIGGER user_notification_within_tenant_inserted BEFORE INSERT ON user_notification
WHEN EXISTS (
    SELECT 1 FROM notification_template WHERE id = NEW.notification_template_id AND tenant_id <> NEW.tenant_id
)
BEGIN
    SELECT RAISE(ABORT, 'user_notification: the template is of another tenant');
END;

CREATE TRIGGER user_notification_within_tenant_updated
BEFORE UPDATE OF notification_template_id, tenant_id ON user_notification
WHEN EXISTS (
    SELECT 1 FROM notification_template WHERE id = NEW.notification_template_id AND tenant_id <> NEW.tenant_id
)
BEGIN
    SELECT RAISE(ABORT, 'user_notification: the template is of another tenant');
END;

-- It says nothing that was typed: it goes to an address that somebody else may have typed.
INSERT INTO notification_template (id, tenant_id, name, type, locale, subject, template_body, variables, is_active, created_at, updated_at) VALUES
    ('00000000-0000-7000-8000-000200000401', NULL, 'sign_up.confirm', 'email', 'en', 'Confirm your account at {{tenant_name}}', 'Hello,

somebody, probably you, wants an account at {{tenant_name}} with this e-mail address.

[Go on]({{link}})

There you enter the password that you chose once more. The link is good for {{expires_minutes}} minutes, and once. If it was not you, do not follow it: without it there will be no account.', '{"tenant_name": {"description": "The tenant''s name"}, "link": {"description": "The link, which is secret"}, "expires_minutes": {"description": "For how many minutes the link is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z');
