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
