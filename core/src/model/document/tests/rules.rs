//! What must hold within a row, and between names.

use super::*;

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
