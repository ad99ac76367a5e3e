//! The access matrix against decisions: what it allows is always allowed, what it denies never.

use parapet::directory::{EntityRef, PrincipalRecord};
use parapet::engine::{Access, MatrixRow};
use parapet::fixture::Requests;
use parapet::{Engine, Request, Timestamp, compile_text};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::LazyLock;

const NOW: &str = "2026-03-02T10:00:00.000Z";

struct Tenant {
    document: Value,
    engine: Engine,
}

static GENERATED: LazyLock<Tenant> = LazyLock::new(|| {
    let document = parapet_tests::generate::tenant(9, 60, 30, 900);
    let (_, compiled) = compile_text(&document.to_string()).unwrap();
    Tenant { document, engine: compiled.engine().unwrap() }
});

static ROWS: LazyLock<Vec<MatrixRow<'static>>> =
    LazyLock::new(|| GENERATED.engine.matrix(NOW.parse().unwrap()).collect());

/// What a request is about, taken from a generated one.
fn holds(engine: &Engine, row: &MatrixRow<'_>, like: &Request, now: Timestamp) -> Result<[usize; 3], String> {
    let mut cells = [0; 3];
    for cell in &row.cells {
        let (ty, action) = cell.action.split_once(':').unwrap();
        let request = Request {
            principal: row.principal.clone(),
            action: action.to_owned(),
            resource: EntityRef::new(ty, &like.resource.id),
            ..like.clone()
        };
        let decision = engine.decide(&request, now);
        let wrong = match cell.access {
            // Values that do not fit their types are refused before anything else.
            Access::Allow => !decision.is_allow() && decision.at.is_none(),
            Access::No => decision.is_allow(),
            Access::Conditional => !cell.policies.is_sorted() || cell.policies.is_empty(),
        };
        if wrong {
            return Err(format!("{:?} {cell:?} {like:?}: {decision:?}", row.principal));
        }
        cells[cell.access as usize] += 1;
    }
    Ok(cells)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn allow_is_always_allowed_and_no_never(row: prop::sample::Index, seed: u64) {
        let row = row.get(&ROWS);
        let body = parapet_tests::generate::requests(seed, &GENERATED.document, 1).remove(0);
        let now = NOW.parse().unwrap();
        let checked = holds(&GENERATED.engine, row, &evaluation(&body), now);
        prop_assert!(checked.is_ok(), "{checked:?}");
    }
}

fn evaluation(body: &Value) -> Request {
    use parapet::authzen::{Caller, Evaluation};
    let caller = Caller { sets_context: true, scopes: None };
    Evaluation::parse(body.to_string().as_bytes()).unwrap().request(&caller).unwrap()
}

#[test]
fn the_matrix_is_whole() {
    let Tenant { document, engine } = &*GENERATED;
    let count = |table: &str| document[table].as_array().unwrap().len();
    assert_eq!(ROWS.len(), count("user") + count("service_account"));
    assert!(ROWS.is_sorted_by_key(|row| &row.principal));
    for row in ROWS.iter() {
        let actions: Vec<&str> = row.cells.iter().map(|cell| cell.action).collect();
        let declared: Vec<&str> = engine.schema().actions.keys().map(String::as_str).collect();
        assert_eq!(actions, declared);
        assert!(row.reason.is_none() || row.cells.iter().all(|cell| cell.access == Access::No));
    }
    let cells = |access| ROWS.iter().flat_map(|row| &row.cells).filter(|cell| cell.access == access).count();
    // None of the three stands for another.
    for access in [Access::Allow, Access::No, Access::Conditional] {
        assert!(cells(access) > 100, "{access:?}: {}", cells(access));
    }
}

/// The matrix of every fixture against its own requests; whatever they allow is not denied in it.
#[test]
fn the_matrix_of_every_fixture_fits_its_requests() {
    let mut cells = [0; 3];
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    for folder in std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(document) = std::fs::read_to_string(folder.join("tenant.json")) else { continue };
        let (document, compiled) = compile_text(&document).unwrap();
        let engine = compiled.engine().unwrap();
        let requests = std::fs::read_to_string(folder.join("requests.json")).unwrap();
        let requests = Requests::read(&requests).unwrap();
        for case in requests.requests.iter().filter(|case| case.caller.is_none()).take(25) {
            let now = case.now.unwrap_or(requests.now);
            let request = case.engine_request(&document).unwrap();
            for row in engine.matrix(now).take(60) {
                // Whoever is not in the snapshot is asked about by what the directory says of them.
                if let Some(user) = document.user.iter().find(|user| user.id.to_string() == row.principal.id) {
                    let (roles, groups) = (&document.user_role, &document.user_group_membership);
                    let record = PrincipalRecord::of_user(user, roles, groups, &document.access_request);
                    assert_eq!(engine.matrix_row(&record, now), row);
                }
                let checked = holds(&engine, &row, &request, now);
                let checked = checked.unwrap_or_else(|wrong| panic!("{}: {wrong}", folder.display()));
                for (sum, checked) in cells.iter_mut().zip(checked) {
                    *sum += checked;
                }
            }
        }
    }
    assert!(cells.iter().all(|cells| *cells > 1_000), "{cells:?}");
}

