//! Explanations in plain English.

use super::super::{Outcome, PathStep, Reason, Request};
use super::clause::{Clause, What};
use super::report::{Named, Names};
use super::suggestion::{Change, Suggestion};
use super::{Explanation, Missing, MissingWhy, PolicyExplanation};
use crate::compile::Origin;
use crate::directory::{EntityRef, RowRef};
use crate::model::Effect;
use crate::schema::{SERVICE_ACCOUNT, read_entity};
use serde_json::Value as Json;

/// So many rules that nearly permit are told in sentences.
const MOST_MISSING: usize = 10;

/// Writes about one request.
pub(super) struct Writer<'w> {
    pub asker: &'w Named,
    pub request: &'w Request,
    pub names: &'w Names,
}

impl Writer<'_> {
    /// Everything, in the order in which it is best read.
    pub(super) fn sentences(&self, explanation: &Explanation, meant: &[String]) -> Vec<String> {
        let mut sentences = vec![self.decision(explanation)];
        sentences.extend(self.reason(explanation, meant));
        sentences.extend(explanation.policies.iter().map(|policy| self.policy(policy)));
        for error in &explanation.decision.errors {
            sentences.push(format!("The policy `{}` could not be evaluated: {}.", error.policy, error.message));
        }
        sentences.extend(explanation.missing.iter().take(MOST_MISSING).map(|missing| self.missing(missing)));
        match explanation.missing.len().saturating_sub(MOST_MISSING) {
            0 => {}
            1 => sentences.push("One more rule would permit it.".to_owned()),
            more => sentences.push(format!("{more} more rules would permit it.")),
        }
        sentences.extend(explanation.suggestions.iter().map(|suggestion| self.suggestion(suggestion)));
        sentences
    }

    fn asker(&self) -> String {
        self.asker.name.clone().unwrap_or_else(|| format!("`{}`", self.asker.id))
    }

    fn decision(&self, explanation: &Explanation) -> String {
        let (asker, resource) = (self.asker(), &self.request.resource);
        let may = if explanation.decision.is_allow() { "may" } else { "may not" };
        let why = match (explanation.decision.outcome, explanation.decision.reason) {
            (Outcome::Allow, _) => "",
            (_, Some(_)) => "",
            (Outcome::Forbidden, None) => ": something forbids it",
            (Outcome::NoPermit, None) => ": nothing permits it",
            (Outcome::Error, None) => ": it could not be decided",
        };
        format!("{asker} {may} `{}` {} `{}`{why}.", self.request.action, resource.r#type, resource.id)
    }

    /// What is said where no policy decided.
    fn reason(&self, explanation: &Explanation, meant: &[String]) -> Option<String> {
        let (asker, request) = (self.asker(), self.request);
        let kind = if self.asker.r#type == SERVICE_ACCOUNT { "service account" } else { "user" };
        let meant = match meant {
            [] => String::new(),
            meant => format!("; did you mean {}?", list(meant.iter().map(|name| format!("`{name}`")), "or")),
        };
        let end = |text: String| if meant.is_empty() { format!("{text}.") } else { format!("{text}{meant}") };
        Some(match explanation.decision.reason? {
            Reason::TenantSuspended => "The tenant is suspended: nobody may do anything.".to_owned(),
            Reason::TenantDeleted => "The tenant is deleted: nobody may do anything.".to_owned(),
            Reason::PrincipalUnknown => match request.principal.r#type.as_str() {
                "User" | SERVICE_ACCOUNT => format!("There is no {kind} `{}`.", request.principal.id),
                ty => format!("`{ty}` is no type of subject: `user` and `service_account` are."),
            },
            Reason::PrincipalInactive => format!("{asker} is not active."),
            Reason::PrincipalDeleted => format!("{asker} is deleted."),
            Reason::UnknownType => end(format!("There is no resource type `{}`", request.resource.r#type)),
            Reason::UnknownAction => {
                end(format!("There is no action `{}` on `{}`", request.action, request.resource.r#type))
            }
            Reason::WrongType => {
                let at = explanation.decision.at.as_deref().unwrap_or("a value");
                format!("`{at}` does not fit its declared type.")
            }
            Reason::ForbidErrored => {
                "A policy that forbids could not be evaluated, so what permits does not count.".to_owned()
            }
            Reason::Undecidable => "The request could not be put to the policies.".to_owned(),
        })
    }

    fn policy(&self, policy: &PolicyExplanation) -> String {
        let verb = if policy.effect == Effect::Allow { "permits" } else { "forbids" };
        let mut text = format!("{} {verb} it", capital(&self.origin(&policy.origin)));
        if !policy.rows.is_empty() {
            text.push_str(&format!(" ({})", rows(&policy.rows)));
        }
        if !policy.path.is_empty() {
            text.push_str(&format!(". The way: {} → {}", self.asker(), way(&policy.path)));
        }
        if !policy.clauses.is_empty() {
            let clauses: Vec<String> = policy.clauses.iter().map(|clause| self.held(clause)).collect();
            text.push_str(&format!(". Its condition holds: {}", clauses.join("; ")));
        }
        text + "."
    }

    fn missing(&self, missing: &Missing) -> String {
        let origin = capital(&self.origin(&missing.origin));
        if let Some(resource) = &missing.resource {
            return format!("{origin} would permit it for another resource: {} `{}`.", resource.r#type, resource.id);
        }
        let asker = self.asker();
        let why = match missing.why {
            MissingWhy::Condition => String::new(),
            MissingWhy::Expired => match &missing.origin {
                Origin::Role { .. } => format!("{asker} no longer has it"),
                _ => "it has ended".to_owned(),
            },
            MissingWhy::Error => "it could not be evaluated".to_owned(),
            MissingWhy::NotAssigned => format!("{asker} does not have it"),
        };
        let clauses: Vec<String> = missing.clauses.iter().map(|clause| self.failed(clause)).collect();
        let enough = missing.clauses.len() > 1 && missing.clauses.iter().all(|clause| clause.one_of.is_some());
        let clauses = format!("{}{}", if enough { "one of these would be enough: " } else { "" }, clauses.join("; "));
        match (why.is_empty(), clauses.is_empty()) {
            (true, true) => format!("{origin} would permit it, but its condition does not hold."),
            (false, true) => format!("{origin} would permit it, but {why}."),
            (true, false) => format!("{origin} would permit it, but its condition does not hold: {clauses}."),
            (false, false) => {
                format!("{origin} would permit it, but {why}, and its condition does not hold: {clauses}.")
            }
        }
    }

    fn origin(&self, origin: &Origin) -> String {
        match origin {
            Origin::Role { name, .. } => format!("the role `{name}`"),
            Origin::ServiceAccount { name, .. } => format!("the service account `{name}` itself"),
            Origin::Request { id, .. } => format!("the access request `{id}`"),
            Origin::Custom { name, .. } => format!("the tenant's own policy `{name}`"),
            Origin::Guardrail { name } => format!("the guardrail `{name}`"),
        }
    }

    /// A clause that does not hold: what is there, and what must be.
    fn failed(&self, clause: &Clause) -> String {
        let at = if clause.at.is_empty() { String::new() } else { format!(" (`{}`)", clause.at) };
        if let Some(error) = &clause.error {
            return match &clause.what {
                What::Test { path, .. } => format!("the clause on `{path}` could not be evaluated: {error}{at}"),
                What::Cedar { cedar, .. } => format!("`{cedar}` could not be evaluated: {error}{at}"),
            };
        }
        match &clause.what {
            What::Cedar { cedar, negated: false } => format!("`{cedar}` must hold and does not{at}"),
            What::Cedar { cedar, negated: true } => format!("`{cedar}` must not hold and does{at}"),
            What::Test { path, value, negated, .. } => {
                let wanted = self.wanted(&clause.what);
                let wanted = match wanted.strip_prefix("not ") {
                    _ if !negated => wanted,
                    Some(opposite) => opposite.to_owned(),
                    None => format!("not {wanted}"),
                };
                format!("`{path}` {}, and must {wanted}{at}", self.is(value))
            }
        }
    }

    /// A clause that holds: what is there, and what was asked.
    fn held(&self, clause: &Clause) -> String {
        match &clause.what {
            What::Cedar { cedar, .. } if clause.holds => format!("`{cedar}` holds"),
            What::Cedar { cedar, .. } => format!("`{cedar}` does not hold"),
            What::Test { path, value, negated, .. } => {
                let wanted = self.wanted(&clause.what);
                let asked = match (wanted.strip_prefix("not "), negated) {
                    (Some(opposite), false) => format!("not to {opposite}"),
                    (Some(opposite), true) => format!("to {opposite}"),
                    (None, false) => format!("to {wanted}"),
                    (None, true) => format!("not to {wanted}"),
                };
                format!("`{path}` {}, and is asked {asked}", self.is(value))
            }
        }
    }

    fn is(&self, value: &Json) -> String {
        if value.is_null() { "is not there".to_owned() } else { format!("is {}", self.value(value)) }
    }

    /// What a test wants, behind "must".
    fn wanted(&self, what: &What) -> String {
        let What::Test { operator, wanted, variables, .. } = what else { return String::new() };
        let base = operator.strip_suffix("IfExists").unwrap_or(operator);
        let verb = verb(base);
        let many: Vec<&Json> = match (base, wanted) {
            ("TimeOfDay" | "Weekday", value) => vec![value],
            (_, Json::Array(values)) => values.iter().collect(),
            (_, value) => vec![value],
        };
        let shown = many.iter().map(|value| {
            if let Some(text) = of_the_clock(base, value) {
                return text;
            }
            let variable = value.as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}'));
            match variable.and_then(|path| Some((path, variables.get(path)?))) {
                Some((path, value)) => format!("`{path}`, which {}", self.is(value)),
                None => self.value(value),
            }
        });
        let text = match base {
            "Null" if wanted == &Json::Bool(true) => "not be there".to_owned(),
            "Null" => "be there".to_owned(),
            _ => format!("{verb} {}", list(shown, "or")),
        };
        if operator == base { text } else { format!("{text}, if it is there") }
    }

    fn value(&self, value: &Json) -> String {
        match value {
            Json::String(text) => format!("`{text}`"),
            Json::Object(members) => match read_entity(members) {
                Some((ty, id)) => match self.names.get(&EntityRef::new(ty, id)) {
                    Some(name) => format!("{ty} {name} (`{id}`)"),
                    None => format!("{ty} `{id}`"),
                },
                None => format!("`{value}`"),
            },
            other => format!("`{other}`"),
        }
    }

    fn suggestion(&self, suggestion: &Suggestion) -> String {
        format!("It would be allowed if {}.", list(suggestion.changes.iter().map(|change| self.change(change)), "and"))
    }

    fn change(&self, change: &Change) -> String {
        let asker = self.asker();
        match change {
            Change::SecondFactor => format!("{asker} showed a second factor"),
            Change::AddScope { scope } => format!("the key had the scope `{scope}`"),
            Change::AskAt { now } => format!("it were asked at {now}"),
            Change::Extend { row, to, name, ended_at } => {
                let ended = ended_at.map(|end| format!(", which ended at {end},")).unwrap_or_default();
                let what = format!("{} `{name}`", to.r#type.to_lowercase());
                format!("what gave the {what}{ended} were extended ({})", rows(std::slice::from_ref(row)))
            }
            Change::SetAttribute { path, value: Json::Null, .. } => format!("`{path}` were not there"),
            Change::SetAttribute { path, value, operator, .. } => {
                let such = if is_exact(operator) { "" } else { ", for example," };
                format!("`{path}`{such} were {}", self.value(value))
            }
            Change::AssignRole { name, actions, .. } => {
                let actions = if *actions == 1 { "1 action".to_owned() } else { format!("{actions} actions") };
                format!("{asker} had the role `{name}`, which permits {actions}")
            }
            Change::JoinGroup { name, .. } => format!("{asker} were in the group `{name}`"),
            Change::RemoveDenial { origin, rows: its, .. } => {
                let its = if its.is_empty() { String::new() } else { format!(" ({})", rows(its)) };
                format!("{} no longer forbade it{its}", self.origin(origin))
            }
        }
    }
}

/// The values of the operators on times of day and days of the week.
fn of_the_clock(operator: &str, value: &Json) -> Option<String> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let offset =
        |offset: Option<&Json>| offset.and_then(Json::as_str).map_or("UTC".to_owned(), |text| format!("UTC{text}"));
    let day = |value: &Json| {
        let number = usize::try_from(value.as_u64()?).ok()?;
        DAYS.get(number.checked_sub(1)?).map(|day| (*day).to_owned())
    };
    let parts = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    match (operator, parts) {
        ("TimeOfDay", [Json::String(start), Json::String(end), rest @ ..]) => {
            Some(format!("{start} to {end} ({})", offset(rest.first())))
        }
        ("TimeOfDay", intervals) if intervals.iter().all(Json::is_array) => {
            let texts: Option<Vec<String>> =
                intervals.iter().map(|interval| of_the_clock(operator, interval)).collect();
            Some(list(texts?.into_iter(), "or"))
        }
        ("Weekday", [Json::Array(days), rest @ ..]) => {
            let days: Option<Vec<String>> = days.iter().map(day).collect();
            Some(format!("{} ({})", list(days?.into_iter(), "or"), offset(rest.first())))
        }
        ("Weekday", days) => Some(list(days.iter().map(day).collect::<Option<Vec<String>>>()?.into_iter(), "or")),
        _ => None,
    }
}

/// Whether an operator names the very value that it wants.
fn is_exact(operator: &str) -> bool {
    matches!(operator, "StringEquals" | "NumericEquals" | "DateEquals" | "EntityEquals" | "Bool")
}

/// What an operator asks of its path, behind "must".
fn verb(operator: &str) -> &'static str {
    match operator {
        "StringEquals" | "NumericEquals" | "DateEquals" | "EntityEquals" | "Bool" => "be",
        "StringNotEquals" | "NumericNotEquals" | "DateNotEquals" | "EntityNotEquals" => "not be",
        "StringLike" => "match",
        "StringNotLike" => "not match",
        "NumericLessThan" => "be less than",
        "NumericLessThanEquals" => "be at most",
        "NumericGreaterThan" => "be greater than",
        "NumericGreaterThanEquals" => "be at least",
        "DateLessThan" => "be before",
        "DateLessThanEquals" => "be no later than",
        "DateGreaterThan" => "be after",
        "DateGreaterThanEquals" => "be no earlier than",
        "EntityIn" => "be or lie in",
        "EntityNotIn" => "not be and not lie in",
        "IpAddress" => "be in",
        "NotIpAddress" => "not be in",
        "ForAnyValue:StringEquals" => "have one that is",
        "ForAnyValue:StringNotEquals" => "have one that is not",
        "ForAllValues:StringEquals" => "have none but",
        "ForAllValues:StringNotEquals" => "have none that is",
        "TimeOfDay" => "be within",
        "Weekday" => "be on a",
        _ => "satisfy the operator with",
    }
}

fn rows(rows: &[RowRef]) -> String {
    let row = |row: &RowRef| {
        let field = row.field.as_ref().map(|field| format!(" {field}")).unwrap_or_default();
        format!("{} {}{field}", row.table, row.id)
    };
    list(rows.iter().map(row), "and")
}

fn way(path: &[PathStep]) -> String {
    let step = |step: &PathStep| {
        let until = step.expires_at.map(|end| format!(" until {end}")).unwrap_or_default();
        let ty = match step.to.r#type.as_str() {
            "OrganizationUnit" => "organization unit".to_owned(),
            ty => ty.to_lowercase(),
        };
        format!("{ty} `{}`{until}", step.name)
    };
    path.iter().map(step).collect::<Vec<_>>().join(" → ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `a, b and c`.
fn list(texts: impl Iterator<Item = String>, word: &str) -> String {
    let mut texts: Vec<String> = texts.collect();
    let Some(last) = texts.pop() else { return String::new() };
    if texts.is_empty() { last } else { format!("{} {word} {last}", texts.join(", ")) }
}
