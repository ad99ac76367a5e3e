//! Lines of rows, many a request: `POST /v1/import`. Each line does what a request of its own would do, by the same rules
//! and permissions and in their order, and all of them are one commit: it holds whole or not at all.
//!
//! Rows are known by their keys, so that the same lines again change nothing: whoever was interrupted goes on with the
//! lines that were not answered, or begins anew.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use parapet::Finding;
use parapet::compile::compile_again;
use parapet::model::{TABLES as ALL_TABLES, TenantDocument};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::line::{self, Line, MEDIA_TYPES};
use super::table::{Effect, References, Rows, TABLES, Table, Wanted};
use crate::administration::{Actor, Extent, Plan, State, WRITE_SCOPE, commit};
use crate::app::App;
use crate::error::ApiError;
use crate::guard::{Access, Call, Route};
use crate::platform::db::Statement;
use crate::response::Response;

/// A request has no more lines.
pub const MOST_LINES: usize = 1000;

/// D1 takes a thousand statements a request, of which some read: so much of [`Plan::weight`] is left to change rows.
const HEAVIEST: usize = 3 * 900;

/// `POST /v1/import`.
pub fn routes() -> Vec<Route> {
    // Each table has its own permission, which is asked for where a line is of it.
    let access = Access::Scope(WRITE_SCOPE, |app, call, _| Box::pin(import(app, call)));
    vec![Route { method: "POST", path: "/v1/import", access }]
}

async fn import(app: &App, call: &Call) -> Result<Response, ApiError> {
    let is_dry = is_dry(call)?;
    let invalid = |findings| ApiError::Invalid { findings };
    let lines = line::read(call.body_as(&MEDIA_TYPES)?).map_err(invalid)?;
    if lines.is_empty() || lines.len() > MOST_LINES {
        let message = format!("there are {} lines, and a request has 1 to {MOST_LINES}", lines.len());
        return Err(ApiError::invalid(Finding::error("import", "import.lines", message)));
    }
    let mut findings = Vec::new();
    let tables = tables(&lines, &mut findings);
    if findings.iter().any(Finding::is_error) {
        return Err(invalid(findings));
    }
    let actor = admitted(app, call, &tables).await?;
    let reads = Reads::of(actor.tenant, &lines, tables);
    let known = app.memory.known(actor.tenant);
    let imported = commit(app, call, actor, reads.statements(), |state| {
        let mut import = Import::of(state, &reads, findings.clone())?;
        import.lines(state, &lines)?;
        if is_dry {
            let compiled = import.document.as_ref().map(|document| compile_again(document, &known));
            import.findings.extend(compiled.and_then(Result::err).unwrap_or_default());
            import.findings.extend(import.plan.refused().to_vec());
            let answer = import.answer(&lines, true)?;
            return Ok(Plan::new(state, answer));
        }
        if import.findings.iter().any(Finding::is_error) {
            return Err(ApiError::Invalid { findings: placed(import.findings, &lines) });
        }
        import.plan.answer(import.answer(&lines, false)?);
        Ok(import.plan)
    })
    .await;
    match imported {
        // What compiling found.
        Err(ApiError::Invalid { findings }) => Err(invalid(placed(findings, &lines))),
        other => other,
    }
}

/// `?dry_run=true` says what would be done, and does nothing.
fn is_dry(call: &Call) -> Result<bool, ApiError> {
    let (mut is_dry, mut findings) = (None, Vec::new());
    let mut find = |code: &str, name: &str, message: String| {
        findings.push(Finding::error("query", code, message).field(name));
    };
    for (name, value) in call.query() {
        match (name.as_str(), value.as_str()) {
            ("dry_run", "true" | "false") if is_dry.is_none() => is_dry = Some(value == "true"),
            ("dry_run", "true" | "false") => find("query.twice", &name, format!("`{name}` stands there twice")),
            ("dry_run", _) => find("query.value", &name, format!("`{name}` is `true` or `false`")),
            _ => find("query.unknown", &name, format!("there is no parameter `{name}`")),
        }
    }
    if findings.is_empty() {
        return Ok(is_dry.unwrap_or(false));
    }
    let detail = "the query is not valid".to_owned();
    Err(ApiError::Malformed { code: "query.invalid".to_owned(), detail, findings })
}

