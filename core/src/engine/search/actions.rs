//! Action search: which actions are allowed (AuthZEN 8.6).

use super::page::Listing;
use super::{Page, PageRequest, SearchError};
use crate::directory::PrincipalRecord;
use crate::engine::subject::Principal;
use crate::engine::{Engine, Request};
use crate::model::Timestamp;

impl Engine {
    /// The actions of the resource's type that a request is allowed with, by their names (`read`), in order; the action
    /// of the request is passed over. Of a type that is not declared there are none.
    ///
    /// # Errors
    /// A page that cannot be answered.
    pub fn search_actions(
        &self,
        request: &Request,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<String>, SearchError> {
        self.actions(self.row(&request.principal.r#type, &request.principal.id), request, now, page)
    }

    /// [`Engine::search_actions`] for a principal that the caller has; without one, the principal is unknown.
    ///
    /// # Errors
    /// A page that cannot be answered.
    pub fn search_actions_with(
        &self,
        principal: Option<&PrincipalRecord>,
        request: &Request,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<String>, SearchError> {
        self.actions(principal.map(Principal::Record), request, now, page)
    }

    fn actions(
        &self,
        principal: Option<Principal<'_>>,
        request: &Request,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<String>, SearchError> {
        let mut request = Request { action: String::new(), ..request.clone() };
        let prefix = request.action_name();
        // No type's name holds a colon, so these are the type's own.
        let actions = self.schema().actions.range(prefix.clone()..);
        let actions: Vec<&str> = actions.map_while(|(name, _)| name.strip_prefix(&prefix)).collect();
        let listing = Listing::open(self, ("actions", &request, 0), page, actions.len() as u128)?;
        Ok(listing.page(actions.into_iter().enumerate().skip(listing.start()), |action| {
            request.action = action.to_owned();
            self.check_for(principal, &request.as_ref(), now).is_allow().then(|| action.to_owned())
        }))
    }
}
