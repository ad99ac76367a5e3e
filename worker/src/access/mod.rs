//! Deciding: the AuthZEN API.

pub mod context;
pub mod evaluation;
pub mod metadata;
pub mod principal;
