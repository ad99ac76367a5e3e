//! The migrations are what the rows say: column by column, and they refuse what the rows refuse.

use parapet::TenantDocument;
use parapet::model::{Kind, Row, SqlValue, TABLES, TableInfo, User};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const EVERY_TABLE: &str = include_str!("../../../core/src/model/every_table.json");
const TENANT: &str = "01980000-0000-7000-8000-000000000001";
const OTHER: &str = "01980000-0000-7000-9000-000000000001";

/// Tables of the service itself, which no tenant document has.
const SERVICE_TABLES: [&str; 18] = [
    "former_password",
    "idempotency_key",
    "issuer_key_set",
    "known_device",
    "login_flow",
    "login_throttle",
    "lone_password",
    "notification_template_version",
    "one_time_link",
    "pending_sign_up",
    "rate_limit",
    "reminder",
    "rule_history",
    "scheduled_run",
    "session_host",
    "tenant_purge",
    "terms_acceptance",
    "used_assertion",
];

/// A fresh database with every migration.
fn migrated() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    migrate(&connection, &migrations());
    connection
}

/// The files of the migrations, in their order.
pub(super) fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

pub(super) fn migrate(connection: &Connection, files: &[PathBuf]) {
    for file in files {
        let name = file.display().to_string();
        connection
            .execute_batch(&std::fs::read_to_string(file).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A row in every table.
pub(super) fn document() -> TenantDocument {
    TenantDocument::read(EVERY_TABLE).unwrap()
}

/// The same rows for another tenant.
pub(super) fn other_document() -> TenantDocument {
    let text = EVERY_TABLE
        .replace("-7000-8000-", "-7000-9000-")
        .replace("\"acme\"", "\"other\"")
        .replace("id.acme.example", "id.other.example")
        .replace("app.acme.example", "app.other.example")
        .replace("users.read", "users.list")
        .replace("\"account\"", "\"member\"")
        .replace("00u1", "00u2")
        .replace("bbbbbbbb", "eeeeeeee")
        .replace("cccccccc", "eeeeeeee")
        .replace("dddddddd", "eeeeeeee");
    TenantDocument::read(&text).unwrap()
}

pub(super) struct Bound<'a>(pub &'a SqlValue);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            SqlValue::Null => ToSqlOutput::Owned(Value::Null),
            SqlValue::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            SqlValue::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn insert(connection: &Connection, table: &TableInfo, values: &[SqlValue]) -> rusqlite::Result<usize> {
    connection.execute(&table.insert(), params_from_iter(values.iter().map(Bound)))
}

fn seed(connection: &Connection, document: &TenantDocument) {
    document.visit_sql(&mut |table, values| {
        insert(connection, table, &values).unwrap_or_else(|error| panic!("{}: {error}", table.name));
    });
}

fn seeded() -> Connection {
    let connection = migrated();
    seed(&connection, &document());
    seed(&connection, &other_document());
    connection
}

pub(super) fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[track_caller]
fn refused(connection: &Connection, sql: &str, because: &str) {
    let error = connection.execute(sql, []).expect_err(sql).to_string();
    assert!(error.contains(because), "{sql}: {error}");
}

pub(super) fn count(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_tables_are_the_rows() {
    let connection = migrated();
    let tables = texts(&connection, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    let names = TABLES.iter().map(|table| table.name).chain(SERVICE_TABLES);
    let expected: BTreeSet<String> = names.map(str::to_owned).collect();
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), expected);
    let strict = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 1";
    assert_eq!(count(&connection, strict), expected.len() as i64);
}

#[test]
fn the_columns_are_the_rows_columns() {
    let connection = migrated();
    for table in TABLES {
        let sql = "SELECT name || ' ' || type || iif(\"notnull\", ' NOT NULL', '') FROM pragma_table_info('{}')";
        let columns = texts(&connection, &sql.replace("{}", table.name));
        let expected: Vec<String> = (table.columns.iter())
            .map(|column| {
                let kind = match column.kind {
                    Kind::Integer | Kind::Boolean => "INTEGER",
                    Kind::Uuid | Kind::Text | Kind::Timestamp | Kind::Json | Kind::Enum(_) => "TEXT",
                };
                format!("{} {kind}{}", column.name, if column.nullable { "" } else { " NOT NULL" })
            })
            .collect();
        assert_eq!(columns, expected, "{}", table.name);
    }
}

/// A key as text: its columns, and the column that must be null.
fn key(columns: &[&str], while_null: Option<&str>) -> String {
    format!("{}{}", columns.join(", "), while_null.map_or(String::new(), |column| format!(" WHERE {column} IS NULL")))
}

#[test]
fn the_unique_keys_are_the_rows_unique_keys() {
    let connection = migrated();
    for table in TABLES {
        let mut expected: BTreeSet<String> =
            table.unique.iter().map(|unique| key(unique.columns, unique.while_null)).collect();
        expected.insert(key(table.key, None));
        let mut found = BTreeSet::new();
        let indexes = format!("SELECT name FROM pragma_index_list('{}') WHERE \"unique\"", table.name);
        for index in texts(&connection, &indexes) {
            let columns = texts(&connection, &format!("SELECT name FROM pragma_index_info('{index}') ORDER BY seqno"));
            let sql =
                texts(&connection, &format!("SELECT coalesce(sql, '') FROM sqlite_schema WHERE name = '{index}'"));
            let while_null = sql[0].split("WHERE ").nth(1).map(|condition| condition.replace(" IS NULL", ""));
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            found.insert(key(&columns, while_null.as_deref()));
        }
        // What the others refer to.
        found.remove("tenant_id, id");
        assert_eq!(found, expected, "{}", table.name);
    }
}

#[test]
fn the_references_are_the_rows_references() {
    let connection = migrated();
    for table in TABLES {
        let expected: BTreeSet<String> = (table.columns.iter())
            .filter_map(|column| column.references.map(|references| format!("{} {references}", column.name)))
            .collect();
        let sql = "SELECT \"from\" || ' ' || \"table\" FROM pragma_foreign_key_list('{}')
                   WHERE \"from\" <> 'tenant_id' OR \"to\" = 'id'";
        let found: BTreeSet<String> = texts(&connection, &sql.replace("{}", table.name)).into_iter().collect();
        assert_eq!(found, expected, "{}", table.name);
    }
}

/// Inserts each row of the document alone into an empty database, with one value replaced.
fn try_each(replace: impl Fn(&TableInfo, usize) -> Vec<(SqlValue, bool)>) -> usize {
    let connection = migrated();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    let mut tried = 0;
    document().visit_sql(&mut |table, values| {
        for (index, column) in table.columns.iter().enumerate() {
            for (value, accepted) in replace(table, index) {
                let mut values = values.clone();
                values[index] = value;
                connection.execute_batch("SAVEPOINT one").unwrap();
                let result = insert(&connection, table, &values);
                connection.execute_batch("ROLLBACK TO one; RELEASE one").unwrap();
                let context = format!("{}.{} = {:?}: {result:?}", table.name, column.name, values[index]);
                match result {
                    Ok(_) => assert!(accepted, "{context}"),
                    Err(error) => {
                        assert!(!accepted && error.to_string().contains("CHECK constraint failed"), "{context}");
                    }
                }
                tried += 1;
            }
        }
    });
    tried
}

#[test]
fn an_enum_takes_its_words_and_no_other() {
    let tried = try_each(|table, column| match table.columns[column].kind {
        Kind::Enum(words) => {
            let text = |word: &str| SqlValue::Text(word.to_owned());
            let right = words.iter().map(|word| (text(word), true));
            let other_case = match words[0].to_uppercase() {
                upper if upper == words[0] => words[0].to_lowercase(),
                upper => upper,
            };
            right.chain([(text("wrong"), false), (text(&other_case), false)]).collect()
        }
        _ => Vec::new(),
    });
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_boolean_is_0_or_1_and_json_is_json() {
    let tried = try_each(|table, column| match table.columns[column].kind {
        Kind::Boolean => [(0, true), (1, true), (2, false)].map(|(n, ok)| (SqlValue::Integer(n), ok)).into(),
        Kind::Json => [("{}", true), ("{", false), ("", false)].map(|(t, ok)| (SqlValue::Text(t.into()), ok)).into(),
        _ => Vec::new(),
    });
    assert!(tried > 100, "{tried}");
}

#[test]
fn what_was_written_reads_as_it_was() {
    let connection = seeded();
    let mut statement = connection.prepare("SELECT * FROM user WHERE tenant_id = ?1 ORDER BY id").unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([TENANT], |row| {
        let value = |index| match row.get_ref(index).unwrap() {
            ValueRef::Integer(number) => serde_json::json!(number),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
            _ => serde_json::Value::Null,
        };
        Ok(names.iter().enumerate().map(|(index, name)| (name.clone(), value(index))).collect())
    });
    let users: Vec<User> = rows.unwrap().map(|row| User::from_sql(row.unwrap()).unwrap()).collect();
    assert_eq!(users, document().user);
    assert!(users[0].password_hash.is_some());
}

#[test]
fn no_row_joins_two_tenants() {
    let connection = seeded();
    let mut tried = 0;
    for table in TABLES {
        for column in table.columns {
            let (name, column_name) = (table.name, column.name);
            let Some(references) = column.references.filter(|references| *references != "tenant") else {
                continue;
            };
            let others = texts(&connection, &format!("SELECT id FROM {references} WHERE tenant_id = '{OTHER}'"));
            let rows = format!("FROM {name} WHERE tenant_id = '{TENANT}' AND {column_name} IS NOT NULL");
            assert!(count(&connection, &format!("SELECT count(*) {rows}")) > 0, "{name}.{column_name}");
            let set = format!("UPDATE {name} SET {column_name} = '{}'", others[0]);
            let sql = format!("{set} WHERE rowid = (SELECT rowid {rows} LIMIT 1)");
            let error = connection.execute(&sql, []).expect_err(&sql).to_string();
            let because = error.contains("FOREIGN KEY") || error.contains("of another tenant");
            assert!(because, "{sql}: {error}");
            // Nor by moving the row itself.
            let sql = format!("UPDATE {name} SET tenant_id = '{OTHER}' WHERE rowid = (SELECT rowid {rows} LIMIT 1)");
            connection.execute(&sql, []).expect_err(&sql);
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_new_row_cannot_join_two_tenants() {
    let connection = migrated();
    seed(&connection, &document());
    // With the other's tenant but this tenant's referents.
    let other = TenantDocument::new(other_document().tenant);
    seed(&connection, &other);
    let mut tried = 0;
    document().visit_sql(&mut |table, mut values| {
        let joins = |index: usize| {
            table.columns[index].references.is_some_and(|references| references != "tenant")
                && values[index] != SqlValue::Null
        };
        // The path of a unit names its ids: that reference is tried above.
        if !(0..values.len()).any(joins) || table.name == "organization_unit" {
            return;
        }
        // The row itself makes room, so that no unique key is in the way.
        connection.execute_batch("SAVEPOINT one").unwrap();
        let id = table.columns.iter().position(|column| column.name == "id").unwrap();
        let delete = format!("DELETE FROM {} WHERE id = ?1", table.name);
        connection.execute(&delete, [Bound(&values[id])]).unwrap();
        for (index, column) in table.columns.iter().enumerate() {
            match column.name {
                "tenant_id" => values[index] = SqlValue::Text(OTHER.into()),
                "id" => values[index] = SqlValue::Text(format!("01980000-0000-7000-a000-{tried:012}")),
                _ if column.secret => values[index] = SqlValue::Null,
                _ => {}
            }
        }
        tried += 1;
        let error = insert(&connection, table, &values).expect_err(table.name).to_string();
        connection.execute_batch("ROLLBACK TO one; RELEASE one").unwrap();
        let because = error.contains("FOREIGN KEY") || error.contains("of another tenant");
        assert!(because, "{}: {error}", table.name);
    });
    assert!(tried > 15, "{tried}");
}

#[test]
fn the_catalogue_is_open_to_every_tenant() {
    let connection = seeded();
    let sql = format!(
        "UPDATE role_permission SET permission_id = (SELECT id FROM permission WHERE name = 'users.list')
         WHERE tenant_id = '{TENANT}'"
    );
    connection.execute(&sql, []).unwrap();
}

#[test]
fn a_permission_does_not_shadow_the_catalogue() {
    let connection = seeded();
    let shadow = |tenant: &str, name: &str| {
        format!(
            "INSERT INTO permission (id, tenant_id, name, resource, action, category, created_at)
             VALUES (hex(randomblob(8)), {tenant}, '{name}', 'x', 'y', 'api', '')"
        )
    };
    refused(&connection, &shadow(&format!("'{TENANT}'"), "users.read"), "taken between catalogue and tenant");
    refused(&connection, &shadow("NULL", "documents.edit"), "taken between catalogue and tenant");
    refused(&connection, &shadow("NULL", "users.read"), "UNIQUE");
    refused(&connection, "UPDATE permission SET name = 'users.read' WHERE name = 'documents.edit'", "taken between");
    refused(&connection, "UPDATE permission SET tenant_id = NULL WHERE name = 'documents.edit'", "permission: ");
}

#[test]
fn a_deleted_user_frees_the_email() {
    let connection = seeded();
    let again =
        format!("UPDATE user SET deleted_at = NULL WHERE tenant_id = '{TENANT}' AND email = 'bob@acme.example'");
    refused(&connection, &again, "UNIQUE");
}

#[test]
fn the_audit_log_is_append_only() {
    let connection = seeded();
    for sequence in 2..=5 {
        append(&connection, sequence);
    }
    refused(&connection, "UPDATE audit_log SET event_type = 'x'", "append-only");
    refused(&connection, "UPDATE audit_root SET sequence = 5", "append-only");
    refused(&connection, "DELETE FROM audit_root", "append-only");
    // Beyond the root at 1, and not from the middle.
    refused(&connection, "DELETE FROM audit_log WHERE sequence = 5", "append-only");
    refused(&connection, "DELETE FROM audit_log", "append-only");
    refused(&connection, "DELETE FROM tenant", "FOREIGN KEY");
    let replace = "INSERT OR REPLACE INTO audit_log
        SELECT id, tenant_id, sequence, user_id, 'x', resource_type, resource_id, event_data, ip_address, user_agent,
            result, previous_hash, hash, created_at FROM audit_log";
    refused(&connection, replace, "UNIQUE constraint failed: audit_log.tenant_id, audit_log.sequence");
    assert_eq!(count(&connection, "SELECT count(*) FROM audit_log WHERE event_type = 'x'"), 0);
}

#[test]
fn retention_removes_a_prefix_below_an_exported_root() {
    let connection = seeded();
    for sequence in 2..=5 {
        append(&connection, sequence);
    }
    let root = |sequence: i64, hash: &str| {
        format!(
            "INSERT INTO audit_root (id, tenant_id, sequence, hash, created_at)
             VALUES ('root {sequence} {hash}', '{TENANT}', {sequence}, '{}', '')",
            hash.repeat(64)
        )
    };
    refused(&connection, &root(4, "f"), "no such row");
    refused(&connection, &root(6, "4"), "no such row");
    connection.execute(&root(4, "4"), []).unwrap();
    let hole = format!("DELETE FROM audit_log WHERE tenant_id = '{TENANT}' AND sequence IN (2, 3)");
    refused(&connection, &hole, "append-only");
    let prefix = format!("DELETE FROM audit_log WHERE tenant_id = '{TENANT}' AND sequence <= 4");
    assert_eq!(connection.execute(&prefix, []).unwrap(), 4);
    refused(&connection, &format!("DELETE FROM audit_log WHERE tenant_id = '{TENANT}'"), "append-only");
}

fn append(connection: &Connection, sequence: i64) {
    let sql = format!(
        "INSERT INTO audit_log (id, tenant_id, sequence, event_type, event_data, result, previous_hash, hash, created_at)
         VALUES ('{sequence}', '{TENANT}', {sequence}, 'a', '{{}}', 'success', '{}', '{}', '')",
        (sequence - 1).to_string().repeat(64),
        sequence.to_string().repeat(64),
    );
    connection.execute(&sql, []).unwrap();
}

#[test]
fn what_is_a_users_goes_with_the_user_and_what_others_did_stays() {
    let connection = migrated();
    let mut document = document();
    document.access_review.clear();
    document.access_review_item.clear();
    document.access_request.clear();
    seed(&connection, &document);
    let ada = "01980000-0000-7000-8000-000000000201";
    let bob = "01980000-0000-7000-8000-000000000202";
    // Bob assigned what Ada has.
    connection.execute("DELETE FROM user WHERE id = ?1", [bob]).unwrap();
    for table in ["user_role", "user_group_membership", "user_group_role"] {
        assert_eq!(
            count(&connection, &format!("SELECT count(*) FROM {table} WHERE assigned_by IS NULL")),
            1,
            "{table}"
        );
    }
    connection.execute("DELETE FROM user WHERE id = ?1", [ada]).unwrap();
    for table in ["user_role", "user_session", "mfa_device", "federated_identity", "user_notification"] {
        assert_eq!(count(&connection, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert_eq!(count(&connection, "SELECT count(*) FROM api_key"), 2);
    assert_eq!(count(&connection, "SELECT count(*) FROM login_attempt WHERE user_id IS NULL"), 1);
    assert_eq!(count(&connection, "SELECT count(*) FROM audit_log WHERE user_id IS NOT NULL"), 1);
}

#[test]
fn a_tenant_without_a_log_goes_with_all_its_rows() {
    let connection = migrated();
    let mut document = document();
    document.audit_log.clear();
    document.audit_root.clear();
    document.audit_subject.clear();
    seed(&connection, &document);
    connection.execute("DELETE FROM tenant", []).unwrap();
    for table in TABLES {
        // The catalogue's permissions and the operators' templates are nobody's.
        let has_nobodys = ["permission", "notification_template"].contains(&table.name);
        let of_nobody = if has_nobodys { "WHERE tenant_id IS NOT NULL" } else { "" };
        assert_eq!(
            count(&connection, &format!("SELECT count(*) FROM {} {of_nobody}", table.name)),
            0,
            "{}",
            table.name
        );
    }
}

#[test]
fn the_catalogue_is_what_the_admin_api_asks_for() {
    let connection = migrated();
    let mut statement = connection.prepare("SELECT * FROM permission ORDER BY id").unwrap();
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let value =
            |index| row.get::<_, Option<String>>(index).map(|text| text.map_or(serde_json::Value::Null, Into::into));
        columns.iter().enumerate().map(|(index, name)| Ok((name.clone(), value(index)?))).collect()
    });
    let rows: Vec<_> = rows.unwrap().map(|row| parapet::model::Permission::from_sql(row.unwrap()).unwrap()).collect();
    assert_eq!(rows, parapet::administration::catalogue());
}

#[test]
fn versions_only_grow() {
    let connection = seeded();
    refused(&connection, "UPDATE tenant_epoch SET policy_version = policy_version - 1", "only grows");
    connection.execute("UPDATE tenant_epoch SET directory_version = directory_version + 1", []).unwrap();
}
