//! Deciding: standing first, then the shape of the request, then the policies.

use super::Request;
use super::decision::{Decision, Outcome, PolicyError, Reason};
use super::index::Keys;
use super::policies::Satisfied;
use super::subject::{Principal, Subject};
use super::view::{ActionView, TypeView, View};
use super::world::{RequestWorld, Wrong};
use crate::directory::{EntityRef, PrincipalRecord, PrincipalState};
use crate::model::{TenantStatus, Timestamp};
use crate::schema::Schema;
use crate::snapshot::Snapshot;
use crate::store::EngineError;
use crate::store::record::FORBIDS;
use crate::tenant::TenantRecord;
use std::sync::Arc;

/// A tenant that decides. Cheap to clone, and shared between threads.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    opened: Opened,
    pub(super) lists: super::search::Lists,
    #[cfg(feature = "cedar")]
    pub(super) twin: std::sync::OnceLock<Result<super::by_cedar::Twin, String>>,
}

self_cell::self_cell! {
    /// A snapshot with the view that borrows from it.
    struct Opened {
        owner: Snapshot,
        #[covariant]
        dependent: View,
    }

    impl {Debug}
}

/// What a request asks for, found in the schema.
pub(super) type Asked<'a> = (&'a TypeView, &'a ActionView);

impl Engine {
    /// Takes an opened snapshot, and reads it in place.
    ///
    /// # Errors
    /// A section that is not there or not what it should be.
    pub fn new(snapshot: Snapshot) -> Result<Self, EngineError> {
        let opened = Opened::try_new(snapshot, |snapshot| View::open(snapshot))?;
        Ok(Self {
            inner: Arc::new(Inner {
                opened,
                lists: super::search::Lists::default(),
                #[cfg(feature = "cedar")]
                twin: std::sync::OnceLock::new(),
            }),
        })
    }

    /// The snapshot that it decides with.
    pub fn snapshot(&self) -> &Snapshot {
        self.inner.opened.borrow_owner()
    }

    /// The version of the policies that it decides with.
    pub fn policy_version(&self) -> u64 {
        self.snapshot().policy_version()
    }

    /// The tenant's schema.
    pub fn schema(&self) -> &Schema {
        &self.view().schema
    }

    /// The tenant's standing.
    pub fn tenant(&self) -> &TenantRecord {
        &self.view().tenant
    }

    /// A principal of the snapshot: by the row's id, else the username, else the e-mail. Of its attributes, those that
    /// the schema declares as the directory's.
    pub fn principal(&self, principal: &EntityRef) -> Option<PrincipalRecord> {
        let store = &self.view().store;
        let number = store.principal(&principal.r#type, &principal.id)?;
        store.principals.get(number as usize).map(|row| store.principal_record(row))
    }

    /// Decides with the principals of the snapshot.
    pub fn decide(&self, request: &Request, now: Timestamp) -> Decision {
        self.decide_for(self.row(&request.principal), request, now)
    }

    /// Decides with a principal that the caller has; without one, the principal is unknown.
    pub fn decide_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Decision {
        self.decide_for(principal.map(Principal::Record), request, now)
    }

    pub(super) fn view(&self) -> &View<'_> {
        self.inner.opened.borrow_dependent()
    }

    /// A principal of the snapshot as it lies there.
    pub(super) fn row(&self, principal: &EntityRef) -> Option<Principal<'_>> {
        let store = &self.view().store;
        let number = store.principal(&principal.r#type, &principal.id)?;
        store.principals.get(number as usize).map(Principal::Row)
    }

    pub(super) fn decide_for(&self, principal: Option<Principal<'_>>, request: &Request, now: Timestamp) -> Decision {
        let view = self.view();
        let (principal, asked) = match view.standing(principal, request) {
            Ok(standing) => standing,
            Err((outcome, reason)) => return Decision::without_policies(outcome, reason),
        };
        let decided = Subject::new(view, principal, now).and_then(|subject| view.decide(&subject, asked, request, now));
        decided.unwrap_or_else(Decision::from)
    }
}

