//! The engine: decides requests with a snapshot, and explains its decisions.

#[cfg(feature = "cedar")]
mod by_cedar;
mod decide;
mod decision;
mod explain;
pub(crate) mod index;
#[cfg(feature = "cedar")]
mod input;
mod path;
pub(crate) mod policies;
pub(crate) mod program;
mod request;
#[cfg(feature = "cedar")]
mod slice;
mod subject;
mod view;
mod world;

pub use crate::store::EngineError;
pub use decide::Engine;
pub use decision::{Decision, Outcome, PolicyError, Reason};
pub use explain::{Explanation, Missing, MissingWhy, PolicyExplanation};
pub use path::PathStep;
pub use request::Request;
