-- What leaves the system: events, webhooks, notifications.

-- Events on their way out, written in the batch of their cause.
CREATE TABLE outbox (
    id           TEXT NOT NULL PRIMARY KEY,
    tenant_id    TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    event_type   TEXT NOT NULL,
    payload      TEXT NOT NULL CHECK (json_valid(payload)),
    created_at   TEXT NOT NULL,
    published_at TEXT
) STRICT;

CREATE INDEX outbox_waiting ON outbox (created_at, id) WHERE published_at IS NULL;
CREATE INDEX outbox_by_time ON outbox (tenant_id, created_at, id);
CREATE INDEX outbox_by_publication ON outbox (published_at) WHERE published_at IS NOT NULL;

-- Addresses that want to know of events.
CREATE TABLE webhook (
    id                         TEXT NOT NULL PRIMARY KEY,
    tenant_id                  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name                       TEXT NOT NULL,
    url                        TEXT NOT NULL,
    headers                    TEXT NOT NULL CHECK (json_valid(headers)),
    secret                     TEXT,
    previous_secret            TEXT,
    previous_secret_expires_at TEXT,
    event_types                TEXT NOT NULL CHECK (json_valid(event_types)),
    is_active                  INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at                 TEXT NOT NULL,
    updated_at                 TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name)
) STRICT;

CREATE INDEX webhook_by_time ON webhook (tenant_id, created_at, id);

-- Events on their way to a webhook. An event goes to a webhook once: the same row is tried again.
CREATE TABLE webhook_delivery (
    id              TEXT NOT NULL PRIMARY KEY,
    tenant_id       TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    webhook_id      TEXT NOT NULL,
    event_id        TEXT,
    event_type      TEXT NOT NULL,
    payload         TEXT NOT NULL CHECK (json_valid(payload)),
    response_status INTEGER,
    response_body   TEXT,
    attempt_count   INTEGER NOT NULL CHECK (attempt_count >= 0),
    next_attempt_at TEXT,
    delivered_at    TEXT,
    created_at      TEXT NOT NULL,
    UNIQUE (webhook_id, event_id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhook (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (tenant_id, webhook_id, created_at, id);
CREATE INDEX webhook_delivery_by_time ON webhook_delivery (tenant_id, created_at, id);

-- Templates of notifications; without a tenant they are the system's.
CREATE TABLE notification_template (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT REFERENCES tenant (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    type          TEXT NOT NULL CHECK (type IN ('email', 'sms', 'in_app')),
    locale        TEXT NOT NULL,
    subject       TEXT,
    template_body TEXT NOT NULL,
    variables     TEXT NOT NULL CHECK (json_valid(variables)),
    is_active     INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    UNIQUE (tenant_id, name, type, locale)
) STRICT;

CREATE UNIQUE INDEX notification_template_system_name ON notification_template (name, type, locale)
WHERE tenant_id IS NULL;
CREATE INDEX notification_template_by_time ON notification_template (tenant_id, created_at, id);

-- A template stays where it is: the notifications made from it were checked against its tenant.
CREATE TRIGGER notification_template_keeps_its_tenant BEFORE UPDATE OF id, tenant_id ON notification_template
WHEN NEW.tenant_id IS NOT OLD.tenant_id OR NEW.id <> OLD.id
BEGIN
    SELECT RAISE(ABORT, 'notification_template: id and tenant do not change');
END;

-- Notifications to users. They hold their own text; a template in use is switched off, not removed.
CREATE TABLE user_notification (
    id                       TEXT NOT NULL PRIMARY KEY,
    tenant_id                TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id                  TEXT NOT NULL,
    notification_template_id TEXT NOT NULL REFERENCES notification_template (id),
    subject                  TEXT,
    content                  TEXT NOT NULL,
    type                     TEXT NOT NULL CHECK (type IN ('email', 'sms', 'in_app')),
    status                   TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'delivered', 'failed')),
    metadata                 TEXT NOT NULL CHECK (json_valid(metadata)),
    sent_at                  TEXT,
    read_at                  TEXT,
    created_at               TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX user_notification_by_user ON user_notification (tenant_id, user_id, created_at, id);
CREATE INDEX user_notification_unread ON user_notification (tenant_id, user_id, created_at, id) WHERE read_at IS NULL;
CREATE INDEX user_notification_waiting ON user_notification (created_at, id) WHERE status = 'pending';
CREATE INDEX user_notification_by_template ON user_notification (notification_template_id);

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
