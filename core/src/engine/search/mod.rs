//! Searches: which actions, resources or subjects a request would be allowed with (OpenID AuthZEN 1.0, section 8).
//!
//! A search is a [`Request`](super::Request) with one part left open, which is passed over. Candidates for that part
//! are taken in a fixed order and each is decided as `Engine::decide` decides; nothing is answered from the index
//! alone. Answers come in pages.

mod actions;
mod error;
mod members;
mod page;
mod registry;
mod resources;
mod subjects;
mod token;

pub use error::{SearchError, TokenFault};
pub use page::{DEFAULT_PAGE, MAX_PAGE, Page, PageRequest};
pub use resources::{Candidate, Candidates};
pub use subjects::{Reach, SubjectListing};

use members::Members;
use registry::Registry;
use std::sync::OnceLock;

/// What searches look up, made when the first of them needs it.
#[derive(Debug, Default)]
pub(super) struct Lists {
    members: OnceLock<Members>,
    registry: OnceLock<Registry>,
}
