//! Lines of rows: `{"table": "user", "row": {…}}`, one a line (JSON Lines).

use parapet::Finding;
use serde_json::{Map, Value};

use crate::guard::object;

/// The media types that lines come and go as; there is no registered one.
pub const MEDIA_TYPES: [&str; 2] = ["application/jsonl", "application/x-ndjson"];

/// A row, and where it stands.
pub struct Line {
    /// The line's place, from 1: `#12`, as findings have it.
    pub place: String,
    /// The table's name.
    pub table: String,
    /// The columns.
    pub row: Map<String, Value>,
}

/// Reads lines; an empty one is none. All that is wrong with them at once.
pub fn read(body: &[u8]) -> Result<Vec<Line>, Vec<Finding>> {
    let (mut lines, mut findings) = (Vec::new(), Vec::new());
    for (text, number) in body.split(|byte| *byte == b'\n').zip(1..) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("#{number}");
        match line(text, place.clone()) {
            Ok(line) => lines.push(line),
            Err(message) => findings.push(Finding::error("import", "import.line", message).row(place)),
        }
    }
    if findings.is_empty() { Ok(lines) } else { Err(findings) }
}

fn line(text: &[u8], place: String) -> Result<Line, String> {
    let mut members = object(text).map_err(|wrong| format!("the line {wrong}"))?;
    let (table, row) = (members.remove("table"), members.remove("row"));
    match (table, row, members.keys().next()) {
        (_, _, Some(other)) => Err(format!("a line has a `table` and a `row`, and no `{other}`")),
        (Some(Value::String(table)), Some(Value::Object(row)), None) => Ok(Line { place, table, row }),
        _ => Err("a line is `{\"table\": \"…\", \"row\": {…}}`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn each_line_that_is_none_is_found_at_its_place() {
        let good = r#"{"table": "user", "row": {"id": 1}}"#;
        let body = format!("{good}\r\n\n{good}");
        let places: Vec<String> = read(body.as_bytes()).ok().unwrap().into_iter().map(|line| line.place).collect();
        assert_eq!(places, ["#1", "#3"]);
        let bad = [
            "{",
            "[]",
            "null",
            r#"{"table": "user"}"#,
            r#"{"table": 1, "row": {}}"#,
            r#"{"table": "user", "row": []}"#,
            r#"{"table": "user", "row": {}, "more": 1}"#,
            r#"{"table": "user", "table": "role", "row": {}}"#,
            r#"{"table": "user", "row": {"id": 1, "id": 2}}"#,
            "\u{feff}{}",
        ];
        let findings = read([good, &bad.join("\n")].join("\n").as_bytes()).err().unwrap();
        let places: Vec<String> = findings.into_iter().filter_map(|finding| finding.row).collect();
        assert_eq!(places, (2..2 + bad.len()).map(|number| format!("#{number}")).collect::<Vec<_>>());
        assert_eq!(read(b"\xff").err().unwrap().len(), 1);
    }
}
