//! Deciding: standing first, then the shape of the request, then the policies.

use super::decision::{Decision, Outcome, Reason};
use super::index::Keys;
use super::policies::Satisfied;
use super::subject::{Principal, Subject};
use super::verdict::Verdict;
use super::view::{ActionView, View};
use super::world::{RequestWorld, Wrong};
use super::{Request, RequestRef};
use crate::directory::{EntityRef, PrincipalRecord, PrincipalState};
use crate::model::{TenantStatus, Timestamp};
use crate::schema::Schema;
use crate::snapshot::Snapshot;
use crate::store::{EngineError, same};
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

/// The number of a principal in its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrincipalNumber(u32);

/// What a request asks for, found in the schema.
pub(super) type Asked<'a> = &'a ActionView;

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

    /// The id of a policy; the policies are numbered from 0 in the order of their ids.
    pub fn policy_id(&self, number: u32) -> Option<&str> {
        ((number as usize) < self.view().store.policies.len()).then(|| self.view().policy_id(number))
    }

    /// A principal of the snapshot: by the row's id, else the username, else the e-mail. Of its attributes, those that
    /// the schema declares as the directory's.
    pub fn principal(&self, principal: &EntityRef) -> Option<PrincipalRecord> {
        let store = &self.view().store;
        store.principal(&principal.r#type, &principal.id).map(|row| store.principal_record(row))
    }

    /// Decides with the principals of the snapshot.
    pub fn decide(&self, request: &Request, now: Timestamp) -> Decision {
        self.check(&request.as_ref(), now).into()
    }

    /// Decides with a principal that the caller has; without one, the principal is unknown.
    pub fn decide_with(&self, principal: Option<&PrincipalRecord>, request: &Request, now: Timestamp) -> Decision {
        self.check_for(principal.map(Principal::Record), &request.as_ref(), now).into()
    }

    /// Decides with the principals of the snapshot, borrowing what is said and what is answered: the same decision as
    /// [`Engine::decide`], for whoever decides often.
    #[inline]
    pub fn check(&self, request: &RequestRef<'_>, now: Timestamp) -> Verdict<'_> {
        self.check_as(None, request, now)
    }

    /// The number of a principal of the snapshot: by the row's id, else the username, else the e-mail. For
    /// [`Engine::check_as`] of this engine, to which it always means the same principal.
    pub fn principal_number(&self, ty: &str, name: &str) -> Option<PrincipalNumber> {
        self.view().store.principal_number(ty, name).map(PrincipalNumber)
    }

    /// As [`Engine::check`], for whoever may know the number of the principal that the request names: then it need not be
    /// found again. Of its name in the request only the type is looked at, which must be this one's.
    #[inline]
    pub fn check_as(
        &self,
        principal: Option<PrincipalNumber>,
        request: &RequestRef<'_>,
        now: Timestamp,
    ) -> Verdict<'_> {
        let store = &self.view().store;
        let row = match principal {
            Some(number) => store.principals.get(number.0 as usize),
            None => store.principal(request.principal_type, request.principal_id),
        };
        self.check_for(row.map(Principal::Row), request, now)
    }

    #[inline]
    pub(super) fn view(&self) -> &View<'_> {
        self.inner.opened.borrow_dependent()
    }

    /// A principal of the snapshot as it lies there.
    pub(super) fn row(&self, ty: &str, name: &str) -> Option<Principal<'_>> {
        self.view().store.principal(ty, name).map(Principal::Row)
    }

    #[inline]
    pub(super) fn check_for(
        &self,
        principal: Option<Principal<'_>>,
        request: &RequestRef<'_>,
        now: Timestamp,
    ) -> Verdict<'_> {
        let view = self.view();
        let (principal, asked) = match view.standing(principal, request) {
            Ok(standing) => standing,
            Err((outcome, reason)) => return Verdict::without_policies(view, outcome, reason),
        };
        match view.decide(principal, asked, request, now) {
            Ok(satisfied) => Verdict::of(view, satisfied),
            Err(wrong) => Verdict::wrong(view, wrong),
        }
    }
}

impl<'v> View<'v> {
    /// What is decided before any policy is asked; otherwise the principal, who may ask, and what it asks for.
    #[inline]
    pub(super) fn standing<'p>(
        &self,
        principal: Option<Principal<'p>>,
        request: &RequestRef<'_>,
    ) -> Result<(Principal<'p>, Asked<'_>), (Outcome, Reason)> {
        match self.tenant.status {
            TenantStatus::Active => {}
            TenantStatus::Suspended => return Err((Outcome::Forbidden, Reason::TenantSuspended)),
            TenantStatus::Deleted => return Err((Outcome::Forbidden, Reason::TenantDeleted)),
        }
        let Some(principal) = principal.filter(|found| same(found.type_name(), request.principal_type)) else {
            return Err((Outcome::Forbidden, Reason::PrincipalUnknown));
        };
        match principal.state() {
            PrincipalState::Active => {}
            PrincipalState::Inactive => return Err((Outcome::Forbidden, Reason::PrincipalInactive)),
            PrincipalState::Deleted => return Err((Outcome::Forbidden, Reason::PrincipalDeleted)),
        }
        let unknown = || match self.has_type(request.resource_type) {
            true => (Outcome::NoPermit, Reason::UnknownAction),
            false => (Outcome::NoPermit, Reason::UnknownType),
        };
        Ok((principal, self.actions.get((request.resource_type, request.action)).ok_or_else(unknown)?))
    }

    /// The policies that say something of a request of a principal that may ask.
    #[inline]
    pub(super) fn decide<'a>(
        &'a self,
        principal: Principal<'a>,
        asked: Asked<'a>,
        request: &RequestRef<'a>,
        now: Timestamp,
    ) -> Result<Satisfied, Wrong>
    where
        'v: 'a,
    {
        let mut subject = Subject::default();
        subject.read(self, principal, now)?;
        self.decide_about(&subject, asked, request, now)
    }

    /// The policies that say something of a subject's request.
    #[inline]
    pub(super) fn decide_about<'a>(
        &'a self,
        subject: &Subject<'a>,
        asked: Asked<'a>,
        request: &RequestRef<'a>,
        now: Timestamp,
    ) -> Result<Satisfied, Wrong>
    where
        'v: 'a,
    {
        let mut world = RequestWorld::new(self, subject, asked, request, now);
        world.read()?;
        let resources = world.resource_keys();
        let keys = Keys { principals: &subject.keys, actions: &asked.keys, resources: &resources };
        Ok(self.policies.run(&world, keys))
    }

    /// A policy's id.
    pub(super) fn policy_id(&self, number: u32) -> &'v str {
        let policy = self.store.policies.get(number as usize);
        policy.map_or("", |policy| self.store.texts.get(policy.id.get()))
    }
}
