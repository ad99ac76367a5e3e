//! Conditions judged clause by clause: each is compiled as the whole was, and run in the world of the request.

use super::super::decide::Engine;
use super::super::policies::Policies;
use super::super::program::{Node, evaluate, holds};
use super::super::residual::read;
use super::super::view::View;
use super::super::world::RequestWorld;
use super::clause::{Clause, What};
use crate::cedar::expression::{entity, parse_expression};
use crate::cedar::pack::unpack;
use crate::cedar::program::Compiler;
use crate::compile::Origin;
use crate::condition::{Condition, Operand, Path, Place, Root, Scope, Test, value_of};
use crate::schema::DIRECTORY_TYPES;
use crate::snapshot::SectionKind;
use cedar_policy::PolicySet;
use cedar_policy::pst::{self, BinaryOp, Expr};
use serde_json::{Map, Value as Json};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where paths of a grant's condition may begin.
const ROOTS: [Root; 3] = [Root::Principal, Root::Resource, Root::Context];

/// A place for findings that nobody reads: the condition was accepted when it was written.
const PLACE: Place<'static> = Place { table: "", row: "", field: "" };

/// Judges conditions of one snapshot.
pub(super) struct Judge<'v> {
    engine: &'v Engine,
    view: &'v View<'v>,
    compiler: Compiler,
    /// The resource types that the condition at hand is about.
    types: BTreeSet<String>,
    /// The policies' text, once it is asked for.
    cedar: OnceCell<String>,
}

/// A condition with what came of each of its parts.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// Whether it holds, or why that cannot be said.
    pub holds: Result<bool, String>,
    pub part: Part,
}

/// The parts of a condition.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Always,
    /// Where it stands, and its parts.
    All(String, Vec<Judged>),
    Any(String, Vec<Judged>),
    Not(Box<Judged>),
    /// A clause; its test, where it is no Cedar.
    Leaf(Box<Clause>, Option<Box<Test>>),
}

impl<'v> Judge<'v> {
    pub(super) fn new(engine: &'v Engine) -> Self {
        let view = engine.view();
        let policies: &Policies<'v> = &view.policies;
        let (mut texts, mut entities) = (BTreeSet::new(), BTreeSet::new());
        for node in policies.program.nodes() {
            match *node {
                Node::Text(text) | Node::GetAttribute(_, text) | Node::HasAttribute(_, text) | Node::Is(_, text) => {
                    texts.insert(text);
                }
                Node::HasAttributes(_, names, length) => {
                    texts.extend(policies.program.list(names, length).unwrap_or_default());
                }
                Node::Record(list, length) => {
                    let list = policies.program.list(list, length).unwrap_or_default();
                    texts.extend(list.iter().step_by(2));
                }
                Node::Entity(constant) => {
                    entities.insert(constant);
                }
                _ => {}
            }
        }
        let texts = texts.into_iter().map(|number| (number, view.store.texts.get(number)));
        let entities = entities.into_iter().filter_map(|number| {
            let (ty, id) = view.store.entity_key(number);
            Some((number, entity(ty, id)?))
        });
        let compiler = Compiler::closed(texts, entities);
        Self { engine, view, compiler, types: BTreeSet::new(), cedar: OnceCell::new() }
    }

    /// The condition of a policy, judged; `None` where it has none.
    pub(super) fn policy(&mut self, world: &RequestWorld<'_, 'v>, number: u32) -> Option<Judged> {
        if let Some(json) = self.view.store.condition(number) {
            self.types = self.view.types_of(number);
            let condition = Condition::parse(&json, PLACE, &mut vec![])?;
            return Some(self.condition(world, &condition, ""));
        }
        let text = self.text(number)?;
        let set: PolicySet = text.parse().ok()?;
        let set = set.try_into_pst().ok()?;
        let policy = set.policies.into_iter().next()?.1;
        let clauses = policy.body().clauses().iter().map(|clause| match clause {
            pst::Clause::When(expression) => self.cedar(world, "", expression),
            pst::Clause::Unless(expression) => self.cedar(world, "", expression).opposite(),
        });
        let mut clauses: Vec<Judged> = clauses.collect();
        if clauses.len() > 1 { Some(Judged::all("", clauses)) } else { clauses.pop() }
    }

