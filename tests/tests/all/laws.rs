//! Laws that hold for every tenant: what may make a denial an allow, and what never does.

use parapet::engine::Outcome;
use parapet::fixture::{Case, Requests};
use parapet::{Engine, Timestamp, compile_text};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

struct Fixture {
    document: Value,
    requests: Requests,
}

fn fixture(name: &str) -> Fixture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name);
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    Fixture {
        document: serde_json::from_str(&read("tenant.json")).unwrap(),
        requests: Requests::read(&read("requests.json")).unwrap(),
    }
}

fn rows<'a>(document: &'a mut Value, table: &str) -> &'a mut Vec<Value> {
    let tables = document.as_object_mut().unwrap();
    tables.entry(table).or_insert_with(|| json!([])).as_array_mut().unwrap()
}

/// The outcome of every case.
fn outcomes(document: &Value, cases: &[Case], now: Timestamp) -> Vec<Outcome> {
    let (document, compiled) = compile_text(&document.to_string()).unwrap();
    let engine: Engine = compiled.engine().unwrap();
    cases
        .iter()
        .map(|case| {
            let request = case.engine_request(&document).unwrap();
            engine.decide(&request, case.now.unwrap_or(now)).outcome
        })
        .collect()
}

/// Nothing that was denied before is allowed after.
fn never_more(before: &[Outcome], after: &[Outcome]) -> Result<(), TestCaseError> {
    for (position, (before, after)) in before.iter().zip(after).enumerate() {
        prop_assert!(*before == Outcome::Allow || *after != Outcome::Allow, "case {position}: {before:?} to {after:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn adding_a_forbid_never_allows(name in prop::sample::select(vec!["saas", "hospital"]), role: prop::sample::Index, permission: prop::sample::Index) {
        let Fixture { mut document, requests } = fixture(name);
        let before = outcomes(&document, &requests.requests, requests.now);
        let role = role.get(rows(&mut document, "role"))["id"].clone();
        let permission = permission.get(rows(&mut document, "permission"))["id"].clone();
        rows(&mut document, "role_permission").push(json!({"id": "01890000-ffff-7000-8000-0000000000ff",
            "role_id": role, "permission_id": permission, "effect": "deny"}));
        never_more(&before, &outcomes(&document, &requests.requests, requests.now))?;
    }

    #[test]
    fn removing_an_assignment_never_allows(name in prop::sample::select(vec!["saas", "hospital"]),
        table in prop::sample::select(vec!["user_role", "user_group_membership", "user_group_role"]), row: prop::sample::Index) {
        let Fixture { mut document, requests } = fixture(name);
        // An assignment that carries a forbid gives by its absence: the law is about what permits.
        rows(&mut document, "role_permission").retain(|row| row.get("effect") != Some(&json!("deny")));
        for role in rows(&mut document, "role") {
            if let Some(entries) = role.get_mut("permissions").and_then(Value::as_array_mut) {
                entries.retain(|entry| entry.get("effect") != Some(&json!("deny")));
            }
        }
        rows(&mut document, "tenant_setting").retain(|row| !row["setting_key"].as_str().unwrap().starts_with("policy."));
        let before = outcomes(&document, &requests.requests, requests.now);
        let assignments = rows(&mut document, table);
        prop_assume!(!assignments.is_empty());
        assignments.remove(row.index(assignments.len()));
        never_more(&before, &outcomes(&document, &requests.requests, requests.now))?;
    }
}

/// Validation against a slice of the schema accepts exactly what validation against the whole accepts.
#[test]
fn sliced_validation_equals_full_validation() {
    let expressions = [
        "true",
        "resource.owner == principal",
        "resource has owner && resource.owner == principal",
        "resource has size && resource.size > 3",
        "resource has size && resource.size > \"3\"",
        "resource has size && resource.size",
        "principal has department && principal.department like \"sales*\"",
        "principal.department == \"sales\"",
        "principal has nothing && principal.nothing == 1",
        "resource in folder::\"f\"",
        "resource in shelf::\"f\"",
        "resource in invoice::\"i\"",
        "principal in Group::\"g\"",
        "principal is ServiceAccount",
        "action == Action::\"document:read\"",
        "action in [Action::\"document:read\", Action::\"invoice:read\"]",
        "action == Action::\"document:burn\"",
        "action in Action::\"user\"",
        "context.weekday < 6",
        "context.weekday",
        "context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))",
        "context.ip.isLoopback()",
        "context has ip && context.ip.isInRange(\"10.0.0.0/8\")",
        "context.flags.contains(\"beta\")",
        "context.flags.contains(1)",
        "context has scopes && context.scopes.contains(action)",
        "if resource has owner then resource.owner == principal else false",
        "if resource has owner then 1 == 1 else 7",
        "[1, \"two\"].contains(1)",
        "resource has tags && resource.tags.containsAll([\"a\"])",
        "resource has tags && resource.tags.containsAll([])",
        "resource has due && resource.due < context.now",
        "resource has due && resource.due < 5",
        "resource has size && 9223372036854775807 + resource.size > 0",
        "User::\"u\" in Group::\"g\"",
        "Person::\"u\" == principal",
    ];
    let schema = json!({
        "user": {"attributes": {"department": "String"}},
        "types": {
            "document": {"attributes": {"owner": "User", "size": "Long", "tags": "Set<String>", "due": "datetime"}, "parents": ["folder"]},
            "folder": {}, "invoice": {"attributes": {"owner": "User"}},
        },
    });
    let document = |condition: Value| {
        json!({
            "tenant": {"id": "01890000-ffff-7000-8000-010000000000", "name": "Laws", "slug": "laws",
                "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"},
            "tenant_setting": [{"id": "01890000-ffff-7000-8000-020000000000", "setting_key": "schema", "setting_value": schema, "category": "auth"}],
            "permission": [
                {"id": "01890000-ffff-7000-8000-030000000001", "name": "one", "resource": "document", "action": "read", "category": "user"},
                {"id": "01890000-ffff-7000-8000-030000000002", "name": "two", "resource": "document", "action": "write", "category": "user"},
                {"id": "01890000-ffff-7000-8000-030000000003", "name": "three", "resource": "invoice", "action": "read", "category": "user"},
            ],
            "role": [{"id": "01890000-ffff-7000-8000-040000000001", "name": "role"}],
            "role_permission": (1..=3).map(|n| json!({
                "id": format!("01890000-ffff-7000-8000-05000000000{n}"), "role_id": "01890000-ffff-7000-8000-040000000001",
                "permission_id": format!("01890000-ffff-7000-8000-03000000000{n}"), "conditions": condition,
            })).collect::<Vec<_>>(),
        })
        .to_string()
    };
    let (_, plain) = compile_text(&document(Value::Null)).unwrap();
    let validator = cedar_policy::Validator::new(cedar_policy::Schema::from_json_value(plain.cedar_schema()).unwrap());
    let (mut accepted, mut refused) = (0, 0);
    for expression in expressions {
        let text = format!(
            "permit(principal is User in Role::\"01890000-ffff-7000-8000-040000000001\", \
             action in [Action::\"document:read\", Action::\"document:write\", Action::\"invoice:read\"], resource) when {{ {expression} }};"
        );
        let full = validator.validate(&text.parse().unwrap(), cedar_policy::ValidationMode::Strict);
        let full = full.validation_passed();
        let sliced = compile_text(&document(json!({"cedar": expression})));
        assert_eq!(sliced.is_ok(), full, "{expression}: {:?}", sliced.err());
        if full { accepted += 1 } else { refused += 1 }
    }
    assert!(accepted >= 10 && refused >= 10, "{accepted} accepted, {refused} refused");
}

/// Everything that the fixtures compile to is valid against the whole schema, the guardrails too.
#[test]
fn compiled_policies_are_valid_against_the_whole_schema() {
    for name in ["saas", "hospital", "custom_policy_forbid", "variables"] {
        let Fixture { document, .. } = fixture(name);
        let (_, compiled) = compile_text(&document.to_string()).unwrap();
        let schema = cedar_policy::Schema::from_json_value(compiled.cedar_schema()).unwrap();
        let validator = cedar_policy::Validator::new(schema);
        let result = validator.validate(&compiled.policies().unwrap(), cedar_policy::ValidationMode::Strict);
        let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert!(compiled.sources().contains_key("guardrail/api_key_scopes"));
    }
}
