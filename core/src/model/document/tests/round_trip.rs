//! What reads, and reads the same after it was written.

use super::*;

#[test]
fn a_row_in_every_table_reads() {
    let document = TenantDocument::read(EVERY_TABLE).unwrap();
    let mut tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    document.visit_sql(&mut |table, values| {
        assert_eq!(table.columns.len(), values.len());
        tables.retain(|name| *name != table.name);
    });
    assert_eq!(tables, Vec::<&str>::new(), "tables without a row in every_table.json");
    assert_eq!(TABLES.len(), 41, "27 of the diagram and 14 of ours");
}

#[test]
fn what_is_written_reads_as_the_same_without_its_secrets() {
    let mut document = TenantDocument::read(EVERY_TABLE).unwrap();
    let written = document.to_value();
    assert!(!written.to_string().contains("argon2id"));
    assert!(!written.to_string().contains("ciphertext"));
    let read = TenantDocument::from_value(written.clone()).unwrap();
    assert_eq!(read.to_value(), written);
    document.user[0].password_hash = None;
    assert_eq!(read.user, document.user);
    assert_eq!(read.role, document.role);
    assert_eq!(read.permission[0].tenant_id, None);
}

#[test]
fn rows_come_back_from_the_database_as_they_went() {
    fn check<R: Row + PartialEq + std::fmt::Debug>(rows: &[R]) {
        for row in rows {
            let values = row.to_sql().into_iter().map(|value| match value {
                SqlValue::Null => Value::Null,
                // As JavaScript has it.
                SqlValue::Integer(number) => json!(number as f64),
                SqlValue::Text(text) => Value::String(text),
            });
            let columns = R::COLUMNS.iter().map(|column| column.name.to_owned()).zip(values).collect();
            assert_eq!(&R::from_sql(columns).unwrap(), row);
        }
    }
    let document = TenantDocument::read(EVERY_TABLE).unwrap();
    check(std::slice::from_ref(&document.tenant));
    check(&document.user);
    check(&document.mfa_device);
    check(&document.role);
    check(&document.role_permission);
    check(&document.organization_unit);
    check(&document.access_request);
    check(&document.audit_log);
    check(&document.tenant_setting);
    check(&document.resource);
    check(&document.api_key);
    check(&document.gateway_host);
    check(&document.token_key);
}

#[test]
fn a_row_of_the_database_ignores_columns_of_tomorrow_and_refuses_what_is_missing() {
    let row = json!({"tenant_id": TENANT, "policy_version": 1, "directory_version": 2, "later": 1});
    let Value::Object(mut row) = row else { panic!("an object") };
    assert!(TenantEpoch::from_sql(row.clone()).is_ok());
    row.insert("tenant_id".into(), json!(7));
    let found = TenantEpoch::from_sql(row).unwrap_err();
    assert_eq!(found[0].field.as_deref(), Some("tenant_id"));
}

#[test]
fn what_the_tenant_gives_may_be_left_out() {
    let document = document(json!({
        "user": [{"id": id(1), "email": "a@b"}],
        "role": [{"id": id(2), "name": "r"}],
        "user_role": [{"id": id(3), "user_id": id(1), "role_id": id(2)}],
    }))
    .unwrap();
    let made: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(document.tenant.updated_at, made);
    assert_eq!(document.user[0].tenant_id.to_string(), TENANT);
    assert_eq!(document.user[0].created_at, made);
    assert!(document.user[0].may_act());
    assert_eq!(document.user_role[0].assigned_at, made);
    assert_eq!(document.role[0].r#type, RoleType::Custom);
}

#[test]
fn columns_know_what_they_are() {
    let column = |name: &str| *UserRole::COLUMNS.iter().find(|column| column.name == name).unwrap();
    assert_eq!(column("user_id").references, Some("user"));
    assert!(column("assigned_by").nullable);
    assert!(column("is_active").default);
    assert!(User::COLUMNS.iter().any(|column| column.secret));
    assert!(Role::COLUMNS.iter().any(|column| column.name == "type" && column.kind == Kind::Enum(RoleType::WORDS)));
    assert_eq!(
        TenantEpoch::INFO.insert(),
        "INSERT INTO tenant_epoch (tenant_id, policy_version, directory_version) VALUES (?1, ?2, ?3)"
    );
    // Each table comes after those that it refers to.
    for (index, table) in TABLES.iter().enumerate() {
        for column in table.columns {
            let Some(references) = column.references else {
                continue;
            };
            assert!(TABLES[..=index].iter().any(|earlier| earlier.name == references), "{}", table.name);
        }
    }
}
