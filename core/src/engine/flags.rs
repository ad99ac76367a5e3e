//! Which feature flags are on for a principal, outside of any decision.

use super::subject::{Principal, Subject};
use super::view::ActionView;
use super::world::RequestWorld;
use super::{Engine, RequestRef};
use crate::directory::PrincipalRecord;
use crate::model::Timestamp;
use std::sync::LazyLock;

/// What is asked for where nothing is: flags look at the principal and the circumstances alone.
static NOTHING: LazyLock<ActionView> = LazyLock::new(Default::default);

impl Engine {
    /// The flags that are on for a principal, in the order of their names: what `context.flags` would be in a decision
    /// without further circumstances. Whether the principal may act is not asked; where one of its attributes does not
    /// fit its type, nothing is on, as nothing would be decided.
    pub fn flags(&self, principal: &PrincipalRecord, now: Timestamp) -> Vec<&str> {
        let view = self.view();
        let mut subject = Subject::default();
        if subject.read(view, Principal::Record(principal), now).is_err() {
            return vec![];
        }
        let request = RequestRef::default();
        let on = RequestWorld::new(view, &subject, &NOTHING, &request, now).flags_on();
        on.into_iter().filter_map(|position| view.tenant.flags.get(position)).map(|flag| flag.name.as_str()).collect()
    }
}
