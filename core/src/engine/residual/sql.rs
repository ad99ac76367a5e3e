//! A residual as a parameterised `WHERE` of SQL.
//!
//! Every test is written so that it is true or false also where a column is NULL: `(c IS NOT NULL AND c = ?1)`. Values
//! are parameters, never literals; names are quoted.

use super::Residual;
use super::columns::{Closure, Column, Columns, Encoding};
use super::expr::{Attribute, Comparison, Expr, Operand};
use super::like::ESCAPE;
use super::number::DAY;
use super::text::joined;
use crate::directory::EntityRef;
use crate::schema::{Type, Value};
use serde::Serialize;
use std::collections::BTreeSet;

/// Which SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, from 3.38 on.
    Sqlite,
    /// PostgreSQL, from 12 on.
    PostgreSql,
}

/// A condition for a `WHERE`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sql {
    /// The condition, with the placeholders `?1`, `?2` … or `$1`, `$2` …
    #[serde(rename = "where")]
    pub condition: String,
    /// The values of the placeholders, in their order.
    pub params: Vec<SqlValue>,
    /// What the dialect or the columns cannot express. The condition is true of less for it, never of more.
    pub unsupported: Vec<String>,
}

/// The value of a placeholder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SqlValue {
    /// A truth value.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Text; where the condition casts it, the text of a number, an instant, an address or a JSON array.
    Text(String),
}

/// Why a residual cannot be put to a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The columns do not say where the id or an attribute is.
    #[error("there is no column for `{0}`")]
    NoColumn(String),
    /// The form does not go with the attribute's type, or the dialect does not have it.
    #[error("`{path}` of type `{ty}` cannot be kept as `{encoding:?}` here")]
    WrongEncoding {
        /// The attribute's path.
        path: String,
        /// Its type.
        ty: String,
        /// The form.
        encoding: Encoding,
    },
    /// A set's column has a name that `json_each` has as well.
    #[error("the column `{0}` needs its table: within `json_each` its name means something else")]
    Ambiguous(String),
    /// A name that is empty or holds NUL.
    #[error("`{0}` cannot name a column or a table")]
    Name(String),
}

impl SqlError {
    /// Stable and dotted, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoColumn(_) => "sql.no_column",
            Self::WrongEncoding { .. } => "sql.wrong_encoding",
            Self::Ambiguous(_) => "sql.ambiguous_column",
            Self::Name(_) => "sql.wrong_name",
        }
    }
}

impl Residual {
    /// As a condition over the columns of a table.
    ///
    /// # Errors
    /// Columns that are not there or do not fit. What the dialect cannot express is no error: it is listed.
    pub fn sql(&self, dialect: Dialect, columns: &Columns) -> Result<Sql, SqlError> {
        let mut untold = BTreeSet::new();
        let mut error = None;
        let told = self.condition().clone().without(&mut |test| {
            match (Writer { dialect, columns, ty: &self.resource_type, params: vec![] }).test(test) {
                Ok(_) => return false,
                Err(Untold::Unsupported(what)) => drop(untold.insert(what)),
                Err(Untold::Error(wrong)) => drop(error.get_or_insert(wrong)),
            }
            true
        });
        let mut writer = Writer { dialect, columns, ty: &self.resource_type, params: vec![] };
        match (error, writer.condition(&told)) {
            (None, Ok(condition)) => {
                Ok(Sql { condition, params: writer.params, unsupported: untold.into_iter().collect() })
            }
            (Some(error), _) | (None, Err(Untold::Error(error))) => Err(error),
            // It was told a moment ago.
            (None, Err(Untold::Unsupported(what))) => Err(SqlError::NoColumn(what)),
        }
    }
}

/// Why a test cannot be written.
enum Untold {
    Unsupported(String),
    Error(SqlError),
}

impl From<SqlError> for Untold {
    fn from(error: SqlError) -> Self {
        Self::Error(error)
    }
}

type Written = Result<String, Untold>;

struct Writer<'c> {
    dialect: Dialect,
    columns: &'c Columns,
    /// The resource's type.
    ty: &'c str,
    params: Vec<SqlValue>,
}

/// What `json_each` calls its columns.
const JSON_EACH: [&str; 10] = ["key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root"];

