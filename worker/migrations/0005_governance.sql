-- Access reviews and access requests.

-- Rounds of review. Whoever made one, or answers in one, cannot be removed from under it.
CREATE TABLE access_review (
    id            TEXT NOT NULL PRIMARY KEY,
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT,
    type          TEXT NOT NULL CHECK (type IN ('user_access', 'role_certification', 'periodic')),
    status        TEXT NOT NULL CHECK (status IN ('draft', 'active', 'completed', 'cancelled')),
    created_by    TEXT NOT NULL,
    start_date    TEXT NOT NULL,
    end_date      TEXT NOT NULL,
    configuration TEXT NOT NULL CHECK (json_valid(configuration)),
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, created_by) REFERENCES user (tenant_id, id)
) STRICT;

CREATE INDEX access_review_by_time ON access_review (tenant_id, created_at, id);
CREATE INDEX access_review_by_end ON access_review (end_date) WHERE status = 'active';
CREATE INDEX access_review_by_maker ON access_review (tenant_id, created_by);

-- The questions of a review. They are evidence: the role and the permission they ask about may vanish, the answer stays.
CREATE TABLE access_review_item (
    id               TEXT NOT NULL PRIMARY KEY,
    tenant_id        TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    access_review_id TEXT NOT NULL,
    user_id          TEXT NOT NULL,
    role_id          TEXT REFERENCES role (id) ON DELETE SET NULL,
    permission_id    TEXT REFERENCES permission (id) ON DELETE SET NULL,
    reviewer_id      TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'skipped')),
    justification    TEXT,
    reviewed_at      TEXT,
    created_at       TEXT NOT NULL,
    FOREIGN KEY (tenant_id, access_review_id) REFERENCES access_review (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id),
    FOREIGN KEY (tenant_id, reviewer_id) REFERENCES user (tenant_id, id)
) STRICT;

CREATE INDEX access_review_item_by_review ON access_review_item (tenant_id, access_review_id, created_at, id);
CREATE INDEX access_review_item_by_reviewer ON access_review_item (tenant_id, reviewer_id, status, created_at, id);
CREATE INDEX access_review_item_by_user ON access_review_item (tenant_id, user_id);
CREATE INDEX access_review_item_by_role ON access_review_item (role_id) WHERE role_id IS NOT NULL;
CREATE INDEX access_review_item_by_permission ON access_review_item (permission_id) WHERE permission_id IS NOT NULL;

-- The permission is the tenant's own or the catalogue's, as in role_permission.
CREATE TRIGGER access_review_item_within_tenant_inserted BEFORE INSERT ON access_review_item
WHEN EXISTS (SELECT 1 FROM permission WHERE id = NEW.permission_id AND tenant_id <> NEW.tenant_id)
BEGIN
    SELECT RAISE(ABORT, 'access_review_item: the permission is of another tenant');
END;

CREATE TRIGGER access_review_item_within_tenant_updated BEFORE UPDATE OF permission_id, tenant_id ON access_review_item
WHEN EXISTS (SELECT 1 FROM permission WHERE id = NEW.permission_id AND tenant_id <> NEW.tenant_id)
BEGIN
    SELECT RAISE(ABORT, 'access_review_item: the permission is of another tenant');
END;

-- Somebody asks for access. A request for a role goes with the role: it could give nothing any more.
CREATE TABLE access_request (
    id                    TEXT NOT NULL PRIMARY KEY,
    tenant_id             TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    requester_id          TEXT NOT NULL,
    request_type          TEXT NOT NULL CHECK (request_type IN ('role', 'permission', 'resource_access')),
    role_id               TEXT,
    requested_permissions TEXT NOT NULL CHECK (json_valid(requested_permissions)),
    justification         TEXT,
    status                TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'cancelled')),
    approved_by           TEXT,
    expires_at            TEXT,
    created_at            TEXT NOT NULL,
    updated_at            TEXT NOT NULL,
    FOREIGN KEY (tenant_id, requester_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES role (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, approved_by) REFERENCES user (tenant_id, id)
) STRICT;

CREATE INDEX access_request_by_time ON access_request (tenant_id, created_at, id);
CREATE INDEX access_request_by_status ON access_request (tenant_id, status, created_at, id);
CREATE INDEX access_request_by_requester ON access_request (tenant_id, requester_id, created_at, id);
CREATE INDEX access_request_by_role ON access_request (tenant_id, role_id);
CREATE INDEX access_request_by_approver ON access_request (tenant_id, approved_by);
CREATE INDEX access_request_by_end ON access_request (expires_at) WHERE expires_at IS NOT NULL;
