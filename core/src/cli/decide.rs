//! `parapet decide` and `parapet explain`: one request, decided here.

use super::input::KeyArguments;
use super::{Failure, input, output};
use crate::authzen::{AsOf, Caller, Evaluation, EvaluationResponse};
use crate::compile::Origin;
use crate::engine::{Decision, Engine, Explanation, MissingWhy, Request};
use crate::model::Timestamp;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Decide {
    #[command(flatten)]
    question: Question,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    question: Question,
}

#[derive(Debug, Args)]
struct Question {
    /// A tenant document (`*.json`) or a snapshot
    tenant: PathBuf,
    /// The request: an AuthZEN evaluation as JSON (`-` for the standard input)
    #[arg(default_value = "-")]
    request: PathBuf,
    /// When the request is made (RFC 3339); the clock's time otherwise
    #[arg(long)]
    now: Option<Timestamp>,
    /// A scope of the key that the subject itself came with; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    key: KeyArguments,
}

impl Question {
    fn read(&self) -> Result<(Engine, Request, Timestamp), Failure> {
        let engine = input::engine(&self.tenant, &self.key)?;
        let scopes = (!self.scopes.is_empty()).then(|| self.scopes.clone());
        let evaluation = Evaluation::parse(&input::bytes(&self.request)?)?;
        let request = evaluation.request(&Caller { sets_context: true, scopes })?;
        Ok((engine, request, input::now(self.now)))
    }
}

impl Decide {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let (engine, request, now) = self.question.read()?;
        let decision = engine.decide(&request, now);
        let code = exit_code(&decision);
        if as_json {
            let as_of = AsOf { policy_version: engine.policy_version(), directory_version: 0, now };
            output::json(&EvaluationResponse::of(decision, Some(as_of)))?;
        } else {
            print(&decision)?;
        }
        Ok(code)
    }
}

impl Explain {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let (engine, request, now) = self.question.read()?;
        let explanation = engine.explain(&request, now);
        if as_json {
            output::json(&explanation)?;
        } else {
            print(&explanation.decision)?;
            print_reasons(&explanation)?;
        }
        Ok(exit_code(&explanation.decision))
    }
}

fn exit_code(decision: &Decision) -> ExitCode {
    if decision.is_allow() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn print(decision: &Decision) -> Result<(), Failure> {
    let mut text = output::outcome(decision.outcome);
    if let Some(reason) = decision.reason {
        text.push_str(&format!(" ({}", reason.name()));
        if let Some(at) = &decision.at {
            text.push_str(&format!(" at {at}"));
        }
        text.push(')');
    }
    output::line(text)?;
    for policy in &decision.policies {
        output::line(format!("  by {policy}"))?;
    }
    for error in &decision.errors {
        output::line(format!("  {} {}: {}", output::yellow("failed"), error.policy, error.message))?;
    }
    Ok(())
}

fn print_reasons(explanation: &Explanation) -> Result<(), Failure> {
    for policy in &explanation.policies {
        output::line(format!("{}: {}", policy.policy, origin(&policy.origin)))?;
        for step in &policy.path {
            let until = step.expires_at.map(|end| format!(" until {end}")).unwrap_or_default();
            let (ty, source) = (&step.to.r#type, &step.source);
            let row = output::dim(&format!("({} {})", source.table, source.id));
            output::line(format!("  -> {ty} `{}`{until} {row}", step.name))?;
        }
        for row in &policy.rows {
            let field = row.field.as_ref().map(|field| format!(" {field}")).unwrap_or_default();
            output::line(format!("  given by {} {}{field}", row.table, row.id))?;
        }
        if let Some(condition) = &policy.condition {
            output::line(format!("  because {condition}"))?;
        }
    }
    for missing in &explanation.missing {
        let why = match missing.why {
            MissingWhy::Condition => "held, but its condition is not met",
            MissingWhy::Expired => "has ended",
            MissingWhy::Error => "could not be evaluated",
            MissingWhy::NotAssigned => "not assigned",
        };
        output::line(format!("would allow: {} — {why} {}", origin(&missing.origin), output::dim(&missing.policy)))?;
        if let (MissingWhy::Condition, Some(condition)) = (missing.why, &missing.condition) {
            output::line(format!("  {condition}"))?;
        }
    }
    Ok(())
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Role { name, .. } => format!("role `{name}`"),
        Origin::ServiceAccount { name, .. } => format!("service account `{name}`"),
        Origin::Request { id, .. } => format!("access request {id}"),
        Origin::Custom { name, .. } => format!("the tenant's own policy `{name}`"),
        Origin::Guardrail { name } => format!("guardrail `{name}`"),
    }
}
