//! `parapet test`: fixture folders, every request decided as it is written.

use super::{Failure, input, output};
use crate::engine::Engine;
use crate::fixture::{Answer, Requests};
use crate::model::TenantDocument;
use clap::Args;
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Test {
    /// Folders with `tenant.json` and `requests.json`, or folders of such folders
    #[arg(required = true)]
    folders: Vec<PathBuf>,
}

impl Test {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let mut folders = vec![];
        for folder in &self.folders {
            find(folder, &mut folders)?;
        }
        if folders.is_empty() {
            return Err(Failure::Usage("there is no folder with `tenant.json` and `requests.json`".to_owned()));
        }
        let (mut passed, mut failed) = (0, 0);
        let shown = !as_json && std::io::stderr().is_terminal();
        let progress =
            if shown { indicatif::ProgressBar::new(folders.len() as u64) } else { indicatif::ProgressBar::hidden() };
        for folder in &folders {
            let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
            progress.set_message(name.clone());
            let (document, compiled) = input::compiled(&folder.join("tenant.json"))?;
            let engine = compiled.engine()?;
            let path = folder.join("requests.json");
            let requests = Requests::read(&input::text(&path)?)
                .map_err(|message| Failure::Usage(format!("`{}`: {message}", path.display())))?;
            for case in &requests.requests {
                let answer = answer(&engine, &document, case, requests.now)?;
                let expected = case.expected(compiled.sources());
                let right = expected.as_ref() == Ok(&answer);
                match right {
                    true => passed += 1,
                    false => failed += 1,
                }
                if as_json {
                    output::json(
                        &json!({"fixture": name, "name": case.name, "passed": right, "outcome": answer.outcome,
                        "reason": answer.reason, "policies": answer.policies, "errors": answer.errors}),
                    )?;
                } else if !right {
                    progress.suspend(|| output::line(format!("{} {name}: {}", output::red("failed"), case.name)))?;
                    match expected {
                        Ok(expected) => output::line(format!("  expected {}", output::answer(&expected)))?,
                        Err(message) => output::line(format!("  expected what does not exist: {message}"))?,
                    }
                    output::line(format!("  decided  {}", output::answer(&answer)))?;
                }
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        if !as_json {
            output::line(format!("{} folders: {passed} passed, {failed} failed", folders.len()))?;
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

/// What the engine answers to a case.
fn answer(
    engine: &Engine,
    document: &TenantDocument,
    case: &crate::fixture::Case,
    now: crate::Timestamp,
) -> Result<Answer, Failure> {
    let request = case.engine_request(document)?;
    Ok(Answer::from(&engine.decide(&request, case.now.unwrap_or(now))))
}

/// Fixture folders at or directly below a folder, in the order of their names.
fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let is_fixture = |path: &Path| path.join("requests.json").is_file() && path.join("tenant.json").is_file();
    if is_fixture(folder) {
        found.push(folder.to_owned());
        return Ok(());
    }
    let unreadable = |error| Failure::Read { path: folder.to_owned(), error };
    let mut below = vec![];
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        below.push(entry.map_err(unreadable)?.path());
    }
    below.sort();
    found.extend(below.into_iter().filter(|path| is_fixture(path)));
    Ok(())
}
