//! Parapet's core: a tenant's rows become Cedar policies, and the compiled tenant decides requests.
//!
//! Pure: no input or output, no clock, no randomness. Time and random bytes are arguments.

pub mod authzen;
mod finding;
pub mod model;
pub mod snapshot;

pub use finding::{Finding, Severity};
