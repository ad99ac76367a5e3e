//! Residuals: rows that SQLite filters by them are the rows that decisions allow, one by one; and so with the same
//! residual as a Cedar expression, and evaluated by the engine itself.

mod postgresql;

use cedar_policy::{Context, Entities, EntityUid, EvalResult, Expression};
use parapet::directory::EntityRef;
use parapet::engine::residual::{Answer, Closure, Column, Columns, Dialect, Encoding, SqlValue};
use parapet::schema::{Attributes, Value as Typed};
use parapet::{Engine, Request, Timestamp, compile_text};
use parapet_tests::differential::Rng;
use rusqlite::{Connection, types::Value as Cell};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const USERS: [&str; 3] = ["ann", "bob", "cy"];
const ACTIONS: [&str; 3] = ["read", "edit", "remove"];
const FOLDERS: [&str; 4] = ["top", "inner", "side", "none"];

fn uuid(kind: u32, number: usize) -> String {
    format!("01890000-{kind:04x}-7000-8000-{number:012x}")
}

fn user(number: usize) -> Value {
    json!({"type": "User", "id": uuid(2, number)})
}

fn now() -> Timestamp {
    "2026-03-02T10:00:00.000Z".parse().unwrap()
}

fn schema() -> Value {
    json!({
        "user": {"attributes": {"department": "String", "clearance": "Long", "teams": "Set<String>", "home": "String"}},
        "types": {
            "document": {"parents": ["folder"], "attributes": {
                "owner": "User", "editor": "User", "folder": "folder", "parent": "document", "department": "String",
                "title": "String", "status": "String", "size": "Long", "rank": "Long", "public": "Bool", "due": "datetime",
                "created": "datetime", "price": "decimal", "tags": "Set<String>", "labels": "Set<String>",
                "numbers": "Set<Long>", "viewers": "Set<User>", "spent": "duration", "ip": "ipaddr",
                "address": {"city": "String", "zip": "Long"}}},
            "folder": {"parents": ["folder"]},
        },
    })
}

