//! `parapet matrix`: every principal with every action.

use super::input::KeyArguments;
use super::{Failure, input, output};
use crate::engine::{Access, MatrixRow};
use crate::model::Timestamp;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Matrix {
    /// A tenant document (`*.json`) or a snapshot
    tenant: PathBuf,
    /// The instant that it is for (RFC 3339); the clock's time otherwise
    #[arg(long)]
    now: Option<Timestamp>,
    /// A table of comma-separated values: a line a principal, a column an action
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    key: KeyArguments,
}

impl Matrix {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let engine = input::engine(&self.tenant, &self.key)?;
        let mut header = self.csv;
        for row in engine.matrix(input::now(self.now)) {
            if as_json {
                output::json(&row)?;
            } else if self.csv {
                if std::mem::take(&mut header) {
                    comma_separated("type", "id", row.cells.iter().map(|cell| cell.action))?;
                }
                let accesses = row.cells.iter().map(|cell| word(cell.access));
                comma_separated(&row.principal.r#type, &row.principal.id, accesses)?;
            } else {
                print(&row)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Types, ids and actions have no characters that would have to be quoted.
fn comma_separated<'a>(ty: &'a str, id: &'a str, cells: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let cells: Vec<&str> = [ty, id].into_iter().chain(cells).collect();
    output::line(cells.join(","))
}

/// What a principal may do, for people: what it may not is left out.
fn print(row: &MatrixRow<'_>) -> Result<(), Failure> {
    let reason = row.reason.map(|reason| format!(" ({})", reason.name())).unwrap_or_default();
    output::line(format!("{} {}{reason}", row.principal.r#type, row.principal.id))?;
    for cell in row.cells.iter().filter(|cell| cell.access != Access::No) {
        let access = match cell.access {
            Access::Allow => output::green(word(cell.access)),
            Access::Conditional | Access::No => output::yellow(word(cell.access)),
        };
        output::line(format!("  {} {access} {}", cell.action, output::dim(&cell.policies.join(" "))))?;
    }
    Ok(())
}

fn word(access: Access) -> &'static str {
    match access {
        Access::Allow => "allow",
        Access::No => "no",
        Access::Conditional => "conditional",
    }
}
