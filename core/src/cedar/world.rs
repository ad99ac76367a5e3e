//! Cedar's own request and entities as the world of a program.

use crate::engine::program::{Record, Set, Value, World};
use crate::schema::literal::{read_datetime, read_decimal, read_duration, read_ip};
use cedar_policy::pst::SmolStr;
use cedar_policy_core::ast::{self, EntityUIDEntry, ExprKind, Literal, PartialValue, RestrictedExpr, ValueKind};
use cedar_policy_core::entities::{Dereference, Entities};
use std::collections::BTreeMap;

type Members = BTreeMap<SmolStr, ast::Value>;

/// A request and entities of Cedar.
pub(super) struct CedarWorld<'a> {
    pub(super) principal: &'a ast::EntityUID,
    pub(super) action: &'a ast::EntityUID,
    pub(super) resource: &'a ast::EntityUID,
    context: &'a Members,
    entities: &'a Entities,
    constants: &'a [ast::EntityUID],
    texts: &'a [String],
}

impl<'a> CedarWorld<'a> {
    /// The world of a request; `None` where a part of the request is unknown.
    pub(super) fn new(
        request: &'a cedar_policy::Request,
        entities: &'a cedar_policy::Entities,
        constants: &'a [ast::EntityUID],
        texts: &'a [String],
    ) -> Option<Self> {
        let request: &ast::Request = request.as_ref();
        let context = match request.context()? {
            ast::Context::Value(members) => members,
            ast::Context::RestrictedResidual(_) => return None,
        };
        Some(Self {
            principal: known(request.principal())?,
            action: known(request.action())?,
            resource: known(request.resource())?,
            context,
            entities: entities.as_ref(),
            constants,
            texts,
        })
    }

    /// An entity's data, if it is there.
    pub(super) fn entity(&self, uid: &ast::EntityUID) -> Option<&'a ast::Entity> {
        match self.entities.entity(uid) {
            Dereference::Data(entity) => Some(entity),
            Dereference::NoSuchEntity | Dereference::Residual(_) => None,
        }
    }
}

fn known(entry: &EntityUIDEntry) -> Option<&ast::EntityUID> {
    entry.uid()
}

impl<'a> World<'a> for CedarWorld<'a> {
    type Entity = &'a ast::EntityUID;
    type Set = &'a ast::Set;
    type Record = &'a Members;

    fn principal(&self) -> Self::Entity {
        self.principal
    }

    fn action(&self) -> Self::Entity {
        self.action
    }

    fn resource(&self) -> Self::Entity {
        self.resource
    }

    fn context(&self) -> Self::Record {
        self.context
    }

    fn text(&self, text: u32) -> &'a str {
        self.texts.get(text as usize).map_or("", String::as_str)
    }

    fn constant(&self, constant: u32) -> Self::Entity {
        // Every constant of a program was numbered when the program was made.
        self.constants.get(constant as usize).unwrap_or(self.principal)
    }

    fn is_of_type(&self, entity: Self::Entity, ty: u32) -> bool {
        let (ty, found) = (self.text(ty), entity.entity_type().name());
        // Most types have no namespace, and are compared where they lie.
        if found.is_unqualified() { found.basename_as_ref().as_ref() == ty } else { found.to_string() == ty }
    }

    fn lies_in(&self, entity: Self::Entity, other: Self::Entity) -> bool {
        self.entity(entity).is_some_and(|entity| entity.is_descendant_of(other))
    }

    fn attribute(&self, entity: Self::Entity, name: u32) -> Option<Value<'a, Self>> {
        partial(self.entity(entity)?.get(self.text(name))?)
    }

    fn tag(&self, entity: Self::Entity, name: &str) -> Option<Value<'a, Self>> {
        partial(self.entity(entity)?.get_tag(name)?)
    }

    fn member(&self, record: Self::Record, name: u32) -> Option<Value<'a, Self>> {
        value(record.get(self.text(name))?)
    }

    fn members(&self, record: Self::Record) -> Vec<(&'a str, Value<'a, Self>)> {
        record.iter().filter_map(|(name, member)| Some((name.as_str(), value(member)?))).collect()
    }

    fn elements(&self, set: Self::Set) -> Vec<Value<'a, Self>> {
        set.iter().filter_map(value).collect()
    }

    fn is_empty(&self, set: Self::Set) -> bool {
        set.is_empty()
    }
}

/// A value that may be the residual of partial evaluation, which a whole store never holds.
fn partial<'a>(partial: &'a PartialValue) -> Option<Value<'a, CedarWorld<'a>>> {
    match partial {
        PartialValue::Value(known) => value(known),
        PartialValue::Residual(_) => None,
    }
}

fn value<'a>(value: &'a ast::Value) -> Option<Value<'a, CedarWorld<'a>>> {
    Some(match value.value_kind() {
        ValueKind::Lit(Literal::Bool(value)) => Value::Bool(*value),
        ValueKind::Lit(Literal::Long(value)) => Value::Long(*value),
        ValueKind::Lit(Literal::String(value)) => Value::Text(value.as_str()),
        ValueKind::Lit(Literal::EntityUID(uid)) => Value::Entity(uid.as_ref()),
        ValueKind::Set(set) => Value::Set(Set::Given(set)),
        ValueKind::Record(members) => Value::Record(Record::Given(members.as_ref())),
        ValueKind::ExtensionValue(value) => {
            let expression = RestrictedExpr::from(value.as_ref().clone());
            extension(&expression)?
        }
    })
}

/// Cedar keeps an extension value as the call that makes it: a constructor, or an offset from one.
fn extension<'a>(expression: &ast::Expr) -> Option<Value<'a, CedarWorld<'a>>> {
    let ExprKind::ExtensionFunctionApp { fn_name, args } = expression.expr_kind() else { return None };
    match (fn_name.to_string().as_str(), args.as_slice()) {
        ("offset", [time, span]) => match (extension(time)?, extension(span)?) {
            (Value::Datetime(time), Value::Duration(span)) => time.checked_add(span).map(Value::Datetime),
            _ => None,
        },
        (constructor, [argument]) => {
            let ExprKind::Lit(Literal::String(text)) = argument.expr_kind() else { return None };
            match constructor {
                "decimal" => read_decimal(text).map(Value::Decimal),
                "datetime" => read_datetime(text).map(Value::Datetime),
                "duration" => read_duration(text).map(Value::Duration),
                "ip" => read_ip(text).map(Value::Ip),
                _ => None,
            }
        }
        _ => None,
    }
}
