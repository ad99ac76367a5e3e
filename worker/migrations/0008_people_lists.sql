-- Lists of users by what they are narrowed and sorted by. The unique keys of e-mail and username are of those alone who
-- are not deleted, and serve no list.
CREATE INDEX user_by_email ON user (tenant_id, email, id);
CREATE INDEX user_by_username ON user (tenant_id, username);
CREATE INDEX user_by_state ON user (tenant_id, state, created_at, id);
CREATE INDEX user_by_activity ON user (tenant_id, is_active, created_at, id);
