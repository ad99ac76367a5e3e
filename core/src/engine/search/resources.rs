//! Resource search: which resources are allowed, out of a list or of the registry (AuthZEN 8.5).

use super::page::Listing;
use super::registry::Registry;
use super::token::Fingerprint;
use super::{Page, PageRequest, SearchError};
use crate::directory::{EntityRef, PrincipalRecord};
use crate::engine::subject::Principal;
use crate::engine::{Engine, Request};
use crate::model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// A resource that may be an answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Candidate {
    /// Its id within the type that is searched.
    pub id: String,
    /// Its attributes; absent, they are what the request says of every resource, else what the registry holds.
    #[serde(rename = "properties", default)]
    pub attributes: Option<Map<String, Json>>,
}

/// Where answers are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Candidates<'c> {
    /// The resources of the type that the snapshot registers, in the order of their ids.
    Registered,
    /// Those that the caller lists, in this order. The list is a parameter of the search: every page needs the same.
    Given(&'c [Candidate]),
}

impl Engine {
    /// The resources of a type that a request is allowed with; the id of the request's resource is passed over.
    ///
    /// # Errors
    /// A page that cannot be answered.
    pub fn search_resources(
        &self,
        request: &Request,
        candidates: Candidates<'_>,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<EntityRef>, SearchError> {
        self.resources(self.row(&request.principal.r#type, &request.principal.id), request, candidates, now, page)
    }

    /// [`Engine::search_resources`] for a principal that the caller has; without one, the principal is unknown.
    ///
    /// # Errors
    /// A page that cannot be answered.
    pub fn search_resources_with(
        &self,
        principal: Option<&PrincipalRecord>,
        request: &Request,
        candidates: Candidates<'_>,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<EntityRef>, SearchError> {
        self.resources(principal.map(Principal::Record), request, candidates, now, page)
    }

    fn resources(
        &self,
        principal: Option<Principal<'_>>,
        request: &Request,
        candidates: Candidates<'_>,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<EntityRef>, SearchError> {
        let mut request = request.clone();
        request.resource.id = String::new();
        match candidates {
            Candidates::Registered => {
                let store = &self.view().store;
                let registry = self.inner.lists.registry.get_or_init(|| Registry::of(store));
                let registered = registry.of_type(&request.resource.r#type);
                let listing = Listing::open(self, ("resources", &request, 0), page, registered.len() as u128)?;
                Ok(listing.page(registered.iter().enumerate().skip(listing.start()), |number| {
                    store.entity_key(*number).1.clone_into(&mut request.resource.id);
                    self.check_for(principal, &request.as_ref(), now).is_allow().then(|| request.resource.clone())
                }))
            }
            Candidates::Given(given) => {
                let listing =
                    Listing::open(self, ("candidates", &request, fingerprint(given)), page, given.len() as u128)?;
                let of_all = request.resource_attributes.clone();
                let mut are_of_all = true;
                Ok(listing.page(given.iter().enumerate().skip(listing.start()), |candidate| {
                    request.resource.id.clone_from(&candidate.id);
                    if candidate.attributes.is_some() || !are_of_all {
                        are_of_all = candidate.attributes.is_none();
                        request.resource_attributes = candidate.attributes.clone().or_else(|| of_all.clone());
                    }
                    self.check_for(principal, &request.as_ref(), now).is_allow().then(|| request.resource.clone())
                }))
            }
        }
    }
}

fn fingerprint(given: &[Candidate]) -> u128 {
    let mut hash = Fingerprint::default();
    for candidate in given {
        hash.text(&candidate.id);
        hash.attributes(candidate.attributes.as_ref());
    }
    hash.finish()
}
