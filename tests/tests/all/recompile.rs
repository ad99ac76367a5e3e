//! Compiling a tenant again, with what is known of it, gives what compiling it from nothing gives: the same bytes, the
//! same findings; and an invalid policy is found however much is known.

use parapet::compile::{Known, compile_again};
use parapet::snapshot::SigningKey;
use parapet::{Compiled, Finding, TenantDocument, Timestamp, compile};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

const NAMES: [&str; 3] = ["generated", "saas", "hospital"];

fn document(name: &str) -> Value {
    if name == "generated" {
        return parapet_tests::generate::tenant(3, 8, 12, 150);
    }
    let file = format!("{}/../fixtures/{name}/tenant.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn rows<'a>(document: &'a mut Value, table: &str) -> &'a mut Vec<Value> {
    let tables = document.as_object_mut().unwrap();
    tables.entry(table).or_insert_with(|| json!([])).as_array_mut().unwrap()
}

fn some<'a>(document: &'a mut Value, table: &str, which: Index) -> Option<&'a mut Value> {
    let rows = rows(document, table);
    if rows.is_empty() { None } else { Some(which.get_mut(rows)) }
}

/// Conditions, right and wrong; whether some are right depends on the schema.
fn condition(which: Index) -> Value {
    let all = [
        Value::Null,
        json!({"StringEquals": {"resource.department": "${principal.department}"}}),
        json!({"NumericGreaterThan": {"resource.sensitivity": 2}}),
        json!({"StringEquals": {"resource.sensitivity": "high"}}),
        json!({"EntityEquals": {"resource.owner": "${principal}"}}),
        json!({"StringEquals": {"resource.owner": "me"}}),
        json!({"Bool": {"context.mfa": true}}),
        json!({"cedar": "resource has sensitivity && resource.sensitivity > 2"}),
        json!({"cedar": "resource has sensitivity && resource.sensitivity == \"high\""}),
        json!({"cedar": "resource.sensitivity > 2"}),
        json!({"cedar": "principal has department && principal.department like \"s*\""}),
        json!({"cedar": "action in Action::\"admin\""}),
        json!({"cedar": "action == Action::\"document:burn\""}),
        json!({"cedar": "resource in folder::\"a\""}),
        json!({"cedar": "context.weekday + 1"}),
        json!({"cedar": "context.weekday < 6 &&"}),
        json!({"Sounds": {"a": 1}}),
    ];
    which.get(&all).clone()
}

/// Types of an attribute.
fn ty(which: Index) -> Value {
    which.get(&[json!("Long"), json!("String"), json!("User"), json!("Set<String>"), json!("decimal")]).clone()
}

/// Policies written as text.
fn policy(which: Index) -> &'static str {
    let texts: [&'static str; 9] = [
        "forbid(principal, action, resource) when { context has mfa && !context.mfa };",
        "permit(principal, action, resource) when { context has mfa && context.mfa };",
        "forbid(principal, action, resource) when { context.mfa };",
        "forbid(principal, action, resource) unless { principal has department && principal.department == \"x\" };",
        "forbid(principal, action, resource is document) when { resource has sensitivity && resource.sensitivity > 4 };",
        "permit(principal, action in Action::\"admin\", resource);",
        "permit(principal, action == Action::\"document:burn\", resource);",
        "permit(principal in Group::\"g\", action, resource) when { principal is ServiceAccount };",
        "permit(principal, action, resource",
    ];
    which.get::<&str>(&texts)
}

