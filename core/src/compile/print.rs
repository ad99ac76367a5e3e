//! The finished policies: as Cedar prints them, and as Cedar's own set.

use super::known::Learning;
use super::policy::Policy;
use crate::Finding;
use cedar_policy::PolicySet;
use cedar_policy::pst::{
    self, ActionConstraint, Clause, Effect, EntityOrSlot, EntityType, EntityUID, PrincipalConstraint,
    ResourceConstraint, StaticPolicy, Template,
};
use cedar_policy_core::ast;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

/// The policies as one text.
#[derive(Debug, Clone)]
pub(super) struct Printed {
    /// The text: each policy with its id as `@id`, and an empty line behind it.
    pub text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Printed {
    /// The text of each policy.
    pub(super) fn each(&self) -> impl Iterator<Item = &str> {
        let begins = [0].into_iter().chain(self.ends.iter().map(|end| end + BETWEEN.len()));
        begins.zip(&self.ends).map(|(begin, end)| self.text.get(begin..*end).unwrap_or_default())
    }
}

const BETWEEN: &str = "\n\n";

/// Prints the policies, which are in the order of their ids.
pub(super) fn print(policies: &[Policy], learning: &mut Learning<'_>) -> Result<Printed, Box<Finding>> {
    let mut printer = Printer {
        text: String::new(),
        actions: HashMap::new(),
        types: HashMap::new(),
        clauses: HashMap::new(),
        learning,
    };
    let (mut ends, mut last) = (Vec::with_capacity(policies.len()), None);
    for Policy { id, template, .. } in policies {
        if last.replace(id.as_str()) == Some(id.as_str()) {
            return Err(broken(id, "two policies have this id".to_owned()));
        }
        printer.policy(id, template).map_err(|message| broken(id, message))?;
        ends.push(printer.text.len());
        printer.text.push_str(BETWEEN);
    }
    Ok(Printed { text: printer.text, ends })
}

/// The policies as Cedar's set, each with its id as `@id` too.
pub(super) fn policy_set(policies: &[Policy]) -> Result<PolicySet, Box<Finding>> {
    let mut set = empty();
    for Policy { id, template, .. } in policies {
        let annotations = BTreeMap::from([("id".to_owned(), id.as_str().into())]);
        let template = template.clone().with_id(id.as_str().into()).with_annotations(annotations);
        let policy = StaticPolicy::try_from(template).map_err(|error| broken(id, error.to_string()))?;
        set.policies.insert(id.as_str().into(), policy);
    }
    PolicySet::from_pst(set).map_err(|error| broken("", error.to_string()))
}

fn broken(id: &str, message: String) -> Box<Finding> {
    Box::new(Finding::error("policy", "policy.invalid", message).row(id))
}

fn empty() -> pst::PolicySet {
    pst::PolicySet { templates: pst::LinkedHashMap::new(), policies: pst::LinkedHashMap::new(), template_links: vec![] }
}

/// Writes policies exactly as Cedar prints them. To print one, Cedar parses every name in it, which takes many times as
/// long as all else of it: so scopes are written here, and Cedar prints (and accepts) each distinct clause once.
struct Printer<'l, 'k> {
    text: String,
    /// Entities as Cedar prints them: actions, which many policies name.
    actions: HashMap<EntityUID, String>,
    /// Entity types as Cedar prints them.
    types: HashMap<EntityType, String>,
    /// Clauses as Cedar prints them, by where their expressions lie: whether it is `when`, and the address. The
    /// expressions are kept, so that no other comes to lie there.
    clauses: HashMap<(bool, usize), (Arc<pst::Expr>, Arc<str>)>,
    learning: &'l mut Learning<'k>,
}

/// How Cedar prints a policy for everything, up to its clauses.
const EVERYTHING: &str = "permit(principal, action, resource) ";

/// Writing to a text does not fail.
const WRITTEN: fn(std::fmt::Error) -> String = |_| "it cannot be printed".to_owned();

impl Printer<'_, '_> {
    fn policy(&mut self, id: &str, template: &Template) -> Result<(), String> {
        match id {
            "" => self.text.push_str("@id\n"),
            id => {
                self.text.push_str("@id(\"");
                self.escaped(id)?;
                self.text.push_str("\")\n");
            }
        }
        self.text.push_str(match template.effect {
            Effect::Permit => "permit(principal",
            Effect::Forbid => "forbid(principal",
        });
        match &template.principal {
            PrincipalConstraint::Any => {}
            PrincipalConstraint::Eq(uid) => self.half(" == ", None, Some(uid))?,
            PrincipalConstraint::In(uid) => self.half(" in ", None, Some(uid))?,
            PrincipalConstraint::Is(ty) => self.half("", Some(ty), None)?,
            PrincipalConstraint::IsIn(ty, uid) => self.half(" in ", Some(ty), Some(uid))?,
        }
        self.text.push_str(", action");
        match &template.action {
            ActionConstraint::Any => {}
            ActionConstraint::Eq(uid) => self.actions(" == ", std::slice::from_ref(uid), ""),
            ActionConstraint::In(uids) if uids.len() == 1 => self.actions(" in ", uids, ""),
            ActionConstraint::In(uids) => self.actions(" in [", uids, "]"),
        }
        self.text.push_str(", resource");
        match &template.resource {
            ResourceConstraint::Any => {}
            ResourceConstraint::Eq(uid) => self.half(" == ", None, Some(uid))?,
            ResourceConstraint::In(uid) => self.half(" in ", None, Some(uid))?,
            ResourceConstraint::Is(ty) => self.half("", Some(ty), None)?,
            ResourceConstraint::IsIn(ty, uid) => self.half(" in ", Some(ty), Some(uid))?,
        }
        self.text.push(')');
        for clause in template.clauses() {
            self.clause(clause)?;
        }
        self.text.push(';');
        Ok(())
    }

