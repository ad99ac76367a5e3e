//! `row!`: a table stated once, as a struct; columns, reading and writing come from it.

use super::field::{Field, Kind, SqlValue};
use crate::Finding;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A row of a table. Implemented by [`row!`] alone.
pub trait Row: Invariants {
    /// The table's name.
    const TABLE: &'static str = Self::INFO.name;
    /// The table's columns, in the order of the struct and of [`Row::to_sql`].
    const COLUMNS: &'static [Column] = Self::INFO.columns;
    /// The keys that no two rows may share, beside the primary key.
    const UNIQUE: &'static [Unique] = Self::INFO.unique;
    /// All of that in one value.
    const INFO: TableInfo;

    /// Reads the columns, without asking for invariants.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// The values of the columns, secrets included, in the order of [`Row::COLUMNS`].
    fn to_sql(&self) -> Vec<SqlValue>;

    /// The value of one column, or nothing where there is no such column.
    fn value(&self, column: &str) -> Option<SqlValue>;

    /// Visits the references to other rows: column, table referred to, id.
    fn references(&self, visit: &mut dyn FnMut(&'static str, &'static str, Uuid));

    /// Reads a row of a document. Everything wrong with it is added to `findings`, each with the row's label;
    /// nothing is returned where a column could not be read, and a row that only breaks an invariant is returned.
    fn from_json(row: Map<String, Value>, label: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        Self::from_json_within(row, &Map::new(), label, findings)
    }

    /// The same, with values for the columns that the row leaves out.
    fn from_json_within(
        row: Map<String, Value>,
        given: &Map<String, Value>,
        label: &str,
        findings: &mut Vec<Finding>,
    ) -> Option<Self> {
        let mut reader = Reader::new(Self::TABLE, label, row, findings);
        reader.given = Some(given);
        let read = Self::read(&mut reader);
        reader.refuse_the_rest();
        let read = read?;
        read.check(&mut Problems::new(Self::TABLE, label, findings));
        Some(read)
    }

    /// Reads a row as the database gives it: booleans as 0 and 1, JSON as text.
    /// Invariants are asked for where a row is written, not here; columns that this version does not know are ignored.
    fn from_sql(mut row: Map<String, Value>) -> Result<Self, Vec<Finding>> {
        for column in Self::COLUMNS {
            if let Some(value) = row.get_mut(column.name) {
                column.kind.parse_sql(value);
            }
        }
        let label = row.get("id").and_then(Value::as_str).unwrap_or("#0").to_owned();
        let mut findings = Vec::new();
        Self::read(&mut Reader::new(Self::TABLE, &label, row, &mut findings)).ok_or(findings)
    }
}

/// What must hold in a row beyond the kinds of its columns.
pub trait Invariants: Sized {
    /// Adds what does not hold.
    fn check(&self, problems: &mut Problems<'_>);
}

/// A table, as the migrations must have it.
#[derive(Debug, Clone, Copy)]
pub struct TableInfo {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// The columns of its primary key.
    pub key: &'static [&'static str],
    /// Its other unique keys.
    pub unique: &'static [Unique],
}

impl TableInfo {
    /// Inserts one row, its values in the order of the columns (as [`Row::to_sql`] has them).
    pub fn insert(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, columns.join(", "), places.join(", "))
    }

    /// A row as a document has it, from what the database gives: without secrets, and without nulls but the
    /// `tenant_id` of what is the operator's.
    pub fn document_row(&self, mut row: Map<String, Value>) -> Map<String, Value> {
        let mut members = Map::new();
        for column in self.columns.iter().filter(|column| !column.secret) {
            let Some(mut value) = row.remove(column.name) else { continue };
            column.kind.parse_sql(&mut value);
            if !value.is_null() || column.name == "tenant_id" {
                members.insert(column.name.to_owned(), value);
            }
        }
        members
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be null, and so be left out of a document.
    pub nullable: bool,
    /// Whether a document may leave it out for its default.
    pub default: bool,
    /// The table that it refers to, by id.
    pub references: Option<&'static str>,
    /// Whether it holds a secret, which no export shows.
    pub secret: bool,
}

/// A key that no two rows may share. As in SQL, rows with a null in it do not clash.
#[derive(Debug, Clone, Copy)]
pub struct Unique {
    /// Its columns.
    pub columns: &'static [&'static str],
    /// It holds only among the rows in which this column is null.
    pub while_null: Option<&'static str>,
}

/// Collects what is wrong with one row.
pub struct Problems<'a> {
    table: &'static str,
    label: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Problems<'a> {
    /// For the row with this label (its id, or `#` and its position).
    pub fn new(table: &'static str, label: &'a str, findings: &'a mut Vec<Finding>) -> Self {
        Self { table, label, findings }
    }

    /// Adds an error at a field, or inside of it by a JSON pointer (`permissions/0/action`).
    pub fn add(&mut self, field: &str, code: &str, message: impl Into<String>) {
        self.findings.push(Finding::error(self.table, code, message).row(self.label).field(field));
    }

    /// Adds an error unless `holds`.
    pub fn require(&mut self, holds: bool, field: &str, code: &str, message: &str) {
        if !holds {
            self.add(field, code, message);
        }
    }

    /// Adds that a value is of the wrong type. The value itself is not shown: it may be secret.
    pub fn wrong_type(&mut self, field: &str, expected: &str, found: &Value) {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.add(field, "row.wrong_type", format!("expected {expected}, found {found}"));
    }
}

