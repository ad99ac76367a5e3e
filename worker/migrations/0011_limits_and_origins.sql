-- How often a key was used in the minute that is running, as far as isolates have said. One row a key: a new minute begins
-- in the old one's place, so there is nothing to clean up.
CREATE TABLE rate_limit (
    api_key_id TEXT NOT NULL PRIMARY KEY REFERENCES api_key (id) ON DELETE CASCADE,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    minute     INTEGER NOT NULL,
    requests   INTEGER NOT NULL CHECK (requests >= 0)
) STRICT;

CREATE INDEX rate_limit_by_tenant ON rate_limit (tenant_id);

-- Which tenants name origins of pages: a browser asks before anybody has said whose page it is.
CREATE INDEX tenant_setting_cors_origins ON tenant_setting (tenant_id)
WHERE category = 'security' AND setting_key = 'cors_origins';
