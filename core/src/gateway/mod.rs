//! The gateway's rules: which question a request to an application asks, by its method and its path.
//!
//! A tenant's route maps are rules like its policies: settings (`auth/routes.<name>`), validated against the tenant's own
//! schema when it is compiled, and in its snapshot. What no rule speaks of is refused.

mod path;
mod pattern;
mod question;
mod route_map;
mod source;
#[cfg(test)]
mod tests;

pub use path::{NormalPath, PathError};
pub use question::{Incoming, Question, QuestionError};
pub use route_map::{Found, Passes, RouteMap, Rule};

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::directory::{Edge, PrincipalRecord, PrincipalState, RowRef};
use crate::schema::{Schema, USER};

/// The id of whoever does not say who they are. No row has it: ids of rows are UUIDs.
pub const ANONYMOUS: &str = "anonymous";

/// What stands before a tenant's applications.
#[derive(Debug, Default)]
pub struct Routes {
    maps: BTreeMap<String, RouteMap>,
    anonymous_role: Option<Uuid>,
}

impl Routes {
    /// How the settings begin that are route maps, in the category `auth`.
    pub const SETTING_PREFIX: &'static str = "routes.";

    /// The setting that says which role whoever does not say who they are has, in the same category.
    pub const ANONYMOUS_ROLE_SETTING: &'static str = "anonymous_role";

    /// Reads the section of a snapshot. It was validated when it was written, so what is wrong with it is a file of another
    /// making: the first thing that is, for the log.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn of_section(section: &[u8], schema: &Schema) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(section).map_err(|error| error.to_string())?;
        let anonymous_role = match json.get("anonymous_role") {
            None | Some(Json::Null) => None,
            Some(id) => Some(id.as_str().and_then(|id| id.parse().ok()).ok_or("the anonymous role is no id")?),
        };
        let mut routes = Self { maps: BTreeMap::new(), anonymous_role };
        for (name, json) in json.get("maps").and_then(Json::as_object).ok_or("there are no maps")? {
            let mut faults = Vec::new();
            let map = RouteMap::read(json, schema, &mut faults);
            match (map, faults.first()) {
                (Some(map), None) => drop(routes.maps.insert(name.clone(), map)),
                (_, Some(fault)) => return Err(format!("{name}{}: {}", fault.pointer, fault.message)),
                (None, None) => return Err(format!("{name}: it is no route map")),
            }
        }
        Ok(routes)
    }

    /// The map with this name.
    pub fn map(&self, name: &str) -> Option<&RouteMap> {
        self.maps.get(name)
    }

    /// Whoever does not say who they are, as what they are decided for; nothing where nobody may come so.
    pub fn anonymous(&self) -> Option<PrincipalRecord> {
        let role = self.anonymous_role?;
        let role = Edge { to: role.to_string(), expires_at: None, source: RowRef::new("role", role) };
        Some(PrincipalRecord {
            r#type: USER.to_owned(),
            id: ANONYMOUS.to_owned(),
            state: PrincipalState::Active,
            attributes: Map::new(),
            roles: vec![role],
            groups: Vec::new(),
        })
    }
}

/// One thing wrong with a route map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in the map: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// Stable and dotted, for programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
}