/// Changes one thing of a tenant.
fn change(document: &mut Value, number: usize, what: u8, which: Index, how: Index) {
    let id = |table: u32| format!("01890000-{table:04x}-7000-8000-{number:012x}");
    let setting =
        |key: &str, value: Value| json!({"id": id(1), "setting_key": key, "setting_value": value, "category": "auth"});
    match what {
        0 | 1 => {
            let role = which.get(rows(document, "role"))["id"].clone();
            let permission = how.get(rows(document, "permission"))["id"].clone();
            let effect = if what == 0 { "allow" } else { "deny" };
            let row = json!({"id": id(2), "role_id": role, "permission_id": permission, "effect": effect, "conditions": condition(which)});
            rows(document, "role_permission").push(row);
        }
        2 => {
            let rows = rows(document, "role_permission");
            if !rows.is_empty() {
                rows.remove(which.index(rows.len()));
            }
        }
        3 => {
            if let Some(row) = some(document, "role_permission", which) {
                row["conditions"] = condition(how);
            }
        }
        4 => {
            if let Some(row) = some(document, "role", which) {
                row["is_active"] = json!(how.index(2) == 0);
            }
        }
        5 => {
            let permission = which.get(rows(document, "permission"))["name"].clone();
            if let Some(row) = some(document, "role", how) {
                row["permissions"] = json!([{"permission": permission, "conditions": condition(how)}]);
            }
        }
        // The type of an attribute that conditions read: of a resource type, or of the user.
        6 | 7 => {
            let Some(row) = rows(document, "tenant_setting").iter_mut().find(|row| row["setting_key"] == "schema")
            else {
                return;
            };
            let declared = &mut row["setting_value"];
            if what == 6 {
                let Some(types) = declared["types"].as_object_mut() else { return };
                let count = types.len();
                let Some((_, declared)) = types.iter_mut().nth(which.index(count.max(1))) else { return };
                let name = how.get(&["sensitivity", "owner", "department"]);
                declared["attributes"][*name] = ty(how);
            } else {
                declared["user"]["attributes"]["department"] = ty(how);
            }
        }
        // Declared, or inferred from the conditions.
        8 => rows(document, "tenant_setting").retain(|row| row["setting_key"] != "schema"),
        9 => {
            let category = how.get(&["user", "admin", "sharing"]);
            let (name, action) =
                (format!("new{number}"), if how.index(2) == 0 { "burn".to_owned() } else { format!("act{number}") });
            rows(document, "permission").push(
                json!({"id": id(3), "name": name, "resource": "document", "action": action, "category": category}),
            );
        }
        10 => {
            if let Some(row) = some(document, "permission", which) {
                row["category"] = json!(how.get(&["user", "admin", "sharing"]));
            }
        }
        11 => {
            rows(document, "tenant_setting").retain(|row| row["setting_key"] != "policy.own");
            rows(document, "tenant_setting").push(setting("policy.own", json!(policy(how))));
        }
        12 => {
            rows(document, "feature_flag").retain(|row| row["flag_name"] != "beta");
            rows(document, "feature_flag").push(json!({"id": id(4), "flag_name": "beta", "is_enabled": true,
                "configuration": {"targeting": condition(how)}}));
        }
        _ => {
            if let Some(row) = some(document, "user_group", which) {
                row["type"] = json!("automatic");
                row["auto_assignment_rules"] = condition(how);
            }
        }
    }
}

fn bytes(compiled: &Compiled) -> Vec<u8> {
    compiled.snapshot(7, Timestamp::from_millis(0), &SigningKey::hmac("test", &[7; 32]).unwrap())
}

/// Compiles from nothing and with what is known, and holds both to each other.
fn both(document: &TenantDocument, known: &Known) -> Result<Result<Compiled, Vec<Finding>>, TestCaseError> {
    let (whole, again) = (compile(document), compile_again(document, known));
    match (&whole, &again) {
        (Ok(whole), Ok(again)) => {
            prop_assert_eq!(whole.cedar(), again.cedar());
            prop_assert_eq!(whole.warnings(), again.warnings());
            prop_assert_eq!(whole.sources(), again.sources());
            prop_assert!(bytes(whole) == bytes(again), "other bytes");
            prop_assert_eq!(whole.known().size(), again.known().size(), "what is known is what the tenant has");
        }
        (Err(whole), Err(again)) => prop_assert_eq!(whole, again),
        (whole, again) => prop_assert!(false, "{:?} but {:?}", whole.as_ref().err(), again.as_ref().err()),
    }
    Ok(again)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_known_changes_nothing(
        name in prop::sample::select(NAMES.to_vec()),
        changes: [(u8, Index, Index); 16],
    ) {
        let mut document = document(name);
        let mut known = compile(&TenantDocument::from_value(document.clone()).unwrap()).unwrap().into_known();
        for (number, (what, which, how)) in changes.into_iter().enumerate() {
            let before = document.clone();
            change(&mut document, number, what % 14, which, how);
            let Ok(rows) = TenantDocument::from_value(document.clone()) else {
                document = before;
                continue;
            };
            match both(&rows, &known)? {
                Ok(compiled) => known = compiled.into_known(),
                // As at the edge, where it is refused; a second change may lie upon some that are wrong.
                Err(_) if number % 4 != 0 => document = before,
                Err(_) => {}
            }
        }
    }
}

