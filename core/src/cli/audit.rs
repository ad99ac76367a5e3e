//! `parapet audit verify`: whether an exported audit log is whole and unchanged.

use super::{Failure, input, output};
use crate::Finding;
use crate::audit::{Head, Verifier, read_line};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Verify the hash chain of an exported audit log: nothing changed, removed, inserted or moved
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// The export: one `audit_log` row of one tenant a line, as JSON (`-` for the standard input)
    log: PathBuf,
    /// A row that was noted elsewhere, such as an `audit_root`: it must be there, or a tail was cut off
    #[arg(long, value_name = "SEQUENCE:HASH")]
    head: Option<Head>,
    /// The row that the log follows: the end of an earlier export; `0:` and 64 zeros for a log from its beginning
    #[arg(long, value_name = "SEQUENCE:HASH")]
    from: Option<Head>,
}

impl Audit {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        match self.what {
            What::Verify(verify) => verify.run(as_json),
        }
    }
}

/// How many findings are shown: a log may be of any length, and so may what is wrong with it.
const SHOWN: usize = 1_000;

/// What is found, of which the first are shown.
#[derive(Default)]
struct Found {
    shown: Vec<Finding>,
    count: usize,
}

impl Found {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>, as_json: bool) {
        for finding in findings {
            self.count += 1;
            if self.count > SHOWN {
                continue;
            }
            if as_json {
                self.shown.push(finding);
            } else {
                output::findings(&[finding]);
            }
        }
    }
}

impl Verify {
    fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let mut verifier = Verifier::new(self.from.clone());
        if let Some(head) = self.head {
            verifier = verifier.holding(head);
        }
        let mut found = Found::default();
        input::each_line(&self.log, |number, line| {
            let findings = match std::str::from_utf8(line) {
                Ok(text) if text.trim().is_empty() => vec![],
                Ok(text) => read_line(text, number).map_or_else(|findings| findings, |row| verifier.row(&row)),
                Err(error) => {
                    let message = format!("line {number} is no text: {error}");
                    vec![Finding::error("audit_log", "audit.malformed", message).row(format!("#{number}"))]
                }
            };
            found.add(findings, as_json);
        })?;
        let (verified, finding) = verifier.finish();
        found.add(finding, as_json);
        let (start, head) = (&verified.start, &verified.head);
        if as_json {
            output::json(&json!({
                "findings": found.shown,
                "errors": found.count,
                "rows": verified.rows,
                "start": start,
                "head": head,
            }))?;
        } else {
            if found.count > SHOWN {
                output::note(&format!("{} more are not shown", found.count - SHOWN));
            }
            if start.sequence > 0 && self.from.is_none() {
                let first = start.sequence + 1;
                output::note(&format!("the log starts with row {first}: what it follows is only what that row says"));
            }
            let word = if found.count == 0 { output::green("intact") } else { output::red("not intact") };
            let (path, rows, errors) = (self.log.display(), verified.rows, found.count);
            output::line(format!("{path}: {word}, {rows} rows up to {head}, {errors} errors"))?;
        }
        Ok(if found.count == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}
