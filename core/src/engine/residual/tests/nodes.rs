//! Each kind of node, evaluated as far as it goes.

use super::{check, generator::Rng, residual, rows};
use crate::engine::residual::{Answer, Column, Columns, Dialect, Encoding, Residual, SqlError};
use serde_json::json;

/// The residual of one permit under a condition, held against decisions.
fn of(condition: &str) -> Residual {
    let rows = rows(&mut Rng(7), 60);
    check(&format!("permit(principal, action, resource) when {{ {condition} }};"), &rows)
}

#[test]
fn what_is_known_is_gone_and_the_rest_is_a_condition() {
    for (condition, expected) in [
        ("true", "true"),
        ("principal.department == \"sales\" && context.weekday == 1", "true"),
        ("principal.department == \"legal\" && resource.public", "false"),
        ("principal has phone || resource.public", "(resource has public && resource.public == true)"),
        ("resource.owner == principal", "(resource has owner && resource.owner == User::\"ann\")"),
        (
            "resource has owner && resource.owner == principal",
            "(resource has owner && resource.owner == User::\"ann\")",
        ),
        (
            "!(resource has owner && resource.owner == principal)",
            "!((resource has owner && resource.owner == User::\"ann\"))",
        ),
        (
            "resource.owner != principal",
            "(!((resource has owner && resource.owner == User::\"ann\")) && resource has owner)",
        ),
        ("if resource has size then resource.size > 3 else true", "!((resource has size && resource.size <= 3))"),
        ("[\"a\", \"b\"].contains(resource.state)", "(resource has state && [\"a\", \"b\"].contains(resource.state))"),
        ("resource.state like \"a\\**\"", "(resource has state && resource.state like \"a\\**\")"),
        (
            "resource.tags.containsAny(principal.teams)",
            "(resource has tags && resource.tags.containsAny([\"a\", \"b\"]))",
        ),
        ("resource.tags.containsAll([\"a\"])", "(resource has tags && resource.tags.contains(\"a\"))"),
        ("resource.tags.isEmpty()", "(resource has tags && resource.tags.isEmpty())"),
        ("resource has address.zip", "(resource has address && resource.address has zip)"),
        ("resource has \"a \\\"b\\\".c\"", "resource has \"a \\\"b\\\".c\""),
        ("resource[\"if\"]", "(resource has \"if\" && resource[\"if\"] == true)"),
        ("resource is document", "true"),
        ("resource is folder", "false"),
        ("resource == document::\"d1\"", "resource == document::\"d1\""),
        ("resource == folder::\"d1\"", "false"),
        ("resource has nothing", "false"),
        ("resource.nothing == 1", "false"),
        ("resource.size == \"3\"", "false"),
        ("resource.size < \"3\" || true", "false"),
        ("resource in folder::\"top\"", "resource in folder::\"top\""),
        ("resource in folder::\"none\"", "false"),
        ("principal in resource.folder", "false"),
        // Nobody knows in what others lie; the principal lies in its group and in the group's unit.
        ("resource.owner in Group::\"staff\"", "(resource has owner && resource.owner == User::\"ann\")"),
        ("resource.owner in OrganizationUnit::\"head\"", "(resource has owner && resource.owner == User::\"ann\")"),
        // An entity has attributes only where it is the principal or the resource.
        ("resource.owner.level == 3", "(resource has owner && resource.owner == User::\"ann\")"),
        ("document::\"d4\".size == 1", "(resource == document::\"d4\" && (resource has size && resource.size == 1))"),
        (
            "resource.ip.isLoopback()",
            "(resource has ip && ((resource has ip && resource.ip.isInRange(ip(\"127.0.0.0/8\"))) || (resource has ip && resource.ip.isInRange(ip(\"0:0:0:0:0:0:0:1/128\")))))",
        ),
    ] {
        let residual = of(condition);
        assert!(residual.is_exact(), "{condition}: {residual:?}");
        assert_eq!(residual.cedar(), expected, "{condition}");
    }
}

#[test]
fn arithmetic_on_one_attribute_becomes_its_bounds() {
    for (condition, expected) in [
        (
            "resource.size + 1 > 3",
            "((resource has size && 2 < resource.size) && (resource has size && resource.size <= 9223372036854775806))",
        ),
        ("resource.size * 2 == 6", "(resource has size && resource.size == 3)"),
        ("resource.size * 2 == 7", "false"),
        ("-resource.size <= 7", "(resource has size && -7 <= resource.size)"),
        (
            "resource.due.offset(duration(\"1d\")) <= context.now",
            "(resource has due && resource.due <= datetime(\"2026-03-01T10:00:00.000Z\"))",
        ),
        (
            "context.now.durationSince(resource.due) > duration(\"1h\")",
            "(resource has due && resource.due < datetime(\"2026-03-02T09:00:00.000Z\"))",
        ),
        (
            "resource.due.offset(duration(\"1h\")).toTime() < duration(\"9h\")",
            "(resource has due && resource.due.offset(duration(\"3600000ms\")).toTime() < duration(\"32400000ms\"))",
        ),
        (
            "resource.spent.toDays() == 1",
            "((resource has spent && duration(\"86400000ms\") <= resource.spent) && (resource has spent && resource.spent <= duration(\"172799999ms\")))",
        ),
    ] {
        let residual = of(condition);
        assert!(residual.is_exact(), "{condition}: {residual:?}");
        assert_eq!(residual.cedar(), expected, "{condition}");
    }
}

