//! What is printed: plain text with colour where a terminal shows it, or JSON.

use super::Failure;
use crate::Finding;
use crate::engine::Outcome;
use crate::fixture::Answer;
use serde::Serialize;
use std::io::Write;

/// Prints a value as JSON, one line.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string(value).map_err(|error| Failure::Print(error.into()))?;
    text.push('\n');
    write(&text)
}

/// Prints text to the standard output. A reader that has gone is no failure.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Failure::Print),
    }
}

/// Prints a line.
pub(super) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    write(&format!("{}\n", text.as_ref()))
}

/// Prints an error to the standard error.
pub(super) fn error(message: &str) {
    let _ = writeln!(anstream::stderr(), "{}: {message}", red("error"));
}

/// Prints what a person should know to the standard error.
pub(super) fn note(message: &str) {
    let _ = writeln!(anstream::stderr(), "{}: {message}", yellow("note"));
}

/// Prints findings to the standard error.
pub(super) fn findings(findings: &[Finding]) {
    for finding in findings {
        let text = finding.to_string();
        let text = if finding.is_error() { red(&text) } else { yellow(&text) };
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// The word for an outcome, in its colour.
pub(super) fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Allow => green("allow"),
        Outcome::Forbidden => red("forbidden"),
        Outcome::NoPermit => red("no permit"),
        Outcome::Error => yellow("error"),
    }
}

/// An answer on one line.
pub(super) fn answer(answer: &Answer) -> String {
    let reason = answer.reason.map(|reason| format!(" ({})", reason.name())).unwrap_or_default();
    let list =
        |what: &str, ids: &[String]| if ids.is_empty() { String::new() } else { format!(", {what} {}", ids.join(" ")) };
    let outcome = serde_json::json!(answer.outcome);
    format!(
        "{}{reason}{}{}",
        outcome.as_str().unwrap_or_default(),
        list("by", &answer.policies),
        list("failed", &answer.errors)
    )
}

pub(super) fn green(text: &str) -> String {
    format!("\x1b[32m{text}\x1b[0m")
}

pub(super) fn red(text: &str) -> String {
    format!("\x1b[31m{text}\x1b[0m")
}

pub(super) fn yellow(text: &str) -> String {
    format!("\x1b[33m{text}\x1b[0m")
}

pub(super) fn dim(text: &str) -> String {
    format!("\x1b[2m{text}\x1b[0m")
}
