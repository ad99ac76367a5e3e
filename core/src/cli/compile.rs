//! `parapet compile`: policies as text, the schema, or a signed snapshot.

use super::input::KeyArguments;
use super::{Failure, input, output};
use crate::model::Timestamp;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Compile {
    /// The tenant document (`-` for the standard input)
    document: PathBuf,
    /// Write a signed snapshot to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the Cedar schema (JSON) instead of the policies
    #[arg(long, conflicts_with = "output")]
    schema: bool,
    /// The version that the snapshot says
    #[arg(long, default_value_t = 1)]
    version: u64,
    /// When the snapshot says it was made (RFC 3339); the clock's time otherwise
    #[arg(long)]
    created: Option<Timestamp>,
    #[command(flatten)]
    key: KeyArguments,
}

impl Compile {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let (_, compiled) = input::compiled(&self.document)?;
        if !as_json {
            output::findings(compiled.warnings());
        }
        if self.schema {
            output::json(&compiled.cedar_schema())?;
            return Ok(ExitCode::SUCCESS);
        }
        let Some(path) = self.output else {
            match as_json {
                true => output::json(&json!({"policies": compiled.cedar(), "schema": compiled.cedar_schema(),
                    "sources": compiled.sources(), "warnings": compiled.warnings()}))?,
                false => output::write(compiled.cedar())?,
            }
            return Ok(ExitCode::SUCCESS);
        };
        let Some(key) = self.key.signing_key()? else {
            return Err(Failure::Usage("a snapshot is signed: set PARAPET_SNAPSHOT_KEY".to_owned()));
        };
        let bytes = compiled.snapshot(self.version, input::now(self.created), &key);
        let header = crate::snapshot::Snapshot::header(&bytes)?;
        std::fs::write(&path, &bytes).map_err(|error| Failure::Write { path: path.clone(), error })?;
        let policies = compiled.sources().len();
        match as_json {
            true => output::json(&json!({"output": path, "bytes": bytes.len(), "policies": policies,
                "content_hash": header.content_hash_hex(), "policy_version": self.version}))?,
            false => output::line(format!(
                "{}: {} bytes, {policies} policies, version {}, content {}",
                path.display(),
                bytes.len(),
                self.version,
                header.content_hash_hex()
            ))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
