//! How a tenant's rows are administered over HTTP, the same way for every table.
//!
//! A request is let in by the tenant's own rules ([`Actor`]), says what it changes as a [`Plan`] made from rows that were
//! read at one instant, and is written as one batch with its audit rows, its outbox rows and the tenant's new versions
//! ([`commit`]). Whoever writes at the same time takes the same place in the audit chain, so one of the two begins anew.

mod actor;
mod beside;
mod collection;
mod commit;
mod deed;
mod list;
mod plan;
mod record;
mod reference;

pub use actor::{Actor, OWN_SCOPE, READ_SCOPE, WRITE_SCOPE, address};
pub use collection::{
    Collection, Edit, LONGEST_TEXT, SERVICE, after_patch, answer_showing, create_and, create_showing, create_with,
    created, given, if_match, key, lengths, not_found, plan_change, plan_new, plan_removal, read_only, routes,
    row_answer, select_one, touched, update_and,
};
pub use commit::commit;
pub use deed::{Deed, enact, event_by_service};
pub use list::{ListOf, MOST, list, page, page_answer};
pub use plan::{Elsewhere, Extent, Plan, RowChange, State, fresh_id, read_head};
pub use record::{Author, READ_HEAD, head, inserts, is_taken};
pub use reference::wrong_reference;