/// Conditions as a tenant writes them.
fn conditions() -> Vec<Value> {
    let operators = vec![
        json!(null),
        json!({"EntityEquals": {"resource.owner": "${principal}"}}),
        json!({"EntityNotEquals": {"resource.owner": "${principal}"}}),
        json!({"EntityIn": {"resource": [{"type": "folder", "id": "top"}]}}),
        json!({"EntityIn": {"resource.folder": [{"type": "folder", "id": "top"}, {"type": "folder", "id": "side"}]}}),
        json!({"EntityNotIn": {"resource": [{"type": "folder", "id": "inner"}]}}),
        json!({"StringEquals": {"resource.department": "${principal.department}"}}),
        json!({"StringNotEquals": {"resource.department": ["${principal.department}", "legal"]}}),
        json!({"StringEqualsIfExists": {"resource.status": ["draft", "Final"]}}),
        json!({"StringLike": {"resource.title": ["draft-*", "*[1]*"]}}),
        json!({"StringNotLike": {"resource.title": "*.TXT"}}),
        json!({"StringLike": {"resource.title": "a%_!\\*"}}),
        json!({"NumericGreaterThanEquals": {"resource.size": 3}, "NumericLessThan": {"resource.size": 100}}),
        json!({"NumericNotEquals": {"resource.size": [0, 3]}}),
        json!({"NumericLessThanEquals": {"resource.size": "${principal.clearance}"}}),
        json!({"NumericGreaterThan": {"resource.price": 1.5}}),
        json!({"NumericLessThanEqualsIfExists": {"resource.price": "-0.0001"}}),
        json!({"DateLessThan": {"resource.due": "${context.now}"}}),
        json!({"DateGreaterThanEquals": {"resource.created": "2026-03-01T00:00:00Z"}}),
        json!({"TimeOfDay": {"resource.due": ["09:00", "17:00", "+01:00"]}}),
        json!({"TimeOfDay": {"resource.created": [["22:00", "06:00"]]}}),
        json!({"Bool": {"resource.public": true}}),
        json!({"Bool": {"resource.public": false}}),
        json!({"Null": {"resource.owner": true}}),
        json!({"Null": {"resource.address.city": false, "resource.due": true}}),
        json!({"StringEquals": {"resource.address.city": ["Bonn", "${principal.home}"]}}),
        json!({"ForAnyValue:StringEquals": {"resource.tags": ["a", "b"]}}),
        json!({"ForAnyValue:StringEquals": {"resource.tags": "${principal.teams}"}}),
        json!({"ForAnyValue:StringNotEquals": {"resource.tags": ["a", "b"]}}),
        json!({"ForAllValues:StringEquals": {"resource.tags": ["a", "b"]}}),
        json!({"ForAllValues:StringNotEquals": {"resource.tags": ["c"]}}),
        json!({"IpAddress": {"resource.ip": ["10.0.0.0/8"]}}),
    ];
    let cedar = [
        "if resource has size then resource.size > 3 else resource has owner && resource.owner == principal",
        "resource has size && resource.size + 1 > 3",
        "resource has size && 100 - resource.size * 2 >= -7",
        "resource has size && resource has rank && resource.size <= resource.rank",
        "resource has size && resource has rank && resource.size + resource.rank > 3",
        "resource has due && resource.due.offset(duration(\"30d\")) < context.now",
        "resource has due && context.now.durationSince(resource.due).toDays() <= 7",
        "resource has due && resource.due.toDate() == context.now.toDate()",
        "resource has tags && resource has labels && resource.tags.containsAll(resource.labels)",
        "resource has tags && resource has labels && resource.tags.containsAny(resource.labels)",
        "resource has tags && resource.tags.isEmpty()",
        "resource has tags && resource.tags == [\"a\", \"b\"]",
        "resource has numbers && resource.numbers.contains(3)",
        "resource has numbers && resource has size && resource.numbers.contains(resource.size)",
        "resource has viewers && resource.viewers.contains(principal)",
        "resource has owner && resource has editor && resource.owner == resource.editor",
        "resource has parent && resource.parent == resource",
        "resource has owner && resource.owner has department && resource.owner.department == \"sales\"",
        "resource has spent && resource.spent.toHours() > 24",
        "!(resource has public && resource.public) || resource has due",
        "resource has address && resource.address has zip && resource.address.zip == 1",
    ];
    operators.into_iter().chain(cedar.map(|text| json!({"cedar": text}))).collect()
}

fn condition(rng: &mut Rng, conditions: &[Value]) -> Value {
    let mut one = || rng.pick(conditions).clone();
    let parts = [one(), one()];
    match rng.below(6) {
        0 if !parts.iter().any(Value::is_null) => json!({"all": parts}),
        1 if !parts.iter().any(Value::is_null) => json!({"any": parts}),
        2 if !parts[0].is_null() => json!({"not": parts[0]}),
        _ => parts[0].clone(),
    }
}

