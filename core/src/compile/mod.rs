//! Rows become a Cedar schema and Cedar policies, with the source of every policy.

#[cfg(feature = "cedar")]
mod automatic;
#[cfg(feature = "cedar")]
mod custom;
#[cfg(feature = "cedar")]
mod decisions;
#[cfg(feature = "cedar")]
mod flag;
#[cfg(feature = "cedar")]
mod grant;
#[cfg(feature = "cedar")]
mod known;
#[cfg(feature = "cedar")]
mod own;
#[cfg(feature = "cedar")]
mod policy;
#[cfg(feature = "cedar")]
mod print;
#[cfg(feature = "cedar")]
mod routes;
#[cfg(feature = "cedar")]
mod schema;
mod source;
#[cfg(feature = "cedar")]
mod step;
#[cfg(feature = "cedar")]
mod tenant;
#[cfg(feature = "cedar")]
mod validate;

#[cfg(test)]
#[cfg(feature = "cedar")]
mod tests;

#[cfg(feature = "cedar")]
pub use automatic::{AutomaticRules, SELF_WRITTEN};
#[cfg(feature = "cedar")]
pub use known::Known;
#[cfg(feature = "cedar")]
pub(crate) use source::Sourced;
pub use source::{Origin, Source, SourceMap};
#[cfg(feature = "cedar")]
pub use step::Step;
#[cfg(feature = "cedar")]
pub use tenant::{Compiled, compile, compile_again, compile_by_steps, compile_for, compile_text};
