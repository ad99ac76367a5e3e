-- How old the newest file of rules is, over all tenants, is one look into an index.
CREATE INDEX snapshot_newest ON snapshot (created_at);

-- Requests that wait and end, by their ends; of the others nothing is done when they end.
DROP INDEX access_request_by_end;
CREATE INDEX access_request_by_end ON access_request (expires_at, id) WHERE expires_at IS NOT NULL AND status = 'pending';