/// A tenant whose policies ask much of a document.
fn tenant(rng: &mut Rng) -> Value {
    let conditions = conditions();
    let time = "2026-01-01T00:00:00.000Z";
    let mut settings =
        vec![json!({"id": uuid(9, 0), "setting_key": "schema", "setting_value": schema(), "category": "auth"})];
    let own = [
        "forbid(principal, action == Action::\"document:remove\", resource) when { resource has size && resource.size * 4611686018427387904 > 0 };",
        "permit(principal, action == Action::\"document:read\", resource == document::\"d3\");",
        "forbid(principal, action, resource in folder::\"side\") unless { resource has owner && resource.owner == principal };",
        "permit(principal is User, action in [Action::\"document:edit\"], resource is document in folder::\"top\");",
    ];
    for (number, text) in own.iter().enumerate().filter(|_| rng.chance(30)) {
        settings.push(json!({"id": uuid(9, number + 1), "setting_key": format!("policy.own{number}"), "setting_value": text, "category": "auth"}));
    }
    let grants = (0..3 + rng.below(5)).map(|number| {
        let effect = if rng.chance(25) { "deny" } else { "allow" };
        json!({"id": uuid(5, number), "role_id": uuid(4, rng.below(2)), "permission_id": uuid(3, rng.below(3)),
            "effect": effect, "conditions": condition(rng, &conditions)})
    });
    let grants: Vec<Value> = grants.collect();
    json!({
        "tenant": {"id": uuid(1, 0), "name": "Residuals", "slug": "residuals", "created_at": time, "updated_at": time},
        "tenant_setting": settings,
        "user": USERS.iter().enumerate().map(|(number, name)| json!({"id": uuid(2, number), "username": name,
            "email": format!("{name}@example.org"), "state": "active", "custom_attributes": match number {
                0 => json!({"department": "sales", "clearance": 3, "teams": ["a", "x"], "home": "Bonn"}),
                1 => json!({"department": "legal", "clearance": i64::MAX, "teams": []}),
                _ => json!({}),
            }})).collect::<Vec<_>>(),
        "permission": ACTIONS.iter().enumerate().map(|(number, action)| json!({"id": uuid(3, number),
            "name": format!("document.{action}"), "resource": "document", "action": action, "category": "user"})).collect::<Vec<_>>(),
        "role": [{"id": uuid(4, 0), "name": "one"}, {"id": uuid(4, 1), "name": "two"}],
        "role_permission": grants,
        "user_role": [
            {"id": uuid(6, 0), "user_id": uuid(2, 0), "role_id": uuid(4, 0)},
            {"id": uuid(6, 1), "user_id": uuid(2, 0), "role_id": uuid(4, 1)},
            {"id": uuid(6, 2), "user_id": uuid(2, 1), "role_id": uuid(4, 1)},
            {"id": uuid(6, 3), "user_id": uuid(2, 2), "role_id": uuid(4, 0)},
        ],
        "resource": [
            {"type": "folder", "id": "top"}, {"type": "folder", "id": "side"},
            {"type": "folder", "id": "inner", "parents": [{"type": "folder", "id": "top"}]},
            {"type": "document", "id": "d1", "parents": [{"type": "folder", "id": "inner"}]},
            {"type": "document", "id": "d2", "parents": [{"type": "folder", "id": "top"}]},
            {"type": "document", "id": "d3", "parents": [{"type": "folder", "id": "side"}]},
        ],
    })
}

/// What lies in what, at any distance.
const INSIDE: [(&str, &str, &str); 5] = [
    ("document", "d1", "inner"),
    ("document", "d1", "top"),
    ("document", "d2", "top"),
    ("document", "d3", "side"),
    ("folder", "inner", "top"),
];

