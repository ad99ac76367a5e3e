//! Runs cases: holds a subject against Cedar's authorizer, and makes what differs small.

use super::{
    case::{Case, general},
    coverage::{Table, directed},
    expression::simpler,
};
use cedar_policy::{
    Authorizer, Decision, Entities, PolicySet, Request, Response,
    pst::{ActionConstraint, Clause, PrincipalConstraint, ResourceConstraint, Template},
};
use std::{
    collections::BTreeSet,
    fmt::{self, Display},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What an authorizer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Allow or deny.
    pub decision: Decision,
    /// The policies that decided.
    pub determining: BTreeSet<String>,
    /// The policies whose evaluation failed.
    pub erroring: BTreeSet<String>,
}

impl From<&Response> for Answer {
    fn from(response: &Response) -> Self {
        Self {
            decision: response.decision(),
            determining: response.diagnostics().reason().map(ToString::to_string).collect(),
            erroring: response
                .diagnostics()
                .errors()
                .map(|error| match error {
                    cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
                })
                .collect(),
        }
    }
}

impl Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}, determining {:?}, erroring {:?}", self.decision, self.determining, self.erroring)
    }
}

/// What is held against Cedar's authorizer. A closure from Cedar's request and entities to its response is one.
pub trait Subject {
    /// Its answer to a request.
    fn answer(&self, request: &Request, entities: &Entities) -> Answer;
}

impl<F: Fn(&Request, &Entities) -> Response> Subject for F {
    fn answer(&self, request: &Request, entities: &Entities) -> Answer {
        Answer::from(&self(request, entities))
    }
}

/// What stood against what.
#[derive(Debug, Clone)]
pub enum Difference {
    /// Both answered.
    Answers {
        /// Cedar's answer.
        cedar: Answer,
        /// The subject's.
        subject: Answer,
    },
    /// The subject did not take the policies.
    Refused(String),
    /// The subject panicked.
    Panicked(String),
    /// The generator made something that Cedar does not take.
    Generator(String),
}

impl Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers { cedar, subject } => {
                writeln!(out, "Cedar:   {cedar}")?;
                writeln!(out, "subject: {subject}")
            }
            Self::Refused(why) => writeln!(out, "the subject refused the policies: {why}"),
            Self::Panicked(why) => writeln!(out, "the subject panicked: {why}"),
            Self::Generator(why) => writeln!(out, "the generator made what Cedar refuses: {why}"),
        }
    }
}

/// A case on which the subject differs, made small.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The case, with the one request on which it differs.
    pub case: Case,
    /// How it differs.
    pub difference: Difference,
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "// ===== the subject differs from Cedar: seed {}", self.case.seed)?;
        writeln!(out, "{}", self.case)?;
        writeln!(out, "// --- answers")?;
        write!(out, "{}", self.difference)?;
        writeln!(out, "// ===== again: --seed {} --cases 1", self.case.seed)
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many cases, of both kinds.
    pub cases: u64,
    /// How many requests of general cases; the shares are of these.
    pub requests: u64,
    /// How many of them Cedar allowed.
    pub allowed: u64,
    /// How many it denied.
    pub denied: u64,
    /// In how many at least one policy erred.
    pub erred: u64,
    /// In how many a forbid decided.
    pub forbidden: u64,
    /// What came of each operator in the directed cases.
    pub coverage: Table,
    /// The first difference.
    pub failure: Option<Box<Failure>>,
}

impl Report {
    /// The shares of allowed, denied and erring requests, in percent.
    pub fn shares(&self) -> [f64; 3] {
        [self.allowed, self.denied, self.erred].map(|count| 100.0 * count as f64 / self.requests.max(1) as f64)
    }

    /// What is missing from a run that is to count: shares of at least 20 %, and every operator's outcomes.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = self.coverage.gaps();
        for (name, share) in ["allow", "deny", "hit an error"].iter().zip(self.shares()) {
            if share < 20.0 {
                gaps.push(format!("only {share:.1} % of the requests {name}"));
            }
        }
        gaps
    }

    fn count(&mut self, answer: &Answer) {
        self.requests += 1;
        match answer.decision {
            Decision::Allow => self.allowed += 1,
            Decision::Deny => self.denied += 1,
        }
        self.erred += u64::from(!answer.erroring.is_empty());
        self.forbidden += u64::from(answer.decision == Decision::Deny && !answer.determining.is_empty());
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [allowed, denied, erred] = self.shares();
        let forbidden = 100.0 * self.forbidden as f64 / self.requests.max(1) as f64;
        writeln!(
            out,
            "{} cases; of {} requests to generated policies {allowed:.1} % were allowed, {denied:.1} % denied \
             ({forbidden:.1} % by a forbid), and {erred:.1} % hit an error",
            self.cases, self.requests
        )?;
        write!(out, "{}", self.coverage)?;
        match &self.failure {
            Some(failure) => write!(out, "\n{failure}"),
            None => Ok(()),
        }
    }
}

