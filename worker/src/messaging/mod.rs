//! Messaging: what leaves the system for people.

pub mod channel;
pub mod notification;
pub mod text;
