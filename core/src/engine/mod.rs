//! The engine: decides requests with a snapshot, explains its decisions, and says what it would decide of a resource.

mod batch;
#[cfg(feature = "cedar")]
mod by_cedar;
mod decide;
mod decision;
mod explain;
mod flags;
pub(crate) mod index;
#[cfg(feature = "cedar")]
mod input;
mod matrix;
mod path;
pub(crate) mod policies;
pub(crate) mod program;
mod request;
pub mod residual;
mod search;
#[cfg(feature = "cedar")]
mod slice;
mod subject;
mod unknown;
mod verdict;
mod view;
mod world;

pub use crate::store::EngineError;
pub use batch::Asker;
pub use decide::{Engine, PrincipalNumber};
pub use decision::{Decision, Outcome, PolicyError, Reason};
pub use explain::{Change, Clause, Explanation, Missing, MissingWhy, PolicyExplanation, Suggestion};
#[cfg(feature = "cedar")]
pub use explain::{Named, Names, Report};
pub use flags::{FlagReason, FlagValue};
pub use matrix::{Access, MatrixCell, MatrixRow};
pub use path::PathStep;
pub use request::{AttributesRef, Request, RequestRef, ValueRef};
pub use residual::Residual;
pub use search::{
    Candidate, Candidates, DEFAULT_PAGE, MAX_PAGE, Page, PageRequest, Reach, SearchError, SubjectListing, TokenFault,
};
pub use unknown::{Settled, Unknown};
pub use verdict::Verdict;
