//! Reading documents: each kind of bad input, several at once, and back.

use super::*;
use serde_json::json;

const EVERY_TABLE: &str = include_str!("../every_table.json");
const TENANT: &str = "01980000-0000-7000-8000-000000000001";
const OTHER: &str = "01980000-0000-7000-8000-00000000ffff";

/// An id that ends in these digits.
fn id(last: u32) -> String {
    format!("01980000-0000-7000-8000-{last:012}")
}

fn tenant() -> Value {
    json!({"id": TENANT, "name": "Acme", "slug": "acme", "created_at": "2026-01-01T00:00:00Z"})
}

/// A document with these tables beside the tenant.
fn document(tables: Value) -> Result<TenantDocument, Vec<Finding>> {
    let mut document = tables;
    if document.get("tenant").is_none() {
        document["tenant"] = tenant();
    }
    TenantDocument::read(&document.to_string())
}

/// The findings as `table row field code`.
fn findings(read: Result<TenantDocument, Vec<Finding>>) -> Vec<String> {
    let findings = read.err().unwrap_or_default();
    let text = |finding: &Finding| {
        let row = finding.row.as_deref().unwrap_or("-");
        format!("{} {row} {} {}", finding.table, finding.field.as_deref().unwrap_or("-"), finding.code)
    };
    findings.iter().map(text).collect()
}

#[track_caller]
fn refused(tables: Value, expected: &[&str]) {
    assert_eq!(findings(document(tables)), expected);
}

