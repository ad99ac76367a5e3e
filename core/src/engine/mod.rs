//! The engine: decides requests with a snapshot, and explains its decisions.

#[cfg(feature = "cedar")]
mod by_cedar;
#[cfg(feature = "cedar")]
mod decide;
mod decision;
#[cfg(feature = "cedar")]
mod explain;
#[cfg(feature = "cedar")]
mod input;
mod request;
#[cfg(feature = "cedar")]
mod slice;

#[cfg(feature = "cedar")]
pub use decide::{Engine, EngineError};
pub use decision::{Decision, Outcome, PolicyError, Reason};
#[cfg(feature = "cedar")]
pub use explain::{Explanation, Missing, MissingWhy, PathStep, PolicyExplanation};
pub use request::Request;
