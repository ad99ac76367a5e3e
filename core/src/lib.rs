//! Parapet's core: a tenant's rows become Cedar policies, and the compiled tenant decides requests.
//!
//! Pure: no input or output, no clock, no randomness. Time and random bytes are arguments.

pub mod api_key;
#[cfg(feature = "cedar")]
mod cedar;
#[cfg(feature = "cedar")]
pub mod condition;
pub mod authzen;
pub mod directory;
mod finding;
pub mod model;
pub mod schema;
pub mod snapshot;

pub use finding::{Finding, Severity};
pub use model::{Secret, TenantDocument, Timestamp};