    /// The text of a policy that was written as Cedar.
    pub(super) fn text(&self, number: u32) -> Option<String> {
        let (Origin::Custom { .. } | Origin::Guardrail { .. }) = self.view.store.origin(number)? else { return None };
        let unpack = || {
            let packed = self.engine.snapshot().section(SectionKind::Cedar);
            packed.and_then(|packed| unpack(packed).ok()).unwrap_or_default()
        };
        let all = self.cedar.get_or_init(unpack);
        // Names are of letters, digits, `_` and `-`, and Cedar prints no line break within a text.
        let (_, from) = all.split_once(&format!("@id(\"{}\")\n", self.view.policy_id(number)))?;
        let text = from.split_once("\n@id(").map_or(from, |(text, _)| text);
        Some(text.trim().to_owned())
    }

    fn condition(&mut self, world: &RequestWorld<'_, 'v>, condition: &Condition, at: &str) -> Judged {
        let mut parts = |name: &str, parts: &[Condition]| -> Vec<Judged> {
            let parts = parts.iter().enumerate();
            parts.map(|(position, part)| self.condition(world, part, &format!("{at}/{name}/{position}"))).collect()
        };
        match condition {
            Condition::Always => Judged { holds: Ok(true), part: Part::Always },
            // Several tests in one object stand nowhere but there.
            Condition::All(tests) if tests.iter().all(|part| matches!(part, Condition::Test(_))) => {
                Judged::all(at, parts("all", tests))
            }
            Condition::All(all) => Judged::all(&format!("{at}/all"), parts("all", all)),
            Condition::Any(any) => Judged::any(&format!("{at}/any"), parts("any", any)),
            Condition::Not(part) => self.condition(world, part, &format!("{at}/not")).opposite(),
            Condition::Cedar(expression) => match parse_expression(&expression.text) {
                Ok(parsed) => self.cedar(world, &format!("/{}", expression.at), &Arc::new(parsed)),
                Err(error) => Judged::cedar(&format!("/{}", expression.at), expression.text.clone(), Err(error)),
            },
            Condition::Test(test) => self.test(world, test),
        }
    }

    fn test(&mut self, world: &RequestWorld<'_, 'v>, test: &Test) -> Judged {
        let mut findings = vec![];
        let scope = Scope { schema: &self.view.schema, resource_types: &self.types, roots: &ROOTS };
        let expression = Condition::Test(test.clone()).to_cedar(scope, PLACE, &mut findings);
        let holds = match expression {
            Some(expression) => self.run(world, &expression),
            None => Err(findings.pop().map(|finding| finding.message).unwrap_or_default()),
        };
        let mut variables = Map::new();
        let wanted = test.values.iter().map(|operand| match operand {
            Operand::Literal(json) => json.clone(),
            Operand::Variable(path) => {
                variables.insert(path.to_string(), self.value(world, path));
                Json::String(format!("${{{path}}}"))
            }
        });
        let mut wanted: Vec<Json> = wanted.collect();
        let wanted = if wanted.len() == 1 { wanted.remove(0) } else { Json::Array(wanted) };
        let what = What::Test {
            operator: operator(&test.at),
            path: test.path.to_string(),
            value: self.value(world, &test.path),
            wanted,
            variables,
            negated: false,
        };
        Judged::leaf(format!("/{}", test.at), what, holds, Some(test.clone()))
    }

    /// A Cedar expression: what `&&` joins at its top, each by itself.
    fn cedar(&mut self, world: &RequestWorld<'_, 'v>, at: &str, expression: &Arc<Expr>) -> Judged {
        let mut conjuncts = vec![];
        conjunction(expression, &mut conjuncts);
        let mut reached = true;
        let mut judged = vec![];
        for conjunct in &conjuncts {
            let holds = self.run(world, conjunct);
            // Behind what does not hold Cedar asks nothing, so what could not be evaluated there is no failure.
            if !reached && holds.is_err() {
                continue;
            }
            reached &= holds == Ok(true);
            judged.push(Judged::cedar(at, conjunct.to_string(), holds));
        }
        match (judged.len(), judged.pop()) {
            (1, Some(only)) => only,
            (_, last) => Judged::all(at, judged.into_iter().chain(last).collect()),
        }
    }

    fn run(&mut self, world: &RequestWorld<'_, 'v>, expression: &Arc<Expr>) -> Result<bool, String> {
        let node = self.compiler.condition(expression).map_err(|error| error.to_string())?;
        holds(&self.compiler.program, world, node).map_err(|failure| failure.to_string())
    }

