//! A database in use at any earlier version becomes today's, and loses nothing.

use super::schema::{Bound, count, document, migrate, migrations, other_document, texts};
use parapet::TenantDocument;
use parapet::model::*;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeMap;

/// A row: each column with its value.
type Cells = BTreeMap<String, Value>;

fn empty() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection
}

fn tables(connection: &Connection) -> Vec<String> {
    texts(connection, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
}

fn columns(connection: &Connection, table: &str) -> Vec<String> {
    texts(connection, &format!("SELECT name FROM pragma_table_info('{table}')"))
}

/// Inserts what has a place: the tables that are there, and their columns.
fn fill(connection: &Connection, document: &TenantDocument) {
    document.visit_sql(&mut |table, values| {
        let there = columns(connection, table.name);
        let cells =
            table.columns.iter().zip(&values).filter(|(column, _)| there.iter().any(|name| name == column.name));
        let (names, values): (Vec<&str>, Vec<Bound<'_>>) =
            cells.map(|(column, value)| (column.name, Bound(value))).unzip();
        if names.is_empty() {
            return;
        }
        assert_eq!(names.len(), there.len(), "{}: a column that no row has", table.name);
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO \"{}\" ({}) VALUES ({places})", table.name, names.join(", "));
        connection.execute(&sql, params_from_iter(values)).unwrap_or_else(|error| panic!("{}: {error}", table.name));
    });
}

fn rows(connection: &Connection, table: &str) -> Vec<Cells> {
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        names.iter().enumerate().map(|(index, name)| Ok((name.clone(), row.get(index)?))).collect()
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Reads all rows of a table as what they are for the service.
fn read<R: Row>(connection: &Connection) -> usize {
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{}\"", R::TABLE)).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let rows = statement.query_map([], |row| {
        let value = |index| -> rusqlite::Result<serde_json::Value> {
            Ok(match row.get_ref(index)? {
                ValueRef::Integer(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
                _ => serde_json::Value::Null,
            })
        };
        names.iter().enumerate().map(|(index, name)| Ok((name.clone(), value(index)?))).collect()
    });
    let rows =
        rows.unwrap().map(|row| R::from_sql(row.unwrap()).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", R::TABLE)));
    rows.count()
}

macro_rules! read_all {
    ($connection:expr, $($Row:ident)+) => { BTreeMap::from([$( ($Row::TABLE, read::<$Row>($connection)), )+]) };
}

/// How many rows each table has, all of them read.
fn read_all(connection: &Connection) -> BTreeMap<&'static str, usize> {
    read_all!(connection,
        Tenant TenantEpoch SnapshotVersion SnapshotCandidate TenantSetting FeatureFlag User UserSession MfaDevice PasswordReset LoginAttempt
        IdentityProvider FederatedIdentity Permission Role RolePermission UserRole OrganizationUnit UserGroup
        UserGroupMembership UserGroupRole ServiceAccount ApiKey Resource AuditLog AuditRoot AuditSubject DecisionLog
        AccessReview AccessReviewItem AccessRequest Outbox Webhook WebhookDelivery NotificationTemplate UserNotification
        NotificationPreference MessageSuppression TokenKey TokenRevocation GatewayHost)
}

#[test]
fn each_earlier_version_in_use_becomes_todays_without_a_loss() {
    let files = migrations();
    let fresh = empty();
    migrate(&fresh, &files);
    let schema = |connection: &Connection| {
        texts(connection, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
    };
    for version in 1..=files.len() {
        let connection = empty();
        migrate(&connection, &files[..version]);
        fill(&connection, &document());
        fill(&connection, &other_document());
        let before: BTreeMap<String, Vec<Cells>> =
            tables(&connection).into_iter().map(|table| (table.clone(), rows(&connection, &table))).collect();
        let filled = before.iter().filter(|(_, rows)| rows.len() >= 2).count();
        let known = before.keys().filter(|name| TABLES.iter().any(|table| table.name == **name)).count();
        assert!(filled >= known, "version {version}: {filled} of {known} tables have rows");

        migrate(&connection, &files[version..]);
        for (table, before) in &before {
            let after = rows(&connection, table);
            for row in before {
                let kept = |now: &&Cells| row.iter().all(|(name, value)| now.get(name) == Some(value));
                assert!(after.iter().any(|now| kept(&now)), "version {version}: {table} has lost {row:?}");
            }
        }
        assert_eq!(count(&connection, "SELECT count(*) FROM pragma_foreign_key_check"), 0, "version {version}");
        assert_eq!(texts(&connection, "PRAGMA integrity_check"), ["ok"], "version {version}");
        assert_eq!(schema(&connection), schema(&fresh), "version {version}");
        let read = read_all(&connection);
        assert_eq!(read.len(), TABLES.len());
        for (table, count) in read {
            assert!(count >= before.get(table).map_or(0, Vec::len), "version {version}: {table}");
        }
    }
}

/// What the system's roles gain counts in tenants that are there as it does in new ones.
#[test]
fn the_systems_roles_of_a_tenant_in_use_gain_what_new_ones_have() {
    let files = migrations();
    let connection = empty();
    let at = files.iter().position(|file| file.ends_with("0014_webhooks.sql")).unwrap();
    migrate(&connection, &files[..at]);
    let document = document();
    fill(&connection, &document);
    let mut number = 0;
    let roles = parapet::administration::roles(document.tenant.id, Timestamp::from_millis(0), || {
        number += 1;
        uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number)
    });
    let name =
        |entry: &PermissionEntry| serde_json::to_value(entry).unwrap()["permission"].as_str().unwrap().to_owned();
    let known = texts(&connection, "SELECT name FROM permission WHERE tenant_id IS NULL");
    assert!(!known.contains(&"parapet.webhook.read".to_owned()));
    for role in &roles {
        // As it was before the migration.
        let mut before = role.clone();
        before.permissions.retain(|entry| known.contains(&name(entry)));
        let values = before.to_sql();
        connection.execute(&Role::INFO.insert(), params_from_iter(values.iter().map(Bound))).unwrap();
    }
    let version = count(&connection, "SELECT sum(policy_version) FROM tenant_epoch");
    migrate(&connection, &files[at..]);
    for role in roles {
        let sql = format!(
            "SELECT j.value ->> 'permission' FROM role r, json_each(r.permissions) j WHERE r.id = '{}' ORDER BY 1",
            role.id
        );
        let mut wanted: Vec<String> = role.permissions.iter().map(name).collect();
        wanted.sort();
        assert_eq!(texts(&connection, &sql), wanted, "{}", role.name);
    }
    assert!(count(&connection, "SELECT sum(policy_version) FROM tenant_epoch") > version);
}