impl<'v> View<'v> {
    /// What is decided before any policy is asked; otherwise the principal, who may ask, and what it asks for.
    pub(super) fn standing<'p>(
        &self,
        principal: Option<Principal<'p>>,
        request: &Request,
    ) -> Result<(Principal<'p>, Asked<'_>), (Outcome, Reason)> {
        match self.tenant.status {
            TenantStatus::Active => {}
            TenantStatus::Suspended => return Err((Outcome::Forbidden, Reason::TenantSuspended)),
            TenantStatus::Deleted => return Err((Outcome::Forbidden, Reason::TenantDeleted)),
        }
        let Some(principal) = principal.filter(|found| found.type_name() == request.principal.r#type) else {
            return Err((Outcome::Forbidden, Reason::PrincipalUnknown));
        };
        match principal.state() {
            PrincipalState::Active => {}
            PrincipalState::Inactive => return Err((Outcome::Forbidden, Reason::PrincipalInactive)),
            PrincipalState::Deleted => return Err((Outcome::Forbidden, Reason::PrincipalDeleted)),
        }
        let ty = self.types.get(request.resource.r#type.as_str());
        let ty = ty.ok_or((Outcome::NoPermit, Reason::UnknownType))?;
        let action = ty.actions.get(request.action.as_str());
        Ok((principal, (ty, action.ok_or((Outcome::NoPermit, Reason::UnknownAction))?)))
    }

    /// Decides a request of a principal that may ask.
    pub(super) fn decide<'a>(
        &'a self,
        subject: &Subject<'a>,
        asked: Asked<'a>,
        request: &'a Request,
        now: Timestamp,
    ) -> Result<Decision, Wrong>
    where
        'v: 'a,
    {
        let world = RequestWorld::new(self, subject, asked, request, now)?;
        Ok(self.decision(self.satisfied(&world, asked)))
    }

    /// The policies that say something of a request.
    pub(super) fn satisfied<'a>(&'a self, world: &RequestWorld<'_, 'a>, (_, action): Asked<'a>) -> Satisfied {
        let resources = world.resource_keys();
        let keys = Keys { principals: world.principal_keys(), actions: &action.keys, resources: &resources };
        self.policies.run(world, keys)
    }

    /// What the policies come to.
    fn decision(&self, satisfied: Satisfied) -> Decision {
        let decided = |outcome, policies: &[u32]| Decision {
            outcome,
            reason: None,
            at: None,
            policies: policies.iter().map(|number| self.policy_id(*number).to_owned()).collect(),
            errors: vec![],
        };
        let mut decision = match (satisfied.forbids.is_empty(), satisfied.permits.is_empty()) {
            (false, _) => decided(Outcome::Forbidden, &satisfied.forbids),
            (true, true) => decided(Outcome::NoPermit, &[]),
            // Cedar skips a policy that fails; a forbid that was skipped would have let this pass.
            (true, false) if satisfied.failed.iter().any(|(number, _)| self.forbids(*number)) => {
                Decision::without_policies(Outcome::Error, Reason::ForbidErrored)
            }
            (true, false) => decided(Outcome::Allow, &satisfied.permits),
        };
        let error = |(number, failure): &(u32, super::program::Failure)| PolicyError {
            policy: self.policy_id(*number).to_owned(),
            message: failure.to_string(),
        };
        decision.errors = satisfied.failed.iter().map(error).collect();
        decision
    }

    /// A policy's id.
    pub(super) fn policy_id(&self, number: u32) -> &'v str {
        let policy = self.store.policies.get(number as usize);
        policy.map_or("", |policy| self.store.texts.get(policy.id.get()))
    }

    fn forbids(&self, number: u32) -> bool {
        self.store.policies.get(number as usize).is_none_or(|policy| policy.flags.get() & FORBIDS != 0)
    }
}

impl From<Wrong> for Decision {
    fn from(wrong: Wrong) -> Self {
        Self { at: Some(wrong.0), ..Self::without_policies(Outcome::Error, Reason::WrongType) }
    }
}
