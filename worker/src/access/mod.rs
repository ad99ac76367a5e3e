//! Deciding: the AuthZEN API.

pub mod evaluation;
pub mod metadata;
pub mod principal;
