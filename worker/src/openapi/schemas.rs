//! The schemas that the document refers to: rows as they are answered, made and changed, by what their columns say.

use parapet::model::{Column, Kind};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::administration::{Collection, LONGEST_TEXT, ListOf, SERVICE};

const PLACE: &str = "#/components/schemas/";

/// The schemas so far.
pub struct Schemas {
    generator: SchemaGenerator,
    ours: Map<String, Value>,
    /// Names that stand for two schemas.
    pub(super) clashes: Vec<String>,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self { generator: settings.into_generator(), ours: Map::new(), clashes: Vec::new() }
    }
}

impl Schemas {
    /// Adds a schema of its own, and refers to it.
    pub fn add(&mut self, name: impl Into<String>, schema: Value) -> Value {
        let name = name.into();
        let reference = refer(&name);
        if self.ours.get(&name).is_some_and(|its| *its != schema) {
            self.clashes.push(format!("two schemas are called {name}"));
        }
        self.ours.insert(name, schema);
        reference
    }

    /// Adds a schema that others refer to, where there is none of that name yet: what rows have in common is made twice,
    /// and is the same.
    pub fn part(&mut self, name: String, schema: Value) {
        if self.generator.definitions().get(&name).is_none() {
            self.ours.entry(name).or_insert(schema);
        }
    }

    /// A row, as it is answered: all its columns but secrets.
    pub fn row<R: ListOf + JsonSchema>(&mut self) -> Value {
        let (name, schema) = self.columns::<R>(|column| !column.secret);
        let mut schema = schema;
        let names: Vec<&str> = R::COLUMNS.iter().filter(|column| !column.secret).map(|column| column.name).collect();
        schema.insert("required".to_owned(), json!(names));
        self.add(name, Value::Object(schema))
    }

    /// A row, as whoever makes it states it: without what the service sets.
    pub fn create<R: Collection + JsonSchema>(&mut self) -> Value {
        let given = |column: &Column| SERVICE.contains(&column.name) || R::GIVEN.contains(&column.name);
        let (name, mut schema) = self.columns::<R>(|column| !given(column));
        let required: Vec<&str> = R::COLUMNS
            .iter()
            .filter(|column| !given(column) && !column.nullable && !column.default)
            .map(|column| column.name)
            .collect();
        schema.insert("required".to_owned(), json!(required));
        limit::<R>(&mut schema);
        self.add(format!("{name}Create"), Value::Object(schema))
    }

    /// A row, as whoever replaces it under its own key states it.
    pub fn put<R: Collection + JsonSchema>(&mut self) -> Value {
        let set = |column: &Column| [SERVICE, R::GIVEN, R::FIXED].iter().any(|columns| columns.contains(&column.name));
        let (name, mut schema) = self.columns::<R>(|column| !set(column));
        limit::<R>(&mut schema);
        self.add(format!("{name}Put"), Value::Object(schema))
    }

    /// A row that is shown once with what is kept nowhere: a text under this name.
    pub fn showing<R: ListOf + JsonSchema>(&mut self, name: &str, description: &str) -> Value {
        let row = R::schema_name();
        let (_, mut schema) = self.columns::<R>(|column| !column.secret);
        let names: Vec<&str> = R::COLUMNS.iter().filter(|column| !column.secret).map(|column| column.name).collect();
        schema.insert("required".to_owned(), json!(names));
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert(name.to_owned(), json!({ "type": "string", "description": description }));
        }
        self.add(format!("{row}Shown"), Value::Object(schema))
    }

    /// What may change of a row: null makes it null, or its default again.
    pub fn patch<R: Collection + JsonSchema>(&mut self) -> Value {
        let set = |column: &Column| [SERVICE, R::GIVEN, R::FIXED].iter().any(|columns| columns.contains(&column.name));
        let (name, mut schema) = self.columns::<R>(|column| !set(column));
        limit::<R>(&mut schema);
        defaults_or_null::<R>(&mut schema);
        self.add(format!("{name}Patch"), Value::Object(schema))
    }

    /// These columns of a row, as whoever states them does, under no name yet. Those of `required` must be there; in a
    /// patch, which requires none, null makes a column its default again.
    pub fn stated<R: ListOf + JsonSchema>(&mut self, columns: &[&str], required: &[&str]) -> Map<String, Value> {
        let (_, mut schema) = self.columns::<R>(|column| columns.contains(&column.name));
        limit::<R>(&mut schema);
        if required.is_empty() {
            defaults_or_null::<R>(&mut schema);
        } else {
            schema.insert("required".to_owned(), json!(required));
        }
        schema
    }

    /// All of them, by their names.
    pub fn take(mut self) -> Map<String, Value> {
        let mut all = self.generator.take_definitions(true);
        all.append(&mut self.ours);
        all
    }

    /// The name of a row's schema, and the schema with those columns that are wanted; none is required yet.
    fn columns<R: ListOf + JsonSchema>(&mut self, wanted: impl Fn(&Column) -> bool) -> (String, Map<String, Value>) {
        let name = R::schema_name().into_owned();
        self.generator.subschema_for::<R>();
        let mut schema = match self.generator.definitions().get(&name) {
            Some(Value::Object(schema)) => schema.clone(),
            // Every row is an object with a name.
            _ => Map::new(),
        };
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.retain(|name, _| R::COLUMNS.iter().any(|column| column.name == name && wanted(column)));
        }
        schema.remove("required");
        schema.insert("additionalProperties".to_owned(), json!(false));
        (name, schema)
    }
}

/// Refers to a schema.
pub fn refer(name: &str) -> Value {
    json!({ "$ref": format!("{PLACE}{name}") })
}

/// The length that a text may have at most, where nothing else is said.
fn limit<R: ListOf>(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for column in R::COLUMNS.iter().filter(|column| column.kind == Kind::Text) {
        if let Some(Value::Object(property)) = properties.get_mut(column.name) {
            property.entry("maxLength").or_insert(json!(LONGEST_TEXT));
        }
    }
}

/// In a patch, null stands for a column's default.
fn defaults_or_null<R: ListOf>(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for column in R::COLUMNS.iter().filter(|column| column.default && !column.nullable) {
        if let Some(property) = properties.get_mut(column.name) {
            *property = or_null(property.take());
        }
    }
}

fn or_null(schema: Value) -> Value {
    let description = schema.get("description").cloned();
    let mut either = json!({ "anyOf": [schema, { "type": "null" }] });
    if let (Some(description), Some(either)) = (description, either.as_object_mut()) {
        either.insert("description".to_owned(), description);
    }
    either
}
