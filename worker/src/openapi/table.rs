//! What is said of a table's routes, from what the table itself states.

use parapet::model::{Column, Kind};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::about::{About, JSON, MERGE_PATCH};
use super::schemas::Schemas;
use crate::administration::{Collection, ListOf, MOST};

/// The five routes of a table, under a tag. `create` is an example of what makes a row, `change` of what changes it.
pub fn table<R: Collection + JsonSchema>(
    schemas: &mut Schemas,
    tag: &'static str,
    create: Value,
    change: Value,
) -> Vec<About> {
    let name = R::schema_name().into_owned();
    let thing = R::TABLE.replace('_', " ");
    let (row, new, patch) = (schemas.row::<R>(), schemas.create::<R>(), schemas.patch::<R>());
    let one = |method, verb: &str, summary: &str| {
        let article = if thing.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        in_path::<R>(About::new(method, R::ITEM, format!("{verb}{name}"), tag, format!("{summary} {article} {thing}")))
    };
    vec![
        list::<R>(schemas, tag),
        About::new("POST", R::PATH, format!("create{name}"), tag, one("POST", "create", "Make").summary)
            .takes(new, create)
            .answer(201, made(&row, &links(&name))),
        one("GET", "get", "See").answer(200, shown(&row, "The row.")),
        one("PATCH", "update", "Change")
            .describe("A JSON Merge Patch: null makes a column null, or its default again.")
            .parameter("IfMatch")
            .takes_as(&[MERGE_PATCH, JSON], patch, change)
            .answer(200, shown(&row, "The row, as it is now."))
            .refuses(412),
        one("DELETE", "delete", "Remove")
            .parameter("IfMatch")
            .answer(204, json!({ "description": "It is gone." }))
            .refuses(412),
    ]
}

/// The same about a row's route, with what stands in its path where that is not the row's id.
pub fn in_path<R: ListOf>(about: About) -> About {
    if R::KEY == ["id"] {
        return about;
    }
    R::KEY.iter().fold(about, |about, column| {
        about.in_path(column, json!({ "type": "string", "minLength": 1 }), &format!("The row's `{column}`."))
    })
}

/// From a new row to what is done with it.
pub fn links(name: &str) -> Value {
    let link = |verb| {
        let link = json!({ "operationId": format!("{verb}{name}"), "parameters": { "id": "$response.body#/id" } });
        (format!("{verb}{name}"), link)
    };
    ["get", "update", "delete"].map(link).into_iter().collect::<serde_json::Map<String, Value>>().into()
}

/// `201` with a new row, its place and its ETag.
pub fn made(row: &Value, links: &Value) -> Value {
    json!({
        "description": "The new row.",
        "headers": {
            "Location": { "$ref": "#/components/headers/Location" },
            "ETag": { "$ref": "#/components/headers/ETag" },
            "Idempotency-Replayed": { "$ref": "#/components/headers/IdempotencyReplayed" },
        },
        "content": { JSON: { "schema": row } },
        "links": links,
    })
}

/// A route that lists rows.
pub fn list<R: ListOf + JsonSchema>(schemas: &mut Schemas, tag: &'static str) -> About {
    let row = schemas.row::<R>();
    list_as::<R>(schemas, tag, &R::schema_name(), &row)
}

/// A route that lists rows which are shown as another schema says.
pub fn list_as<R: ListOf>(schemas: &mut Schemas, tag: &'static str, name: &str, row: &Value) -> About {
    let page = json!({
        "type": "object",
        "properties": {
            "items": { "type": "array", "items": row, "maxItems": MOST },
            "next_cursor": { "type": "string", "description": "Where the next page begins; absent on the last." },
        },
        "required": ["items"],
        "additionalProperties": false,
    });
    let page = schemas.add(format!("{name}Page"), page);
    let plural = R::PATH.rsplit('/').next().unwrap_or_default();
    let order = if R::NEWEST_FIRST { "newest first" } else { "oldest first" };
    let sorts: Vec<String> =
        R::SORTS.iter().chain([&R::TIME]).flat_map(|column| [(*column).to_owned(), format!("-{column}")]).collect();
    let summary = format!("List {}", plural.replace('-', " "));
    let mut about = About::new("GET", R::PATH, format!("list{}", pascal(plural)), tag, summary)
        .parameter("Limit")
        .parameter("Cursor")
        .query("sort", json!({ "enum": sorts }), &format!("By which column; `-` for the other way. {order} if absent."))
        .query("from", time(), &format!("Only those whose `{}` is not before this.", R::TIME))
        .query("to", time(), &format!("Only those whose `{}` is before this.", R::TIME));
    for filter in R::FILTERS {
        let Some(column) = R::COLUMNS.iter().find(|column| column.name == *filter) else { continue };
        let none = if column.nullable { " `null`: those without one." } else { "" };
        about = about.query(filter, value(column), &format!("Only those with this `{filter}`.{none}"));
    }
    about.gives(page, "A page of rows.").refuses(400)
}

/// `200` with a row and its ETag.
pub fn shown(row: &Value, description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "ETag": { "$ref": "#/components/headers/ETag" } },
        "content": { JSON: { "schema": row } },
    })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// What a column is compared with, in a query.
fn value(column: &Column) -> Value {
    let schema = match column.kind {
        Kind::Uuid => json!({ "type": "string", "format": "uuid" }),
        Kind::Integer => json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Timestamp => time(),
        Kind::Enum(words) => json!({ "type": "string", "enum": words }),
        Kind::Text | Kind::Json => json!({ "type": "string" }),
    };
    match column.kind {
        Kind::Text | Kind::Json => schema,
        _ if column.nullable => json!({ "anyOf": [schema, { "const": "null" }] }),
        _ => schema,
    }
}

fn pascal(words: &str) -> String {
    words
        .split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}
