-- Whose password was, when it was set, long enough to be all that is asked for. A hash says nothing of that. Whoever is not
-- here and loses the last second factor chooses another password.
CREATE TABLE lone_password (
    tenant_id TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;
