//! From the queue into the database: all messages of a batch in one of D1, each row once however often it comes.

use parapet::model::{DecisionLog, Row};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::App;
use crate::platform::db::Statement;
use crate::platform::log;
use crate::platform::queue::Handled;

/// What a message holds.
#[derive(Deserialize)]
struct Message {
    decisions: Decisions,
}

#[derive(Deserialize)]
struct Decisions {
    tenant: Uuid,
    rows: Vec<Map<String, Value>>,
}

/// Whether these messages are of the queue of decisions.
pub fn are_decisions(texts: &[String]) -> bool {
    texts.iter().any(|text| text.starts_with("{\"decisions\":"))
}

/// Writes the decisions of a batch; they come again where the database does not take them.
pub async fn write(app: &App, texts: &[String]) -> Handled {
    let statements: Vec<Statement> = texts.iter().filter_map(|text| statement(text)).collect();
    if statements.is_empty() {
        return Handled::Done;
    }
    match app.db.batch(statements).await {
        Ok(_) => Handled::Done,
        Err(error) => {
            log::error("-", "decision_log.not_written", &error.to_string());
            Handled::Again
        }
    }
}

/// The rows of a message; what is no row will not become one by coming again.
fn statement(text: &str) -> Option<Statement> {
    let malformed = |detail: &str| log::error("-", "queue.malformed", detail);
    let Decisions { tenant, rows } = match serde_json::from_str(text) {
        Ok(Message { decisions }) => decisions,
        Err(error) => {
            malformed(&error.to_string());
            return None;
        }
    };
    let mut findings = Vec::new();
    let read = |row| DecisionLog::from_json(row, "decision", &mut findings);
    let rows: Vec<DecisionLog> = rows.into_iter().filter_map(read).filter(|row| row.tenant_id == tenant).collect();
    if let Some(finding) = findings.first() {
        malformed(&finding.to_string());
    }
    let rows = serde_json::to_string(&rows).ok()?;
    Some(Statement::new(insert()).bind(tenant).bind(rows))
}

/// A tenant may be gone by now.
fn insert() -> String {
    let names: Vec<&str> = DecisionLog::COLUMNS.iter().map(|column| column.name).collect();
    let values: Vec<String> = names.iter().map(|name| format!("j.value ->> '{name}'")).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!(
        "INSERT INTO decision_log ({names}) SELECT {values} FROM json_each(?2) j
         WHERE EXISTS (SELECT 1 FROM tenant_epoch WHERE tenant_id = ?1) ON CONFLICT (id) DO NOTHING"
    )
}
