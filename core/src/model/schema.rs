//! The JSON Schema of a tenant document, for editors and for the docs.

use super::document::{GIVEN_BY_TENANT, row_schemas};
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of a tenant document.
pub fn json_schema() -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let rows = row_schemas(&mut generator);
    let mut definitions = generator.take_definitions(true);
    let mut tables = Map::new();
    for (table, definition, row) in rows {
        let of_tenant = table.name == "tenant";
        // Which columns may be left out is for the columns to say, not for serde.
        let required: Vec<&str> = (table.columns.iter())
            .filter(|column| !column.nullable && !column.default)
            .map(|column| column.name)
            .filter(|name| !(GIVEN_BY_TENANT.contains(name) && (!of_tenant || *name == "updated_at")))
            .collect();
        if let Some(Value::Object(definition)) = definitions.get_mut(definition.as_ref()) {
            definition.insert("required".to_owned(), json!(required));
            definition.insert("additionalProperties".to_owned(), json!(false));
        }
        let schema = if of_tenant { row.to_value() } else { json!({ "type": "array", "items": row }) };
        tables.insert(table.name.to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Parapet tenant document",
        "type": "object",
        "properties": tables,
        "required": ["tenant"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TABLES;

    #[test]
    fn it_says_of_each_table_what_the_columns_say() {
        let schema = json_schema();
        for table in TABLES {
            let place = match table.name {
                "tenant" => "/properties/tenant/$ref".to_owned(),
                name => format!("/properties/{name}/items/$ref"),
            };
            let definition = schema.pointer(&place).and_then(Value::as_str).expect(&place).trim_start_matches('#');
            let row = schema.pointer(definition).expect(definition);
            assert_eq!(row["additionalProperties"], json!(false), "{}", table.name);
            let properties = row["properties"].as_object().unwrap();
            let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
            let mut columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
            names.sort_unstable();
            columns.sort_unstable();
            assert_eq!(names, columns, "{}", table.name);
            for (name, property) in properties {
                assert!(property.get("description").is_some(), "{}.{name} is not described", table.name);
            }
        }
        assert_eq!(schema.pointer("/$defs/UserRole/required"), Some(&json!(["id", "user_id", "role_id"])));
        assert_eq!(schema.pointer("/$defs/Tenant/required"), Some(&json!(["id", "name", "slug", "created_at"])));
    }
}