fn row(rng: &mut Rng) -> Map<String, Value> {
    let texts = [
        "sales",
        "legal",
        "draft",
        "Final",
        "final",
        "draft-1",
        "DRAFT-1",
        "a [1] b",
        "notes.TXT",
        "notes.txt",
        "a%_!\\x",
        "aXYZ",
        "",
        "Bonn",
        "bonn",
    ]
    .map(Value::from);
    let times = [
        "2026-03-02T10:00:00.000Z",
        "2026-03-02T08:30:00.000Z",
        "2026-02-27T23:15:00.000Z",
        "2026-01-01T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
        "1969-12-31T23:30:00.500Z",
    ]
    .map(Value::from);
    let sets = [json!([]), json!(["a"]), json!(["b", "a"]), json!(["c"]), json!(["x", "c"])];
    let longs = [0, 1, 3, 4, 99, 100, -7, i64::MAX, i64::MIN].map(Value::from);
    let mut row = Map::new();
    let mut set = |rng: &mut Rng, name: &str, from: &[Value]| {
        let value = rng.pick(from).clone();
        if rng.chance(72) {
            row.insert(name.to_owned(), value);
        }
    };
    let users: Vec<Value> = (0..3).map(user).collect();
    for name in ["owner", "editor"] {
        set(rng, name, &users);
    }
    set(rng, "folder", &FOLDERS.map(|id| json!({"type": "folder", "id": id})));
    set(rng, "parent", &["d1", "d2", "d9"].map(|id| json!({"type": "document", "id": id})));
    for name in ["department", "title", "status"] {
        set(rng, name, &texts);
    }
    for name in ["size", "rank"] {
        set(rng, name, &longs);
    }
    set(rng, "public", &[json!(true), json!(false)]);
    for name in ["due", "created"] {
        set(rng, name, &times);
    }
    set(rng, "price", &["1.5", "1.5001", "-0.0001", "922337203685477.5807"].map(Value::from));
    for name in ["tags", "labels"] {
        set(rng, name, &sets);
    }
    set(rng, "numbers", &[json!([]), json!([3]), json!([1, 3, 99])]);
    set(rng, "viewers", &[json!([]), json!([users[0]]), json!([users[1], users[2]])]);
    set(rng, "spent", &["0ms", "25h", "-3d", "24h59m"].map(Value::from));
    set(rng, "ip", &["10.1.2.3", "192.168.0.1"].map(Value::from));
    // A record lies in columns of its members; an empty one is not kept.
    set(rng, "address", &[json!({"city": "Bonn"}), json!({"city": "Rome", "zip": 1}), json!({"zip": 3})]);
    row
}

/// The columns of a table of documents, with instants as text or as numbers, and with or without a table of what lies in
/// what.
fn columns(rng: &mut Rng, declared: &Attributes) -> Columns {
    let mut columns = Columns::by_name(declared);
    for name in ["due", "created"] {
        if rng.chance(60) {
            columns = columns.attribute(name, Column::new(name).with(Encoding::Milliseconds).of("document"));
        }
    }
    let closure = |of: &str| Closure {
        table: format!("{of} inside"),
        inside: "id".to_owned(),
        outside_type: Some("type".to_owned()),
        outside: "outside".to_owned(),
    };
    for ty in ["document", "folder"] {
        if rng.chance(50) {
            columns = columns.lies_in(ty, closure(ty));
        }
    }
    columns
}

/// A value as a column holds it.
fn cell(value: Option<&Typed>, encoding: Encoding) -> Cell {
    match value {
        None => Cell::Null,
        Some(Typed::Bool(value)) => Cell::Integer((*value).into()),
        Some(Typed::Datetime(time)) if encoding == Encoding::Milliseconds => Cell::Integer(*time),
        Some(Typed::Long(number) | Typed::Decimal(number) | Typed::Duration(number)) => Cell::Integer(*number),
        Some(Typed::Entity(_, id)) => Cell::Text(id.clone()),
        Some(Typed::Set(elements)) => {
            let plain = |element: &Typed| match element {
                Typed::Entity(_, id) => json!(id),
                other => other.json(),
            };
            Cell::Text(elements.iter().map(plain).collect::<Value>().to_string())
        }
        Some(other) => Cell::Text(other.json().as_str().unwrap().to_owned()),
    }
}

