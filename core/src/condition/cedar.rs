//! From a condition to a Cedar expression, checked against the schema on the way.

use super::operator::{Comparison, Kind};
use super::{Condition, Expression, Operand, Path, Place, Root, Test};
use crate::Finding;
use crate::cedar::expression::*;
use crate::schema::{GROUP, ORGANIZATION_UNIT, ROLE, SERVICE_ACCOUNT, Schema, Type, USER, Value};
use cedar_policy::pst::{BinaryOp, Expr, PatternElem, UnaryOp, Var};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a condition may speak of.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The tenant's schema.
    pub schema: &'a Schema,
    /// The resource types that the grant reaches.
    pub resource_types: &'a BTreeSet<String>,
    /// Where paths may begin.
    pub roots: &'a [Root],
}

impl Condition {
    /// The Cedar expression. What is wrong goes to the findings, all of it; then there is none.
    pub fn to_cedar(&self, scope: Scope<'_>, place: Place<'_>, findings: &mut Vec<Finding>) -> Option<Arc<Expr>> {
        let mut compiler = Compiler { scope, place, findings };
        compiler.condition(self)
    }
}

struct Compiler<'a> {
    scope: Scope<'a>,
    place: Place<'a>,
    findings: &'a mut Vec<Finding>,
}

/// The code for a value that does not fit its operator.
const WRONG_VALUE: &str = "condition.wrong_value";

