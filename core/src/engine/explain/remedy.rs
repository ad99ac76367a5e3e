//! What would make a condition hold, or no longer hold: changes that may do it. None is said to anybody before it was
//! decided again, so what is guessed here may be wrong.

use super::super::view::View;
use super::clause::{Clause, What};
use super::judge::{Judged, Part};
use super::suggest::RoleActions;
use super::suggestion::Change;
use crate::condition::{Comparison, Kind, Operand, Path, Root, Test, interval, weekdays};
use crate::model::Timestamp;
use crate::schema::{GROUP, ROLE, Schema, Type, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Changes that are made together.
pub(super) type Changes = Vec<Change>;

/// So many ways are followed for one condition.
const MOST: usize = 64;

/// So many changes at once are still a suggestion.
const MOST_CHANGES: usize = 8;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// What a remedy may depend on.
pub(super) struct Facts<'f> {
    pub view: &'f View<'f>,
    pub roles: &'f RoleActions,
    pub now: Timestamp,
    /// The type of the resource that is asked for.
    pub resource_type: &'f str,
    /// The action's full name.
    pub action: &'f str,
    pub is_service_account: bool,
}

impl Facts<'_> {
    /// Ways to turn a condition round, whatever it comes to now.
    pub(super) fn turn(&self, judged: &Judged) -> Vec<Changes> {
        let mut instants = BTreeSet::new();
        self.instants(judged, &mut instants);
        let times: Vec<Timestamp> = instants.into_iter().take(MOST).map(Timestamp::from_millis).collect();
        self.ways(judged, judged.holds != Ok(true), &times)
    }

    /// Ways to make a condition come to `wanted`, where it does not.
    fn ways(&self, judged: &Judged, wanted: bool, times: &[Timestamp]) -> Vec<Changes> {
        let mut ways = match &judged.part {
            Part::Always => vec![],
            Part::Not(part) => self.ways(part, !wanted, times),
            Part::Leaf(clause, test) => match test {
                Some(test) => self.of_test(test, clause, wanted, times),
                None => self.of_cedar(clause),
            },
            Part::All(_, parts) | Part::Any(_, parts) => {
                let others: Vec<&Judged> = parts.iter().filter(|part| part.holds != Ok(wanted)).collect();
                if matches!(judged.part, Part::All(..)) == wanted {
                    let none = vec![vec![]];
                    others.iter().fold(none, |ways, part| together(&ways, &self.ways(part, wanted, times)))
                } else {
                    others.iter().flat_map(|part| self.ways(part, wanted, times)).collect()
                }
            }
        };
        ways.truncate(MOST);
        ways
    }

    /// Of an expression only what it surely reads is known.
    fn of_cedar(&self, clause: &Clause) -> Vec<Changes> {
        let What::Cedar { cedar, .. } = &clause.what else { return vec![] };
        let mut ways = vec![];
        if cedar.contains("context.mfa") || cedar.contains("context has mfa") {
            ways.push(vec![Change::SecondFactor]);
        }
        if cedar.contains("context.scopes") {
            ways.push(vec![Change::AddScope { scope: self.action.to_owned() }]);
        }
        ways
    }

    fn of_test(&self, test: &Test, clause: &Clause, wanted: bool, times: &[Timestamp]) -> Vec<Changes> {
        let What::Test { operator, path, value, wanted: values, variables, .. } = &clause.what else { return vec![] };
        let kind = test.operator.kind;
        match (test.path.root, test.path.way.as_slice()) {
            (Root::Principal, []) => return if wanted != test.operator.negated { self.joins(test) } else { vec![] },
            (_, []) => return vec![],
            (Root::Context, [name]) if name == "now" => {
                return times.iter().map(|now| vec![Change::AskAt { now: *now }]).collect();
            }
            (Root::Context, [name]) if name == "mfa" => return vec![vec![Change::SecondFactor]],
            (Root::Context, [name]) if Schema::DECISION_POINT_ONLY.contains(&name.as_str()) => return vec![],
            (Root::Principal, [name]) if name == "created_at" => return vec![],
            _ => {}
        }
        let Some(ty) = self.type_of(&test.path) else { return vec![] };
        let given: Vec<Json> = test
            .values
            .iter()
            .map(|operand| match operand {
                Operand::Literal(json) => json.clone(),
                Operand::Variable(path) => variables.get(&path.to_string()).cloned().unwrap_or_default(),
            })
            .collect();
        let given: Vec<&Json> = given.iter().filter(|value| !value.is_null()).collect();
        // Whether the comparison itself is to hold; an attribute that is not there makes it false.
        let positive = wanted != test.operator.negated;
        let mut found: Vec<Json> = match kind {
            Kind::Null => match (given.first().and_then(|value| value.as_bool()), wanted) {
                (Some(absent), wanted) if absent == wanted => vec![Json::Null],
                _ => example(ty).into_iter().collect(),
            },
            Kind::ForAnyValue { not } | Kind::ForAllValues { not } => {
                let any = matches!(kind, Kind::ForAnyValue { .. });
                in_set(value, &given, any, not, positive)
            }
            _ if positive => given.iter().flat_map(|value| satisfying(kind, ty, value)).collect(),
            _ => {
                let other = given.iter().flat_map(|value| breaking(kind, ty, value));
                [Json::Null].into_iter().chain(other).collect()
            }
        };
        found.dedup();
        found.truncate(8);
        let change = |value| {
            let (path, operator, wanted) = (path.clone(), operator.clone(), values.clone());
            vec![Change::SetAttribute { path, value, operator, wanted }]
        };
        found.into_iter().map(change).collect()
    }

    /// A user can come to lie in a group or have a role.
    fn joins(&self, test: &Test) -> Vec<Changes> {
        if self.is_service_account {
            return vec![];
        }
        let entities = test.values.iter().filter_map(|operand| match operand {
            Operand::Literal(json) => Some((json.get("type")?.as_str()?, json.get("id")?.as_str()?)),
            Operand::Variable(_) => None,
        });
        let known = entities.filter_map(|(ty, id)| Some((ty, id, self.view.store.entity(ty, id)?)));
        let changes = known.filter_map(|(ty, id, number)| {
            let name = self.view.store.entity_name(number);
            match ty {
                GROUP => Some(Change::JoinGroup { group: id.to_owned(), name }),
                ROLE => Some(self.roles.assign(self.view, number)),
                _ => None,
            }
        });
        changes.map(|change| vec![change]).collect()
    }

    fn type_of(&self, path: &Path) -> Option<&Type> {
        let schema = &self.view.schema;
        let attributes = match path.root {
            Root::Principal if self.is_service_account => &schema.service_account,
            Root::Principal => &schema.user,
            Root::Resource => &schema.types.get(self.resource_type)?.attributes,
            Root::Context => &schema.context,
        };
        Schema::at(attributes, &path.way)
    }

    /// Instants after now at which the condition may come to something else.
    fn instants(&self, judged: &Judged, instants: &mut BTreeSet<i64>) {
        let test = match &judged.part {
            Part::Always => return,
            Part::Not(part) => return self.instants(part, instants),
            Part::All(_, parts) | Part::Any(_, parts) => {
                return parts.iter().for_each(|part| self.instants(part, instants));
            }
            Part::Leaf(_, Some(test)) => test,
            Part::Leaf(..) => return,
        };
        let (now, is_now) = (self.now.as_millis(), test.path.root == Root::Context && test.path.way == ["now"]);
        let midnight = now - now.rem_euclid(DAY);
        let mut add = |instant: i64| {
            if instant > now {
                instants.insert(instant);
            }
        };
        for operand in test.values.iter().filter(|_| is_now) {
            match test.operator.kind {
                Kind::Date(_) => {
                    if let Operand::Literal(json) = operand
                        && let Ok(Some(Value::Datetime(instant))) = Value::read(&Type::Datetime, json)
                    {
                        [instant, instant.saturating_add(1)].into_iter().for_each(&mut add);
                    }
                }
                Kind::TimeOfDay => {
                    let Some((start, end, offset)) = interval(operand) else { continue };
                    for day in -1..=8 {
                        [start, end].into_iter().for_each(|at| add(midnight + day * DAY + (at - offset) * MINUTE));
                    }
                }
                Kind::Weekday => {
                    let Some((_, offset)) = weekdays(operand) else { continue };
                    (0..=8).for_each(|day| add(midnight + day * DAY - offset * MINUTE));
                }
                _ => {}
            }
        }
    }
}