/// The rows in a table, texts without regard to case where nothing else is said.
fn database(columns: &Columns, rows: &[(String, Map<String, Value>)], declared: &Attributes) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let names: Vec<&String> = columns.attributes.values().map(|column| &column.name).collect();
    let list = |form: &dyn Fn(&str) -> String| names.iter().map(|name| form(name)).collect::<Vec<_>>().join(", ");
    let create = format!(
        "CREATE TABLE document (id TEXT COLLATE NOCASE, {})",
        list(&|name| {
            let text = ["department", "title", "status", "owner", "address_city"].contains(&name);
            if text { format!("{name} TEXT COLLATE NOCASE") } else { format!("{name} ANY") }
        })
    );
    connection.execute_batch(&create).unwrap();
    let insert = format!("INSERT INTO document (id, {}) VALUES (?{})", list(&str::to_owned), ", ?".repeat(names.len()));
    for (id, row) in rows {
        let values = Typed::read_attributes(declared, row).unwrap();
        let mut cells = vec![Cell::Text(id.clone())];
        for (path, column) in &columns.attributes {
            let way: Vec<String> = path.split('.').map(str::to_owned).collect();
            let value = at(&values, &way);
            cells.push(cell(value, column.encoding));
        }
        connection.execute(&insert, rusqlite::params_from_iter(cells)).unwrap();
    }
    for ty in ["document", "folder"] {
        connection.execute_batch(&format!("CREATE TABLE \"{ty} inside\" (id TEXT, type TEXT, outside TEXT)")).unwrap();
        for (_, id, outside) in INSIDE.iter().filter(|(own, ..)| *own == ty) {
            let insert = format!("INSERT INTO \"{ty} inside\" VALUES (?1, 'folder', ?2)");
            connection.execute(&insert, [id, outside]).unwrap();
        }
    }
    connection
}

/// What a way leads to.
fn at<'v>(values: &'v BTreeMap<String, Typed>, way: &[String]) -> Option<&'v Typed> {
    let (first, rest) = way.split_first()?;
    rest.iter().try_fold(values.get(first)?, |value, name| match value {
        Typed::Record(members) => members.get(name),
        _ => None,
    })
}