#[test]
fn a_row_in_every_table_reads() {
    let document = TenantDocument::read(EVERY_TABLE).unwrap();
    let mut tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    document.visit_sql(&mut |table, values| {
        assert_eq!(table.columns.len(), values.len());
        tables.retain(|name| *name != table.name);
    });
    assert_eq!(tables, Vec::<&str>::new(), "tables without a row in every_table.json");
    assert_eq!(TABLES.len(), 35, "27 of the diagram and 8 of ours");
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
fn malformed_json_says_where() {
    let found = TenantDocument::read("{\"tenant\": {\n  nope").unwrap_err();
    assert_eq!(found[0].code, "document.malformed");
    assert!(found[0].message.contains("line 2 column"), "{}", found[0]);
    assert_eq!(findings(TenantDocument::read("[]")), ["document - - document.malformed"]);
    assert_eq!(findings(TenantDocument::read("")), ["document - - document.malformed"]);
}

#[test]
fn a_key_twice_is_refused_at_any_depth() {
    let found = TenantDocument::read(r#"{"role": [{"permissions": [{"effect": "deny", "effect": "allow"}]}]}"#);
    assert!(found.unwrap_err()[0].message.contains("`effect` is there twice"));
}

#[test]
fn deep_json_is_refused() {
    assert_eq!(findings(TenantDocument::read(&"[".repeat(100_000))), ["document - - document.malformed"]);
}

#[test]
fn a_document_without_a_tenant_is_refused() {
    assert_eq!(findings(TenantDocument::read("{}")), ["tenant - - document.no_tenant"]);
    refused(json!({"tenant": [], "user": []}), &["tenant - - row.wrong_type"]);
}

#[test]
fn where_the_tenant_cannot_be_read_its_rows_still_are() {
    let user = json!({"id": id(1), "email": "nope"});
    refused(
        json!({"tenant": {"id": TENANT, "name": "A", "slug": "acme"}, "user": [user]}),
        &[
            "tenant 01980000-0000-7000-8000-000000000001 created_at row.missing",
            "tenant 01980000-0000-7000-8000-000000000001 updated_at row.missing",
            "user 01980000-0000-7000-8000-000000000001 email user.email",
        ],
    );
}

#[test]
fn an_unknown_table_and_field_are_refused() {
    refused(
        json!({"users": [], "role": [{"id": id(1), "name": "r", "nmae": "r"}]}),
        &["role 01980000-0000-7000-8000-000000000001 nmae row.unknown_field", "users - - document.unknown_table"],
    );
}

#[test]
fn tables_are_arrays_of_objects() {
    refused(json!({"role": {}, "user": [7]}), &["role - - row.wrong_type", "user #0 - row.wrong_type"]);
}

#[test]
fn all_that_is_wrong_with_a_row_is_found_at_once() {
    refused(
        json!({"role": [{"name": 7, "type": "sytem", "is_active": "yes", "permissions": [{}, {"permission": 1}], "x": 1}]}),
        &[
            "role #0 id row.missing",
            "role #0 is_active row.wrong_type",
            "role #0 name row.wrong_type",
            "role #0 permissions/0 permission_entry.target",
            "role #0 permissions/1/permission row.wrong_type",
            "role #0 type row.unknown_word",
            "role #0 x row.unknown_field",
        ],
    );
}

#[test]
fn an_unknown_word_says_the_known_ones() {
    let found = document(json!({"role": [{"id": id(1), "name": "r", "type": "sytem"}]})).unwrap_err();
    assert_eq!(found[0].message, "`sytem` is none of `system`, `custom`");
}

#[test]
fn a_wrong_type_says_what_was_expected() {
    let found = document(json!({"tenant_epoch": [{"policy_version": 1.5}]})).unwrap_err();
    assert_eq!(found[0].message, "expected a whole number, found a number");
    let found = document(json!({"user": [{"id": "7", "email": "a@b", "created_at": "yesterday"}]})).unwrap_err();
    assert!(found[0].message.contains("`2026-01-31T08:00:00.000Z`"), "{}", found[0]);
    assert_eq!(found[1].message, "expected a UUID, found `7`");
}

#[test]
fn a_secret_is_not_shown_in_a_finding() {
    let found = document(json!({"user": [{"id": id(1), "email": "a@b", "password_hash": ["hunter2"]}]})).unwrap_err();
    assert!(!found[0].to_string().contains("hunter2"));
}

#[test]
fn null_stands_for_no_value_only() {
    let user = json!({"id": id(1), "email": "a@b", "phone": null, "is_active": null});
    refused(json!({"user": [user]}), &["user 01980000-0000-7000-8000-000000000001 is_active row.wrong_type"]);
}

#[test]
fn ids_are_written_one_way() {
    let plain = id(1).replace('-', "");
    refused(json!({"role": [{"id": plain, "name": "r"}]}), &[&format!("role {plain} id row.wrong_type")]);
}

#[test]
fn an_id_is_there_once() {
    let role = |name: &str| json!({"id": id(1), "name": name});
    refused(
        json!({"role": [role("a"), role("b")]}),
        &["role 01980000-0000-7000-8000-000000000001 id document.duplicate_id"],
    );
}

#[test]
fn unique_keys_are_kept() {
    refused(
        json!({
            "role": [{"id": id(1), "name": "r"}, {"id": id(2), "name": "r"}],
            "tenant_epoch": [{}, {}],
            "resource": [{"type": "doc", "id": "1"}, {"type": "doc", "id": "1"}, {"type": "folder", "id": "1"}],
        }),
        &[
            "resource 1 id document.duplicate_key",
            "role 01980000-0000-7000-8000-000000000002 name document.duplicate_key",
            "tenant_epoch #1 tenant_id document.duplicate_key",
        ],
    );
}

#[test]
fn a_deleted_user_frees_the_email() {
    let user = |last, deleted: bool| {
        let mut user = json!({"id": id(last), "email": "a@b"});
        if deleted {
            user["state"] = json!("deleted");
            user["deleted_at"] = json!("2026-01-02T00:00:00Z");
        }
        user
    };
    assert!(document(json!({"user": [user(1, true), user(2, true), user(3, false)]})).is_ok());
    refused(
        json!({"user": [user(1, false), user(2, false)]}),
        &["user 01980000-0000-7000-8000-000000000002 email document.duplicate_key"],
    );
}

#[test]
fn references_point_somewhere() {
    refused(
        json!({"user_role": [{"id": id(1), "user_id": OTHER, "role_id": OTHER}]}),
        &[
            "user_role 01980000-0000-7000-8000-000000000001 role_id document.no_such_row",
            "user_role 01980000-0000-7000-8000-000000000001 user_id document.no_such_row",
        ],
    );
}

#[test]
fn a_reference_to_a_row_that_is_wrong_itself_is_no_second_finding() {
    refused(
        json!({
            "user": [{"id": id(1)}],
            "role": [{"id": id(2), "name": "r"}],
            "user_role": [{"id": id(3), "user_id": id(1), "role_id": id(2)}],
        }),
        &["user 01980000-0000-7000-8000-000000000001 email row.missing"],
    );
}

#[test]
fn rows_of_another_tenant_are_refused() {
    refused(
        json!({
            "role": [{"id": id(1), "tenant_id": OTHER, "name": "r"}],
            "feature_flag": [{"id": id(2), "tenant_id": null, "flag_name": "f"}],
        }),
        &[
            "feature_flag 01980000-0000-7000-8000-000000000002 tenant_id document.other_tenant",
            "role 01980000-0000-7000-8000-000000000001 tenant_id document.other_tenant",
        ],
    );
}

#[test]
fn organization_units_have_no_cycles() {
    let unit = |last, parent: u32| json!({"id": id(last), "parent_id": id(parent), "name": format!("u{last}")});
    refused(
        json!({"organization_unit": [unit(1, 2), unit(2, 3), unit(3, 1), unit(4, 1)]}),
        &[
            "organization_unit 01980000-0000-7000-8000-000000000001 parent_id organization_unit.cycle",
            "organization_unit 01980000-0000-7000-8000-000000000002 parent_id organization_unit.cycle",
            "organization_unit 01980000-0000-7000-8000-000000000003 parent_id organization_unit.cycle",
        ],
    );
}

#[test]
fn path_and_level_follow_from_the_parents() {
    let units = |path: &str| {
        json!({"organization_unit": [
            {"id": id(2), "parent_id": id(1), "name": "b", "path": path, "level": 1},
            {"id": id(1), "name": "a"},
        ]})
    };
    let path = format!("/{}/{}/", id(1), id(2));
    let document = document(units(&path)).unwrap();
    assert_eq!(document.organization_unit[1].path, format!("/{}/", id(1)));
    assert_eq!(document.organization_unit[1].level, 0);
    refused(units("/a/b/"), &["organization_unit 01980000-0000-7000-8000-000000000002 path organization_unit.path"]);
}

#[test]
fn an_organisation_is_not_bottomless() {
    let units: Vec<Value> = (1..=34)
        .map(|last| match last {
            1 => json!({"id": id(1), "name": "u"}),
            _ => json!({"id": id(last), "parent_id": id(last - 1), "name": "u"}),
        })
        .collect();
    refused(
        json!({"organization_unit": units}),
        &["organization_unit 01980000-0000-7000-8000-000000000033 parent_id organization_unit.depth"],
    );
}

#[test]
fn resources_have_no_cycles() {
    let resource = |id: &str, parent: &str| json!({"type": "f", "id": id, "parents": [{"type": "f", "id": parent}]});
    refused(
        json!({"resource": [resource("a", "b"), resource("b", "a"), resource("c", "a"), resource("d", "nowhere")]}),
        &["resource a parents resource.cycle", "resource b parents resource.cycle"],
    );
}

fn permission(last: u32, name: &str, action: &str) -> Value {
    json!({"id": id(last), "name": name, "resource": "document", "action": action, "category": "api"})
}

#[test]
fn a_permission_has_one_name() {
    refused(
        json!({"permission": [permission(1, "a", "read"), permission(2, "a", "write"), permission(3, "b", "read")]}),
        &[
            "permission 01980000-0000-7000-8000-000000000002 name document.duplicate_key",
            "permission 01980000-0000-7000-8000-000000000003 action document.duplicate_key",
        ],
    );
}

#[test]
fn a_tenants_permission_does_not_shadow_the_catalogue() {
    let mut catalogue = permission(1, "a", "read");
    catalogue["tenant_id"] = Value::Null;
    refused(
        json!({"permission": [catalogue, permission(2, "a", "write"), permission(3, "b", "read")]}),
        &[
            "permission 01980000-0000-7000-8000-000000000002 name permission.shadows_catalogue",
            "permission 01980000-0000-7000-8000-000000000003 action permission.two_names",
        ],
    );
}

#[test]
fn a_named_permission_exists() {
    refused(
        json!({"role": [{"id": id(1), "name": "r", "permissions": [{"permission": "nope"}]}]}),
        &["role 01980000-0000-7000-8000-000000000001 permissions/0/permission document.no_such_permission"],
    );
}

#[test]
fn permissions_are_named_as_cedar_can() {
    let mut reserved = permission(1, "a", "re:ad");
    reserved["resource"] = json!("User");
    reserved["category"] = json!("API");
    refused(
        json!({"permission": [reserved]}),
        &[
            "permission 01980000-0000-7000-8000-000000000001 action permission.action",
            "permission 01980000-0000-7000-8000-000000000001 category permission.category",
            "permission 01980000-0000-7000-8000-000000000001 resource permission.resource",
        ],
    );
}

#[test]
fn slugs_and_colours_and_states_of_a_tenant() {
    let mut bad = tenant();
    bad["slug"] = json!("www");
    bad["primary_color"] = json!("red");
    bad["status"] = json!("deleted");
    refused(
        json!({"tenant": bad}),
        &[
            "tenant 01980000-0000-7000-8000-000000000001 deleted_at tenant.deleted_at",
            "tenant 01980000-0000-7000-8000-000000000001 primary_color tenant.color",
            "tenant 01980000-0000-7000-8000-000000000001 slug tenant.reserved_slug",
        ],
    );
}

#[test]
fn names_and_attributes_of_a_user() {
    let user = json!({"id": id(1), "email": "A@b", "username": "a@b", "custom_attributes": {"email": 1, "a b": 1}});
    refused(
        json!({"user": [user]}),
        &[
            "user 01980000-0000-7000-8000-000000000001 custom_attributes/a b user.custom_attribute",
            "user 01980000-0000-7000-8000-000000000001 custom_attributes/email user.custom_attribute",
            "user 01980000-0000-7000-8000-000000000001 email user.email_case",
            "user 01980000-0000-7000-8000-000000000001 username user.username",
        ],
    );
}

#[test]
fn keys_and_requests_hold_together() {
    let users = json!([{"id": id(1), "email": "a@b"}]);
    let account =
        json!([{"id": id(2), "name": "s", "permissions": [{"resource": "d", "action": "a", "resource_id": "1"}]}]);
    let key = json!({"id": id(3), "user_id": id(1), "service_account_id": id(2), "name": "k", "key_prefix": "p",
        "scopes": ["nope"], "expires_at": "2025-01-01T00:00:00Z"});
    let request = json!({"id": id(4), "requester_id": id(1), "request_type": "permission", "status": "approved",
        "requested_permissions": [{"resource": "d", "action": "a", "effect": "deny"}]});
    refused(
        json!({"user": users, "service_account": account, "api_key": [key], "access_request": [request]}),
        &[
            "access_request 01980000-0000-7000-8000-000000000004 approved_by access_request.approved_by",
            "access_request 01980000-0000-7000-8000-000000000004 requested_permissions/0/effect access_request.effect",
            "api_key 01980000-0000-7000-8000-000000000003 expires_at api_key.expires_at",
            "api_key 01980000-0000-7000-8000-000000000003 scopes/0 api_key.scope",
            "api_key 01980000-0000-7000-8000-000000000003 service_account_id api_key.two_owners",
            "service_account 01980000-0000-7000-8000-000000000002 permissions/0/resource_id permission_entry.resource_id",
        ],
    );
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

/// Run it by hand, in release: 100,000 rows are read in well under a second.
#[test]
#[ignore = "a measurement"]
fn a_hundred_thousand_rows() {
    let users: Vec<Value> =
        (1..=50_000).map(|last| json!({"id": id(last), "email": format!("u{last}@acme.example")})).collect();
    let roles: Vec<Value> = (1..=50_000)
        .map(
            |last| json!({"id": id(last), "user_id": id(last), "role_id": id(1), "expires_at": "2027-01-01T00:00:00Z"}),
        )
        .collect();
    let document = json!({"tenant": tenant(), "user": users, "role": [{"id": id(1), "name": "r"}], "user_role": roles});
    let text = document.to_string();
    let started = std::time::Instant::now();
    let value = crate::model::json::parse(&text).unwrap();
    let parsed = started.elapsed();
    assert!(TenantDocument::from_value(value).is_ok());
    println!("read 100,000 rows in {:?}, {parsed:?} of it for the JSON", started.elapsed());
}
