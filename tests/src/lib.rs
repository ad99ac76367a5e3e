//! What the tests of several parts share.

pub mod differential;
pub mod generate;
