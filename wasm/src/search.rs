//! The searches: which actions, resources or subjects a request would be allowed with, page by page, as AuthZEN has them.

use crate::Failure;
use crate::engine::{Asked, Engine, json};
use parapet::authzen::{ActionSearch, AuthzenError, ResourceSearch, SearchResponse, SubjectSearch};
use parapet::engine::{Candidate, Candidates};
use serde_json::Value as Json;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
impl Engine {
    /// Answers an AuthZEN action search.
    #[wasm_bindgen(js_name = searchActions)]
    pub fn search_actions(&self, request: &str, options: &str, clock: f64) -> Result<String, Failure> {
        let asked = Asked::read(options, clock)?;
        let search = ActionSearch::parse(request.as_bytes())?;
        let found = self.engine().search_actions(&search.request(&asked.caller)?, asked.now, &search.page);
        json(&SearchResponse::of_actions(found.map_err(AuthzenError::from)?))
    }

    /// Answers an AuthZEN resource search: among what the tenant registers, or among candidates, which are a JSON list.
    #[wasm_bindgen(js_name = searchResources)]
    pub fn search_resources(
        &self,
        request: &str,
        options: &str,
        clock: f64,
        candidates: Option<String>,
    ) -> Result<String, Failure> {
        let asked = Asked::read(options, clock)?;
        let search = ResourceSearch::parse(request.as_bytes())?;
        let given = match candidates {
            Some(text) => Some(read(&text).ok_or_else(|| {
                Failure::new("search.candidates", "candidates are a list of `{id, properties?}`, each id text")
            })?),
            None => None,
        };
        let candidates = given.as_deref().map_or(Candidates::Registered, Candidates::Given);
        let request = search.request(&asked.caller)?;
        let found = self.engine().search_resources(&request, candidates, asked.now, &search.page);
        json(&SearchResponse::of_entities(&search.resource_type, found.map_err(AuthzenError::from)?))
    }

    /// Answers an AuthZEN subject search.
    #[wasm_bindgen(js_name = searchSubjects)]
    pub fn search_subjects(&self, request: &str, options: &str, clock: f64) -> Result<String, Failure> {
        let asked = Asked::read(options, clock)?;
        let search = SubjectSearch::parse(request.as_bytes())?;
        let found = self.engine().search_subjects(&search.request(&asked.caller)?, asked.now, &search.page);
        json(&SearchResponse::of_entities(&search.subject_type, found.map_err(AuthzenError::from)?))
    }
}

/// Reads candidates. By hand, since what serde derives is some KiB of code.
fn read(text: &str) -> Option<Vec<Candidate>> {
    let Json::Array(candidates) = serde_json::from_slice(text.as_bytes()).ok()? else { return None };
    let candidates = candidates.into_iter().map(|candidate| {
        let Json::Object(mut fields) = candidate else { return None };
        let Json::String(id) = fields.remove("id")? else { return None };
        let attributes = match fields.remove("properties") {
            Some(Json::Object(attributes)) => Some(attributes),
            Some(_) => return None,
            None => None,
        };
        Some(Candidate { id, attributes })
    });
    candidates.collect()
}
