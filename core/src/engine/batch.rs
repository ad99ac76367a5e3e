//! Many requests at once: consecutive requests of one principal share what the principal lies in.

use super::decision::Decision;
use super::subject::{Principal, Subject};
use super::view::View;
use super::world::Wrong;
use super::{Engine, Request, RequestRef, Verdict};
use crate::directory::{EntityRef, PrincipalRecord};
use crate::model::Timestamp;
use std::cell::OnceCell;

/// A principal at one instant, ready for many requests: what it lies in is worked out once, when it is first needed.
pub struct Asker<'e> {
    view: &'e View<'e>,
    principal: Option<Principal<'e>>,
    now: Timestamp,
    subject: OnceCell<Result<Subject<'e>, Wrong>>,
}

impl Engine {
    /// Decides requests one by one, in their order, as they are taken from the iterator: each as [`Engine::decide`]
    /// does. An AuthZEN batch that stops early takes no more.
    pub fn decide_batch<'e>(
        &'e self,
        requests: impl IntoIterator<Item = &'e Request>,
        now: Timestamp,
    ) -> impl Iterator<Item = Decision> {
        let mut last: Option<(&EntityRef, Asker<'e>)> = None;
        requests.into_iter().map(move |request| {
            let (_, asker) = match last.take().filter(|(principal, _)| **principal == request.principal) {
                Some(same) => last.insert(same),
                None => last.insert((&request.principal, self.asker(&request.principal, now))),
            };
            asker.decide(request)
        })
    }

    /// A principal of the snapshot, by the row's id, else the username, else the e-mail.
    pub fn asker<'e>(&'e self, principal: &EntityRef, now: Timestamp) -> Asker<'e> {
        Asker::new(self.view(), self.row(&principal.r#type, &principal.id), now)
    }

    /// A principal that the caller has; without one, the principal is unknown.
    pub fn asker_with<'e>(&'e self, principal: Option<&'e PrincipalRecord>, now: Timestamp) -> Asker<'e> {
        Asker::new(self.view(), principal.map(Principal::Record), now)
    }
}

impl<'e> Asker<'e> {
    fn new(view: &'e View<'e>, principal: Option<Principal<'e>>, now: Timestamp) -> Self {
        Self { view, principal, now, subject: OnceCell::new() }
    }

    /// Decides a request of this principal, as [`Engine::decide`] does. Of the principal that the request names only
    /// the type is looked at, which must be this one's.
    pub fn decide(&self, request: &'e Request) -> Decision {
        self.check(&request.as_ref()).into()
    }

    /// As [`Asker::decide`], borrowing what is said and what is answered.
    pub fn check(&self, request: &RequestRef<'e>) -> Verdict<'e> {
        let view = self.view;
        let (principal, asked) = match view.standing(self.principal, request) {
            Ok(standing) => standing,
            Err((outcome, reason)) => return Verdict::without_policies(view, outcome, reason),
        };
        let subject = self.subject.get_or_init(|| {
            let mut subject = Subject::default();
            subject.read(view, principal, self.now).map(|()| subject)
        });
        let satisfied = match subject {
            Ok(subject) => view.decide_about(subject, asked, request, self.now),
            Err(wrong) => Err(wrong.clone()),
        };
        match satisfied {
            Ok(satisfied) => Verdict::of(view, satisfied),
            Err(wrong) => Verdict::wrong(view, wrong),
        }
    }
}
