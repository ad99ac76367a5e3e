//! `parapet decide` and `parapet explain`: one request, decided here.

use super::input::QuestionArguments;
use super::{Failure, output};
use crate::authzen::{AsOf, Evaluation, EvaluationResponse};
use crate::directory::EntityRef;
use crate::engine::{Decision, Engine, Request};
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
        let principal = engine.principal(&request.principal);
        let explanation = engine.explain_in_full(principal.as_ref(), &request, now);
        let named = |entity: EntityRef| Some((entity.clone(), engine.principal(&entity)?.display_name()?));
        let names = explanation.mentioned().into_iter().filter_map(named).collect();
        let report = engine.report(explanation, principal.as_ref(), &request, now, &names);
        if as_json {
            output::json(&report)?;
        } else {
            print(&report.explanation.decision)?;
            report.sentences.iter().try_for_each(output::line)?;
        }
        Ok(exit_code(&report.explanation.decision))
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