#[test]
fn what_fails_is_not_permitted_and_forbids() {
    let rows = rows(&mut Rng(3), 60);
    let forbids =
        "permit(principal, action, resource); forbid(principal, action, resource) when { resource.size > 3 };";
    let residual = check(forbids, &rows);
    // Where there is no size the forbid fails, and where it fails nothing is allowed.
    assert_eq!(residual.cedar(), "(resource has size && resource.size <= 3)");
    let overflow = "permit(principal, action, resource);
        forbid(principal, action, resource) when { resource has size && resource.size * 2 > 10 };";
    let residual = check(overflow, &rows);
    assert!(residual.is_exact());
}

#[test]
fn what_cannot_be_expressed_is_said_and_decided_against() {
    let rows = rows(&mut Rng(5), 60);
    let sum = "resource has size && resource has rank && resource.size + resource.rank > 3";
    let only = check(&format!("permit(principal, action, resource) when {{ {sum} }};"), &rows);
    assert_eq!((only.answer, only.unsupported.len()), (Answer::Never, 1));
    assert_eq!(only.unsupported[0].policy, "p00");
    assert_eq!(only.unsupported[0].what, "arithmetic on several attributes");
    let beside = check(&format!("permit(principal, action, resource) when {{ resource.public || ({sum}) }};"), &rows);
    assert_eq!(beside.cedar(), "(resource has public && resource.public == true)");
    assert!(!beside.is_exact());
    let forbid = format!("permit(principal, action, resource); forbid(principal, action, resource) when {{ {sum} }};");
    let forbid = check(&forbid, &rows);
    assert_eq!(forbid.cedar(), "(!(resource has size) || !(resource has rank))");
    assert!(!forbid.is_exact());
    // What makes no difference is not said.
    let another = format!("permit(principal, action, resource); permit(principal, action, resource) when {{ {sum} }};");
    let another = check(&another, &rows);
    assert_eq!(another.answer, Answer::Always);
    assert!(another.is_exact());
}

#[test]
fn what_is_long_or_deep_does_not_exhaust_the_stack() {
    let rows = rows(&mut Rng(5), 20);
    let permit =
        |condition: &str| check(&format!("permit(principal, action, resource) when {{ {condition} }};"), &rows);
    let many = |count: usize, part: &str, operator: &str| vec![part; count].join(operator);
    let differing = (0..128).map(|n| format!("resource.size == {n}")).collect::<Vec<_>>().join(" || ");
    assert!(permit(&differing).is_exact());
    assert!(permit(&format!("resource.size + {} > 3", many(120, "1", " + "))).is_exact());
    for deep in [
        format!("resource.size + {} > 3", many(400, "1", " + ")),
        (0..400).map(|n| format!("resource.size * {n} == 7")).collect::<Vec<_>>().join(" || "),
    ] {
        // Decisions are not made with it here: an unoptimised program would exhaust this thread's stack.
        let deep = residual(&super::engine(&format!("permit(principal, action, resource) when {{ {deep} }};")));
        assert_eq!(deep.unsupported[0].what, "a condition that is too large or nests too deep");
    }
}

#[test]
fn as_json() {
    let residual = of("resource.owner == principal || (resource has due && !(resource.due < context.now))");
    assert_eq!(
        residual.json(),
        json!({"answer": "condition", "unsupported": [], "condition": {"any": [
            {"equals": [{"attribute": ["owner"], "type": "User"}, {"value": {"type": "User", "id": "ann"}}]},
            {"all": [
                {"has": ["owner"]},
                {"less_or_equal": [{"value": "2026-03-02T10:00:00.000Z"}, {"attribute": ["due"], "type": "datetime"}]},
            ]},
        ]}})
    );
    let inside = of("resource in folder::\"top\"");
    assert_eq!(
        inside.json()["condition"],
        json!({"in": [{"resource": true}, {"value": {"type": "folder", "id": "top"}}], "ids": ["d1", "d2"]})
    );
    let unknown = super::engine("permit(principal, action, resource);");
    let mut request = super::request("", &serde_json::Map::new());
    request.action = "fly".to_owned();
    let never = unknown.residual(&request, super::now()).json();
    assert_eq!(never, json!({"answer": "never", "reason": "unknown_action", "unsupported": []}));
    assert_eq!(residual_of_nobody().json()["reason"], "principal_unknown");
}

fn residual_of_nobody() -> Residual {
    let engine = super::engine("permit(principal, action, resource);");
    assert_eq!(residual(&engine).answer, Answer::Always);
    engine.residual_with(None, &super::request("", &serde_json::Map::new()), super::now())
}

