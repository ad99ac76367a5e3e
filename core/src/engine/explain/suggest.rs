//! What would turn a denial: the nearest changes, each decided again before it is said.

use super::super::decide::Engine;
use super::super::view::View;
use super::judge::Judge;
use super::remedy::{Changes, Facts, together};
use super::suggestion::{Change, Suggestion};
use super::trial::Trial;
use super::{Missing, MissingWhy};
use crate::compile::Origin;
use crate::directory::{EntityRef, RowRef};
use crate::model::{Effect, Timestamp};
use crate::schema::{ACTION, GROUP, ROLE, SERVICE_ACCOUNT};
use crate::store::record::FORBIDS;
use rustc_hash::{FxHashMap, FxHashSet};

/// So many suggestions are given.
pub(super) const MOST_SUGGESTIONS: usize = 10;

/// So many policies that nearly permit are followed, the nearest first.
pub(super) const MOST_POLICIES: usize = 64;

/// So many ways past all denials are followed where a permit is missing as well.
const MOST_FREED: usize = 16;

/// So many changes are decided again for one explanation.
const MOST_TRIALS: usize = 512;

/// Finds what turns a denial.
pub(super) struct Advisor<'v> {
    pub engine: &'v Engine,
    pub view: &'v View<'v>,
    pub trial: &'v Trial,
    pub roles: RoleActions,
    /// The action's full name.
    pub action: String,
}

impl<'v> Advisor<'v> {
    /// The suggestions, the nearest first.
    pub(super) fn suggestions(&self, judge: &mut Judge<'v>, missing: &[Missing]) -> Vec<Suggestion> {
        let Some(satisfied) = self.view.satisfied_by(self.trial) else { return vec![] };
        let failed = satisfied.failed.iter().map(|(number, _)| *number);
        let denials = satisfied.forbids.iter().copied();
        let denials = denials.chain(failed.filter(|number| self.view.effect(*number) == Effect::Deny));
        let mut freed = denials.fold(vec![vec![]], |ways, number| together(&ways, &self.without(judge, number)));
        freed.sort_by_cached_key(distance);
        let mut ways = freed.clone();
        if satisfied.permits.is_empty() {
            freed.truncate(MOST_FREED);
            let permitting = missing.iter().filter(|missing| missing.resource.is_none());
            // Without a condition there is nothing to judge, so all of these are followed.
            let (conditional, plain): (Vec<&Missing>, Vec<&Missing>) =
                permitting.partition(|missing| missing.condition.is_some() || missing.cedar.is_some());
            let followed = plain.into_iter().chain(conditional.into_iter().take(MOST_POLICIES));
            ways = followed.flat_map(|missing| together(&freed, &self.permitted(judge, missing))).collect();
        }
        ways.sort_by_cached_key(distance);
        ways.dedup();
        self.verified(ways)
    }

    /// Those that turn the answer, none of which holds more than another.
    fn verified(&self, ways: Vec<Changes>) -> Vec<Suggestion> {
        let mut found: Vec<Suggestion> = vec![];
        let mut kinds: Vec<Vec<String>> = vec![];
        let mut trials = 0;
        for changes in ways.into_iter().filter(|changes| !changes.is_empty()) {
            let kind: Vec<String> = changes.iter().map(kind).collect();
            if kinds.iter().any(|known| known.iter().all(|one| kind.contains(one))) {
                continue;
            }
            if found.len() == MOST_SUGGESTIONS || trials == MOST_TRIALS {
                break;
            }
            trials += 1;
            let mut trial = self.trial.clone();
            if changes.iter().all(|change| trial.apply(self.engine, change).is_some()) {
                let decision = self.view.decide_trial(&trial);
                if decision.is_allow() {
                    kinds.push(kind);
                    found.push(Suggestion { changes, policies: decision.policies });
                }
            }
        }
        found
    }

    /// Ways to a denial that no longer denies.
    fn without(&self, judge: &mut Judge<'v>, number: u32) -> Vec<Changes> {
        let view = self.view;
        let Some(origin) = view.store.origin(number) else { return vec![] };
        let judged = view.in_world(self.trial, |world, _| judge.policy(world, number)).flatten();
        let mut ways = judged.map(|judged| self.facts().turn(&judged)).unwrap_or_default();
        let rows = match &origin {
            // What every tenant gets stays.
            Origin::Guardrail { .. } => return ways,
            Origin::Custom { id, .. } => vec![RowRef::new("tenant_setting", id)],
            _ => {
                let action = view.store.entity(ACTION, &self.action);
                view.grants(number, action).flat_map(|grant| view.store.grant_rows(grant)).collect()
            }
        };
        ways.push(vec![Change::RemoveDenial { policy: view.policy_id(number).to_owned(), origin, rows }]);
        ways
    }

