//! The log of decisions: which are written down, what of them, and asking again what was asked then.
//!
//! Which is a rule of the tenant like its policies (`auth/decision_log`), validated against its schema when it is compiled
//! and read from its snapshot, so that nobody asks the database for it while deciding.

mod row;
mod setting;
#[cfg(test)]
mod tests;

pub use row::{Decided, is_short, request, unknown};
pub use setting::{Fault, Logging};
