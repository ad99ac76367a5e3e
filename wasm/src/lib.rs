//! The crate behind `@parapet/engine`: Parapet's core for JavaScript. Delegation only: what is decided is decided in
//! the crate `parapet`.
//!
//! Only numbers, bytes, JSON text and what `parapet-plain` reads cross the border, and every failure is JSON text that is thrown. `wasm/js` makes
//! text of what JavaScript passes, and objects and `ParapetError`s of what comes back.

#[cfg(feature = "full")]
mod compile;
mod engine;
mod failure;
mod open;
mod options;
#[cfg(feature = "full")]
mod residual;
mod search;

#[cfg(feature = "full")]
pub use compile::{compile, compile_snapshot};
pub use engine::Engine;
pub use failure::Failure;
pub use open::{Opening, verify_header};
#[cfg(feature = "full")]
pub use residual::Residual;
