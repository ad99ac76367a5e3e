//! The crate behind `@parapet/engine`: Parapet's core for JavaScript. Delegation only: what is decided is decided in
//! the crate `parapet`.
//!
//! Only numbers, bytes and JSON text cross the border, and every failure is JSON text that is thrown. `wasm/js` makes
//! text of what JavaScript passes, and objects and `ParapetError`s of what comes back.

mod compile;
mod engine;
mod failure;
mod options;

pub use compile::{compile, compile_snapshot};
pub use engine::Engine;
pub use failure::Failure;
