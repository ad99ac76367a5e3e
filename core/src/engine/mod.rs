//! The engine: decides requests with a snapshot, explains its decisions, and says what it would decide of a resource.

#[cfg(feature = "cedar")]
mod by_cedar;
mod decide;
mod decision;
mod explain;
pub(crate) mod index;
#[cfg(feature = "cedar")]
mod input;
pub(crate) mod policies;
pub(crate) mod program;
mod request;
pub mod residual;
#[cfg(feature = "cedar")]
mod slice;
mod subject;
mod view;
mod world;

pub use crate::store::EngineError;
pub use decide::Engine;
pub use decision::{Decision, Outcome, PolicyError, Reason};
pub use explain::{Explanation, Missing, MissingWhy, PathStep, PolicyExplanation};
pub use request::Request;
pub use residual::Residual;
