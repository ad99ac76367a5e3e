//! How a tenant's rows are administered over HTTP, the same way for every table.
//!
//! A request is let in by the tenant's own rules ([`Actor`]), says what it changes as a [`Plan`] made from rows that were
//! read at one instant, and is written as one batch with its audit rows, its outbox rows and the tenant's new versions
//! ([`commit`]). Whoever writes at the same time takes the same place in the audit chain, so one of the two begins anew.

mod actor;
mod collection;
mod commit;
mod list;
mod plan;
mod record;
mod reference;

pub use actor::Actor;
pub use collection::{Collection, Edit, created, if_match, merge, not_found, read_only, routes, row_answer};
pub use commit::commit;
pub use list::{ListOf, list};
pub use plan::{Plan, RowChange, State, fresh_id};