/// One in so many cases is a directed one.
const DIRECTED: u64 = 4;

static CURRENT: AtomicU64 = AtomicU64::new(0);

/// The seed of the case that is being run; for a panic hook.
pub fn current_seed() -> u64 {
    CURRENT.load(Ordering::Relaxed)
}

/// Runs the cases of these seeds until the subject differs. `watch` is called after each case.
pub fn run<S: Subject>(
    seeds: Range<u64>,
    make: impl Fn(&PolicySet) -> Result<S, String>,
    mut watch: impl FnMut(&Report),
) -> Report {
    let mut report = Report::default();
    for seed in seeds {
        CURRENT.store(seed, Ordering::Relaxed);
        let is_directed = seed % DIRECTED == 0;
        let case = if is_directed {
            match directed(seed) {
                Ok((case, outcomes)) => {
                    outcomes.iter().for_each(|(operator, outcome)| report.coverage.count(*operator, *outcome));
                    case
                }
                Err(why) => {
                    let difference = Difference::Generator(why);
                    report.failure = Some(Box::new(Failure { case: general(seed), difference }));
                    return report;
                }
            }
        } else {
            general(seed)
        };
        report.cases += 1;
        let found = compare(&case, &make, |answer| {
            if !is_directed {
                report.count(answer);
            }
        });
        if let Some(difference) = found {
            report.failure = Some(Box::new(shrink(Failure { case, difference }, &make)));
            return report;
        }
        watch(&report);
    }
    report
}

/// The first difference in a case; `seen` is given Cedar's answers.
fn compare<S: Subject>(
    case: &Case,
    make: &impl Fn(&PolicySet) -> Result<S, String>,
    mut seen: impl FnMut(&Answer),
) -> Option<Difference> {
    let built = case.policy_set().and_then(|policies| Ok((policies, case.cedar_entities()?)));
    let (policies, entities) = match built {
        Ok(built) => built,
        Err(why) => return Some(Difference::Generator(why)),
    };
    let subject = match guarded(|| make(&policies)) {
        Ok(Ok(subject)) => subject,
        Ok(Err(why)) => return Some(Difference::Refused(why)),
        Err(why) => return Some(Difference::Panicked(why)),
    };
    let authorizer = Authorizer::new();
    for request in &case.requests {
        let request = match request.to_cedar() {
            Ok(request) => request,
            Err(why) => return Some(Difference::Generator(why)),
        };
        let cedar = Answer::from(&authorizer.is_authorized(&request, &policies, &entities));
        seen(&cedar);
        match guarded(|| subject.answer(&request, &entities)) {
            Ok(subject) if subject == cedar => {}
            Ok(subject) => return Some(Difference::Answers { cedar, subject }),
            Err(why) => return Some(Difference::Panicked(why)),
        }
    }
    None
}

fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
    })
}

/// So many smaller cases are tried at most.
const TRIES: usize = 4000;

/// Makes a failure small: drops requests, policies, clauses, parts of expressions, entities, attributes.
pub fn shrink<S: Subject>(failure: Failure, make: &impl Fn(&PolicySet) -> Result<S, String>) -> Failure {
    if matches!(failure.difference, Difference::Generator(_)) {
        return failure;
    }
    let mut best = failure;
    let mut tries = 0;
    loop {
        let mut better = None;
        for case in smaller(&best.case) {
            tries += 1;
            if tries > TRIES {
                return best;
            }
            match compare(&case, make, |_| {}) {
                None | Some(Difference::Generator(_)) => {}
                Some(difference) => {
                    better = Some(Failure { case, difference });
                    break;
                }
            }
        }
        match better {
            Some(failure) => best = failure,
            None => return best,
        }
    }
}

