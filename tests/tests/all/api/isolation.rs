//! Tenant isolation: with one tenant's credentials, no route finds or changes anything of another tenant's.

use super::administration::office;
use super::*;
use parapet::model::TABLES;
use parapet_worker::guard::Access;

/// A row in every table, of another tenant than `acme`.
pub(super) fn full() -> TenantDocument {
    let text = include_str!("../../../../core/src/model/every_table.json")
        .replace("01980000-0000-7000-8000-", "01980000-0000-7000-9000-")
        .replace("\"acme\"", "\"full\"")
        .replace("id.acme.example", "id.full.example");
    let mut document = TenantDocument::read(&text).unwrap();
    document.tenant.name = "Elsewhere".to_owned();
    document
}

/// Every id that a row of the tenant has, and the id of the tenant itself.
fn ids(document: &TenantDocument) -> Vec<String> {
    let mut ids = vec![];
    document.visit_sql(&mut |table, values| {
        // A row of the operator's is everybody's.
        if table
            .columns
            .iter()
            .zip(&values)
            .any(|(column, value)| column.name == "tenant_id" && *value == SqlValue::Null)
        {
            return;
        }
        for (column, value) in table.columns.iter().zip(values) {
            if let ("id", SqlValue::Text(id)) = (column.name, value) {
                ids.push(id);
            }
        }
    });
    ids
}

/// Everything that the other tenant has.
pub(super) fn rows(edge: &Edge, tenant: &str) -> Vec<String> {
    let mut rows = vec![];
    for table in TABLES {
        let column = if table.name == "tenant" { "id" } else { "tenant_id" };
        let sql = format!("SELECT * FROM \"{}\" WHERE {column} = ?1 ORDER BY rowid", table.name);
        let found = pollster::block_on(edge.app.db.all(Statement::new(sql).bind(tenant))).unwrap();
        rows.extend(found.into_iter().map(|row| format!("{} {row:?}", table.name)));
    }
    rows
}

#[test]
fn no_route_finds_or_changes_anything_of_another_tenant() {
    let office = office();
    let other = full();
    office.edge.seed(&other);
    let tenant = other.tenant.id.to_string();
    let before = rows(&office.edge, &tenant);
    assert!(before.len() >= 27, "{}", before.len());
    let mut walked = 0;
    for route in routes() {
        if !matches!(route.access, Access::Permission(..)) {
            continue;
        }
        let ids = if route.path.contains("{id}") { ids(&other) } else { vec![String::new()] };
        for id in ids {
            let path = route.path.replace("{id}", &id);
            // With a body that names nothing, and with one that names all that is theirs.
            let whole = json!({ "user_id": id, "role_id": id, "user_group_id": id, "permission_id": id, "parent_id": id,
                                "organization_unit_id": id, "service_account_id": id, "tenant_id": tenant, "name": "ours" });
            for body in [json!({}), whole] {
                let body = (route.method != "GET" && route.method != "DELETE").then_some(body);
                let response = office.edge.call(&office.owner, route.method, &path, body.clone());
                let text = String::from_utf8_lossy(&response.body).into_owned();
                let place = format!("{} {path} {body:?}: {} {text}", route.method, response.status);
                if route.path.contains("{id}") {
                    // Of SCIM, whose bodies name their schema, before anything is looked for.
                    let malformed = response.status == 400 && path.starts_with("/scim/");
                    assert!(matches!(response.status, 404 | 403 | 422) || malformed, "{place}");
                    if matches!(route.method, "GET" | "DELETE") {
                        assert_eq!(response.status, 404, "{place}");
                    }
                } else {
                    assert!(response.status < 500, "{place}");
                }
                // What the caller wrote may come back; nothing else of theirs does.
                let told = text.contains(&other.tenant.name) || text.contains("full.example");
                assert!(!told && (response.status >= 400 || !text.contains(&tenant)), "{place}");
                walked += 1;
            }
        }
    }
    assert!(walked > 200, "{walked}");
    assert_eq!(rows(&office.edge, &tenant), before);
}