/// The tables of the lines, in the order of their first lines. What is none is an error; lines of a table that is written
/// in another way are listed, and left out.
fn tables(lines: &[Line], findings: &mut Vec<Finding>) -> Vec<&'static Table> {
    let mut tables: Vec<&'static Table> = Vec::new();
    let mut seen = HashSet::new();
    for line in lines {
        let table = TABLES.iter().find(|table| table.name == line.table);
        let finding = match table {
            Some(table) => {
                if seen.insert(table.name) {
                    tables.push(table);
                }
                continue;
            }
            None if ALL_TABLES.iter().any(|table| table.name == line.table) => {
                let message = format!("rows of `{}` are not imported; this one was left out", line.table);
                Finding::warning(&line.table, "import.left_out", message)
            }
            None => Finding::error("import", "import.unknown_table", format!("there is no table `{}`", line.table)),
        };
        findings.push(finding.row(&line.place));
    }
    tables
}

/// Lets the caller in for what each of the tables needs.
async fn admitted(app: &App, call: &Call, tables: &[&'static Table]) -> Result<Actor, ApiError> {
    // Whoever sends lines that are all left out still is somebody who may write something.
    let Some((first, others)) = tables.split_first() else { return Actor::admit(app, call, "user.write").await };
    let mut actor = Actor::admit(app, call, first.write).await?;
    for table in others {
        actor = actor.also(app, call, table.write).await?;
    }
    Ok(actor)
}

/// What is read for all lines, in one transaction with what is then written.
struct Reads {
    /// Each table with its statements.
    tables: Vec<(&'static Table, Vec<Statement>)>,
    /// Each table that is referred to, with its statement.
    references: Vec<(&'static str, Statement)>,
}

impl Reads {
    fn of(tenant: Uuid, lines: &[Line], tables: Vec<&'static Table>) -> Self {
        let mut wanted = Wanted::new();
        let of_table = |table: &'static Table| {
            let lines: Vec<&Line> = lines.iter().filter(|line| line.table == table.name).collect();
            (table.refers)(&lines, &mut wanted);
            (table, (table.reads)(tenant, &lines))
        };
        let tables = tables.into_iter().map(of_table).collect();
        let reference = |(table, ids)| (table, References::statement(table, tenant, &ids));
        Self { tables, references: wanted.into_iter().map(reference).collect() }
    }

    fn statements(&self) -> Vec<Statement> {
        let tables = self.tables.iter().flat_map(|(_, statements)| statements);
        tables.chain(self.references.iter().map(|(_, statement)| statement)).cloned().collect()
    }
}

/// What the lines so far come to.
struct Import {
    plan: Plan,
    findings: Vec<Finding>,
    effects: Vec<Option<Effect>>,
    rows: HashMap<&'static str, Box<dyn Rows>>,
    references: References,
    /// The rules as the lines make them; nothing where they stay.
    document: Option<TenantDocument>,
    /// What the lines weigh so far: [`Plan::weight`].
    weight: usize,
    /// Whether a line changed an owner.
    touched_owner: bool,
}

impl Import {
    /// With what was read.
    fn of(state: &State<'_>, reads: &Reads, findings: Vec<Finding>) -> Result<Self, ApiError> {
        let mut index = 0;
        let mut rows = HashMap::new();
        for (table, statements) in &reads.tables {
            let answers = (index..index + statements.len()).map(|index| state.sql_rows(index).to_vec()).collect();
            index += statements.len();
            rows.insert(table.name, (table.read)(answers)?);
        }
        let mut references = References::default();
        for ((table, _), index) in reads.references.iter().zip(index..) {
            references.found(table, state.sql_rows(index));
        }
        Ok(Self {
            plan: Plan::new(state, Response::default()),
            findings,
            effects: Vec::new(),
            rows,
            references,
            document: None,
            weight: 0,
            touched_owner: false,
        })
    }

    /// Plans the lines in their order, each by the rules as those before it make them.
    fn lines(&mut self, state: &State<'_>, lines: &[Line]) -> Result<(), ApiError> {
        let mut document = Cow::Borrowed(state.document);
        let mut left = lines;
        while !left.is_empty() {
            let before = self.until_rules_change(&state.within(&document), &mut left)?;
            if let Some(before) = before {
                self.plan.apply_after(before, document.to_mut());
            }
        }
        if let Cow::Owned(document) = document {
            self.document = Some(document);
        }
        Ok(())
    }

    /// Plans lines up to the first that changes the rules; gives how far the plan had come before that one.
    fn until_rules_change(&mut self, state: &State<'_>, left: &mut &[Line]) -> Result<Option<Extent>, ApiError> {
        while let Some((line, others)) = left.split_first() {
            *left = others;
            let plan = self.line(state, line)?;
            let (before, changes_rules) = (self.plan.extent(), plan.changes_rules());
            self.plan.absorb(state, &line.place, plan);
            if changes_rules {
                return Ok(Some(before));
            }
        }
        Ok(None)
    }

    fn line(&mut self, state: &State<'_>, line: &Line) -> Result<Plan, ApiError> {
        let mut plan = Plan::new(state, Response::default());
        let mut findings = Vec::new();
        let effect = match self.rows.get_mut(line.table.as_str()) {
            None => None,
            Some(rows) => {
                let planned = rows.plan(state, line, &mut self.references, &mut plan, &mut findings);
                let planned = planned.or_else(|error| conflict(error, line, &mut findings))?;
                Some(planned)
            }
        };
        if matches!(effect, Some(Effect::Updated(_))) && plan.facts().touches_owner {
            // Of two owners who step down at once each would see the other.
            if std::mem::replace(&mut self.touched_owner, true) {
                let message = "one import changes one owner";
                findings.push(Finding::error(&line.table, "import.owners", message));
            }
        }
        let wrong = findings.iter().any(Finding::is_error);
        self.findings.extend(findings.into_iter().map(|finding| finding.row(&line.place)));
        self.weight += plan.weight();
        if self.weight > HEAVIEST {
            let message = "these are more changes than one request makes: send the lines from here on by themselves";
            return Err(ApiError::invalid(
                Finding::error(&line.table, "import.too_many_changes", message).row(&line.place),
            ));
        }
        self.effects.push(effect);
        Ok(if wrong { Plan::new(state, Response::default()) } else { plan })
    }

    fn answer(&self, lines: &[Line], is_dry: bool) -> Result<Response, ApiError> {
        let effects = || self.effects.iter().flatten();
        let count = |of: fn(&Effect) -> bool| effects().filter(|effect| of(effect)).count();
        let mut answer = Map::from_iter([
            ("dry_run".to_owned(), json!(is_dry)),
            ("lines".to_owned(), json!(lines.len())),
            ("created".to_owned(), json!(count(|effect| matches!(effect, Effect::Created)))),
            ("updated".to_owned(), json!(count(|effect| matches!(effect, Effect::Updated(_))))),
            ("unchanged".to_owned(), json!(count(|effect| matches!(effect, Effect::Unchanged)))),
            ("findings".to_owned(), json!(placed(self.findings.clone(), lines))),
        ]);
        if is_dry {
            let changes = lines.iter().zip(&self.effects).filter_map(|(line, effect)| change(line, effect.as_ref()?));
            answer.insert("changes".to_owned(), changes.collect());
        }
        Response::json(&answer)
    }
}

/// What a line would do, as a dry run tells it.
fn change(line: &Line, effect: &Effect) -> Option<Value> {
    let (effect, columns) = match effect {
        Effect::Created => ("created", None),
        Effect::Updated(columns) => ("updated", Some(columns)),
        Effect::Unchanged => return None,
    };
    let mut change = Map::new();
    change.insert("row".to_owned(), json!(line.place));
    change.insert("table".to_owned(), json!(line.table));
    change.insert("id".to_owned(), line.row.get("id").cloned().unwrap_or_default());
    change.insert("effect".to_owned(), json!(effect));
    change.extend(columns.map(|columns| ("columns".to_owned(), json!(columns))));
    Some(Value::Object(change))
}

/// A rule's conflict is a finding like any other, at its line.
fn conflict(error: ApiError, line: &Line, findings: &mut Vec<Finding>) -> Result<Effect, ApiError> {
    match error {
        ApiError::Conflict { code, detail, findings: its } if its.is_empty() => {
            findings.push(Finding::error(&line.table, code, detail));
        }
        ApiError::Conflict { findings: its, .. } | ApiError::Invalid { findings: its } => findings.extend(its),
        other => return Err(other),
    }
    Ok(Effect::Unchanged)
}

/// Findings with the line as their place, where the row that they name is one of these.
fn placed(mut findings: Vec<Finding>, lines: &[Line]) -> Vec<Finding> {
    let id = |line: &Line| Some((line.table.clone(), line.row.get("id")?.as_str()?.to_owned()));
    let places: HashMap<(String, String), &str> =
        lines.iter().filter_map(|line| Some((id(line)?, line.place.as_str()))).collect();
    for finding in &mut findings {
        let row = finding.row.clone().map(|row| (finding.table.clone(), row));
        if let Some(place) = row.and_then(|row| places.get(&row)) {
            finding.row = Some((*place).to_owned());
        }
    }
    findings
}
