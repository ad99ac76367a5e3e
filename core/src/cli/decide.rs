//! `parapet decide` and `parapet explain`: one request, decided here.

use super::input::QuestionArguments;
use super::{Failure, output};
use crate::authzen::{AsOf, Evaluation, EvaluationResponse};
use crate::compile::Origin;
use crate::engine::{Decision, Engine, Explanation, MissingWhy, Request};
use crate::model::Timestamp;
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Decide {
    #[command(flatten)]
    question: QuestionArguments,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    #[command(flatten)]
    question: QuestionArguments,
}

fn read(question: &QuestionArguments) -> Result<(Engine, Request, Timestamp), Failure> {
    let engine = question.engine()?;
    let request = Evaluation::parse(&question.request()?)?.request(&question.caller())?;
    Ok((engine, request, question.now()))
}

impl Decide {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let (engine, request, now) = read(&self.question)?;
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
        let (engine, request, now) = read(&self.question)?;
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