    /// Ways to a policy that permits.
    fn permitted(&self, judge: &mut Judge<'v>, missing: &Missing) -> Vec<Changes> {
        let view = self.view;
        let Some(number) = view.policy(&missing.policy) else { return vec![] };
        let to_role = match (&missing.origin, missing.why) {
            (Origin::Role { id, .. }, MissingWhy::Expired) => self.extended(id),
            (Origin::Role { id, .. }, MissingWhy::NotAssigned) => match view.store.entity(ROLE, id) {
                Some(role) if self.trial.record.r#type != SERVICE_ACCOUNT => vec![vec![self.roles.assign(view, role)]],
                _ => vec![],
            },
            (_, MissingWhy::Expired) => vec![],
            _ => vec![vec![]],
        };
        let judged = view.in_world(self.trial, |world, _| judge.policy(world, number)).flatten();
        match judged.filter(|judged| judged.holds != Ok(true)) {
            Some(judged) => together(&to_role, &self.facts().turn(&judged)),
            None => to_role,
        }
    }

    /// Rows that ended and gave a role.
    fn extended(&self, role: &str) -> Vec<Changes> {
        let (store, now) = (&self.view.store, self.trial.now);
        let Some(number) = store.entity(ROLE, role) else { return vec![] };
        let mut ways = vec![];
        let mut add = |row: &RowRef, to: (&str, &str, u32), ended_at: Option<Timestamp>| {
            let (ty, id, number) = to;
            let (to, name) = (EntityRef::new(ty, id), store.entity_name(number));
            ways.push(vec![Change::Extend { row: row.clone(), to, name, ended_at }]);
        };
        for edge in self.trial.record.roles.iter().filter(|edge| edge.to == role && !edge.holds(now)) {
            add(&edge.source, (ROLE, role, number), edge.expires_at);
        }
        for edge in &self.trial.record.groups {
            let Some(group) = store.entity(GROUP, &edge.to) else { continue };
            if !edge.holds(now) {
                if store.climb(group, now, &mut |above| above == number) {
                    add(&edge.source, (GROUP, &edge.to, group), edge.expires_at);
                }
                continue;
            }
            let ended = store.above(group).iter().filter(|edge| edge.to.get() == number && !edge.holds(now));
            ended.for_each(|edge| add(&edge.source(store), (ROLE, role, number), edge.expires_at()));
        }
        ways
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            view: self.view,
            roles: &self.roles,
            now: self.trial.now,
            resource_type: &self.trial.request.resource.r#type,
            action: &self.action,
            is_service_account: self.trial.record.r#type == SERVICE_ACCOUNT,
        }
    }
}

/// How many actions each role permits.
pub(super) struct RoleActions(FxHashMap<u32, usize>);

impl RoleActions {
    pub(super) fn of(view: &View<'_>) -> Self {
        let mut actions: FxHashMap<u32, FxHashSet<u32>> = FxHashMap::default();
        for grant in view.store.index {
            if let Some(policy) = view.store.policies.get(grant.policy.get() as usize)
                && policy.flags.get() & FORBIDS == 0
            {
                actions.entry(policy.principal.get()).or_default().insert(grant.action.get());
            }
        }
        Self(actions.into_iter().map(|(role, actions)| (role, actions.len())).collect())
    }

    /// The assignment of a role.
    pub(super) fn assign(&self, view: &View<'_>, role: u32) -> Change {
        Change::AssignRole {
            role: view.store.entity_key(role).1.to_owned(),
            name: view.store.entity_name(role),
            actions: self.0.get(&role).copied().unwrap_or_default(),
        }
    }
}

/// How far a way is: how many changes, how much they give, and which; then in an order of its own.
fn distance(way: &Changes) -> (usize, u32, usize, Option<Timestamp>, String) {
    let weight = |change: &Change| match change {
        Change::SecondFactor | Change::AddScope { .. } => 0,
        Change::AskAt { .. } => 1,
        Change::Extend { .. } => 2,
        Change::SetAttribute { .. } => 3,
        Change::AssignRole { .. } => 4,
        Change::JoinGroup { .. } => 5,
        Change::RemoveDenial { .. } => 6,
    };
    let actions = |change: &Change| if let Change::AssignRole { actions, .. } = change { *actions } else { 0 };
    let time = way.iter().find_map(|change| if let Change::AskAt { now } = change { Some(*now) } else { None });
    let text = serde_json::to_string(way).unwrap_or_default();
    (way.len(), way.iter().map(weight).sum(), way.iter().map(actions).sum(), time, text)
}

/// What tells a change from others: of times and of values for one attribute the first that does is enough.
fn kind(change: &Change) -> String {
    match change {
        Change::AskAt { .. } => "at".to_owned(),
        Change::SetAttribute { path, .. } => format!("set {path}"),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
