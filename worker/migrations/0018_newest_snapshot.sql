-- How old the newest file of rules is, over all tenants, is one look into an index.
CREATE INDEX snapshot_newest ON snapshot (created_at);
