//! Subject search: who may do an action to a resource (AuthZEN 8.4).

use super::members::Members;
use super::page::Listing;
use super::{Page, PageRequest, SearchError};
use crate::directory::EntityRef;
use crate::engine::index::{ANY, Key, Keys};
use crate::engine::subject::Principal;
use crate::engine::{Engine, Request};
use crate::model::Timestamp;
use crate::store::Store;
use crate::store::record::FORBIDS;
use rustc_hash::FxHashSet;
use std::ops::ControlFlow;
use uuid::Uuid;

/// Whom the permits for an action and a resource can reach, for whoever has the principals in a database: nobody else is an
/// answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everybody: something permits it whose scope names no principal.
    Everybody,
    /// Who is one of these or lies directly in one: users, service accounts, roles, groups and organization units, in no
    /// order. Without any it is nobody.
    Of(Vec<EntityRef>),
}

/// One page of a subject search over principals that lie in a database. The caller takes those that can be
/// [reached](Engine::reach) in the order of their ids, from [`Self::start`] on, and decides about each.
pub struct SubjectListing(Listing);

impl SubjectListing {
    /// The id of the first principal that may be on the page.
    pub fn start(&self) -> Uuid {
        Uuid::from_u128(self.0.position())
    }

    /// How many answers the page has at most.
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// The token of a next page that begins with this principal.
    pub fn token(&self, next: Uuid) -> String {
        self.0.token_at(next.as_u128())
    }
}

/// What may be reached, by its numbers.
enum Reached {
    Everything,
    /// These entities, and the principals that are one of them or lie directly in it.
    Entities(FxHashSet<Key>),
}

impl Engine {
    /// The principals of a type that a request is allowed with, in the order of their ids; the id of the request's
    /// principal is passed over.
    ///
    /// Only principals that lie in the snapshot are found. Only those are asked that one of the permits for this action
    /// and resource can reach: whom its scope names, or who lies in the role, group or unit that it names. Answers say
    /// the row's id; a caller whose tenant names principals otherwise (`tenant_setting` `auth/subject_id`) maps it.
    ///
    /// # Errors
    /// A page that cannot be answered.
    pub fn search_subjects(
        &self,
        request: &Request,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<EntityRef>, SearchError> {
        let mut request = request.clone();
        request.principal.id = String::new();
        let store = &self.view().store;
        let ty = request.principal.r#type.clone();
        let listing = Listing::open(self, ("subjects", &request, 0), page, store.principals.len() as u128)?;
        let reached = self.reached_principals(&request, now);
        let candidates = store.principals.iter().enumerate().skip(listing.start());
        let candidates = candidates.filter(|(number, row)| {
            reached.as_ref().is_none_or(|reached| reached.get(*number) == Some(&true)) && row.type_name() == ty
        });
        Ok(listing.page(candidates, |row| {
            store.texts.get(row.id.get()).clone_into(&mut request.principal.id);
            let verdict = self.check_for(Some(Principal::Row(row)), &request.as_ref(), now);
            verdict.is_allow().then(|| request.principal.clone())
        }))
    }

    /// [`Engine::search_subjects`] for whoever has the principals: opens a page of the listing.
    ///
    /// # Errors
    /// A page that cannot be answered.
    pub fn subject_listing(&self, request: &Request, page: &PageRequest) -> Result<SubjectListing, SearchError> {
        let mut request = request.clone();
        request.principal.id = String::new();
        Listing::open(self, ("subjects elsewhere", &request, 0), page, u128::MAX).map(SubjectListing)
    }

    /// Whom the permits for the request's action and resource can reach, by what their scopes name; conditions, forbids
    /// and ends are not looked at.
    pub fn reach(&self, request: &Request, now: Timestamp) -> Reach {
        let store = &self.view().store;
        match self.reached(request, now) {
            Reached::Everything => Reach::Everybody,
            Reached::Entities(entities) => {
                let entity = |number| {
                    let (ty, id) = store.entity_key(number);
                    EntityRef::new(ty, id)
                };
                Reach::Of(entities.into_iter().map(entity).collect())
            }
        }
    }

    /// Which principals of the snapshot a permit can reach; nothing where it is all of them.
    fn reached_principals(&self, request: &Request, now: Timestamp) -> Option<Vec<bool>> {
        let store = &self.view().store;
        let Reached::Entities(entities) = self.reached(request, now) else { return None };
        let members = self.members();
        let mut reached = vec![false; store.principals.len()];
        for principal in entities.into_iter().flat_map(|entity| members.principals_of(entity)) {
            if let Some(reached) = reached.get_mut(*principal as usize) {
                *reached = true;
            }
        }
        Some(reached)
    }

    fn members(&self) -> &Members {
        self.inner.lists.members.get_or_init(|| Members::of(&self.view().store))
    }

    /// What a permit for this action and resource can reach, its condition not looked at.
    fn reached(&self, request: &Request, now: Timestamp) -> Reached {
        let view = self.view();
        let store = &view.store;
        let action = view.actions.get((&request.resource.r#type, &request.action));
        let Some(action) = action else { return Reached::Entities(FxHashSet::default()) };
        let members = self.members();
        let resources = with_above(store, &request.resource, now);
        // As if somebody lay in everything that scopes name.
        let keys = Keys { principals: &members.named, actions: &action.keys, resources: &resources };
        let of_type = |ty: u32| store.texts.find(ty).is_none_or(|ty| ty == request.principal.r#type);
        let mut entities: Vec<Key> = vec![];
        let visited = view.policies.index.visit(&view.policies.records, keys, &mut |_, _, policy| {
            if policy.flags.get() & FORBIDS == 0 && of_type(policy.principal_type.get()) {
                match policy.principal.get() {
                    ANY => return ControlFlow::Break(()),
                    entity => entities.push(entity),
                }
            }
            ControlFlow::Continue(())
        });
        if visited.is_break() {
            return Reached::Everything;
        }
        entities.sort_unstable();
        entities.dedup();
        Reached::Entities(members.below(entities))
    }
}

/// A resource and everything that it lies in, as far as the snapshot knows it.
fn with_above(store: &Store<'_>, resource: &EntityRef, now: Timestamp) -> Vec<Key> {
    let Some(entity) = store.entity(&resource.r#type, &resource.id) else { return vec![] };
    let mut keys = vec![entity];
    store.climb(entity, now, &mut |above| {
        keys.push(above);
        false
    });
    keys
}