/// Every way of the one with every way of the other, as far as a few changes do. A request is made at one time only.
pub(super) fn together(ways: &[Changes], others: &[Changes]) -> Vec<Changes> {
    let at = |changes: &Changes| changes.iter().find(|change| matches!(change, Change::AskAt { .. })).cloned();
    let mut joined: Vec<Changes> = vec![];
    for way in ways {
        for other in others {
            let (one, another) = (at(way), at(other));
            if joined.len() < MOST && (one.is_none() || another.is_none() || one == another) {
                let more = other.iter().filter(|change| !way.contains(change));
                let both: Changes = way.iter().chain(more).cloned().collect();
                joined.extend(Some(both).filter(|both| both.len() <= MOST_CHANGES));
            }
        }
    }
    joined
}

/// Values of which a comparison is true.
fn satisfying(kind: Kind, ty: &Type, value: &Json) -> Vec<Json> {
    let next = |step: i64| stepped(ty, value, step).into_iter().collect();
    match kind {
        Kind::StringEquals | Kind::Bool | Kind::EntityEquals | Kind::EntityIn | Kind::IpAddress => vec![value.clone()],
        Kind::StringLike => value.as_str().map(|pattern| json!(pattern.replace('*', ""))).into_iter().collect(),
        Kind::Numeric(comparison) | Kind::Date(comparison) => match comparison {
            Comparison::Equals | Comparison::LessThanEquals | Comparison::GreaterThanEquals => vec![value.clone()],
            Comparison::LessThan => next(-1),
            Comparison::GreaterThan => next(1),
        },
        _ => vec![],
    }
}

