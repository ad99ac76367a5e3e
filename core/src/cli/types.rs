//! `parapet types`: what a tenant's requests may say, as TypeScript.

use super::input::KeyArguments;
use super::{Failure, input, output};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Types {
    /// A tenant document (`*.json`) or a snapshot
    tenant: PathBuf,
    /// The name of the type
    #[arg(long, default_value = "Tenant", value_parser = name)]
    name: String,
    #[command(flatten)]
    key: KeyArguments,
}

impl Types {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let engine = input::engine(&self.tenant, &self.key)?;
        let declaration = engine.schema().typescript(&self.name);
        if as_json {
            output::json(&json!({"name": self.name, "typescript": declaration}))?;
        } else {
            output::line("// What requests may say, for `Engine<…>` of `@parapet/engine`. Made by `parapet types`.")?;
            output::write(&declaration)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A name that TypeScript takes for a type.
fn name(text: &str) -> Result<String, String> {
    let mut characters = text.chars();
    let begins = characters.next().is_some_and(|first| first.is_ascii_uppercase());
    match begins && characters.all(|next| next.is_ascii_alphanumeric() || next == '_') {
        true => Ok(text.to_owned()),
        false => Err("a type's name is letters, digits and `_`, and begins with a capital letter".to_owned()),
    }
}