    /// What the request has at a path; null where nothing is.
    pub(super) fn value(&mut self, world: &RequestWorld<'_, 'v>, path: &Path) -> Json {
        let value = self.compiler.condition(&value_of(path)).ok();
        let value = value.and_then(|node| evaluate(&self.compiler.program, world, node).ok());
        value.map(|value| read(world, value).json()).unwrap_or_default()
    }
}

impl Judged {
    fn leaf(at: String, what: What, holds: Result<bool, String>, test: Option<Test>) -> Self {
        let error = holds.as_ref().err().cloned();
        let clause = Clause { at, holds: holds == Ok(true), error, one_of: None, what };
        Self { holds, part: Part::Leaf(Box::new(clause), test.map(Box::new)) }
    }

    fn cedar(at: &str, cedar: String, holds: Result<bool, String>) -> Self {
        Self::leaf(at.to_owned(), What::Cedar { cedar, negated: false }, holds, None)
    }

    /// As Cedar evaluates `&&`: the first that does not hold, or fails, says what the whole does.
    fn all(at: &str, parts: Vec<Self>) -> Self {
        let holds = parts.iter().map(|part| &part.holds).find(|holds| **holds != Ok(true)).cloned();
        Self { holds: holds.unwrap_or(Ok(true)), part: Part::All(at.to_owned(), parts) }
    }

    fn any(at: &str, parts: Vec<Self>) -> Self {
        let holds = parts.iter().map(|part| &part.holds).find(|holds| **holds != Ok(false)).cloned();
        Self { holds: holds.unwrap_or(Ok(false)), part: Part::Any(at.to_owned(), parts) }
    }

    fn opposite(self) -> Self {
        let holds = self.holds.clone().map(|holds| !holds);
        Self { holds, part: Part::Not(Box::new(self)) }
    }

    /// The clauses that decide that it is as it is: of a conjunction that does not hold, all that do not.
    pub(super) fn decisive(&self) -> Vec<Clause> {
        let mut clauses = vec![];
        self.collect(false, None, &mut clauses);
        clauses
    }

    fn collect(&self, within_not: bool, one_of: Option<&str>, clauses: &mut Vec<Clause>) {
        match &self.part {
            Part::Always => {}
            Part::Not(part) => part.collect(!within_not, one_of, clauses),
            Part::Leaf(clause, _) => {
                let mut clause = Clause { one_of: one_of.map(str::to_owned), ..Clause::clone(clause) };
                let (What::Test { negated, .. } | What::Cedar { negated, .. }) = &mut clause.what;
                *negated = within_not;
                clauses.push(clause);
            }
            Part::All(at, parts) | Part::Any(at, parts) => {
                let is_all = matches!(self.part, Part::All(..));
                // What differs from what the whole is when all agree, or everything where all do.
                let settles = |part: &&Self| part.holds.is_err() || part.holds == self.holds;
                // One of these would be enough to turn it.
                let one = parts.len() > 1
                    && match (is_all, &self.holds) {
                        (false, Ok(false)) => true,
                        (true, Ok(true)) => within_not,
                        _ => false,
                    };
                let one_of = if one { Some(at.as_str()) } else { one_of };
                for part in parts.iter().filter(settles) {
                    part.collect(within_not, one_of, clauses);
                }
            }
        }
    }
}

/// What `&&` joins.
fn conjunction(expression: &Arc<Expr>, conjuncts: &mut Vec<Arc<Expr>>) {
    match &**expression {
        Expr::BinaryOp { op: BinaryOp::And, left, right } => {
            conjunction(left, conjuncts);
            conjunction(right, conjuncts);
        }
        _ => conjuncts.push(expression.clone()),
    }
}

/// The operator's name, from where its test stands.
fn operator(at: &str) -> String {
    at.rsplit('/').nth(1).unwrap_or_default().to_owned()
}

impl View<'_> {
    /// The resource types that a policy's condition is about.
    fn types_of(&self, policy: u32) -> BTreeSet<String> {
        let actions = self.store.index.iter().filter(|grant| grant.policy.get() == policy);
        let names = actions.map(|grant| self.store.entity_key(grant.action.get()).1);
        let types = names.filter_map(|name| self.schema.actions.get(name)).map(|action| action.resource.clone());
        let types: BTreeSet<String> = types.collect();
        if !types.is_empty() {
            return types;
        }
        self.schema.types.keys().filter(|name| !DIRECTORY_TYPES.contains(&name.as_str())).cloned().collect()
    }
}
