-- Signing in: what is remembered of tries, browsers and steps, across isolates.

-- How often somebody tried in vain, by account, browser, address and tenant, and when they may try again. Times are
-- milliseconds since 1970. A row is of no use once it is an hour old.
CREATE TABLE login_throttle (
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    subject    TEXT NOT NULL,
    tries      INTEGER NOT NULL CHECK (tries >= 0),
    next_at    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, subject)
) STRICT;

CREATE INDEX login_throttle_by_time ON login_throttle (updated_at);

-- The browsers that a user has signed in with: another one is told of, and these are not kept out by what strangers try.
CREATE TABLE known_device (
    tenant_id    TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id      TEXT NOT NULL,
    token_hash   TEXT NOT NULL CHECK (length(token_hash) = 64),
    created_at   TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, token_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX known_device_by_time ON known_device (last_seen_at);

-- Something that a user has begun and not finished: signing in, adding a factor, proving oneself again. `state` is what the
-- next step needs, `tries` how often it was tried in vain.
CREATE TABLE login_flow (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id    TEXT,
    purpose    TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    state      TEXT NOT NULL CHECK (json_valid(state)),
    tries      INTEGER NOT NULL CHECK (tries >= 0),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX login_flow_by_user ON login_flow (tenant_id, user_id, created_at);
CREATE INDEX login_flow_by_end ON login_flow (expires_at);

-- Whatever a caller comes with is counted, a session as a key: no reference, since it names either. What it counted lives a
-- minute, so nothing is carried over.
DROP TABLE rate_limit;

CREATE TABLE rate_limit (
    credential_id TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    minute        INTEGER NOT NULL,
    requests      INTEGER NOT NULL CHECK (requests >= 0)
) STRICT;

CREATE INDEX rate_limit_by_tenant ON rate_limit (tenant_id);
CREATE INDEX rate_limit_by_minute ON rate_limit (minute);

ALTER TABLE idempotency_key RENAME COLUMN api_key_id TO credential_id;
