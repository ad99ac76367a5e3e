//! Cedar expressions built from parts, and read from text: never pasted together as text.

use crate::schema::{ACTION, DIRECTORY_TYPES, Value};
use cedar_policy::pst::{BinaryOp, EntityType, EntityUID, Expr, Literal, Name, NonEmpty, SmolStr, UnaryOp, Var};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub(crate) fn truth(value: bool) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::Bool(value)))
}

pub(crate) fn long(value: i64) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::Long(value)))
}

pub(crate) fn string(value: &str) -> Arc<Expr> {
    Arc::new(Expr::Literal(Literal::String(SmolStr::from(value))))
}

pub(crate) fn variable(variable: Var) -> Arc<Expr> {
    Arc::new(Expr::Var(variable))
}

pub(crate) fn get(expr: Arc<Expr>, attribute: &str) -> Arc<Expr> {
    Arc::new(Expr::GetAttr { expr, attr: SmolStr::from(attribute) })
}

/// `expr has a.b`, or `None` for an empty way. Cedar's nested `has` takes identifiers only, so any
/// other way is asked for step by step.
pub(crate) fn has(expr: Arc<Expr>, way: &[String]) -> Option<Arc<Expr>> {
    let (first, rest) = way.split_first()?;
    let identifiers = || way.iter().all(|step| cedar_policy::pst::Id::new(step).is_ok());
    if rest.is_empty() || identifiers() {
        let attrs = NonEmpty { head: SmolStr::from(first), tail: rest.iter().map(SmolStr::from).collect() };
        return Some(Arc::new(Expr::HasAttr { expr, attrs }));
    }
    let one = has(expr.clone(), std::slice::from_ref(first))?;
    let further = has(get(expr, first), rest)?;
    Some(and(one, further))
}

pub(crate) fn unary(op: UnaryOp, expr: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::UnaryOp { op, expr })
}

pub(crate) fn binary(op: BinaryOp, left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::BinaryOp { op, left, right })
}

pub(crate) fn and(left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    binary(BinaryOp::And, left, right)
}

pub(crate) fn or(left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    binary(BinaryOp::Or, left, right)
}

pub(crate) fn not(expr: Arc<Expr>) -> Arc<Expr> {
    unary(UnaryOp::Not, expr)
}

pub(crate) fn if_then_else(cond: Arc<Expr>, then_expr: Arc<Expr>, else_expr: Arc<Expr>) -> Arc<Expr> {
    Arc::new(Expr::IfThenElse { cond, then_expr, else_expr })
}

pub(crate) fn set(elements: Vec<Arc<Expr>>) -> Arc<Expr> {
    Arc::new(Expr::Set(elements))
}

/// All of some expressions, as a balanced tree so that many of them do not nest deep.
pub(crate) fn all_of(parts: &[Arc<Expr>]) -> Option<Arc<Expr>> {
    balanced(parts, and)
}

/// One of some expressions, likewise.
pub(crate) fn any_of(parts: &[Arc<Expr>]) -> Option<Arc<Expr>> {
    balanced(parts, or)
}

fn balanced(parts: &[Arc<Expr>], join: fn(Arc<Expr>, Arc<Expr>) -> Arc<Expr>) -> Option<Arc<Expr>> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        _ => {
            let (left, right) = parts.split_at_checked(parts.len() / 2)?;
            Some(join(balanced(left, join)?, balanced(right, join)?))
        }
    }
}

/// The uid of an entity; `None` where the type is no Cedar name.
pub(crate) fn entity(ty: &str, id: &str) -> Option<EntityUID> {
    Some(EntityUID { ty: entity_type(ty)?, eid: SmolStr::from(id) })
}

/// An entity type; `None` where it is no Cedar name.
pub(crate) fn entity_type(name: &str) -> Option<EntityType> {
    /// Cedar's grammar decides what a name is, and takes microseconds to; the types of every tenant are asked for once.
    static EVERYWHERE: LazyLock<HashMap<&str, EntityType>> = LazyLock::new(|| {
        DIRECTORY_TYPES.into_iter().chain([ACTION]).filter_map(|name| Some((name, parse_type(name)?))).collect()
    });
    EVERYWHERE.get(name).cloned().or_else(|| parse_type(name))
}

fn parse_type(name: &str) -> Option<EntityType> {
    Name::unqualified(name).ok().map(EntityType::from_name)
}

/// A typed value as an expression.
pub(crate) fn value_expression(value: &Value) -> Option<Arc<Expr>> {
    let call = |op| Some(unary(op, string(&value.to_string())));
    match value {
        Value::Bool(value) => Some(truth(*value)),
        Value::Long(value) => Some(long(*value)),
        Value::String(value) => Some(string(value)),
        Value::Decimal(_) => call(UnaryOp::Decimal),
        Value::Ip(..) => call(UnaryOp::Ip),
        Value::Datetime(_) => call(UnaryOp::Datetime),
        Value::Duration(_) => call(UnaryOp::Duration),
        Value::Entity(ty, id) => Some(Arc::new(Expr::Literal(Literal::EntityUID(entity(ty, id)?)))),
        Value::Set(elements) => elements.iter().map(value_expression).collect::<Option<Vec<_>>>().map(set),
        Value::Record(attributes) => attributes
            .iter()
            .map(|(name, value)| Some((name.clone(), value_expression(value)?)))
            .collect::<Option<_>>()
            .map(|record| Arc::new(Expr::Record(record))),
    }
}

/// Reads one expression, whole: no policy, no template slot, no unknown.
pub(crate) fn parse_expression(text: &str) -> Result<Expr, String> {
    if let Some(message) = super::nesting::too_deep(text) {
        return Err(message);
    }
    let parsed: cedar_policy_core::ast::Expr = text.parse().map_err(|errors| super::first_error(&errors, text))?;
    let expression = Expr::try_from(parsed).map_err(|error| error.to_string())?;
    let strange = expression.reduce(
        &|part| matches!(part, Expr::Slot(_) | Expr::Unknown { .. }).then_some(true),
        &|one, other| one || other,
        false,
    );
    if strange { Err("a condition has no template slot and no unknown".to_owned()) } else { Ok(expression) }
}

/// The variables that an expression reads.
pub(crate) fn variables(expression: &Expr) -> Vec<Var> {
    expression.reduce(
        &|part| match part {
            Expr::Var(variable) => Some(vec![variable.clone()]),
            _ => None,
        },
        &|mut one: Vec<Var>, other| {
            one.extend(other);
            one
        },
        vec![],
    )
}
