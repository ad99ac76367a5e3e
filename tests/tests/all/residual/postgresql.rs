//! The same rows in PostgreSQL, where there is one: `PARAPET_POSTGRES` is what `psql` connects to.

use parapet::engine::residual::{Column, Columns, Encoding, Sql, SqlValue};
use parapet::schema::{Attributes, Schema, Type, Value as Typed};
use parapet_tests::differential::Rng;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

/// What is asked of PostgreSQL at once: a script, and what each of its queries must select.
pub(super) struct Server {
    connection: String,
    script: String,
    expected: Vec<(BTreeSet<String>, String)>,
}

/// Other forms of columns, those of PostgreSQL among them.
pub(super) fn columns(rng: &mut Rng, columns: &Columns) -> Columns {
    let mut columns = columns.clone();
    for (name, encoding) in
        [("due", Encoding::Timestamp), ("created", Encoding::Timestamp), ("price", Encoding::Numeric)]
    {
        if rng.chance(40) {
            columns = columns.attribute(name, Column::new(name).with(encoding));
        }
    }
    columns
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn column_type(ty: &Type, encoding: Encoding) -> &'static str {
    match (ty, encoding) {
        (Type::Datetime, Encoding::Timestamp) => "TIMESTAMPTZ",
        (Type::Decimal, Encoding::Numeric) => "NUMERIC",
        (Type::Datetime, Encoding::Milliseconds) | (Type::Long | Type::Decimal | Type::Duration, _) => "BIGINT",
        (Type::Bool, _) => "BOOLEAN",
        (Type::Ip, _) => "INET",
        (Type::Set(_), _) => "JSONB",
        _ => "TEXT",
    }
}

fn literal(value: Option<&Typed>, encoding: Encoding) -> String {
    match (value, encoding) {
        (None, _) => "NULL".to_owned(),
        (Some(Typed::Datetime(time)), Encoding::Milliseconds) => time.to_string(),
        (Some(value @ Typed::Decimal(_)), Encoding::Numeric) => value.to_string(),
        (Some(Typed::Long(number) | Typed::Decimal(number) | Typed::Duration(number)), _) => format!("'{number}'"),
        (Some(Typed::Bool(value)), _) => value.to_string(),
        (Some(value), _) => match super::cell(Some(value), encoding) {
            rusqlite::types::Value::Text(text) => quoted(&text),
            other => panic!("{other:?}"),
        },
    }
}

impl Server {
    /// The server that the environment names.
    pub(super) fn new(columns: &Columns, rows: &[(String, Map<String, Value>)], declared: &Attributes) -> Option<Self> {
        let connection = std::env::var("PARAPET_POSTGRES").ok()?;
        let ways: Vec<Vec<String>> =
            columns.attributes.keys().map(|path| path.split('.').map(str::to_owned).collect()).collect();
        let mut script = "SET TIME ZONE 'Asia/Tokyo';\n".to_owned();
        let types = columns.attributes.values().zip(&ways).map(|(column, way)| {
            format!(", {} {}", column.name, column_type(Schema::at(declared, way).unwrap(), column.encoding))
        });
        script.push_str(&format!("CREATE TEMP TABLE document (id TEXT{});\n", types.collect::<String>()));
        for (id, row) in rows {
            let values = Typed::read_attributes(declared, row).unwrap();
            let cells = columns
                .attributes
                .values()
                .zip(&ways)
                .map(|(column, way)| format!(", {}", literal(super::at(&values, way), column.encoding)));
            script.push_str(&format!("INSERT INTO document VALUES ({}{});\n", quoted(id), cells.collect::<String>()));
        }
        for ty in ["document", "folder"] {
            script.push_str(&format!("CREATE TEMP TABLE \"{ty} inside\" (id TEXT, type TEXT, outside TEXT);\n"));
            for (_, id, outside) in super::INSIDE.iter().filter(|(own, ..)| *own == ty) {
                script.push_str(&format!("INSERT INTO \"{ty} inside\" VALUES ('{id}', 'folder', '{outside}');\n"));
            }
        }
        Some(Self { connection, script, expected: vec![] })
    }

    /// Asks for the rows of a condition.
    pub(super) fn select(&mut self, sql: &Sql, expected: BTreeSet<String>) {
        let number = self.expected.len();
        let query = format!("SELECT coalesce(string_agg(id, ' '), '') FROM document WHERE {}", sql.condition);
        let params = sql.params.iter().map(|param| match param {
            SqlValue::Bool(value) => value.to_string(),
            SqlValue::Integer(value) => format!("'{value}'"),
            SqlValue::Text(text) => quoted(text),
        });
        let params = params.collect::<Vec<_>>().join(", ");
        let call = if params.is_empty() { String::new() } else { format!("({params})") };
        self.script.push_str(&format!("PREPARE q{number} AS {query};\nEXECUTE q{number}{call};\n"));
        self.expected.push((expected, format!("{query}\n{params}")));
    }

    /// Runs the script and compares.
    pub(super) fn check(self) {
        let mut child = Command::new("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", &self.connection])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let script = self.script.clone();
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        let errors = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let last = self.expected.get(lines.len()).map_or("", |(_, query)| query);
        assert!(output.status.success(), "{errors}\n{last}");
        assert_eq!(lines.len(), self.expected.len());
        for (line, (expected, query)) in lines.iter().zip(&self.expected) {
            let selected: BTreeSet<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(selected, *expected, "{query}");
        }
    }
}
