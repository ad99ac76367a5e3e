-- Work by the clock: how each duty went, which tenants are being purged, and what finds their rows.

-- One row a duty, of the service and of no tenant. Whoever runs a duty claims its row: the start, by an update that finds
-- the row due. A run that was started and has not finished holds it for a while.
CREATE TABLE scheduled_run (
    name             TEXT NOT NULL PRIMARY KEY,
    last_started_at  TEXT NOT NULL,
    last_finished_at TEXT,
    -- What went wrong with the newest run; null where it went well.
    last_error       TEXT,
    runs             INTEGER NOT NULL CHECK (runs >= 0),
    failures         INTEGER NOT NULL CHECK (failures >= 0),
    -- What was done in all runs together, in the duty's own unit.
    items            INTEGER NOT NULL CHECK (items >= 0),
    -- What is left to do, where the duty counts it.
    remaining        INTEGER CHECK (remaining >= 0),
    -- Where the next run goes on, in the duty's own words.
    cursor           TEXT
) STRICT;

-- Tenants whose grace is over: from `begun_at` on nothing brings them back.
CREATE TABLE tenant_purge (
    tenant_id   TEXT NOT NULL PRIMARY KEY REFERENCES tenant (id),
    begun_at    TEXT NOT NULL,
    finished_at TEXT,
    items       INTEGER NOT NULL CHECK (items >= 0)
) STRICT;

CREATE INDEX tenant_purge_under_way ON tenant_purge (begun_at) WHERE finished_at IS NULL;
CREATE INDEX tenant_by_deletion ON tenant (deleted_at) WHERE deleted_at IS NOT NULL;

-- Exported points of the audit chain, as they are listed.
CREATE INDEX audit_root_by_time ON audit_root (tenant_id, created_at, id);
