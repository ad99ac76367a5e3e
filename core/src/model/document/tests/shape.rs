//! Documents and rows that are not of the right shape.

use super::*;

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
