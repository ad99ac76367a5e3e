-- Ways back in: what is sent to an address to be followed once, the passwords of before, and the terms that were accepted.

-- A link: an invitation, an address that is to be confirmed. It is written with what asks for it and has no token until its
-- message is made. `data` is what following it does, beyond its purpose. (A way to a new password is a `password_reset`.)
CREATE TABLE one_time_link (
    id         TEXT NOT NULL PRIMARY KEY,
    tenant_id  TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    token_hash TEXT UNIQUE CHECK (length(token_hash) = 64),
    data       TEXT NOT NULL CHECK (json_valid(data)),
    expires_at TEXT NOT NULL,
    used_at    TEXT,
    created_at TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX one_time_link_by_user ON one_time_link (tenant_id, user_id, purpose);
CREATE INDEX one_time_link_by_end ON one_time_link (expires_at);

-- Hashes of passwords that a user had, as many as the tenant refuses to see again.
CREATE TABLE former_password (
    tenant_id     TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id       TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    replaced_at   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, password_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

-- Which version of the terms a user accepted, and when.
CREATE TABLE terms_acceptance (
    tenant_id   TEXT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    user_id     TEXT NOT NULL,
    version     TEXT NOT NULL,
    accepted_at TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, version),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user (tenant_id, id) ON DELETE CASCADE
) STRICT;

INSERT INTO notification_template (id, tenant_id, name, type, locale, subject, template_body, variables, is_active, created_at, updated_at) VALUES
    ('00000000-0000-7000-8000-000200000201', NULL, 'email.change', 'email', 'en', 'Confirm the change of your e-mail address', 'Hello {{user_name}},

the e-mail address of your account at {{tenant_name}} is to become {{new_email}}.

[Confirm the change]({{link}})

The link is good for {{expires_minutes}} minutes. If it was not you, do not follow it, and change your password: somebody knows it.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}, "link": {"description": "The link, which is secret"}, "new_email": {"description": "The new address"}, "expires_minutes": {"description": "For how many minutes the link is good"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'),
    ('00000000-0000-7000-8000-000200000202', NULL, 'email.taken', 'email', 'en', 'You have an account already', 'Hello {{user_name}},

somebody, perhaps you, wanted an account at {{tenant_name}} with this e-mail address. There is one already, and nothing was changed.

If it was you, sign in; if you do not know your password, ask for a new one there. If it was not you, there is nothing to do.', '{"tenant_name": {"description": "The tenant''s name"}, "user_name": {"description": "The user''s name"}}', 1, '1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z');