/// One cell a rule: what an answer depends on.
#[test]
fn cells_depend_on_what_their_policies_read() {
    let read = |name: &str, condition: &str| {
        let text = format!(
            "permit (principal is User, action == Action::\"document:{name}\", resource) when {{ {condition} }};"
        );
        (name.to_owned(), text)
    };
    let rules = [
        (read("own", "principal has clearance && principal.clearance >= 3"), "allow"),
        (read("low", "principal has clearance && principal.clearance >= 9"), "no"),
        (read("absent", "principal has region && principal.region == \"emea\""), "no"),
        (read("fails", "principal has clearance && principal.clearance + 9223372036854775807 > 0"), "no"),
        (read("resource", "resource has owner && resource.owner == principal"), "conditional"),
        (read("late", "resource has owner && principal has clearance && principal.clearance >= 9"), "no"),
        (
            read("either", "(context has mfa && context.mfa) || (principal has clearance && principal.clearance >= 3)"),
            "conditional",
        ),
        (
            read("first", "(principal has clearance && principal.clearance >= 3) || (context has mfa && context.mfa)"),
            "allow",
        ),
        (read("caller", "principal has trust && principal.trust > 1"), "conditional"),
        (read("typed", "resource is document"), "allow"),
        (read("over", "context.now < datetime(\"2026-01-01\")"), "no"),
        (read("until", "context.now < datetime(\"2027-01-01\")"), "allow"),
        (read("flag", "context.flags.contains(\"beta\")"), "allow"),
        (read("unflagged", "context.flags.contains(\"gamma\")"), "no"),
        (
            read(
                "branch",
                "if principal has clearance && principal.clearance >= 3 then true else (context has mfa && context.mfa)",
            ),
            "allow",
        ),
        (read("not", "!(context has mfa && context.mfa)"), "conditional"),
        (read("deep", "principal has boss && principal.boss has clearance"), "conditional"),
    ];
    let permission = |number: usize, action: &str| {
        json!({"id": format!("01890000-0000-7000-8000-0000000002{number:02}"),
        "name": format!("document.{action}"), "resource": "document", "action": action, "category": "user", "description": ""})
    };
    let setting = |number: usize, key: &str, value: Value| {
        json!({"id": format!("01890000-0000-7000-8000-0000000003{number:02}"),
        "setting_key": key, "setting_value": value, "category": "auth"})
    };
    let schema = json!({"user": {"attributes": {"clearance": "Long", "region": "String", "boss": "User"},
        "caller_attributes": {"trust": "Long"}}, "types": {"document": {"attributes": {"owner": "User"}}}});
    let mut settings = vec![setting(99, "schema", schema)];
    let mut permissions = vec![];
    for (number, ((action, text), _)) in rules.iter().enumerate() {
        settings.push(setting(number, &format!("policy.{action}"), text.as_str().into()));
        permissions.push(permission(number, action));
    }
    // A forbid that needs the resource makes an allow conditional, one that needs nothing makes it a no.
    let more = [
        (
            "guarded",
            "forbid (principal, action == Action::\"document:guarded\", resource) when { resource has owner };",
        ),
        ("shut", "forbid (principal, action == Action::\"document:shut\", resource);"),
        (
            "failing",
            "forbid (principal is User, action == Action::\"document:failing\", resource)\nwhen { principal has clearance && principal.clearance + 9223372036854775807 > 0 };",
        ),
        (
            "other",
            "forbid (principal is User, action == Action::\"document:other\", resource)\nwhen { principal has clearance && principal.clearance > 8 };",
        ),
    ];
    for (number, (action, forbid)) in (50..).zip(more) {
        permissions.push(permission(number, action));
        settings.push(setting(number, &format!("policy.no_{action}"), forbid.into()));
        let permit = format!("permit (principal is User, action == Action::\"document:{action}\", resource);");
        settings.push(setting(number + 10, &format!("policy.{action}"), permit.into()));
    }
    let document = json!({
        "tenant": {"id": "01890000-0000-7000-8000-000000000100", "name": "Small", "slug": "small", "status": "active",
            "created_at": NOW, "updated_at": NOW},
        "user": [{"id": "01890000-0000-7000-8000-000000000001", "email": "u@x.example", "username": "u", "first_name": "U",
            "last_name": "X", "email_verified": true, "custom_attributes": {"clearance": 4,
                "boss": {"type": "User", "id": "01890000-0000-7000-8000-000000000002"}}}],
        "permission": permissions, "tenant_setting": settings,
        "feature_flag": [{"id": "01890000-0000-7000-8000-000000000401", "flag_name": "beta", "is_enabled": true,
            "configuration": {}}]
    });
    let (_, compiled) = compile_text(&document.to_string()).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let engine = compiled.engine().unwrap();
    let rows: Vec<Value> = engine.matrix(NOW.parse().unwrap()).map(|row| serde_json::to_value(row).unwrap()).collect();
    let access = |action: &str| {
        let cells = rows[0]["cells"].as_array().unwrap();
        cells.iter().find(|cell| cell["action"] == format!("document:{action}")).unwrap()["access"].clone()
    };
    for ((action, text), expected) in &rules {
        assert_eq!(access(action), *expected, "{text}");
    }
    for (action, expected) in [("guarded", "conditional"), ("shut", "no"), ("failing", "no"), ("other", "allow")] {
        assert_eq!(access(action), expected, "{action}");
    }
    // And each is as it is decided, with and without what it may depend on.
    for context in [json!({}), json!({"mfa": true}), json!({"mfa": false})] {
        for attributes in [json!({}), json!({"owner": {"type": "User", "id": "01890000-0000-7000-8000-000000000001"}})]
        {
            let object = |json: &Value| -> Map<String, Value> { json.as_object().unwrap().clone() };
            let mut like = Request::new(EntityRef::new("User", "u"), "read", EntityRef::new("document", "d"));
            (like.context, like.resource_attributes) = (object(&context), Some(object(&attributes)));
            for row in engine.matrix(NOW.parse().unwrap()) {
                holds(&engine, &row, &like, NOW.parse().unwrap()).unwrap();
            }
        }
    }
}
