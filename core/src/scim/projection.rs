//! Which attributes an answer has: `attributes` and `excludedAttributes` (RFC 7644, section 3.9).

use super::error::{ErrorType, ScimError};
use super::filter::AttributePath;
use super::patch::no_path;
use super::schema::{ResourceType, Target, container};
use serde_json::{Map, Value};

/// What a client asks to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Projection {
    only: Option<Vec<AttributePath>>,
    without: Vec<AttributePath>,
}

impl Projection {
    /// Reads both parameters, each with commas between names. Only one of them may be there.
    pub fn parse(resource: &ResourceType, attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, ScimError> {
        let paths = |list: &str| {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            let path = |name: &str| {
                let path = AttributePath::parse(name)?;
                // `schemas` is always shown, and no attribute of a schema.
                let is_known = name.eq_ignore_ascii_case("schemas") || resource.target(&path).is_some();
                if is_known { Ok(path) } else { Err(no_path(&path)) }
            };
            names.map(path).collect::<Result<Vec<_>, ScimError>>()
        };
        let attributes = attributes.filter(|list| !list.trim().is_empty());
        let excluded = excluded.filter(|list| !list.trim().is_empty());
        if attributes.is_some() && excluded.is_some() {
            let detail = "either `attributes` or `excludedAttributes` is said";
            return Err(ScimError::new(ErrorType::InvalidSyntax, detail));
        }
        let only = attributes.map(paths).transpose()?;
        Ok(Self { only, without: excluded.map(paths).transpose()?.unwrap_or_default() })
    }

    /// Whether anything of an attribute of the resource's own schema is shown.
    pub fn shows(&self, name: &str) -> bool {
        let is_it = |path: &AttributePath| path.name.eq_ignore_ascii_case(name);
        match &self.only {
            Some(only) => only.iter().any(is_it),
            None => !self.without.iter().any(|path| is_it(path) && path.sub.is_none()),
        }
    }

    /// The document with what is asked for; `id` and `schemas` are always there.
    pub fn of(&self, resource: &ResourceType, document: Map<String, Value>) -> Map<String, Value> {
        let mut shown = match &self.only {
            None => document,
            Some(only) => {
                let mut shown = Map::new();
                for path in only {
                    copy(resource, path, &document, &mut shown);
                }
                for always in ["schemas", "id"] {
                    shown.extend(document.get(always).map(|value| (always.to_owned(), value.clone())));
                }
                shown
            }
        };
        for path in &self.without {
            remove(resource, path, &mut shown);
        }
        shown
    }
}

fn copy(resource: &ResourceType, path: &AttributePath, from: &Map<String, Value>, to: &mut Map<String, Value>) {
    let target = match resource.target(path) {
        Some(Target::Attribute(target)) => target,
        Some(Target::Extension(extension)) => {
            to.extend(from.get(extension.id).map(|value| (extension.id.to_owned(), value.clone())));
            return;
        }
        None => return,
    };
    let within = target.extension.map_or(Some(from), |urn| from.get(urn).and_then(Value::as_object));
    let name = target.attribute.name.as_ref();
    let Some(value) = within.and_then(|within| within.get(name)) else { return };
    let Some(to) = container(to, target.extension) else { return };
    let Some(part) = target.part else {
        to.insert(name.to_owned(), value.clone());
        return;
    };
    let put = |from: &Value, to: &mut Value| {
        if let (Some(value), Some(to)) = (from.get(part.name.as_ref()), to.as_object_mut()) {
            to.insert(part.name.to_string(), value.clone());
        }
    };
    match value {
        Value::Array(all) => {
            let shown = to.entry(name).or_insert_with(|| vec![Value::Object(Map::new()); all.len()].into());
            for (from, to) in all.iter().zip(shown.as_array_mut().into_iter().flatten()) {
                put(from, to);
            }
        }
        one => put(one, to.entry(name).or_insert_with(|| Value::Object(Map::new()))),
    }
}

fn remove(resource: &ResourceType, path: &AttributePath, shown: &mut Map<String, Value>) {
    match resource.target(path) {
        Some(Target::Attribute(target)) if !target.attribute.always => {
            let within = match target.extension {
                Some(urn) => shown.get_mut(urn).and_then(Value::as_object_mut),
                None => Some(shown),
            };
            let Some(within) = within else { return };
            let name = target.attribute.name.as_ref();
            match (target.part, within.get_mut(name)) {
                (None, _) => {
                    within.remove(name);
                }
                (Some(part), Some(Value::Array(all))) => {
                    all.iter_mut().filter_map(Value::as_object_mut).for_each(|one| {
                        one.remove(part.name.as_ref());
                    })
                }
                (Some(part), Some(Value::Object(one))) => {
                    one.remove(part.name.as_ref());
                }
                _ => {}
            }
        }
        Some(Target::Extension(extension)) => {
            shown.remove(extension.id);
        }
        _ => {}
    }
}