/// Each change of the schema makes a condition invalid that was found valid before, in every place that a condition has.
#[test]
fn what_was_valid_under_another_schema_is_not_known() {
    let schema =
        |ty: &str| json!({"user": {"attributes": {"level": ty}}, "types": {"document": {"attributes": {"level": ty}}}});
    let with = |ty: &str, text: &str, part: &str| {
        let id = |n: u32| format!("01890000-fffe-7000-8000-0000000000{n:02}");
        let condition = json!({"cedar": text});
        let mut document = json!({
            "tenant": {"id": id(1), "name": "Rows", "slug": "rows", "created_at": "2026-01-01T00:00:00.000Z",
                "updated_at": "2026-01-01T00:00:00.000Z"},
            "permission": [{"id": id(2), "name": "read", "resource": "document", "action": "read", "category": "user"}],
            "role": [{"id": id(3), "name": "role"}],
            "tenant_setting": [{"id": id(5), "setting_key": "schema", "setting_value": schema(ty), "category": "auth"}],
        });
        match part {
            "grant" => {
                document["role_permission"] =
                    json!([{"id": id(4), "role_id": id(3), "permission_id": id(2), "conditions": condition}])
            }
            "flag" => {
                document["feature_flag"] = json!([{"id": id(6), "flag_name": "f", "is_enabled": true, "configuration": {"targeting": condition}}])
            }
            "group" => {
                document["user_group"] =
                    json!([{"id": id(7), "name": "g", "type": "automatic", "auto_assignment_rules": condition}])
            }
            _ => rows(&mut document, "tenant_setting")
                .push(json!({"id": id(8), "setting_key": "policy.own", "category": "auth",
                "setting_value": format!("permit(principal, action, resource) when {{ {text} }};")})),
        }
        TenantDocument::from_value(document).unwrap()
    };
    for (part, text) in [
        ("grant", "resource has level && resource.level > 2"),
        ("grant", "principal has level && principal.level > 2"),
        ("flag", "principal has level && principal.level > 2"),
        ("group", "principal has level && principal.level > 2"),
        ("policy", "principal has level && principal.level > 2"),
        ("policy", "resource has level && resource.level > 2"),
    ] {
        let valid = compile(&with("Long", text, part)).unwrap();
        assert!(compile_again(&with("Long", text, part), valid.known()).is_ok(), "{part}: {text}");
        let refused = compile_again(&with("String", text, part), valid.known()).unwrap_err();
        assert!(refused.iter().any(|finding| finding.code == "policy.invalid"), "{part}: {text}: {refused:?}");
    }
}

/// What is known is of one compilation: a tenant that loses its conditions is not remembered by them.
#[test]
fn what_is_not_asked_again_is_forgotten() {
    let mut rows = TenantDocument::from_value(document("generated")).unwrap();
    let compiled = compile(&rows).unwrap();
    let (valid, printed) = compiled.known().size();
    assert!(valid > 10 && printed > 10, "{valid} and {printed}");
    rows.role_permission.clear();
    let again = compile_again(&rows, compiled.known()).unwrap();
    assert_eq!(again.known().size(), compile(&rows).unwrap().known().size());
    assert!(again.known().size().0 < valid);
}