/// Values of which a comparison is false.
fn breaking(kind: Kind, ty: &Type, value: &Json) -> Vec<Json> {
    let next = |step: i64| stepped(ty, value, step).into_iter().collect();
    match kind {
        Kind::Bool => value.as_bool().map(|value| json!(!value)).into_iter().collect(),
        Kind::Numeric(comparison) | Kind::Date(comparison) => match comparison {
            Comparison::LessThan | Comparison::GreaterThan => vec![value.clone()],
            Comparison::Equals | Comparison::LessThanEquals => next(1),
            Comparison::GreaterThanEquals => next(-1),
        },
        _ => vec![],
    }
}

/// The next value of a type, up or down.
fn stepped(ty: &Type, value: &Json, step: i64) -> Option<Json> {
    Some(
        match Value::read(ty, value).ok()?? {
            Value::Long(value) => Value::Long(value.checked_add(step)?),
            Value::Decimal(value) => Value::Decimal(value.checked_add(step)?),
            Value::Datetime(value) => Value::Datetime(value.checked_add(step)?),
            _ => return None,
        }
        .json(),
    )
}

/// Sets of texts of which a quantified comparison is true, or false.
fn in_set(value: &Json, given: &[&Json], any: bool, not: bool, wanted: bool) -> Vec<Json> {
    let own: Vec<&Json> = value.as_array().map(|own| own.iter().collect()).unwrap_or_default();
    let flat: Vec<&Json> = given
        .iter()
        .flat_map(|value| match value {
            Json::Array(values) => values.iter().collect(),
            value => vec![*value],
        })
        .collect();
    let only = || own.iter().filter(|value| flat.contains(value)).copied().cloned().collect::<Vec<_>>();
    let without = || own.iter().filter(|value| !flat.contains(value)).copied().cloned().collect::<Vec<_>>();
    let with = || own.iter().chain(flat.first()).copied().cloned().collect::<Vec<_>>();
    let sets = match (any, not, wanted) {
        (true, false, true) => vec![with()],
        (true, false, false) => vec![without()],
        (false, false, true) => match only() {
            none if none.is_empty() => vec![flat.first().copied().cloned().into_iter().collect()],
            only => vec![only],
        },
        (true, true, false) => vec![only()],
        (false, true, true) => vec![without()],
        (false, true, false) => vec![with()],
        (true, true, true) | (false, false, false) => vec![],
    };
    sets.into_iter().map(Json::Array).collect()
}

/// Some value of a type; none of an entity.
fn example(ty: &Type) -> Option<Json> {
    Some(match ty {
        Type::Bool => json!(true),
        Type::Long => json!(1),
        Type::String => json!("x"),
        Type::Decimal => json!("1.0"),
        Type::Ip => json!("192.0.2.1"),
        Type::Datetime => json!("2026-01-01T00:00:00.000Z"),
        Type::Duration => json!("1h"),
        Type::Set(_) => json!([]),
        Type::Record(_) => json!({}),
        Type::Entity(_) => return None,
    })
}
