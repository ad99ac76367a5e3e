//! The differential tests: generated policies, entities and requests, on which a subject must answer as Cedar does.
//!
//! Everything comes from a seed, so that a case is found again by its number. [`run`] is the way in.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::result_large_err,
    reason = "test support: the tables are fixed, a panic is how a test of the tests fails, and the large errors are Cedar's own"
)]

mod case;
mod coverage;
mod entities;
mod expression;
mod harness;
mod policy;
mod request;
mod rng;
mod world;

pub use case::{Case, REQUESTS, Way, general};
pub use coverage::{OPERATORS, Operator, Outcome, Table, directed};
pub use entities::EntityCase;
pub use expression::{children, with_children};
pub use harness::{Answer, Difference, Failure, Report, Subject, current_seed, run, shrink};
pub use request::RequestCase;
pub use rng::Rng;