#[test]
fn as_sql() {
    let declared = super::schema().types["document"].attributes.clone();
    let columns = Columns::by_name(&declared);
    for (condition, sqlite, postgresql) in [
        (
            "resource.owner == principal",
            "(`owner` IS NOT NULL AND `owner` COLLATE BINARY = ?1)",
            "(\"owner\" IS NOT NULL AND \"owner\" = $1)",
        ),
        ("!(resource has state)", "NOT (`state` IS NOT NULL)", "NOT (\"state\" IS NOT NULL)"),
        (
            "resource.state like \"a\\*_[*\"",
            "(`state` IS NOT NULL AND `state` GLOB ?1)",
            "(\"state\" IS NOT NULL AND \"state\" LIKE $1 ESCAPE '!')",
        ),
        (
            "resource.size <= 3",
            "(`size` IS NOT NULL AND `size` <= ?1)",
            "(\"size\" IS NOT NULL AND \"size\" <= $1::bigint)",
        ),
        (
            "resource.due < context.now",
            "(`due` IS NOT NULL AND `due` COLLATE BINARY < ?1)",
            "(\"due\" IS NOT NULL AND \"due\" COLLATE \"C\" < $1)",
        ),
        (
            "resource.tags.contains(\"a\")",
            "(`tags` IS NOT NULL AND COALESCE(?1 IN (SELECT parapet_element.value FROM json_each(`tags`) AS parapet_element), FALSE))",
            "(\"tags\" IS NOT NULL AND \"tags\" @> to_jsonb($1::text))",
        ),
        (
            "resource in folder::\"top\"",
            "(`id` COLLATE BINARY IN (SELECT parapet_element.value FROM json_each(?1) AS parapet_element))",
            "(\"id\" IN (SELECT jsonb_array_elements_text($1::jsonb)))",
        ),
        (
            "resource.address.street == \"a\"",
            "(`address_street` IS NOT NULL AND `address_street` COLLATE BINARY = ?1)",
            "(\"address_street\" IS NOT NULL AND \"address_street\" = $1)",
        ),
    ] {
        let residual = of(condition);
        for (dialect, expected) in [(Dialect::Sqlite, sqlite), (Dialect::PostgreSql, postgresql)] {
            let sql = residual.sql(dialect, &columns).unwrap();
            assert_eq!(sql.condition, expected, "{condition}");
            assert_eq!(sql.params.len(), expected.matches(['?', '$']).count());
            assert!(sql.unsupported.is_empty());
        }
    }
    let patterns = of("resource.state like \"a\\*_[*!\"");
    let pattern = |dialect| serde_json::to_value(patterns.sql(dialect, &columns).unwrap().params).unwrap();
    assert_eq!(pattern(Dialect::Sqlite), json!(["a[*]_[[]*!"]));
    assert_eq!(pattern(Dialect::PostgreSql), json!(["a*!_[%!!"]));
}

#[test]
fn what_sql_or_the_columns_cannot_express_is_said() {
    let declared = super::schema().types["document"].attributes.clone();
    let columns = Columns::by_name(&declared);
    let addresses = of("resource.public || resource.ip.isInRange(ip(\"10.0.0.0/8\"))");
    let sql = addresses.sql(Dialect::Sqlite, &columns).unwrap();
    assert_eq!(sql.condition, "(`public` IS NOT NULL AND `public` = ?1)");
    assert_eq!(sql.unsupported, ["addresses, of which SQLite knows nothing"]);
    assert!(addresses.sql(Dialect::PostgreSql, &columns).unwrap().unsupported.is_empty());
    let record = of("!(resource has address)").sql(Dialect::Sqlite, &columns).unwrap();
    assert_eq!((record.condition.as_str(), record.unsupported.len()), ("FALSE", 1));

    let owner = of("resource.owner == principal");
    let refused = |columns: &Columns| owner.sql(Dialect::Sqlite, columns).unwrap_err().code();
    assert_eq!(refused(&Columns::default()), "sql.no_column");
    let with = |column: Column| columns.clone().attribute("owner", column);
    assert_eq!(refused(&with(Column::new("owner").with(Encoding::Milliseconds))), "sql.wrong_encoding");
    assert_eq!(refused(&with(Column::new(""))), "sql.wrong_name");
    let odd = owner.sql(Dialect::Sqlite, &with(Column::new("a`b\"").of("t"))).unwrap();
    assert_eq!(odd.condition, "(`t`.`a``b\"` IS NOT NULL AND `t`.`a``b\"` COLLATE BINARY = ?1)");
    let declared = super::attributes(json!({"id": "Long", "a": {"b": "Long"}, "a_b": "Long"}));
    let paths: Vec<String> = Columns::by_name(&declared).attributes.into_keys().collect();
    assert_eq!(paths, ["a_b"], "a column holds one thing");
    let tags = of("resource.tags.contains(\"a\")");
    let named = columns.clone().attribute("tags", Column::new("value"));
    assert_eq!(tags.sql(Dialect::Sqlite, &named), Err(SqlError::Ambiguous("value".to_owned())));
    let named = columns.attribute("tags", Column::new("value").of("document"));
    assert!(tags.sql(Dialect::Sqlite, &named).is_ok());
}
