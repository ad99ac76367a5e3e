//! The sections that are JSON, read by hand: what serde derives for them is larger than all else that an edge reads with.

use super::{EngineError, malformed};
use crate::model::TenantStatus;
use crate::schema::{Action, Attributes, ResourceType, Schema, Type};
use crate::snapshot::{SectionKind, Snapshot};
use crate::tenant::{Flag, TenantRecord};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// The tenant of a snapshot.
///
/// # Errors
/// A section that is not there or not what it should be.
pub(crate) fn tenant(snapshot: &Snapshot) -> Result<TenantRecord, EngineError> {
    read(snapshot, SectionKind::Tenant, tenant_of)
}

/// The schema of a snapshot.
///
/// # Errors
/// A section that is not there or not what it should be.
pub(crate) fn schema(snapshot: &Snapshot) -> Result<Schema, EngineError> {
    read(snapshot, SectionKind::Schema, schema_of)
}

fn read<T>(snapshot: &Snapshot, kind: SectionKind, of: fn(Fields) -> Option<T>) -> Result<T, EngineError> {
    let json = serde_json::from_slice(snapshot.required(kind)?).map_err(|error| malformed(kind, error))?;
    fields(json).and_then(of).ok_or_else(|| malformed(kind, "a field is missing, or of another type"))
}

type Fields = Map<String, Json>;

fn tenant_of(mut json: Fields) -> Option<TenantRecord> {
    Some(TenantRecord {
        id: text(json.remove("id")?)?,
        slug: text(json.remove("slug")?)?,
        status: TenantStatus::from_word(json.remove("status")?.as_str()?)?,
        flags: list(json.remove("flags")?)?.into_iter().map(flag).collect::<Option<_>>()?,
        flags_off: match json.remove("flags_off") {
            None => vec![],
            Some(names) => list(names)?.into_iter().map(text).collect::<Option<_>>()?,
        },
    })
}

fn flag(json: Json) -> Option<Flag> {
    let mut json = fields(json)?;
    let percentage = match json.remove("percentage") {
        None | Some(Json::Null) => None,
        Some(percentage) => Some(u8::try_from(percentage.as_u64()?).ok()?),
    };
    let condition = match json.remove("condition") {
        None | Some(Json::Null) => None,
        Some(condition) => Some(text(condition)?),
    };
    Some(Flag { name: text(json.remove("name")?)?, percentage, condition })
}

fn schema_of(mut json: Fields) -> Option<Schema> {
    let resource_type = |json| {
        let mut json = fields(json)?;
        Some(ResourceType {
            attributes: attributes(json.remove("attributes")?)?,
            parents: names(json.remove("parents")?)?,
        })
    };
    let action = |json| {
        let mut json = fields(json)?;
        Some(Action { resource: text(json.remove("resource")?)?, groups: names(json.remove("groups")?)? })
    };
    Some(Schema {
        user: attributes(json.remove("user")?)?,
        caller: names(json.remove("caller")?)?,
        service_account: attributes(json.remove("service_account")?)?,
        types: map(json.remove("types")?, resource_type)?,
        context: attributes(json.remove("context")?)?,
        actions: map(json.remove("actions")?, action)?,
    })
}

fn attributes(json: Json) -> Option<Attributes> {
    map(json, |ty| Type::try_from(ty).ok())
}

fn names(json: Json) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for name in list(json)? {
        names.insert(text(name)?);
    }
    Some(names)
}

/// Inserted one by one: what is collected is sorted first, by code as large again.
fn map<T>(json: Json, of: impl Fn(Json) -> Option<T>) -> Option<BTreeMap<String, T>> {
    let mut map = BTreeMap::new();
    for (name, json) in fields(json)? {
        map.insert(name, of(json)?);
    }
    Some(map)
}

fn fields(json: Json) -> Option<Fields> {
    match json {
        Json::Object(fields) => Some(fields),
        _ => None,
    }
}

fn list(json: Json) -> Option<Vec<Json>> {
    match json {
        Json::Array(list) => Some(list),
        _ => None,
    }
}

fn text(json: Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_serde_writes_is_read() {
        let flag = |percentage, condition: Option<&str>| Flag {
            name: "beta".to_owned(),
            percentage,
            condition: condition.map(str::to_owned),
        };
        let tenant = TenantRecord {
            id: "id".to_owned(),
            slug: "acme".to_owned(),
            status: TenantStatus::Suspended,
            flags: vec![flag(None, None), flag(Some(30), Some("principal.beta"))],
            flags_off: vec!["old".to_owned()],
        };
        assert_eq!(tenant_of(fields(json!(tenant)).unwrap()), Some(tenant));

        let attributes = Attributes::from([
            ("tags".to_owned(), Type::Set(Box::new(Type::Record(Attributes::from([("n".to_owned(), Type::Long)]))))),
            ("owner".to_owned(), Type::Entity("User".to_owned())),
        ]);
        let names = || BTreeSet::from(["folder".to_owned()]);
        let mut schema = Schema { caller: names(), ..Schema::default() };
        schema.types.insert("document".to_owned(), ResourceType { attributes, parents: names() });
        let action = Action { resource: "document".to_owned(), groups: names() };
        schema.actions.insert("document:read".to_owned(), action);
        assert_eq!(schema_of(fields(json!(schema)).unwrap()), Some(schema));
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_refused() {
        let whole =
            json!({"id": "id", "slug": "acme", "status": "active", "flags": [{"name": "beta", "percentage": 5}]});
        let with = |name: &str, value: Json| {
            let mut changed = whole.as_object().unwrap().clone();
            changed.insert(name.to_owned(), value);
            tenant_of(changed)
        };
        assert!(tenant_of(whole.as_object().unwrap().clone()).is_some());
        assert!(tenant_of(Fields::new()).is_none());
        for (name, value) in [
            ("id", json!(1)),
            ("status", json!("asleep")),
            ("flags", json!({})),
            ("flags", json!([{}])),
            ("flags_off", json!([1])),
            ("flags", json!([{"name": "beta", "percentage": 256}])),
        ] {
            assert_eq!(with(name, value.clone()), None, "{name}: {value}");
        }
    }
}