    /// What a scope says of the principal, or of the resource.
    fn half(&mut self, how: &str, ty: Option<&EntityType>, uid: Option<&EntityOrSlot>) -> Result<(), String> {
        if let Some(ty) = ty {
            self.text.push_str(" is ");
            self.ty(ty);
        }
        match uid {
            None => Ok(()),
            Some(EntityOrSlot::Entity(uid)) => {
                self.text.push_str(how);
                self.ty(&uid.ty);
                self.text.push_str("::\"");
                self.escaped(&uid.eid)?;
                self.text.push('"');
                Ok(())
            }
            Some(EntityOrSlot::Slot(_)) => Err("a policy has no slots".to_owned()),
        }
    }

    /// An id between quotes. Almost all are UUIDs, of which nothing is escaped.
    fn escaped(&mut self, id: &str) -> Result<(), String> {
        if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'_')) {
            self.text.push_str(id);
            return Ok(());
        }
        write!(self.text, "{}", id.escape_debug()).map_err(WRITTEN)
    }

    /// An entity type, of which scopes name few.
    fn ty(&mut self, ty: &EntityType) {
        match self.types.get(ty) {
            Some(printed) => self.text.push_str(printed),
            None => {
                let printed = ty.to_string();
                self.text.push_str(&printed);
                self.types.insert(ty.clone(), printed);
            }
        }
    }

    fn actions(&mut self, before: &str, uids: &[EntityUID], after: &str) {
        for (position, uid) in uids.iter().enumerate() {
            self.text.push_str(if position == 0 { before } else { ", " });
            match self.actions.get(uid) {
                Some(printed) => self.text.push_str(printed),
                None => {
                    let printed = ast::EntityUID::from(uid.clone()).to_string();
                    self.text.push_str(&printed);
                    self.actions.insert(uid.clone(), printed);
                }
            }
        }
        if uids.is_empty() {
            self.text.push_str(before);
        }
        self.text.push_str(after);
    }

    fn clause(&mut self, clause: &Clause) -> Result<(), String> {
        let (when, expression) = match clause {
            Clause::When(expression) => (true, expression),
            Clause::Unless(expression) => (false, expression),
        };
        let (_, printed) = match self.clauses.entry((when, Arc::as_ptr(expression) as usize)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                unknown.insert((expression.clone(), self.learning.printed(clause, print_clause)?))
            }
        };
        self.text.push(' ');
        self.text.push_str(printed);
        Ok(())
    }
}

/// A clause as Cedar prints it, in a policy that Cedar accepts.
fn print_clause(clause: &Clause) -> Result<String, String> {
    let (any, action) = (PrincipalConstraint::Any, ActionConstraint::Any);
    let template = Template::new("", Effect::Permit, any, action, ResourceConstraint::Any);
    let template = template.try_with_clauses([clause.clone()]).map_err(|error| error.to_string())?;
    let printed = template.to_string();
    let mut set = empty();
    let policy = StaticPolicy::try_from(template).map_err(|error| error.to_string())?;
    set.policies.insert("".into(), policy);
    PolicySet::from_pst(set).map_err(|error| error.to_string())?;
    let clause = printed.strip_prefix(EVERYTHING).and_then(|rest| rest.strip_suffix(';'));
    clause.map(str::to_owned).ok_or_else(|| format!("unexpectedly printed: {printed}"))
}