/// An element of a set, within a subquery: a name that no table of an application has.
const ELEMENT: &str = "parapet_element";

impl Writer<'_> {
    fn condition(&mut self, expr: &Expr) -> Written {
        let mut parts = |parts: &[Expr]| parts.iter().map(|part| self.condition(part)).collect::<Result<Vec<_>, _>>();
        Ok(match expr {
            Expr::All(all) if all.is_empty() => "TRUE".to_owned(),
            Expr::Any(any) if any.is_empty() => "FALSE".to_owned(),
            Expr::All(all) => joined(parts(all)?, " AND "),
            Expr::Any(any) => joined(parts(any)?, " OR "),
            Expr::Not(inner) => format!("NOT {}", self.test(inner)?),
            test => self.test(test)?,
        })
    }

    /// A test that is true or false, in brackets where it has parts.
    fn test(&mut self, test: &Expr) -> Written {
        let written = match test {
            Expr::Has(attribute) => {
                if self.columns.of(attribute).is_none() && matches!(attribute.r#type, Type::Record(_)) {
                    let path = attribute.path.join(".");
                    return unsupported(format!("whether the record `{path}` is there: it has no column"));
                }
                return Ok(format!("({} IS NOT NULL)", self.column(attribute)?));
            }
            Expr::Compare(comparison, one, other) => self.compare(*comparison, one, other)?,
            Expr::OneOf(operand, values) => {
                let subject = self.operand(operand, None)?;
                let mut list = vec![];
                for value in values {
                    list.push(self.value(value, operand.attribute())?);
                }
                format!("{subject}{} IN ({})", self.bytewise(operand), list.join(", "))
            }
            Expr::Like(attribute, pattern) => {
                let Some(pattern) = pattern.sql(self.dialect) else { return unsupported("a pattern with NUL".into()) };
                let (column, pattern) = (self.column(attribute)?, self.param(SqlValue::Text(pattern), ""));
                match self.dialect {
                    Dialect::Sqlite => format!("{column} GLOB {pattern}"),
                    Dialect::PostgreSql => format!("{column} LIKE {pattern} ESCAPE '{ESCAPE}'"),
                }
            }
            Expr::InRange(one, other) => {
                if self.dialect == Dialect::Sqlite {
                    return unsupported("addresses, of which SQLite knows nothing".to_owned());
                }
                let (one, other) = (self.operand(one, None)?, self.operand(other, None)?);
                format!("{one} <<= {other}")
            }
            Expr::Contains(attribute, element) => self.contains(attribute, element)?,
            Expr::ContainsAll(one, other) => self.contains_all(one, other)?,
            Expr::ContainsAny(one, other) => self.contains_any(one, other)?,
            Expr::LiesIn(operand, other, inside) => self.lies_in(operand, other, inside)?,
            Expr::All(_) | Expr::Any(_) | Expr::Not(_) | Expr::Unknown(_) => {
                return unsupported("what is no test".to_owned());
            }
        };
        let mut parts = vec![];
        for attribute in test.attributes() {
            let there = format!("{} IS NOT NULL", self.column(attribute)?);
            if !parts.contains(&there) {
                parts.push(there);
            }
        }
        parts.push(written);
        Ok(format!("({})", parts.join(" AND ")))
    }

    fn compare(&mut self, comparison: Comparison, one: &Operand, other: &Operand) -> Written {
        let operator = match comparison {
            Comparison::Equal => "=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
        };
        let is_ip = |operand: &Operand| operand.attribute().is_some_and(|attribute| attribute.r#type == Type::Ip);
        if self.dialect == Dialect::Sqlite && (is_ip(one) || is_ip(other)) {
            return unsupported("addresses, of which SQLite knows nothing".to_owned());
        }
        if let (Operand::Attribute(left), Operand::Attribute(right)) = (one, other) {
            let form = |attribute: &Attribute| self.columns.of(attribute).map(|column| column.encoding);
            if form(left) != form(right) {
                let paths = (left.path.join("."), right.path.join("."));
                return unsupported(format!("how `{}` compares with `{}`, kept in another form", paths.0, paths.1));
            }
        }
        // A value has the form of the column that it is compared with.
        let (left, right) = (self.operand(one, other.attribute())?, self.operand(other, one.attribute())?);
        let bytewise = match comparison {
            Comparison::Equal => self.bytewise(one),
            // The order of a locale may pass over punctuation.
            _ => self.in_byte_order(one, other),
        };
        Ok(format!("{left}{bytewise} {operator} {right}{}", self.also_bytewise(one, other, bytewise)))
    }

    /// SQLite compares by the left column's collation, which may pass over case.
    fn bytewise(&self, operand: &Operand) -> &'static str {
        match (self.dialect, operand) {
            (Dialect::Sqlite, Operand::Resource) => " COLLATE BINARY",
            (Dialect::Sqlite, Operand::Attribute(attribute)) if is_text(&attribute.r#type) => " COLLATE BINARY",
            _ => "",
        }
    }

    /// Where the left is a value, the right column's collation counts.
    fn also_bytewise(&self, one: &Operand, other: &Operand, left: &str) -> &'static str {
        if left.is_empty() && matches!(one, Operand::Value(_)) { self.bytewise(other) } else { "" }
    }

    /// Instants that are kept as text.
    fn in_byte_order(&self, one: &Operand, other: &Operand) -> &'static str {
        let text = |operand: &Operand| {
            let attribute = operand.attribute().filter(|attribute| attribute.r#type == Type::Datetime);
            let column = attribute.and_then(|attribute| self.columns.of(attribute));
            !matches!(operand, Operand::TimeOfDay(..))
                && column.is_some_and(|column| column.encoding == Encoding::Plain)
        };
        match self.dialect {
            _ if !text(one) && !text(other) => "",
            Dialect::Sqlite => " COLLATE BINARY",
            Dialect::PostgreSql => " COLLATE \"C\"",
        }
    }

    fn contains(&mut self, set: &Attribute, element: &Operand) -> Written {
        self.elements_of(set)?;
        let column = self.json(set)?;
        let element_sql = match element {
            Operand::Value(value) => self.element(value)?,
            other => self.operand(other, None)?,
        };
        Ok(match self.dialect {
            // The element stands outside of the subquery, where its name cannot be taken for another's.
            Dialect::Sqlite => format!(
                "COALESCE({element_sql}{} IN (SELECT {ELEMENT}.value FROM json_each({column}) AS {ELEMENT}), FALSE)",
                self.bytewise(element)
            ),
            Dialect::PostgreSql => format!("{column} @> to_jsonb({element_sql})"),
        })
    }

    fn contains_all(&mut self, one: &Operand, other: &Operand) -> Written {
        let (one, other) = match (one, other) {
            (Operand::Attribute(one), Operand::Attribute(other)) => {
                self.elements_of(one)?;
                (self.json(one)?, self.json(other)?)
            }
            (Operand::Value(Value::Set(values)), Operand::Attribute(other)) => {
                self.elements_of(other)?;
                let values = self.array(values)?;
                (values, self.json(other)?)
            }
            _ => return unsupported("a set that is no column".to_owned()),
        };
        Ok(match self.dialect {
            Dialect::Sqlite => format!(
                "NOT EXISTS (SELECT 1 FROM json_each({other}) AS {ELEMENT} WHERE {ELEMENT}.value NOT IN \
                 (SELECT {ELEMENT}s.value FROM json_each({one}) AS {ELEMENT}s))"
            ),
            Dialect::PostgreSql => format!("{other} <@ {one}"),
        })
    }

    fn contains_any(&mut self, one: &Operand, other: &Operand) -> Written {
        let (one, other) = match (one, other) {
            (Operand::Attribute(one), Operand::Attribute(other)) => {
                self.elements_of(one)?;
                (self.json(one)?, self.json(other)?)
            }
            (Operand::Attribute(one), Operand::Value(Value::Set(values))) => {
                self.elements_of(one)?;
                let one = self.json(one)?;
                (one, self.array(values)?)
            }
            _ => return unsupported("a set that is no column".to_owned()),
        };
        Ok(match self.dialect {
            Dialect::Sqlite => format!(
                "EXISTS (SELECT 1 FROM json_each({one}) AS {ELEMENT} WHERE {ELEMENT}.value IN \
                 (SELECT {ELEMENT}s.value FROM json_each({other}) AS {ELEMENT}s))"
            ),
            Dialect::PostgreSql => format!(
                "EXISTS (SELECT FROM jsonb_array_elements({one}) AS {ELEMENT}(value) \
                 JOIN jsonb_array_elements({other}) AS {ELEMENT}s(value) ON {ELEMENT}.value = {ELEMENT}s.value)"
            ),
        })
    }

    fn lies_in(&mut self, operand: &Operand, other: &EntityRef, inside: &[String]) -> Written {
        let subject = self.operand(operand, None)?;
        let own = match operand {
            Operand::Attribute(Attribute { r#type: Type::Entity(ty), .. }) => Some(ty.as_str()),
            _ => None,
        };
        let closure = match own {
            Some(ty) => self.columns.lies_in.get(ty),
            None => self.columns.lies_in.get(self.ty),
        };
        let bytewise = self.bytewise(operand);
        let Some(Closure { table, inside: below, outside_type, outside }) = closure else {
            let ids = self.param(SqlValue::Text(serde_json::Value::from(inside).to_string()), "::jsonb");
            return Ok(match self.dialect {
                Dialect::Sqlite => {
                    format!("{subject}{bytewise} IN (SELECT {ELEMENT}.value FROM json_each({ids}) AS {ELEMENT})")
                }
                Dialect::PostgreSql => format!("{subject} IN (SELECT jsonb_array_elements_text({ids}))"),
            });
        };
        let id = self.param(SqlValue::Text(other.id.clone()), "");
        let (table, below, outside) = (self.quoted(table)?, self.quoted(below)?, self.quoted(outside)?);
        let mut pairs = format!("{table}.{outside} = {id}");
        if let Some(column) = outside_type {
            let ty = self.param(SqlValue::Text(other.r#type.clone()), "");
            pairs.push_str(&format!(" AND {table}.{} = {ty}", self.quoted(column)?));
        }
        let within =
            format!("COALESCE({subject}{bytewise} IN (SELECT {table}.{below} FROM {table} WHERE {pairs}), FALSE)");
        Ok(if inside.binary_search(&other.id).is_ok() {
            format!("({subject} = {id}{bytewise} OR {within})")
        } else {
            within
        })
    }

    /// An operand; a value in the form of the column that it is compared with.
    fn operand(&mut self, operand: &Operand, beside: Option<&Attribute>) -> Written {
        match operand {
            Operand::Resource => {
                let column = self.columns.id.as_ref().ok_or_else(|| SqlError::NoColumn("id".to_owned()))?;
                Ok(self.name(column)?)
            }
            Operand::Attribute(attribute) => self.column(attribute),
            Operand::TimeOfDay(attribute, shift) => {
                let column = self.columns.of(attribute);
                if column.is_some_and(|column| column.encoding != Encoding::Milliseconds) {
                    return unsupported(format!(
                        "the time of day of `{}`, unless in milliseconds",
                        attribute.path.join(".")
                    ));
                }
                let (column, shift) = (self.column(attribute)?, self.param(SqlValue::Integer(*shift), "::bigint"));
                Ok(format!("((({column} + {shift}) % {DAY} + {DAY}) % {DAY})"))
            }
            Operand::Value(value) => self.value(value, beside),
        }
    }

    fn value(&mut self, value: &Value, beside: Option<&Attribute>) -> Written {
        let form = beside.and_then(|attribute| self.columns.of(attribute)).map(|column| column.encoding);
        Ok(match (value, form.unwrap_or_default()) {
            (Value::Bool(value), _) => self.param(SqlValue::Bool(*value), "::boolean"),
            (Value::Decimal(_), Encoding::Numeric) => self.param(SqlValue::Text(value.to_string()), "::numeric"),
            (Value::Datetime(_), Encoding::Plain) => self.param(SqlValue::Text(value.to_string()), ""),
            (Value::Datetime(_), Encoding::Timestamp) => self.param(SqlValue::Text(value.to_string()), "::timestamptz"),
            (Value::Long(number) | Value::Decimal(number) | Value::Datetime(number) | Value::Duration(number), _) => {
                self.param(SqlValue::Integer(*number), "::bigint")
            }
            (Value::String(text) | Value::Entity(_, text), _) => self.param(SqlValue::Text(text.clone()), ""),
            (Value::Ip(_), _) => self.param(SqlValue::Text(value.to_string()), "::inet"),
            (Value::Set(_) | Value::Record(_), _) => return unsupported("a set or a record as one value".to_owned()),
        })
    }

    /// An element of a set.
    fn element(&mut self, value: &Value) -> Written {
        match value {
            Value::String(text) | Value::Entity(_, text) => Ok(self.param(SqlValue::Text(text.clone()), "::text")),
            Value::Long(number) => Ok(self.param(SqlValue::Integer(*number), "::bigint")),
            _ => unsupported("sets of other elements than texts, whole numbers and entities".to_owned()),
        }
    }

    /// A known set as a JSON array.
    fn array(&mut self, values: &BTreeSet<Value>) -> Written {
        let json = values.iter().map(|value| match value {
            Value::String(text) | Value::Entity(_, text) => Some(serde_json::Value::from(text.as_str())),
            Value::Long(number) => Some(serde_json::Value::from(*number)),
            _ => None,
        });
        match json.collect::<Option<serde_json::Value>>() {
            Some(array) => Ok(self.param(SqlValue::Text(array.to_string()), "::jsonb")),
            None => unsupported("sets of other elements than texts, whole numbers and entities".to_owned()),
        }
    }

    fn elements_of(&self, set: &Attribute) -> Result<(), Untold> {
        match &set.r#type {
            Type::Set(element) if matches!(**element, Type::String | Type::Long | Type::Entity(_)) => Ok(()),
            _ => Err(Untold::Unsupported("sets of other elements than texts, whole numbers and entities".to_owned())),
        }
    }

    /// The column of a set, for a subquery of `json_each`.
    fn json(&self, attribute: &Attribute) -> Written {
        let column = self.columns.of(attribute);
        match column {
            Some(Column { table: None, name, .. })
                if self.dialect == Dialect::Sqlite && JSON_EACH.iter().any(|own| own.eq_ignore_ascii_case(name)) =>
            {
                Err(SqlError::Ambiguous(name.clone()).into())
            }
            _ => self.column(attribute),
        }
    }

    /// The column of an attribute, in a form that goes with its type.
    fn column(&self, attribute: &Attribute) -> Written {
        let path = attribute.path.join(".");
        let column = self.columns.of(attribute).ok_or_else(|| SqlError::NoColumn(path.clone()))?;
        let fits = match (column.encoding, &attribute.r#type) {
            (Encoding::Plain, _) | (Encoding::Milliseconds, Type::Datetime) => true,
            (Encoding::Numeric, Type::Decimal) | (Encoding::Timestamp, Type::Datetime) => {
                self.dialect == Dialect::PostgreSql
            }
            _ => false,
        };
        if !fits {
            let (ty, encoding) = (attribute.r#type.to_string(), column.encoding);
            return Err(SqlError::WrongEncoding { path, ty, encoding }.into());
        }
        Ok(self.name(column)?)
    }

    fn name(&self, column: &Column) -> Result<String, SqlError> {
        let name = self.quoted(&column.name)?;
        match &column.table {
            Some(table) => Ok(format!("{}.{name}", self.quoted(table)?)),
            None => Ok(name),
        }
    }

    /// A quoted name. In SQLite by backticks: a name in double quotes that no column has is a text there, and true.
    fn quoted(&self, name: &str) -> Result<String, SqlError> {
        if name.is_empty() || name.contains('\0') {
            return Err(SqlError::Name(name.to_owned()));
        }
        let quote = match self.dialect {
            Dialect::Sqlite => "`",
            Dialect::PostgreSql => "\"",
        };
        Ok(format!("{quote}{}{quote}", name.replace(quote, &quote.repeat(2))))
    }

    /// A placeholder; PostgreSQL is told the type where it cannot see it.
    fn param(&mut self, value: SqlValue, cast: &str) -> String {
        self.params.push(value);
        match self.dialect {
            Dialect::Sqlite => format!("?{}", self.params.len()),
            Dialect::PostgreSql => format!("${}{cast}", self.params.len()),
        }
    }
}

fn is_text(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Entity(_))
}

fn unsupported(what: String) -> Written {
    Err(Untold::Unsupported(what))
}