impl Compiler<'_> {
    fn refuse<T>(&mut self, at: &str, code: &str, message: impl Into<String>) -> Option<T> {
        self.findings.push(self.place.error(at, code, message));
        None
    }

    fn condition(&mut self, condition: &Condition) -> Option<Arc<Expr>> {
        match condition {
            Condition::Always => Some(truth(true)),
            Condition::All(parts) => self.parts(parts).and_then(|parts| all_of(&parts)),
            Condition::Any(parts) => self.parts(parts).and_then(|parts| any_of(&parts)),
            Condition::Not(part) => self.condition(part).map(not),
            Condition::Cedar(expression) => self.expression(expression),
            Condition::Test(test) => self.test(test),
        }
    }

    fn parts(&mut self, parts: &[Condition]) -> Option<Vec<Arc<Expr>>> {
        // All of them first: every finding counts, not only the first.
        let parts: Vec<_> = parts.iter().map(|part| self.condition(part)).collect();
        parts.into_iter().collect()
    }

    fn expression(&mut self, expression: &Expression) -> Option<Arc<Expr>> {
        let parsed = match parse_expression(&expression.text) {
            Ok(parsed) => parsed,
            Err(message) => return self.refuse(&expression.at, "condition.cedar_syntax", message),
        };
        let roots = self.scope.roots;
        let strange = variables(&parsed).into_iter().find(|variable| match variable {
            Var::Principal => !roots.contains(&Root::Principal),
            Var::Resource => !roots.contains(&Root::Resource),
            Var::Context => !roots.contains(&Root::Context),
            Var::Action => !roots.contains(&Root::Resource),
        });
        match strange {
            Some(variable) => {
                let name = format!("{variable:?}").to_lowercase();
                self.refuse(&expression.at, "condition.unknown_path", format!("`{name}` cannot be used here"))
            }
            None => Some(Arc::new(parsed)),
        }
    }

    fn test(&mut self, test: &Test) -> Option<Arc<Expr>> {
        let types = self.types_of(&test.path, &test.at)?;
        let kind = test.operator.kind;
        if kind == Kind::Null {
            return self.null(test);
        }
        if kind == Kind::Weekday {
            return self.weekday(test);
        }
        let body = match kind {
            Kind::EntityEquals | Kind::EntityIn => self.entity(test, &types)?,
            _ => {
                let [ty] = types.as_slice() else {
                    return self.refuse(&test.at, "condition.wrong_type", format!("`{}` is an entity", test.path));
                };
                self.body(test, ty)?
            }
        };
        let (negated, if_exists) = (test.operator.negated, test.operator.if_exists);
        Some(match present(&test.path) {
            None => {
                if negated {
                    not(body)
                } else {
                    body
                }
            }
            Some(present) if negated => not(and(present, body)),
            Some(present) if if_exists => if_then_else(present, body, truth(true)),
            Some(present) => and(present, body),
        })
    }

    /// What the test says of a present attribute of this type.
    fn body(&mut self, test: &Test, ty: &Type) -> Option<Arc<Expr>> {
        let subject = value_of(&test.path);
        match (test.operator.kind, ty) {
            (Kind::StringEquals, Type::String) | (Kind::Bool, Type::Bool) => self.equals(test, ty, subject),
            (Kind::Numeric(comparison), Type::Long | Type::Decimal) | (Kind::Date(comparison), Type::Datetime) => {
                match comparison {
                    Comparison::Equals => self.equals(test, ty, subject),
                    _ => self.each(test, ty, |value| compare(comparison, ty, subject.clone(), value)),
                }
            }
            (Kind::IpAddress, Type::Ip) => {
                self.each(test, ty, |value| binary(BinaryOp::IsInRange, subject.clone(), value))
            }
            (Kind::StringLike, Type::String) => self.like(test, &subject),
            (Kind::TimeOfDay, Type::Datetime) => self.time_of_day(test, &subject),
            (Kind::ForAnyValue { not }, Type::Set(element)) if **element == Type::String => {
                self.quantified(test, &subject, not, true)
            }
            (Kind::ForAllValues { not }, Type::Set(element)) if **element == Type::String => {
                self.quantified(test, &subject, not, false)
            }
            (kind, _) => {
                let needed = match kind {
                    Kind::Numeric(_) => "`Long` or `decimal`",
                    Kind::Date(_) | Kind::TimeOfDay => "`datetime`",
                    Kind::Bool => "`Bool`",
                    Kind::IpAddress => "`ipaddr`",
                    Kind::ForAnyValue { .. } | Kind::ForAllValues { .. } => "`Set<String>`",
                    _ => "`String`",
                };
                let message = format!("`{}` is of type `{ty}`, and the operator needs {needed}", test.path);
                self.refuse(&test.at, "condition.wrong_type", message)
            }
        }
    }

    /// Equality with one of the values: the literals as one set.
    fn equals(&mut self, test: &Test, ty: &Type, subject: Arc<Expr>) -> Option<Arc<Expr>> {
        let (literals, variables) = self.operands(test, ty)?;
        let mut ways: Vec<Arc<Expr>> = vec![];
        match literals.as_slice() {
            [] => {}
            [one] => ways.push(binary(BinaryOp::Eq, subject.clone(), one.clone())),
            _ => ways.push(binary(BinaryOp::Contains, set(literals), subject.clone())),
        }
        for variable in variables {
            let equal = binary(BinaryOp::Eq, subject.clone(), value_of(variable));
            ways.push(guarded(variable, equal));
        }
        any_of(&ways)
    }

    /// One of the values, each with its own expression.
    fn each(&mut self, test: &Test, ty: &Type, expression: impl Fn(Arc<Expr>) -> Arc<Expr>) -> Option<Arc<Expr>> {
        let (literals, variables) = self.operands(test, ty)?;
        let literals = literals.into_iter().map(&expression);
        let variables = variables.into_iter().map(|path| guarded(path, expression(value_of(path))));
        any_of(&literals.chain(variables).collect::<Vec<_>>())
    }

    /// The values of a test: literals as expressions, variables as paths, all of the type.
    fn operands<'t>(&mut self, test: &'t Test, ty: &Type) -> Option<(Vec<Arc<Expr>>, Vec<&'t Path>)> {
        let (mut literals, mut variables, mut whole) = (vec![], vec![], true);
        for operand in &test.values {
            match operand {
                Operand::Literal(json) => match literal(ty, json) {
                    Ok(expression) => literals.push(expression),
                    Err(message) => {
                        self.refuse::<()>(&test.at, WRONG_VALUE, format!("`{json}`: {message}"));
                        whole = false;
                    }
                },
                Operand::Variable(path) => match self.types_of(path, &test.at).as_deref() {
                    Some([found]) if found == ty => variables.push(path),
                    Some(_) => {
                        self.refuse::<()>(&test.at, WRONG_VALUE, format!("`${{{path}}}` is not of type `{ty}`"));
                        whole = false;
                    }
                    None => whole = false,
                },
            }
        }
        whole.then_some((literals, variables))
    }

    fn null(&mut self, test: &Test) -> Option<Arc<Expr>> {
        let Some(present) = present(&test.path) else {
            return self.refuse(&test.at, "condition.wrong_type", format!("`{}` is always present", test.path));
        };
        match test.values.as_slice() {
            [Operand::Literal(Json::Bool(true))] => Some(not(present)),
            [Operand::Literal(Json::Bool(false))] => Some(present),
            _ => self.refuse(&test.at, WRONG_VALUE, "expected true (absent) or false (present)"),
        }
    }

    fn like(&mut self, test: &Test, subject: &Arc<Expr>) -> Option<Arc<Expr>> {
        let mut ways = vec![];
        for operand in &test.values {
            let pattern = match operand {
                Operand::Literal(Json::String(pattern)) if pattern.contains('?') => {
                    let message = format!("`{pattern}`: `?` is refused, `*` is the only wildcard");
                    return self.refuse(&test.at, WRONG_VALUE, message);
                }
                Operand::Literal(Json::String(pattern)) => pattern,
                Operand::Literal(json) => {
                    return self.refuse(&test.at, WRONG_VALUE, format!("`{json}`: expected a pattern as text"));
                }
                Operand::Variable(path) => {
                    return self.refuse(&test.at, WRONG_VALUE, format!("`${{{path}}}`: a pattern has no variables"));
                }
            };
            let pattern = pattern.chars().map(|character| match character {
                '*' => PatternElem::Wildcard,
                other => PatternElem::Char(other),
            });
            ways.push(Arc::new(Expr::Like { expr: subject.clone(), pattern: pattern.collect() }));
        }
        any_of(&ways)
    }

    fn quantified(&mut self, test: &Test, subject: &Arc<Expr>, negate: bool, any: bool) -> Option<Arc<Expr>> {
        // A single variable may be a whole set itself.
        let (values, guards) = match test.values.as_slice() {
            [Operand::Variable(path)] if matches!(self.types_of(path, &test.at)?.as_slice(), [Type::Set(_)]) => {
                let [ty] = &self.types_of(path, &test.at)?[..] else { return None };
                if *ty != Type::Set(Box::new(Type::String)) {
                    return self.refuse(&test.at, WRONG_VALUE, format!("`${{{path}}}` is not of type `Set<String>`"));
                }
                (value_of(path), vec![path])
            }
            _ => {
                let (mut literals, variables) = self.operands(test, &Type::String)?;
                literals.extend(variables.iter().map(|path| value_of(path)));
                (set(literals), variables)
            }
        };
        let contains_any = || binary(BinaryOp::ContainsAny, subject.clone(), values.clone());
        let all_within = || binary(BinaryOp::ContainsAll, values.clone(), subject.clone());
        let body = match (any, negate) {
            (true, false) => contains_any(),
            (true, true) => not(all_within()),
            (false, false) => all_within(),
            (false, true) => not(contains_any()),
        };
        Some(guards.into_iter().fold(body, |body, path| guarded(path, body)))
    }

    fn entity(&mut self, test: &Test, types: &[Type]) -> Option<Arc<Expr>> {
        let subject = value_of(&test.path);
        let is_in = test.operator.kind == Kind::EntityIn;
        if let Some(ty) = types.iter().find(|ty| !matches!(ty, Type::Entity(_))) {
            let message = format!("`{}` is of type `{ty}`, and the operator needs an entity", test.path);
            return self.refuse(&test.at, "condition.wrong_type", message);
        }
        let possible: BTreeSet<String> = types
            .iter()
            .filter_map(|ty| match ty {
                Type::Entity(name) => Some(name.as_str()),
                _ => None,
            })
            // Of users that the request only names, nobody knows in what they lie.
            .flat_map(|name| self.reachable(name, is_in && (name != USER || test.path.way.is_empty())))
            .collect();
        let refusal = |name: &str| {
            let verb = if is_in { "lie in" } else { "be" };
            format!("`{}` can never {verb} a `{name}`", test.path)
        };
        let mut by_type: BTreeMap<String, Vec<Arc<Expr>>> = BTreeMap::new();
        let mut ways = vec![];
        for operand in &test.values {
            match operand {
                Operand::Literal(json) => {
                    let Some(name) = json.get("type").and_then(Json::as_str) else {
                        return self.refuse(&test.at, WRONG_VALUE, format!("`{json}`: expected `type` and `id`"));
                    };
                    if !possible.contains(name) {
                        return self.refuse(&test.at, WRONG_VALUE, refusal(name));
                    }
                    match literal(&Type::Entity(name.to_owned()), json) {
                        Ok(expression) => by_type.entry(name.to_owned()).or_default().push(expression),
                        Err(message) => return self.refuse(&test.at, WRONG_VALUE, format!("`{json}`: {message}")),
                    }
                }
                Operand::Variable(path) => {
                    let found = self.types_of(path, &test.at)?;
                    if !found.iter().any(|ty| matches!(ty, Type::Entity(name) if possible.contains(name))) {
                        return self.refuse(&test.at, WRONG_VALUE, refusal(&format!("${{{path}}}")));
                    }
                    let op = if is_in { BinaryOp::In } else { BinaryOp::Eq };
                    ways.push(guarded(path, binary(op, subject.clone(), value_of(path))));
                }
            }
        }
        // A set holds entities of one type, or strict validation refuses it.
        for (_, mut entities) in by_type {
            ways.push(match (entities.len(), is_in) {
                (1, true) => binary(BinaryOp::In, subject.clone(), entities.pop()?),
                (1, false) => binary(BinaryOp::Eq, subject.clone(), entities.pop()?),
                (_, true) => binary(BinaryOp::In, subject.clone(), set(entities)),
                (_, false) => binary(BinaryOp::Contains, set(entities), subject.clone()),
            });
        }
        any_of(&ways)
    }

    /// The types that an entity may be, or lie in.
    fn reachable(&self, name: &str, or_in: bool) -> BTreeSet<String> {
        let above: Vec<&str> = match name {
            _ if !or_in => vec![],
            USER => vec![ROLE, GROUP, ORGANIZATION_UNIT],
            GROUP => vec![ROLE, ORGANIZATION_UNIT],
            _ => self.scope.schema.ancestors_of(name).into_iter().collect(),
        };
        above.into_iter().chain([name]).map(str::to_owned).collect()
    }

    fn time_of_day(&mut self, test: &Test, subject: &Arc<Expr>) -> Option<Arc<Expr>> {
        let mut ways = vec![];
        for operand in &test.values {
            let Some((start, end, offset)) = interval(operand) else {
                let message = "expected an interval such as `[\"09:00\", \"17:00\", \"+01:00\"]`, its ends different";
                return self.refuse(&test.at, WRONG_VALUE, message);
            };
            let time = local_time(subject, offset);
            let from = binary(BinaryOp::GreaterEq, time.clone(), duration(start));
            let until = binary(BinaryOp::Less, time, duration(end));
            ways.push(if start < end { and(from, until) } else { or(from, until) });
        }
        any_of(&ways)
    }

    /// Cedar has no division, so the day of the week is the decision point's (`context.weekday`, UTC),
    /// moved by a day where the offset carries the time of day over midnight.
    fn weekday(&mut self, test: &Test) -> Option<Arc<Expr>> {
        let now = Path { root: Root::Context, way: vec!["now".to_owned()] };
        if test.path != now {
            return self.refuse(&test.at, "condition.wrong_type", "`Weekday` looks at `context.now` only");
        }
        let mut ways = vec![];
        for operand in &test.values {
            let Some((days, offset)) = weekdays(operand) else {
                let message = "expected days from 1 (Monday) to 7, or `[[days], \"+01:00\"]`";
                return self.refuse(&test.at, WRONG_VALUE, message);
            };
            let weekday = || get(variable(Var::Context), "weekday");
            let on = |shift: i64| {
                let days = days.iter().map(|day| long((day - 1 + shift).rem_euclid(7) + 1)).collect();
                binary(BinaryOp::Contains, set(days), weekday())
            };
            let time = local_time(&value_of(&now), 0);
            let day = 24 * 60;
            ways.push(match offset {
                0 => on(0),
                1.. => or(
                    and(binary(BinaryOp::Less, time.clone(), duration(day - offset)), on(0)),
                    and(binary(BinaryOp::GreaterEq, time, duration(day - offset)), on(-1)),
                ),
                _ => or(
                    and(binary(BinaryOp::GreaterEq, time.clone(), duration(-offset)), on(0)),
                    and(binary(BinaryOp::Less, time, duration(-offset)), on(1)),
                ),
            });
        }
        any_of(&ways)
    }

    /// The types that a path may have: one for an attribute, several for a principal or resource itself.
    fn types_of(&mut self, path: &Path, at: &str) -> Option<Vec<Type>> {
        if !self.scope.roots.contains(&path.root) {
            return self.refuse(at, "condition.unknown_path", format!("`{path}` cannot be used here"));
        }
        let schema = self.scope.schema;
        let entity = |name: &str| Type::Entity(name.to_owned());
        let found: Vec<&Type> = match (path.root, path.way.as_slice()) {
            (Root::Principal, []) => return Some(vec![entity(USER), entity(SERVICE_ACCOUNT)]),
            (Root::Resource, []) => return Some(self.scope.resource_types.iter().map(|name| entity(name)).collect()),
            (Root::Context, []) => vec![],
            (Root::Principal, way) => [&schema.user, &schema.service_account]
                .into_iter()
                .filter_map(|attributes| Schema::at(attributes, way))
                .collect(),
            (Root::Context, way) => Schema::at(&schema.context, way).into_iter().collect(),
            (Root::Resource, way) => self
                .scope
                .resource_types
                .iter()
                .filter_map(|name| schema.types.get(name))
                .filter_map(|ty| Schema::at(&ty.attributes, way))
                .collect(),
        };
        match found.split_first() {
            None => self.refuse(at, "condition.unknown_path", format!("the schema has no `{path}`")),
            Some((first, rest)) if rest.iter().all(|ty| ty == first) => Some(vec![(*first).clone()]),
            Some(_) => {
                let message = format!("`{path}` has different types in the resource types of this grant");
                self.refuse(at, "condition.wrong_type", message)
            }
        }
    }
}