#[cfg(test)]
mod tests {
    use super::super::known::Known;
    use super::super::source::{Origin, Sourced};
    use super::*;
    use crate::cedar::expression::{entity, entity_type, parse_expression};
    use crate::model::Effect::Allow;

    fn print(policies: &[Policy]) -> Result<Printed, Box<Finding>> {
        super::print(policies, &mut Learning::after(&Known::default()))
    }

    fn made(id: String, template: Template) -> Policy {
        let origin = Arc::new(Origin::Guardrail { name: id.clone() });
        let source = Sourced { effect: Allow, origin, condition: None, rows: vec![], expires_at: None };
        Policy { id, template, source }
    }

    const IDS: [&str; 7] = ["plain", "a\"b\\", "é\u{7}\u{202e}", "]", "action in []", "", "'\0\u{301}"];

    fn uid(ty: &str, id: &str) -> EntityUID {
        entity(ty, id).unwrap()
    }

    /// Every form of a scope's half, with an id.
    fn halves(id: &str) -> [(PrincipalConstraint, ResourceConstraint); 5] {
        let (role, doc) = (EntityOrSlot::Entity(uid("Role", id)), EntityOrSlot::Entity(uid("doc", id)));
        let (user, ty) = (entity_type("User").unwrap(), entity_type("doc").unwrap());
        [
            (PrincipalConstraint::Any, ResourceConstraint::Any),
            (PrincipalConstraint::Eq(role.clone()), ResourceConstraint::Eq(doc.clone())),
            (PrincipalConstraint::In(role.clone()), ResourceConstraint::In(doc.clone())),
            (PrincipalConstraint::Is(user.clone()), ResourceConstraint::Is(ty.clone())),
            (PrincipalConstraint::IsIn(user, role), ResourceConstraint::IsIn(ty, doc)),
        ]
    }

    #[test]
    fn policies_are_written_as_cedar_prints_them() {
        let texts =
            ["true", "\"action in []\" == \"\"", "resource.owner == User::\"], \"", "principal has a.b && !(1 < 2)"];
        let clauses = texts.map(|text| Arc::new(parse_expression(text).unwrap()));
        let clauses: Vec<Vec<Clause>> = [vec![]]
            .into_iter()
            .chain(clauses.iter().map(|one| vec![Clause::When(one.clone())]))
            .chain(clauses.iter().map(|one| vec![Clause::Unless(one.clone()), Clause::When(clauses[0].clone())]))
            .collect();
        let mut actions = vec![ActionConstraint::Any, ActionConstraint::Eq(uid("Action", IDS[1]))];
        actions.extend(
            (0..=IDS.len())
                .map(|count| ActionConstraint::In(IDS[..count].iter().map(|id| uid("Action", id)).collect())),
        );
        let mut policies = vec![];
        for id in IDS {
            for (principal, _) in halves(id) {
                for (_, resource) in halves(id) {
                    for action in &actions {
                        let number = policies.len();
                        let effect = if number % 2 == 0 { Effect::Permit } else { Effect::Forbid };
                        let template = Template::new("", effect, principal.clone(), action.clone(), resource.clone());
                        let template = template.try_with_clauses(clauses[number % clauses.len()].clone()).unwrap();
                        let id = if number == 0 { String::new() } else { format!("{number:05} {id}") };
                        policies.push(made(id, template));
                    }
                }
            }
        }
        let printed = print(&policies).unwrap();
        let set = policy_set(&policies).unwrap();
        assert_eq!(printed.each().count(), 7 * 5 * 5 * 10);
        for (policy, text) in policies.iter().zip(printed.each()) {
            let annotations = BTreeMap::from([("id".to_owned(), policy.id.as_str().into())]);
            let expected = policy.template.clone().with_annotations(annotations).to_string();
            assert_eq!(text, expected);
            assert_eq!(set.policy(&cedar_policy::PolicyId::new(&policy.id)).unwrap().to_string(), expected);
        }
        assert_eq!(printed.text.parse::<PolicySet>().unwrap().policies().count(), policies.len());
    }

    #[test]
    fn what_cedar_would_not_accept_is_not_printed() {
        let policy = |id: &str, principal| {
            let template = Template::new("", Effect::Permit, principal, ActionConstraint::Any, ResourceConstraint::Any);
            made(id.to_owned(), template)
        };
        let twice = print(&[policy("a", PrincipalConstraint::Any), policy("a", PrincipalConstraint::Any)]);
        assert_eq!(twice.unwrap_err().message, "two policies have this id");
        let slot = PrincipalConstraint::Eq(EntityOrSlot::Slot(pst::SlotId::Principal));
        assert_eq!(print(&[policy("a", slot)]).unwrap_err().message, "a policy has no slots");
    }
}
