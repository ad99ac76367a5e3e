//! The registry of resources: instances whose attributes and parents the directory knows. An addition to the diagram.

use super::field::{Field, Kind, SqlValue, json_to_sql, read_array};
use super::row::{Invariants, Problems, row};
use super::{Timestamp, shape};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

row! {
    /// An instance of a resource type. Registering is optional: a request may bring attributes itself.
    Resource in resource {
        /// The tenant it belongs to.
        tenant_id: Uuid => tenant,
        /// Its type, as `permission.resource` names it.
        r#type: String,
        /// The application's own id for it; unique within tenant and type.
        id: String,
        /// What conditions read of it.
        attributes: Map<String, Value> = Map::new(),
        /// What it lies in: `[{"type": "folder", "id": "7"}]`.
        parents: Vec<ResourceReference> = Vec::new(),
        /// When it was registered.
        created_at: Timestamp,
        /// When the row last changed.
        updated_at: Timestamp,
    }
    key ["tenant_id", "type", "id"]
}

/// A resource, by type and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct ResourceReference {
    /// Its type.
    pub r#type: String,
    /// Its id.
    pub id: String,
}

impl Invariants for Resource {
    fn check(&self, problems: &mut Problems<'_>) {
        check(&self.r#type, &self.id, "", problems);
        for name in self.attributes.keys().filter(|name| !shape::is_identifier(name)) {
            problems.add(&format!("attributes/{name}"), "resource.attribute", format!("`{name}` is no attribute name"));
        }
    }
}

fn check(resource_type: &str, id: &str, place: &str, problems: &mut Problems<'_>) {
    if !shape::is_resource_type(resource_type) {
        let message =
            format!("`{resource_type}` is no resource type: an unqualified Cedar identifier, not a reserved one");
        problems.add(&format!("{place}type"), "resource.type", message);
    }
    let holds = (1..=1024).contains(&id.len()) && !id.chars().any(char::is_control);
    problems.require(holds, &format!("{place}id"), "resource.id", "expected 1 to 1024 bytes, no control characters");
}

impl Field for Vec<ResourceReference> {
    const KIND: Kind = Kind::Json;

    fn read(value: Value, field: &str, problems: &mut Problems<'_>) -> Option<Self> {
        read_array(value, field, problems, |value, field, problems| {
            let Value::Object(mut object) = value else {
                problems.wrong_type(field, "an object", &value);
                return None;
            };
            let mut text = |name: &str| match object.remove(name) {
                Some(value) => String::read(value, &format!("{field}/{name}"), problems),
                None => {
                    problems.add(&format!("{field}/{name}"), "row.missing", format!("`{name}` is required"));
                    None
                }
            };
            let (r#type, id) = (text("type"), text("id"));
            for name in object.keys() {
                let message = format!("a reference has no field `{name}`");
                problems.add(&format!("{field}/{name}"), "row.unknown_field", message);
            }
            let (r#type, id) = (r#type?, id?);
            check(&r#type, &id, &format!("{field}/"), problems);
            Some(ResourceReference { r#type, id })
        })
    }

    fn to_sql(&self) -> SqlValue {
        json_to_sql(self)
    }
}
