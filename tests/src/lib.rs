//! What the tests of several parts share.

pub mod generate;
