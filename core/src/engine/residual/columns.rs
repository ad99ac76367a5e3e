//! Where an application keeps what a residual asks of a resource.

use super::expr::Attribute;
use crate::schema::{Attributes, Type};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The columns of an application's own table. A column that is NULL is an attribute that is absent.
///
/// As JSON: `{"id": "id", "attributes": {"owner": "owner_id", "address.street": {"table": "d", "name": "street"},
/// "due": {"name": "due_ms", "encoding": "milliseconds"}}, "lies_in": {"document": {"table": "document_folder",
/// "inside": "document_id", "outside_type": "type", "outside": "folder_id"}}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The column of the resource's id.
    pub id: Option<Column>,
    /// The columns of its attributes, by their paths with points between the names.
    pub attributes: BTreeMap<String, Column>,
    /// By entity type, the tables that say in what entities of it lie, at any distance. They must say what the registry
    /// says, by which decisions are made; where there is none, the ids that the snapshot knows are listed.
    pub lies_in: BTreeMap<String, Closure>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Column {
    /// The table, or its alias in the query.
    pub table: Option<String>,
    /// The column's name.
    pub name: String,
    /// In which form it holds its values.
    pub encoding: Encoding,
}

/// In which form a column holds its values. Texts compare byte for byte, and hold no NUL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The form of its type: a truth as BOOLEAN (in SQLite 0 or 1), a Long as BIGINT, a String as TEXT, an entity as its
    /// id in TEXT (its type is the declared one), a decimal as BIGINT in ten-thousandths, a datetime as TEXT in RFC 3339,
    /// UTC, with three digits (`2026-01-31T08:00:00.000Z`), a duration as BIGINT in milliseconds, an address as `inet`
    /// (PostgreSQL only), and a set of Strings, Longs or entities as a JSON array, in PostgreSQL `jsonb`.
    #[default]
    Plain,
    /// A decimal as NUMERIC (PostgreSQL only: SQLite has none that is exact).
    Numeric,
    /// A datetime as BIGINT, in milliseconds since 1970.
    Milliseconds,
    /// A datetime as `timestamptz` (PostgreSQL only), with no finer part than milliseconds.
    Timestamp,
}

/// A table with a row for every pair of entities of which one lies in the other, at any distance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// The table.
    pub table: String,
    /// The column with the id of the entity that lies in the other.
    pub inside: String,
    /// The column with the type of the other, where there are several.
    #[serde(default)]
    pub outside_type: Option<String>,
    /// The column with the id of the other.
    pub outside: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Column(Whole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default)]
    table: Option<String>,
    name: String,
    #[serde(default)]
    encoding: Encoding,
}

impl From<Written> for Column {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) => Self::new(name),
            Written::Column(Whole { table, name, encoding }) => Self { table, name, encoding },
        }
    }
}

impl Column {
    /// A column by its name alone.
    pub fn new(name: impl Into<String>) -> Self {
        Self { table: None, name: name.into(), encoding: Encoding::Plain }
    }

    /// The column of this table, or alias of one.
    #[must_use]
    pub fn of(self, table: impl Into<String>) -> Self {
        Self { table: Some(table.into()), ..self }
    }

    /// The same in another form.
    #[must_use]
    pub fn with(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }
}

impl Columns {
    /// The id in `id`, and every declared attribute in a column of its name; one within a record in a column whose name
    /// joins the names by `_`. An attribute whose column would be another's has none.
    pub fn by_name(declared: &Attributes) -> Self {
        let mut columns = Self::default().id(Column::new("id"));
        let mut left: Vec<(Vec<&str>, &Type)> = declared.iter().map(|(name, ty)| (vec![name.as_str()], ty)).collect();
        while let Some((path, ty)) = left.pop() {
            if let Type::Record(members) = ty {
                left.extend(members.iter().map(|(name, ty)| ([path.as_slice(), &[name.as_str()]].concat(), ty)));
                continue;
            }
            // A column holds one thing: the id, or an attribute, or what lies within one.
            let name = path.join("_");
            let taken = name.eq_ignore_ascii_case("id") || (path.len() > 1 && declared.contains_key(&name));
            if !taken && !columns.attributes.values().any(|column| column.name.eq_ignore_ascii_case(&name)) {
                columns = columns.attribute(&path.join("."), Column::new(name));
            }
        }
        columns
    }

    /// With the column of the resource's id.
    #[must_use]
    pub fn id(mut self, column: Column) -> Self {
        self.id = Some(column);
        self
    }

    /// With the column of an attribute, by its path with points between the names.
    #[must_use]
    pub fn attribute(mut self, path: &str, column: Column) -> Self {
        self.attributes.insert(path.to_owned(), column);
        self
    }

    /// With the table that says in what entities of a type lie.
    #[must_use]
    pub fn lies_in(mut self, ty: &str, closure: Closure) -> Self {
        self.lies_in.insert(ty.to_owned(), closure);
        self
    }

    pub(super) fn of(&self, attribute: &Attribute) -> Option<&Column> {
        // A name with a point in it could be mistaken for a way.
        let plain = attribute.path.iter().all(|name| !name.contains('.'));
        if plain { self.attributes.get(&attribute.path.join(".")) } else { None }
    }
}
