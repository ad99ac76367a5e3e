//! A verdict: a decision that borrows from the engine what it names.

use super::decision::{Decision, Outcome, PolicyError, Reason};
use super::policies::Satisfied;
use super::view::View;
use super::world::Wrong;
use crate::store::record::FORBIDS;

/// What was decided, borrowing the ids of the policies: [`Decision`] for whoever decides often.
#[derive(Debug)]
pub struct Verdict<'e> {
    outcome: Outcome,
    reason: Option<Reason>,
    at: Option<Wrong>,
    view: &'e View<'e>,
    satisfied: Satisfied,
}

impl<'e> Verdict<'e> {
    /// Whether the request is allowed.
    pub fn is_allow(&self) -> bool {
        self.outcome == Outcome::Allow
    }

    /// Which kind of yes or no it is.
    #[inline]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why, where no policy decided.
    #[inline]
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// The ids of the determining policies, sorted.
    pub fn policies(&self) -> impl ExactSizeIterator<Item = &'e str> {
        let view = self.view;
        self.policy_numbers().iter().map(move |number| view.policy_id(*number))
    }

    /// The numbers of the determining policies in the order of their ids; [`Engine::policy_id`](super::Engine::policy_id)
    /// gives a number's id.
    #[inline]
    pub fn policy_numbers(&self) -> &[u32] {
        match self.outcome {
            Outcome::Allow => &self.satisfied.permits,
            Outcome::Forbidden => &self.satisfied.forbids,
            Outcome::NoPermit | Outcome::Error => &[],
        }
    }

    /// Whether there is more to say than outcome, reason and policies: a policy failed, or a value does not fit its type.
    #[inline]
    pub fn has_errors(&self) -> bool {
        self.at.is_some() || !self.satisfied.failed.is_empty()
    }

    /// What no policy was asked for.
    pub(super) fn without_policies(view: &'e View<'e>, outcome: Outcome, reason: Reason) -> Self {
        Self { outcome, reason: Some(reason), at: None, view, satisfied: Satisfied::default() }
    }

    /// What a value comes to that does not fit its type.
    pub(super) fn wrong(view: &'e View<'e>, wrong: Wrong) -> Self {
        Self { at: Some(wrong), ..Self::without_policies(view, Outcome::Error, Reason::WrongType) }
    }

    /// What the policies come to.
    #[inline]
    pub(super) fn of(view: &'e View<'e>, satisfied: Satisfied) -> Self {
        let (outcome, reason) = match (satisfied.forbids.is_empty(), satisfied.permits.is_empty()) {
            (false, _) => (Outcome::Forbidden, None),
            (true, true) => (Outcome::NoPermit, None),
            // Cedar skips a policy that fails; a forbid that was skipped would have let this pass.
            (true, false) if satisfied.failed.iter().any(|(number, _)| view.forbids(*number)) => {
                (Outcome::Error, Some(Reason::ForbidErrored))
            }
            (true, false) => (Outcome::Allow, None),
        };
        Self { outcome, reason, at: None, view, satisfied }
    }
}

impl From<Verdict<'_>> for Decision {
    fn from(verdict: Verdict<'_>) -> Self {
        let policies = verdict.policies().map(str::to_owned).collect();
        let error = |(number, failure): &(u32, super::program::Failure)| PolicyError {
            policy: verdict.view.policy_id(*number).to_owned(),
            message: failure.to_string(),
        };
        Self {
            outcome: verdict.outcome,
            reason: verdict.reason,
            policies,
            errors: verdict.satisfied.failed.iter().map(error).collect(),
            at: verdict.at.map(|wrong| wrong.0),
        }
    }
}

impl View<'_> {
    fn forbids(&self, number: u32) -> bool {
        self.store.policies.get(number as usize).is_none_or(|policy| policy.flags.get() & FORBIDS != 0)
    }
}