/// The cases that are one step smaller, the largest steps first.
fn smaller(case: &Case) -> Vec<Case> {
    let mut found: Vec<Case> = Vec::new();
    if case.requests.len() > 1 {
        found.extend(case.requests.iter().map(|request| Case { requests: vec![request.clone()], ..case.clone() }));
        return found;
    }
    let mut step = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        found.push(smaller);
    };
    if case.policies.len() + case.links.len() > 8 {
        let (half, links) = (case.policies.len() / 2, case.links.len() / 2);
        step(&|case| case.policies.truncate(half));
        step(&|case| drop(case.policies.drain(..half)));
        step(&|case| case.links.truncate(links));
    }
    for place in 0..case.policies.len() {
        step(&|case| drop(case.policies.remove(place)));
    }
    for place in 0..case.links.len() {
        step(&|case| drop(case.links.remove(place)));
    }
    for place in 0..case.templates.len() {
        step(&|case| {
            let template = case.templates.remove(place);
            case.links.retain(|link| link.template_id != template.id);
        });
    }
    if case.entities.len() > 2 {
        step(&|case| case.entities.clear());
    }
    for place in 0..case.entities.len() {
        step(&|case| drop(case.entities.remove(place)));
    }
    step(&|case| case.entities.iter_mut().for_each(|entity| entity.attributes.clear()));
    step(&|case| case.entities.iter_mut().for_each(|entity| entity.tags.clear()));
    step(&|case| case.requests.iter_mut().for_each(|request| request.context.clear()));
    for (place, request) in case.requests.iter().enumerate() {
        for name in request.context.keys() {
            step(&|case| drop(case.requests[place].context.remove(name)));
        }
    }
    for (place, entity) in case.entities.iter().enumerate() {
        for name in entity.attributes.keys() {
            step(&|case| drop(case.entities[place].attributes.remove(name)));
        }
        for name in entity.tags.keys() {
            step(&|case| drop(case.entities[place].tags.remove(name)));
        }
        for parent in 0..entity.parents.len() {
            step(&|case| {
                case.entities[place].parents.remove(parent);
            });
        }
    }
    for (place, policy) in case.policies.iter().enumerate() {
        for simple in simpler_policies(policy) {
            step(&|case| case.policies[place] = simple.clone());
        }
    }
    for (place, template) in case.templates.iter().enumerate() {
        for simple in simpler_policies(template).into_iter().filter(|simple| simple.slots() == template.slots()) {
            step(&|case| case.templates[place] = simple.clone());
        }
    }
    if case.way != super::case::Way::Tree {
        step(&|case| case.way = super::case::Way::Tree);
    }
    // A step that changes nothing would be taken for ever.
    found.retain(|smaller| size(smaller) < size(case) || smaller.way != case.way);
    found
}

/// How large a case is.
fn size(case: &Case) -> usize {
    let policies: usize = case.policies.iter().chain(&case.templates).map(weight).sum();
    let values: usize = case
        .entities
        .iter()
        .map(|entity| 1 + entity.attributes.len() + entity.tags.len() + entity.parents.len())
        .chain(case.requests.iter().map(|request| 1 + request.context.len()))
        .sum();
    policies + values + case.links.len()
}

fn weight(policy: &Template) -> usize {
    fn nodes(expr: &cedar_policy::pst::Expr) -> usize {
        let own = super::expression::children(expr);
        // A literal of a number is simpler than any other leaf.
        let leaf = usize::from(!matches!(expr, cedar_policy::pst::Expr::Literal(_)));
        1 + leaf + own.iter().map(|child| nodes(child)).sum::<usize>()
    }
    let clauses: usize =
        policy.clauses().iter().map(|(Clause::When(expr) | Clause::Unless(expr))| 1 + nodes(expr)).sum();
    let scope = usize::from(policy.principal != PrincipalConstraint::Any)
        + usize::from(policy.resource != ResourceConstraint::Any)
        + match &policy.action {
            ActionConstraint::Any => 0,
            ActionConstraint::Eq(_) => 1,
            ActionConstraint::In(groups) => 1 + groups.len(),
        };
    1 + clauses + scope
}

fn simpler_policies(policy: &Template) -> Vec<Template> {
    let mut found = Vec::new();
    let clauses = policy.clauses();
    for place in 0..clauses.len() {
        let mut fewer = clauses.clone();
        fewer.remove(place);
        found.extend(policy.clone().try_with_clauses(fewer));
    }
    let mut step = |change: &dyn Fn(&mut Template)| {
        let mut simple = policy.clone();
        change(&mut simple);
        found.push(simple);
    };
    step(&|policy| policy.principal = PrincipalConstraint::Any);
    step(&|policy| policy.action = ActionConstraint::Any);
    step(&|policy| policy.resource = ResourceConstraint::Any);
    if let ActionConstraint::In(groups) = &policy.action {
        for place in 0..groups.len() {
            let mut fewer = groups.clone();
            fewer.remove(place);
            step(&|policy| policy.action = ActionConstraint::In(fewer.clone()));
        }
    }
    for (place, clause) in clauses.iter().enumerate() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        for simple in simpler(expr) {
            let simple = Arc::new(simple);
            let mut changed = clauses.clone();
            changed[place] = match clause {
                Clause::When(_) => Clause::When(simple),
                Clause::Unless(_) => Clause::Unless(simple),
            };
            found.extend(policy.clone().try_with_clauses(changed));
        }
    }
    found
}
