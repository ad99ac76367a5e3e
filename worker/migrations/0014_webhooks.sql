-- Webhooks: who may see and change them, what waits of one tenant, and lists in their order.

INSERT INTO permission (id, tenant_id, name, resource, action, description, category, created_at) VALUES
    ('00000000-0000-7000-8000-000100000027', NULL, 'parapet.webhook.read', 'parapet', 'webhook.read', 'See webhooks and their deliveries, never their secret', 'admin', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000100000028', NULL, 'parapet.webhook.write', 'parapet', 'webhook.write', 'Make, change, test and delete webhooks, and deliver again', 'admin', '1970-01-01T00:00:00.000Z');

-- The roles of the system in tenants that are there. Their rules get a new version, so that they count at once.
UPDATE tenant_epoch SET policy_version = policy_version + 1
WHERE tenant_id IN (SELECT tenant_id FROM role WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor'));

UPDATE role SET permissions = json_insert(permissions, '$[#]', json_object('permission', 'parapet.webhook.read'))
WHERE type = 'system' AND name IN ('owner', 'admin', 'auditor');

UPDATE role SET permissions = json_insert(permissions, '$[#]', json_object('permission', 'parapet.webhook.write'))
WHERE type = 'system' AND name IN ('owner', 'admin');

-- What waits to be fanned out, of one tenant in the order in which it happened.
CREATE INDEX outbox_waiting_of_tenant ON outbox (tenant_id, created_at, id) WHERE published_at IS NULL;

-- What waits for one webhook.
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- Lists in the order of their page.
CREATE INDEX webhook_delivery_by_event ON webhook_delivery (tenant_id, event_id, created_at, id) WHERE event_id IS NOT NULL;
CREATE INDEX webhook_delivery_by_type ON webhook_delivery (tenant_id, event_type, created_at, id);
CREATE INDEX webhook_by_name ON webhook (tenant_id, name, id);
