//! `parapet check`: everything that is wrong with a tenant document.

use super::{Failure, input, output};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The tenant document (`-` for the standard input)
    document: PathBuf,
}

impl Check {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let findings = match input::compiled(&self.document) {
            Ok((_, compiled)) => compiled.warnings().to_vec(),
            Err(Failure::Findings { findings, .. }) => findings,
            Err(failure) => return Err(failure),
        };
        let errors = findings.iter().filter(|finding| finding.is_error()).count();
        if as_json {
            output::json(&json!({"findings": findings}))?;
        } else {
            output::findings(&findings);
            let word = if errors == 0 { output::green("fine") } else { output::red("refused") };
            let (warnings, path) = (findings.len() - errors, self.document.display());
            output::line(format!("{path}: {word}, {errors} errors, {warnings} warnings"))?;
        }
        Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}
