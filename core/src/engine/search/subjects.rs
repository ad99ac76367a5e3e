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
use std::ops::ControlFlow;

/// Who may be an answer.
enum Reached {
    /// Nobody: nothing permits this action to this resource.
    Nobody,
    /// These, by their numbers; everybody else is not.
    Some(Vec<bool>),
    /// Everybody: something permits it whose scope names no principal.
    Everybody,
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
        let listing = Listing::open(self, ("subjects", &request, 0), page, store.principals.len())?;
        let reached = self.reached(&request, now);
        let candidates = store.principals.iter().enumerate().skip(listing.start());
        let candidates = candidates.filter(|(number, row)| reached.has(*number) && row.type_name() == ty);
        Ok(listing.page(candidates, |row| {
            store.texts.get(row.id.get()).clone_into(&mut request.principal.id);
            let verdict = self.check_for(Some(Principal::Row(row)), &request.as_ref(), now);
            verdict.is_allow().then(|| request.principal.clone())
        }))
    }

    /// Whom a permit for this action and resource can reach, its condition not looked at.
    fn reached(&self, request: &Request, now: Timestamp) -> Reached {
        let view = self.view();
        let store = &view.store;
        let action = view.actions.get((&request.resource.r#type, &request.action));
        let Some(action) = action else { return Reached::Nobody };
        let members = self.inner.lists.members.get_or_init(|| Members::of(store));
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
            return Reached::Everybody;
        }
        if entities.is_empty() {
            return Reached::Nobody;
        }
        entities.sort_unstable();
        entities.dedup();
        let mut reached = vec![false; store.principals.len()];
        members.visit(entities, &mut |principal| {
            if let Some(reached) = reached.get_mut(principal as usize) {
                *reached = true;
            }
        });
        Reached::Some(reached)
    }
}

impl Reached {
    fn has(&self, principal: usize) -> bool {
        match self {
            Self::Nobody => false,
            Self::Some(reached) => reached.get(principal).copied().unwrap_or(false),
            Self::Everybody => true,
        }
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