/// `has` for a path, or `None` where it is always there.
fn present(path: &Path) -> Option<Arc<Expr>> {
    let always = path.root == Root::Context
        && matches!(path.way.as_slice(), [name] if matches!(name.as_str(), "now" | "weekday" | "flags"));
    if always { None } else { has(root(path.root), &path.way) }
}

fn guarded(path: &Path, expression: Arc<Expr>) -> Arc<Expr> {
    match present(path) {
        Some(present) => and(present, expression),
        None => expression,
    }
}

/// What a path leads to.
pub(crate) fn value_of(path: &Path) -> Arc<Expr> {
    path.way.iter().fold(root(path.root), |expression, step| get(expression, step))
}

fn root(root: Root) -> Arc<Expr> {
    variable(match root {
        Root::Principal => Var::Principal,
        Root::Resource => Var::Resource,
        Root::Context => Var::Context,
    })
}

/// A literal of a type as an expression; in canonical form, so that equal values print alike.
fn literal(ty: &Type, json: &Json) -> Result<Arc<Expr>, String> {
    match Value::read(ty, json) {
        Ok(Some(value)) => value_expression(&value).ok_or_else(|| "not a literal".to_owned()),
        Ok(None) => Err("null is no value: use `Null` to ask for absence".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn compare(comparison: Comparison, ty: &Type, left: Arc<Expr>, right: Arc<Expr>) -> Arc<Expr> {
    let decimal = *ty == Type::Decimal;
    let op = match comparison {
        Comparison::Equals => BinaryOp::Eq,
        Comparison::LessThan if decimal => BinaryOp::DecimalLessThan,
        Comparison::LessThanEquals if decimal => BinaryOp::DecimalLessEq,
        Comparison::GreaterThan if decimal => BinaryOp::DecimalGreater,
        Comparison::GreaterThanEquals if decimal => BinaryOp::DecimalGreaterEq,
        Comparison::LessThan => BinaryOp::Less,
        Comparison::LessThanEquals => BinaryOp::LessEq,
        Comparison::GreaterThan => BinaryOp::Greater,
        Comparison::GreaterThanEquals => BinaryOp::GreaterEq,
    };
    binary(op, left, right)
}

/// The time of day of an instant, at an offset from UTC in minutes.
fn local_time(instant: &Arc<Expr>, offset: i64) -> Arc<Expr> {
    let local = match offset {
        0 => instant.clone(),
        _ => binary(BinaryOp::Offset, instant.clone(), duration(offset)),
    };
    unary(UnaryOp::ToTime, local)
}

/// Minutes as Cedar's duration: `9h30m`.
fn duration(minutes: i64) -> Arc<Expr> {
    let sign = if minutes < 0 { "-" } else { "" };
    let text = match (minutes.abs() / 60, minutes.abs() % 60) {
        (hours, 0) => format!("{sign}{hours}h"),
        (0, minutes) => format!("{sign}{minutes}m"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m"),
    };
    unary(UnaryOp::Duration, string(&text))
}

/// Start, end and offset in minutes.
pub(crate) fn interval(operand: &Operand) -> Option<(i64, i64, i64)> {
    let Operand::Literal(Json::Array(parts)) = operand else { return None };
    let (start, end, offset) = match parts.as_slice() {
        [start, end] => (start, end, 0),
        [start, end, offset] => (start, end, read_offset(offset.as_str()?)?),
        _ => return None,
    };
    let (start, end) = (read_time(start.as_str()?)?, read_time(end.as_str()?)?);
    (start != end && start < 24 * 60).then_some((start, end, offset))
}

/// Days from 1 to 7 and the offset in minutes.
pub(crate) fn weekdays(operand: &Operand) -> Option<(Vec<i64>, i64)> {
    let Operand::Literal(json) = operand else { return None };
    let (days, offset) = match json {
        Json::Array(parts) => match parts.as_slice() {
            [Json::Array(days)] => (days.as_slice(), 0),
            [Json::Array(days), offset] => (days.as_slice(), read_offset(offset.as_str()?)?),
            _ => return None,
        },
        day => (std::slice::from_ref(day), 0),
    };
    let days: Option<Vec<i64>> = days.iter().map(|day| day.as_i64().filter(|day| (1..=7).contains(day))).collect();
    days.filter(|days| !days.is_empty()).map(|days| (days, offset))
}

/// `09:30` in minutes; `24:00` is the end of the day.
fn read_time(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<i64>().ok())?
    };
    let total = two_digits(hours)? * 60 + two_digits(minutes).filter(|minutes| *minutes < 60)?;
    (total <= 24 * 60).then_some(total)
}

/// `+01:00` in minutes.
fn read_offset(text: &str) -> Option<i64> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return (text == "Z").then_some(0),
    };
    read_time(text.get(1..)?).filter(|minutes| *minutes <= 14 * 60).map(|minutes| sign * minutes)
}