/// Takes a row's columns one by one out of a JSON object.
pub struct Reader<'a> {
    row: Map<String, Value>,
    given: Option<&'a Map<String, Value>>,
    problems: Problems<'a>,
}

impl<'a> Reader<'a> {
    fn new(table: &'static str, label: &'a str, row: Map<String, Value>, findings: &'a mut Vec<Finding>) -> Self {
        Self { row, given: None, problems: Problems::new(table, label, findings) }
    }

    /// The column's value; nothing, and a finding, where it is missing or wrong.
    pub fn take<T: Field>(&mut self, name: &str, default: Option<fn() -> T>) -> Option<T> {
        let stated = self.row.remove(name).or_else(|| self.given?.get(name).cloned());
        match (stated, default) {
            (Some(value), _) => T::read(value, name, &mut self.problems),
            (None, Some(default)) => Some(default()),
            (None, None) if T::NULLABLE => T::read(Value::Null, name, &mut self.problems),
            (None, None) => {
                self.problems.add(name, "row.missing", format!("`{name}` is required"));
                None
            }
        }
    }

    fn refuse_the_rest(&mut self) {
        for name in std::mem::take(&mut self.row).keys() {
            let table = self.problems.table;
            self.problems.add(name, "row.unknown_field", format!("`{table}` has no column `{name}`"));
        }
    }
}

/// A column's name from its identifier: `r#type` is `type`.
pub(crate) const fn column_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', rest @ ..] => match std::str::from_utf8(rest) {
            Ok(name) => name,
            Err(_) => identifier,
        },
        _ => identifier,
    }
}

/// States a table:
///
/// ```text
/// row! {
///     /// What a row is.
///     UserRole in user_role {
///         /// What the column means.
///         id: Uuid,
///         user_id: Uuid => user,        // a reference
///         is_active: bool = true,       // a default
///     }
///     key ["id"]                        // may be left out: the primary key is `id`
///     unique ["user_id", "role_id"]     // any number; `while "deleted_at"` where it holds only while that is null
/// }
/// ```
macro_rules! row {
    (
        $(#[$meta:meta])*
        $Row:ident in $table:ident {
            $( $(#[$field_meta:meta])* $field:ident : $type:ty $(=> $references:ident)? $(= $default:expr)? ),+ $(,)?
        }
        $(key [$($key:literal),+])?
        $(unique [$($unique:literal),+] $(while $while_null:literal)?)*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
        pub struct $Row {
            $( $(#[$field_meta])* pub $field: $type, )+
        }

        impl $crate::model::row::Row for $Row {
            const INFO: $crate::model::row::TableInfo = $crate::model::row::TableInfo {
                name: stringify!($table),
                columns: &[$(
                    $crate::model::row::Column {
                        name: $crate::model::row::column_name(stringify!($field)),
                        kind: <$type as $crate::model::field::Field>::KIND,
                        nullable: <$type as $crate::model::field::Field>::NULLABLE,
                        default: $crate::model::row::row!(@stated $($default)?),
                        references: $crate::model::row::row!(@table $($references)?),
                        secret: <$type as $crate::model::field::Field>::SECRET,
                    },
                )+],
                key: $crate::model::row::row!(@key $($($key),+)?),
                unique: &[$(
                    $crate::model::row::Unique {
                        columns: &[$($unique),+],
                        while_null: $crate::model::row::row!(@column $($while_null)?),
                    },
                )*],
            };

            fn read(reader: &mut $crate::model::row::Reader<'_>) -> Option<Self> {
                // Every column is read before any is missed, so that all findings are found.
                $( let $field = reader.take::<$type>(
                    const { $crate::model::row::column_name(stringify!($field)) },
                    $crate::model::row::row!(@default $type $(, $default)?),
                ); )+
                Some(Self { $( $field: $field?, )+ })
            }

            fn to_sql(&self) -> Vec<$crate::model::field::SqlValue> {
                vec![$( $crate::model::field::Field::to_sql(&self.$field), )+]
            }

            fn value(&self, column: &str) -> Option<$crate::model::field::SqlValue> {
                $( if column == const { $crate::model::row::column_name(stringify!($field)) } {
                    return Some($crate::model::field::Field::to_sql(&self.$field));
                } )+
                None
            }

            #[allow(unused_variables)]
            fn references(&self, visit: &mut dyn FnMut(&'static str, &'static str, uuid::Uuid)) {
                $( $crate::model::row::row!(@visit self visit $field $($references)?); )+
            }
        }
    };

    (@stated) => { false };
    (@stated $default:expr) => { true };
    (@table) => { None };
    (@table $references:ident) => { Some(stringify!($references)) };
    (@key) => { &["id"] };
    (@key $($key:literal),+) => { &[$($key),+] };
    (@column) => { None };
    (@column $column:literal) => { Some($column) };
    (@default $type:ty) => { None };
    (@default $type:ty, $default:expr) => { Some((|| $default) as fn() -> $type) };
    (@visit $self:ident $visit:ident $field:ident) => {};
    (@visit $self:ident $visit:ident $field:ident $references:ident) => {
        if let Some(id) = $crate::model::field::Field::as_uuid(&$self.$field) {
            $visit($crate::model::row::column_name(stringify!($field)), stringify!($references), id);
        }
    };
}
pub(crate) use row;
