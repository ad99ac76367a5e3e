//! `parapet diff`: what two tenants decide differently.

use super::input::KeyArguments;
use super::{Failure, input, output};
use crate::authzen::{Caller, Evaluation};
use crate::engine::{Engine, Request};
use crate::fixture::{Answer, Requests};
use crate::model::{TenantDocument, Timestamp};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// What was: a tenant document (`*.json`) or a snapshot
    old: PathBuf,
    /// What is to be: a tenant document (`*.json`) or a snapshot
    new: PathBuf,
    /// The requests: one AuthZEN evaluation a line, or a fixture's `requests.json` (`-` for the standard input)
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
    /// When the requests are made (RFC 3339), unless they say so; the clock's time otherwise
    #[arg(long)]
    now: Option<Timestamp>,
    #[command(flatten)]
    key: KeyArguments,
}

/// A request of the file.
struct Asked {
    /// What it is called: the case's name, or its line.
    name: String,
    request: Request,
    now: Timestamp,
}

impl Diff {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let (old, old_document) = input::tenant(&self.old, &self.key)?;
        let (new, new_document) = input::tenant(&self.new, &self.key)?;
        let asked = self.asked(new_document.as_ref().or(old_document.as_ref()))?;
        let mut differ = 0;
        for Asked { name, request, now } in &asked {
            let answer = |engine: &Engine| Answer::from(&engine.decide(request, *now));
            let (was, is) = (answer(&old), answer(&new));
            if was == is {
                continue;
            }
            differ += 1;
            if as_json {
                output::json(&json!({"name": name, "old": was, "new": is}))?;
            } else {
                output::line(name)?;
                output::line(format!("  was {}", output::answer(&was)))?;
                output::line(format!("  is  {}", output::answer(&is)))?;
            }
        }
        if !as_json {
            output::line(format!("{} requests: {differ} are decided differently", asked.len()))?;
        }
        Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn asked(&self, document: Option<&TenantDocument>) -> Result<Vec<Asked>, Failure> {
        let text = input::text(&self.requests)?;
        match Requests::read(&text) {
            Ok(requests) => self.cases(&requests, document),
            Err(_) => self.lines(&text),
        }
    }

    fn cases(&self, requests: &Requests, document: Option<&TenantDocument>) -> Result<Vec<Asked>, Failure> {
        let cases = requests.requests.iter().map(|case| {
            let request = match document {
                Some(document) => case.engine_request(document)?,
                None if case.caller.is_some() => {
                    let name = &case.name;
                    let message = format!("`{name}` came with an API key, whose scopes only a tenant document says");
                    return Err(Failure::Usage(message));
                }
                None => request(case.request.to_string().as_bytes())?,
            };
            Ok(Asked { name: case.name.clone(), request, now: case.now.or(self.now).unwrap_or(requests.now) })
        });
        cases.collect()
    }

    fn lines(&self, text: &str) -> Result<Vec<Asked>, Failure> {
        let now = input::now(self.now);
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).map(|(line, text)| {
            let path: &Path = &self.requests;
            let request = request(text.as_bytes());
            let request = request.map_err(|error| Failure::RequestLine { path: path.to_owned(), line, error })?;
            let (principal, resource) = (&request.principal, &request.resource);
            let name = format!(
                "line {line}: {} `{}`, `{}`, {} `{}`",
                principal.r#type, principal.id, request.action, resource.r#type, resource.id
            );
            Ok(Asked { name, request, now })
        });
        lines.collect()
    }
}

/// A request of a trusted enforcement point.
fn request(body: &[u8]) -> Result<Request, crate::authzen::AuthzenError> {
    Evaluation::parse(body)?.request(&Caller { sets_context: true, scopes: None })
}
