//! Why a command could not be carried out.

use super::output;
use crate::Finding;
use crate::authzen::AuthzenError;
use crate::engine::EngineError;
use crate::engine::residual::SqlError;
use crate::snapshot::{KeyError, SnapshotError};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file cannot be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file cannot be written.
    #[error("`{}` cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// What is written in a document is wrong.
    #[error("{} in `{}`", count(findings), path.display())]
    Findings {
        /// The document.
        path: PathBuf,
        /// Everything that is wrong.
        findings: Vec<Finding>,
    },
    /// A request is malformed.
    #[error("the request is malformed: {0}")]
    Request(#[from] AuthzenError),
    /// A request of a file is malformed.
    #[error("line {line} of `{}`: {error}", path.display())]
    RequestLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: AuthzenError,
    },
    /// A line of a log is no row of it.
    #[error("line {line} of `{}`: {message}", path.display())]
    LogLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// A snapshot is refused.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A snapshot cannot decide.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A key is unfit.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A residual cannot be put to a table.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The words of the call do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Something cannot be printed.
    #[error("cannot print: {0}")]
    Print(std::io::Error),
}

fn count(findings: &[Finding]) -> String {
    match findings.iter().filter(|finding| finding.is_error()).count() {
        1 => "1 error".to_owned(),
        errors => format!("{errors} errors"),
    }
}

impl Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "input.unreadable",
            Self::Write { .. } => "output.unwritable",
            Self::Findings { .. } => "document.findings",
            Self::Request(error) | Self::RequestLine { error, .. } => error.code(),
            Self::LogLine { .. } => "log.malformed",
            Self::Snapshot(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Sql(error) => error.code(),
            Self::Usage(_) => "usage",
            Self::Print(_) => "output.unwritable",
        }
    }

    /// Prints it and gives the exit code.
    pub(super) fn report(&self, as_json: bool) -> ExitCode {
        let findings = match self {
            Self::Findings { findings, .. } => findings.as_slice(),
            _ => &[],
        };
        if as_json {
            let pointer = match self {
                Self::Request(error) | Self::RequestLine { error, .. } => Some(error.pointer()),
                _ => None,
            };
            let mut error = json!({"error": {"code": self.code(), "message": self.to_string()}});
            if let Some(object) = error.get_mut("error").and_then(|error| error.as_object_mut()) {
                if let Some(pointer) = pointer {
                    object.insert("pointer".to_owned(), json!(pointer));
                }
                if !findings.is_empty() {
                    object.insert("findings".to_owned(), json!(findings));
                }
            }
            let _ = output::json(&error);
        } else {
            output::findings(findings);
            output::error(&self.to_string());
        }
        match self {
            Self::Findings { .. } => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }
}
