//! OpenID AuthZEN Authorization API 1.0: requests read from bytes, responses and metadata written.
//!
//! <https://openid.net/specs/authorization-api-1_0.html>; section numbers in this module are that document's. Unknown
//! fields are ignored (10.1.1). A required field that is missing and a value of another JSON type, null too, are errors:
//! at the top level of the whole request, inside an item of a batch of that item alone, which is then answered
//! `"decision": false` with its reason (7.2.1). JSON whose objects hold a key twice is refused, since the PEP and we
//! might each read another of the two.

mod decide;
mod error;
mod json;
mod metadata;
mod request;
mod response;
mod search;

#[cfg(test)]
mod tests;

pub use crate::engine::{Outcome, PageRequest as Page, PolicyError};
pub use decide::Caller;
pub use error::AuthzenError;
pub use json::{MAX_BODY, MAX_DEPTH};
pub use metadata::{InvalidBaseUrl, Metadata, WELL_KNOWN_PATH};
pub(crate) use request::Object;
pub use request::{
    Action, Attributes, Evaluation, Evaluations, EvaluationsRequest, MAX_ATTRIBUTE_DEPTH, MAX_EVALUATIONS, Resource,
    Semantic, Subject, principal_type,
};
pub use response::{AsOf, EvaluationResponse, EvaluationsResponse, ItemError, ResponseContext};
pub use search::{ActionSearch, ResourceSearch, SearchResponse, SubjectSearch};
