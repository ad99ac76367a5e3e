//! `parapet replay`: what another snapshot would have decided of what was asked.

use super::input::KeyArguments;
use super::{Failure, input, output};
use crate::decision_log;
use crate::directory::PrincipalRecord;
use crate::engine::{self, Engine, Request, Settled};
use crate::fixture::Answer;
use crate::gateway::{ANONYMOUS, Routes};
use crate::model::{DecisionLog, Outcome, Row, Timestamp, json};
use crate::schema::USER;
use crate::snapshot::SectionKind;
use clap::Args;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The log of decisions, as it is exported: JSON lines (`-` for the standard input)
    log: PathBuf,
    /// What is to decide: a tenant document (`*.json`) or a snapshot, with the people in it
    #[arg(long, value_name = "FILE")]
    snapshot: PathBuf,
    /// When the requests are made (RFC 3339); each at its own time otherwise
    #[arg(long)]
    now: Option<Timestamp>,
    #[command(flatten)]
    key: KeyArguments,
}

/// What became of the rows.
#[derive(Debug, Default)]
struct Counts {
    rows: u64,
    allow_to_deny: u64,
    deny_to_allow: u64,
    unknown: u64,
}

/// What a row comes to.
enum Now {
    /// It is decided so, whatever was left out of the row.
    Decided(Answer),
    /// That hangs on what was left out.
    Unknown,
}

impl Replay {
    pub(super) fn run(self, as_json: bool) -> Result<ExitCode, Failure> {
        let (engine, _) = input::tenant(&self.snapshot, &self.key)?;
        let rows = self.rows()?;
        let again = Again::new(&engine, self.now)?;
        // Published snapshots have no users in them: by one, everybody would be unknown.
        let is_known = |(_, row): &(u64, DecisionLog)| again.principal(&decision_log::request(row)).is_some();
        if !rows.is_empty() && !rows.iter().any(is_known) {
            let path = self.snapshot.display();
            let message = format!("`{path}` knows nobody who is in the log: what decides needs the people as well");
            return Err(Failure::Usage(message));
        }
        let mut counts = Counts::default();
        let mut settled = HashMap::new();
        for (line, row) in &rows {
            counts.rows += 1;
            let was_allowed = row.outcome == Outcome::Allow;
            match again.decide(row, &mut settled) {
                Now::Unknown => counts.unknown += 1,
                Now::Decided(is) if (is.outcome == engine::Outcome::Allow) == was_allowed => {}
                Now::Decided(is) => {
                    let count = if was_allowed { &mut counts.allow_to_deny } else { &mut counts.deny_to_allow };
                    *count += 1;
                    print(*line, row, &is, as_json)?;
                }
            }
        }
        counts.print(as_json)?;
        Ok(if counts.changed() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    /// The rows of the log, each with its line.
    fn rows(&self) -> Result<Vec<(u64, DecisionLog)>, Failure> {
        let mut rows = Vec::new();
        let mut wrong = None;
        input::each_line(&self.log, |line, text| {
            if wrong.is_some() || text.iter().all(u8::is_ascii_whitespace) {
                return;
            }
            match row(text) {
                Ok(row) => rows.push((line, row)),
                Err(message) => {
                    wrong = Some(Failure::LogLine { path: self.log.clone(), line, message });
                }
            }
        })?;
        wrong.map_or(Ok(rows), Err)
    }
}

fn row(text: &[u8]) -> Result<DecisionLog, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let Json::Object(members) = json::parse(text).map_err(|error| error.to_string())? else {
        return Err("expected a JSON object".to_owned());
    };
    let mut findings = Vec::new();
    let row = DecisionLog::from_json(members, "row", &mut findings);
    let all = || findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    row.filter(|_| findings.is_empty()).ok_or_else(all)
}

/// What decides again.
struct Again<'e> {
    engine: &'e Engine,
    now: Option<Timestamp>,
    anonymous: Option<PrincipalRecord>,
}

impl<'e> Again<'e> {
    fn new(engine: &'e Engine, now: Option<Timestamp>) -> Result<Self, Failure> {
        let routes = match engine.snapshot().section(SectionKind::Routes) {
            Some(section) => Routes::of_section(section, engine.schema()).map_err(Failure::Usage)?,
            None => Routes::default(),
        };
        Ok(Self { engine, now, anonymous: routes.anonymous() })
    }

    fn principal(&self, request: &Request) -> Option<PrincipalRecord> {
        match &request.principal {
            principal if principal.r#type == USER && principal.id == ANONYMOUS => self.anonymous.clone(),
            principal => self.engine.principal(principal),
        }
    }

    /// Decides a row again. What was prepared for others that lack the same is kept in `settled`.
    fn decide(&self, row: &DecisionLog, settled: &mut HashMap<Vec<String>, Option<Settled<'e>>>) -> Now {
        // No policy was asked, and no other policies would have been.
        if row.resource_type.is_empty() {
            return Now::Unknown;
        }
        let request = decision_log::request(row);
        let (principal, now) = (self.principal(&request), self.now.unwrap_or(row.created_at));
        let answer = || Answer::from(&self.engine.decide_with(principal.as_ref(), &request, now));
        if row.left_out.is_empty() {
            return Now::Decided(answer());
        }
        // What was left out may be what did not fit its type.
        if row.reason.as_deref() == Some("wrong_type") {
            return Now::Unknown;
        }
        let settled = settled
            .entry(row.left_out.clone())
            .or_insert_with(|| decision_log::unknown(row).map(|unknown| self.engine.without(&unknown)));
        let Some(settled) = settled else { return Now::Unknown };
        match settled.allows(principal.as_ref(), &request, now) {
            Some(_) => Now::Decided(answer()),
            None => Now::Unknown,
        }
    }
}

fn print(line: u64, row: &DecisionLog, is: &Answer, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return output::json(&json!({
            "line": line,
            "id": row.id,
            "principal": { "type": row.principal_type, "id": row.principal_id },
            "action": row.action,
            "resource": { "type": row.resource_type, "id": row.resource_id },
            "at": row.created_at,
            "was": { "outcome": row.outcome, "reason": row.reason, "policies": row.policies,
                     "policy_version": row.policy_version },
            "is": is,
        }));
    }
    output::line(format!(
        "line {line}: {} `{}`, `{}`, {} `{}`, {}",
        row.principal_type, row.principal_id, row.action, row.resource_type, row.resource_id, row.created_at
    ))?;
    output::line(format!("  was {} by version {}", row.outcome.as_str(), row.policy_version))?;
    output::line(format!("  is  {}", output::answer(is)))
}

impl Counts {
    fn changed(&self) -> u64 {
        self.allow_to_deny + self.deny_to_allow
    }

    fn print(&self, as_json: bool) -> Result<(), Failure> {
        let Self { rows, allow_to_deny, deny_to_allow, unknown } = self;
        let same = rows - self.changed() - unknown;
        if as_json {
            return output::json(&json!({
                "rows": rows, "same": same, "allow_to_deny": allow_to_deny, "deny_to_allow": deny_to_allow,
                "unknown": unknown,
            }));
        }
        output::line(format!(
            "{rows} decisions: {allow_to_deny} would be denied, {deny_to_allow} would be allowed, {same} stay, \
             {unknown} cannot be known"
        ))
    }
}
