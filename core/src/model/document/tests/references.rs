//! Ids, unique keys, references and hierarchies.

use super::*;

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
