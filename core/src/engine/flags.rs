//! Which feature flags are on for a principal, outside of any decision, and why.

use super::subject::{Principal, Subject};
use super::view::ActionView;
use super::world::RequestWorld;
use super::{AttributesRef, Engine, RequestRef};
use crate::directory::PrincipalRecord;
use crate::model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::sync::LazyLock;

/// What is asked for where nothing is: flags look at the principal and the circumstances alone.
static NOTHING: LazyLock<ActionView> = LazyLock::new(Default::default);

/// What a flag is for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagValue<'e> {
    /// The flag's name.
    pub name: &'e str,
    /// Whether it is on.
    pub on: bool,
    /// Why.
    pub reason: FlagReason,
}

/// Why a flag is what it is, in OpenFeature's words (specification, `Resolution Reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FlagReason {
    /// It is switched off.
    Disabled,
    /// It is on for everybody.
    Static,
    /// Its targeting leaves the principal out, or cannot be evaluated.
    Default,
    /// Its targeting takes the principal in.
    TargetingMatch,
    /// The principal is within its share, or not.
    Split,
}

impl Engine {
    /// The flags that are on for a principal, in the order of their names: what `context.flags` would be in a decision
    /// without further circumstances. Whether the principal may act is not asked; where one of its attributes does not
    /// fit its type, nothing is on, as nothing would be decided.
    pub fn flags(&self, principal: &PrincipalRecord, now: Timestamp) -> Vec<&str> {
        let values = self.flag_values(principal, &Map::new(), now).unwrap_or_default();
        values.into_iter().filter(|value| value.on).map(|value| value.name).collect()
    }

    /// What each flag that is switched on is for a principal under some circumstances, in the order of their names.
    /// What is said counts as in a decision: as `context`, and as those attributes of the principal that the schema
    /// marks as the caller's. Whether the principal may act is not asked.
    ///
    /// # Errors
    /// The path of an attribute that does not fit its type, as `context.reason`.
    pub fn flag_values(
        &self,
        principal: &PrincipalRecord,
        said: &Map<String, Json>,
        now: Timestamp,
    ) -> Result<Vec<FlagValue<'_>>, String> {
        let view = self.view();
        let mut subject = Subject::default();
        subject.read(view, Principal::Record(principal), now).map_err(|wrong| wrong.0)?;
        let said = AttributesRef::Json(said);
        let request = RequestRef { principal_attributes: said, context: said, ..RequestRef::default() };
        let mut world = RequestWorld::new(view, &subject, &NOTHING, &request, now);
        world.read().map_err(|wrong| wrong.0)?;
        let values = view.tenant.flags.iter().zip(world.flag_values());
        Ok(values.map(|(flag, (on, reason))| FlagValue { name: &flag.name, on, reason }).collect())
    }
}
