//! What rows from a database may hold that no document does: nothing of it may be passed over in silence.

use super::compile;
use crate::TenantDocument;
use serde_json::json;

fn document() -> TenantDocument {
    let id = |n: u32| format!("01890000-fffe-7000-8000-0000000000{n:02}");
    let document = json!({
        "tenant": {"id": id(1), "name": "Rows", "slug": "rows", "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": "2026-01-01T00:00:00.000Z"},
        "permission": [{"id": id(2), "name": "burn", "resource": "document", "action": "burn", "category": "admin"}],
        "role": [{"id": id(3), "name": "role"}],
        "role_permission": [{"id": id(4), "role_id": id(3), "permission_id": id(2), "effect": "deny"}],
    });
    TenantDocument::read(&document.to_string()).unwrap()
}

#[test]
fn a_grant_that_cannot_be_written_refuses_the_tenant() {
    let mut with_request = document().to_value();
    with_request["user"] = json!([
        {"id": "01890000-fffe-7000-8000-000000000005", "email": "a@rows.example"},
        {"id": "01890000-fffe-7000-8000-000000000006", "email": "b@rows.example"}
    ]);
    with_request["access_request"] = json!([{"id": "01890000-fffe-7000-8000-000000000007",
        "requester_id": "01890000-fffe-7000-8000-000000000005", "approved_by": "01890000-fffe-7000-8000-000000000006",
        "request_type": "resource_access", "status": "approved",
        "requested_permissions": [{"permission": "burn", "resource_id": "d1"}]}]);
    let mut document = TenantDocument::read(&with_request.to_string()).unwrap();
    assert!(compile(&document).is_ok());
    // A row that was written past the model: its type is no Cedar name.
    document.permission[0].resource = "two words".to_owned();
    let findings = compile(&document).unwrap_err();
    assert!(findings.iter().any(|finding| finding.table == "access_request"), "{findings:?}");
}

#[test]
fn two_rows_for_one_action_keep_both_groups() {
    let mut document = document();
    let mut other = document.permission[0].clone();
    other.tenant_id = None;
    other.category = "user".to_owned();
    document.permission.push(other);
    let compiled = compile(&document).unwrap();
    let groups = &compiled.schema().actions["document:burn"].groups;
    assert_eq!(groups.iter().collect::<Vec<_>>(), ["admin", "user"]);
}

#[test]
fn a_tenants_flag_counts_before_the_operators_and_the_operators_mistake_is_a_warning() {
    let flag = |id: u32, tenant: bool, name: &str, enabled: bool, configuration: serde_json::Value| {
        let document = document();
        let row = json!({"id": format!("01890000-fffe-7000-8000-0000000001{id:02}"), "flag_name": name,
            "is_enabled": enabled, "configuration": configuration, "tenant_id": document.tenant.id,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"});
        let row = row.as_object().unwrap().clone();
        let mut flag = <crate::model::FeatureFlag as crate::model::Row>::from_json(row, "flag", &mut vec![]).unwrap();
        flag.tenant_id = tenant.then_some(document.tenant.id);
        flag
    };
    let broken = json!({"targeting": {"StringEquals": {"resource.colour": "red"}}});
    let mut with_flags = document();
    with_flags.feature_flag = vec![
        flag(1, false, "a", true, json!({})),
        flag(2, true, "a", false, json!({})),
        flag(3, false, "b", true, json!({})),
        flag(4, false, "c", true, broken.clone()),
        flag(5, false, "d", true, json!({"targeting": {"Sounds": 1}})),
        flag(6, true, "e", true, json!({"percentage": 10})),
    ];
    let compiled = compile(&with_flags).unwrap();
    let engine = compiled.engine().unwrap();
    let names: Vec<&str> = engine.tenant().flags.iter().map(|flag| flag.name.as_str()).collect();
    assert_eq!(names, ["b", "e"]);
    let rows: Vec<&str> = compiled.warnings().iter().filter_map(|finding| finding.row.as_deref()).collect();
    assert_eq!(rows, ["01890000-fffe-7000-8000-000000000104", "01890000-fffe-7000-8000-000000000105"]);
    // Whatever the order of the rows, the same comes out.
    let key = crate::snapshot::SigningKey::hmac("k", &[1; 32]).unwrap();
    let now = crate::Timestamp::from_millis(0);
    let bytes = compiled.snapshot(1, now, &key);
    with_flags.feature_flag.reverse();
    assert_eq!(compile(&with_flags).unwrap().snapshot(1, now, &key), bytes);
    // The tenant's own mistake is its own to mend.
    with_flags.feature_flag.push(flag(7, true, "f", true, broken));
    assert!(compile(&with_flags).is_err());
}
