//! Parapet's core: a tenant's rows become Cedar policies, and the compiled tenant decides requests.
//!
//! Pure: no input or output, no clock, no randomness. Time and random bytes are arguments.

pub mod administration;
pub mod api_key;
#[cfg(feature = "audit")]
pub mod audit;
pub mod authzen;
#[cfg(feature = "cedar")]
pub mod cedar;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compile;
#[cfg(feature = "cedar")]
pub mod condition;
pub mod decision_log;
pub mod directory;
#[cfg(feature = "password")]
pub mod email_address;
pub mod engine;
#[cfg(feature = "audit")]
pub mod event;
#[cfg(feature = "factor")]
pub mod factor;
mod finding;
#[cfg(feature = "cedar")]
pub mod fixture;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "cli")]
pub mod import;
pub mod model;
pub mod ofrep;
pub mod opaque_token;
#[cfg(feature = "password")]
pub mod password;
#[cfg(feature = "cedar")]
pub mod rights;
#[cfg(any(feature = "factor", feature = "token"))]
mod rsa_key;
pub mod schema;
#[cfg(feature = "scim")]
pub mod scim;
#[cfg(feature = "audit")]
pub mod seal;
pub mod setting;
pub mod smtp;
pub mod snapshot;
#[cfg(feature = "audit")]
pub mod standard_webhooks;
mod store;
pub mod tenant;
#[cfg(feature = "token")]
pub mod token;
pub mod web_address;

#[cfg(feature = "cedar")]
pub use compile::{Compiled, compile, compile_for, compile_text};
pub use engine::{Decision, Engine, Outcome, Request};
pub use finding::{Finding, Severity};
pub use model::{Secret, TenantDocument, Timestamp};
