//! Without a declared schema, a path has the type that the operators on it need.

use super::operator::Kind;
use super::{Condition, Operand, Path, Root, Test};
use crate::schema::{Attributes, Schema, Type, USER};
use std::collections::BTreeSet;

/// Adds to the schema what the conditions say of it. What is known already stays: a contradiction
/// is found when the condition is compiled.
pub fn infer<'a>(schema: &mut Schema, conditions: impl Iterator<Item = (&'a Condition, &'a BTreeSet<String>)> + Clone) {
    // Twice, since the type of an entity may come from a path that is only learned later.
    for _ in 0..2 {
        for (condition, resource_types) in conditions.clone() {
            for test in condition.tests() {
                Inference { schema, resource_types }.test(test);
            }
        }
    }
}

struct Inference<'a> {
    schema: &'a mut Schema,
    resource_types: &'a BTreeSet<String>,
}

impl Inference<'_> {
    fn test(&mut self, test: &Test) {
        let texts = || Type::Set(Box::new(Type::String));
        let (path, value) = match test.operator.kind {
            Kind::StringEquals => (Type::String, Type::String),
            Kind::StringLike => (Type::String, Type::String),
            Kind::Numeric(_) => (Type::Long, Type::Long),
            Kind::Date(_) | Kind::TimeOfDay => (Type::Datetime, Type::Datetime),
            Kind::Bool => (Type::Bool, Type::Bool),
            Kind::IpAddress => (Type::Ip, Type::Ip),
            Kind::ForAnyValue { .. } | Kind::ForAllValues { .. } => {
                let value = if test.values.len() == 1 { texts() } else { Type::String };
                (texts(), value)
            }
            Kind::EntityEquals | Kind::EntityIn => return self.entity(test),
            Kind::Null | Kind::Weekday => return,
        };
        self.learn(&test.path, &path);
        for operand in &test.values {
            if let Operand::Variable(variable) = operand {
                self.learn(variable, &value);
            }
        }
    }

    fn entity(&mut self, test: &Test) {
        let named = |operand: &Operand| match operand {
            Operand::Literal(json) => json.get("type").and_then(|name| name.as_str()).map(str::to_owned),
            Operand::Variable(path) => self.entity_type(path),
        };
        let names: Vec<String> = test.values.iter().filter_map(named).collect();
        if test.path.root == Root::Resource && test.path.way.is_empty() && test.operator.kind == Kind::EntityIn {
            for name in names.iter().filter(|name| !self.resource_types.contains(*name)) {
                self.schema.types.entry(name.clone()).or_default();
                for resource in self.resource_types {
                    self.schema.types.entry(resource.clone()).or_default().parents.insert(name.clone());
                }
            }
        }
        let known = self.entity_type(&test.path);
        let Some(name) = known.or_else(|| names.first().cloned()) else { return };
        self.learn(&test.path, &Type::Entity(name.clone()));
        for operand in &test.values {
            if let Operand::Variable(variable) = operand {
                self.learn(variable, &Type::Entity(name.clone()));
            }
        }
    }

    fn entity_type(&self, path: &Path) -> Option<String> {
        match (path.root, path.way.as_slice()) {
            (Root::Principal, []) => Some(USER.to_owned()),
            (Root::Resource, []) => self.resource_types.first().filter(|_| self.resource_types.len() == 1).cloned(),
            (Root::Context, []) => None,
            (root, way) => {
                let attributes = match root {
                    Root::Principal => &self.schema.user,
                    Root::Context => &self.schema.context,
                    Root::Resource => &self.schema.types.get(self.resource_types.first()?)?.attributes,
                };
                match Schema::at(attributes, way) {
                    Some(Type::Entity(name)) => Some(name.clone()),
                    _ => None,
                }
            }
        }
    }

    fn learn(&mut self, path: &Path, ty: &Type) {
        match path.root {
            Root::Principal => {
                // A service account has columns only; what it has is not a user's custom attribute.
                if Schema::at(&self.schema.service_account, &path.way).is_none() {
                    insert(&mut self.schema.user, &path.way, ty);
                }
            }
            Root::Context => insert(&mut self.schema.context, &path.way, ty),
            Root::Resource => {
                for name in self.resource_types {
                    insert(&mut self.schema.types.entry(name.clone()).or_default().attributes, &path.way, ty);
                }
            }
        }
    }
}

fn insert(attributes: &mut Attributes, way: &[String], ty: &Type) {
    match way {
        [] => {}
        [last] => drop(attributes.entry(last.clone()).or_insert_with(|| ty.clone())),
        [first, rest @ ..] => {
            let inner = attributes.entry(first.clone()).or_insert_with(|| Type::Record(Attributes::new()));
            if let Type::Record(inner) = inner {
                insert(inner, rest, ty);
            }
        }
    }
}
