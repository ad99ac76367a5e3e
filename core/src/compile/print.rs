//! The finished policies: accepted by Cedar as a set, and as Cedar prints them.

use super::policy::Policy;
use crate::Finding;
use cedar_policy::PolicySet;
use cedar_policy::pst::{self, ActionConstraint, EntityUID, StaticPolicy, Template};
use cedar_policy_core::ast;
use std::collections::{BTreeMap, HashMap};

/// The policies as Cedar's set and as text.
pub(super) fn print(policies: Vec<Policy>) -> Result<(PolicySet, String), Box<Finding>> {
    let broken = |id: &str, message: String| Box::new(Finding::error("policy", "policy.invalid", message).row(id));
    let mut set = pst::PolicySet {
        templates: pst::LinkedHashMap::new(),
        policies: pst::LinkedHashMap::new(),
        template_links: vec![],
    };
    let (mut text, mut actions) = (String::new(), ActionTexts::new());
    for Policy { id, template } in policies {
        let annotations = BTreeMap::from([("id".to_owned(), id.as_str().into())]);
        let template = write(template.with_annotations(annotations), &mut actions, &mut text);
        text.push_str("\n\n");
        let policy = StaticPolicy::try_from(template).map_err(|error| broken(&id, error.to_string()))?;
        if set.policies.insert(id.as_str().into(), policy).is_some() {
            return Err(broken(&id, "two policies have this id".to_owned()));
        }
    }
    let set = PolicySet::from_pst(set).map_err(|error| broken("", error.to_string()))?;
    Ok((set, text))
}

/// Actions as Cedar prints them.
type ActionTexts = HashMap<EntityUID, String>;

/// How Cedar prints the scope of a policy for no action.
const NO_ACTION: &str = "action in []";

/// Writes a policy exactly as Cedar prints it. Most of a policy are its actions, and Cedar parses the type of each to
/// print it: several actions are therefore printed once each, and the policy around them without them.
fn write(mut template: Template, actions: &mut ActionTexts, text: &mut String) -> Template {
    let action = std::mem::replace(&mut template.action, ActionConstraint::In(vec![]));
    if let ActionConstraint::In(uids) = &action
        && uids.len() > 1
        && let Some((before, after)) = around(&template)
    {
        text.push_str(&before);
        for (position, uid) in uids.iter().enumerate() {
            text.push_str(if position == 0 { "action in [" } else { ", " });
            text.push_str(actions.entry(uid.clone()).or_insert_with(|| ast::EntityUID::from(uid.clone()).to_string()));
        }
        text.push(']');
        text.push_str(&after);
        template.action = action;
    } else {
        template.action = action;
        text.push_str(&template.to_string());
    }
    template
}

/// What Cedar prints before and after the actions of a policy that is for none; nothing where it is not plain which
/// part of the text that is, since an id or a literal says the same.
fn around(template: &Template) -> Option<(String, String)> {
    let printed = template.to_string();
    let (before, after) = printed.split_once(NO_ACTION)?;
    (!after.contains(NO_ACTION)).then(|| (before.to_owned(), after.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cedar::expression::{entity, parse_expression};
    use cedar_policy::pst::{Clause, Effect, EntityOrSlot, PrincipalConstraint, ResourceConstraint};
    use std::sync::Arc;

    #[test]
    fn policies_are_written_as_cedar_prints_them() {
        let ids = ["plain", "a\"b\\", "é\u{7}\u{202e}", "]", "action in []", ""];
        let uid = |ty: &str, id: &str| entity(ty, id).unwrap();
        let mut actions = ActionTexts::new();
        let mut written = 0;
        for principal in ids {
            for count in 0..ids.len() {
                for text in ["true", "\"action in []\" == \"\"", "resource.owner == User::\"], \""] {
                    let named = ids[..count].iter().map(|id| uid("Action", id)).collect();
                    let template = Template::new(
                        "id",
                        Effect::Forbid,
                        PrincipalConstraint::In(EntityOrSlot::Entity(uid("Role", principal))),
                        ActionConstraint::In(named),
                        ResourceConstraint::Eq(EntityOrSlot::Entity(uid("doc", principal))),
                    )
                    .try_with_clauses([Clause::When(Arc::new(parse_expression(text).unwrap()))])
                    .unwrap()
                    .with_annotations(BTreeMap::from([("id".to_owned(), principal.into())]));
                    let expected = StaticPolicy::try_from(template.clone()).unwrap();
                    let mut text = String::new();
                    let after = write(template, &mut actions, &mut text);
                    assert_eq!(text, expected.to_string());
                    assert_eq!(&after, expected.body());
                    written += 1;
                }
            }
        }
        assert_eq!((written, actions.len()), (6 * 6 * 3, 5));
    }
}