fn select(connection: &Connection, condition: &str, params: &[SqlValue]) -> BTreeSet<String> {
    let params = params.iter().map(|param| match param {
        SqlValue::Bool(value) => Cell::Integer((*value).into()),
        SqlValue::Integer(value) => Cell::Integer(*value),
        SqlValue::Text(text) => Cell::Text(text.clone()),
    });
    let query = format!("SELECT id FROM document WHERE {condition}");
    let mut statement = connection.prepare(&query).unwrap_or_else(|error| panic!("{query}\n{error}"));
    let ids = statement.query_map(rusqlite::params_from_iter(params), |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// A value as Cedar's JSON has it.
fn cedar_json(value: &Typed) -> Value {
    let call = |function: &str| json!({"__extn": {"fn": function, "arg": value.to_string()}});
    match value {
        Typed::Entity(ty, id) => json!({"__entity": {"type": ty, "id": id}}),
        Typed::Decimal(_) => call("decimal"),
        Typed::Ip(_) => call("ip"),
        Typed::Datetime(_) => call("datetime"),
        Typed::Duration(_) => call("duration"),
        Typed::Set(elements) => elements.iter().map(cedar_json).collect(),
        Typed::Record(members) => members.iter().map(|(name, member)| (name.clone(), cedar_json(member))).collect(),
        plain => plain.json(),
    }
}

/// What Cedar makes of a residual's expression.
fn by_cedar(expression: &str, id: &str, values: &BTreeMap<String, Typed>) -> bool {
    let parents = |ty: &str, id: &str| -> Vec<Value> {
        let inside = INSIDE.iter().filter(|(own_type, own, _)| *own_type == ty && *own == id);
        inside.map(|(.., outside)| json!({"type": "folder", "id": outside})).collect()
    };
    let attributes: Map<String, Value> = values.iter().map(|(name, value)| (name.clone(), cedar_json(value))).collect();
    let mut entities =
        vec![json!({"uid": {"type": "document", "id": id}, "attrs": attributes, "parents": parents("document", id)})];
    for folder in FOLDERS {
        entities
            .push(json!({"uid": {"type": "folder", "id": folder}, "attrs": {}, "parents": parents("folder", folder)}));
    }
    let entities = Entities::from_json_value(Value::from(entities), None).unwrap();
    let uid =
        |ty: &str, id: &str| EntityUid::from_type_name_and_id(ty.parse().unwrap(), cedar_policy::EntityId::new(id));
    let (who, what) = (uid("User", "nobody"), uid("Action", "none"));
    let request = cedar_policy::Request::new(who, what, uid("document", id), Context::empty(), None).unwrap();
    let parsed: Expression = expression.parse().unwrap_or_else(|error| panic!("{expression}\n{error}"));
    match cedar_policy::eval_expression(&request, &entities, &parsed) {
        Ok(EvalResult::Bool(holds)) => holds,
        other => panic!("{expression}: {other:?}"),
    }
}

fn request(who: usize, action: &str, id: &str, row: Option<&Map<String, Value>>) -> Request {
    let mut request = Request::new(EntityRef::new("User", uuid(2, who)), action, EntityRef::new("document", id));
    request.resource_attributes = row.cloned();
    request
}

#[test]
fn rows_filtered_by_a_residual_are_the_rows_that_decisions_allow() {
    let (mut exact, mut all, mut conditions, mut rows_allowed) = (0, 0, 0, 0);
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let document = tenant(&mut rng);
        let (_, compiled) =
            compile_text(&document.to_string()).unwrap_or_else(|findings| panic!("{document:#}\n{findings:#?}"));
        let engine: Engine = compiled.engine().unwrap();
        let declared = &engine.schema().types["document"].attributes;
        let rows: Vec<(String, Map<String, Value>)> =
            (1..=40).map(|number| (format!("d{number}"), row(&mut rng))).collect();
        let columns = columns(&mut rng, declared);
        let connection = database(&columns, &rows, declared);
        // PostgreSQL's `timestamptz` has no year 0000.
        let modern = |row: &Map<String, Value>| !Value::Object(row.clone()).to_string().contains("\"0000-");
        let rows_of_server: Vec<_> = rows.iter().filter(|(_, row)| modern(row)).cloned().collect();
        let columns_of_server = postgresql::columns(&mut rng, &columns);
        let mut server = postgresql::Server::new(&columns_of_server, &rows_of_server, declared);
        for (who, name) in USERS.iter().enumerate() {
            for action in ACTIONS {
                let residual = engine.residual(&request(who, action, "", None), now());
                let sql = residual.sql(Dialect::Sqlite, &columns).unwrap();
                let selected = select(&connection, &sql.condition, &sql.params);
                let text = residual.cedar();
                let about = || format!("seed {seed}, {} {action}: {sql:#?}\n{text}\n{residual:#?}", name);
                for (id, row) in &rows {
                    let decided = engine.decide(&request(who, action, id, Some(row)), now()).is_allow();
                    let allowed = residual.allows(id, declared, row).unwrap();
                    let values = Typed::read_attributes(declared, row).unwrap();
                    assert_eq!(by_cedar(&text, id, &values), allowed, "{id} {row:?} as Cedar: {}", about());
                    let in_sql = selected.contains(id);
                    assert!(
                        if residual.is_exact() { allowed == decided } else { decided || !allowed },
                        "{id} {row:?}: {}",
                        about()
                    );
                    let told = sql.unsupported.is_empty();
                    assert!(
                        if told { in_sql == allowed } else { allowed || !in_sql },
                        "{id} {row:?} in SQL: {}",
                        about()
                    );
                    rows_allowed += usize::from(in_sql);
                }
                if let Some(server) = &mut server {
                    let sql = residual.sql(Dialect::PostgreSql, &columns_of_server).unwrap();
                    let allowed = |(id, row): &&(String, _)| residual.allows(id, declared, row).unwrap();
                    let expected = rows_of_server.iter().filter(allowed).map(|(id, _)| id.clone()).collect();
                    if sql.unsupported.is_empty() {
                        server.select(&sql, expected);
                    }
                }
                all += 1;
                exact += usize::from(residual.is_exact() && sql.unsupported.is_empty());
                conditions += usize::from(matches!(residual.answer, Answer::Condition(_)));
            }
        }
        if let Some(server) = server {
            server.check();
        }
    }
    println!("{exact} of {all} exact, {conditions} conditions, {rows_allowed} rows");
    assert!(exact * 10 > all * 6 && conditions * 10 > all * 3, "{exact} of {all} exact, {conditions} conditions");
    assert!(rows_allowed > 2_000, "{rows_allowed} rows");
}
