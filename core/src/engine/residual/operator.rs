//! Operators that make values, and the functions of Cedar's extension types.

use super::compare::{decimals, kind, number};
use super::expr::{Comparison, Expr, Operand};
use super::number::{DAY, Kind, Step};
use super::partial::{Cases, Partial, Said};
use crate::engine::program::{Function, Function2, Value as Plain, call, call2};
use crate::engine::world::RequestWorld;
use crate::schema::{IpRange, Type, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is said where two attributes meet in arithmetic.
const SEVERAL: &str = "arithmetic on several attributes";

/// What a value becomes: another one, always or where nothing overflows.
pub(super) fn stepped(value: &Partial, step: Step, to: Kind) -> Cases {
    match number(value) {
        Some(number) => {
            let number = number.step(step, to);
            let within = number.is_within();
            let mut cases = Cases { ways: vec![], fails: super::logic::not(within.clone()) };
            cases.add(within, Partial::Number(number));
            cases
        }
        None => Cases::of(Partial::Unknown("arithmetic on a time of day")),
    }
}

/// A sum, difference or product of whole numbers.
pub(super) fn arithmetic(operation: Arithmetic, left: &Partial, right: &Partial) -> Cases {
    let long = |value: &Partial| match value {
        Partial::Known(Value::Long(number)) => Some(*number),
        _ => None,
    };
    match (left, right) {
        (Partial::Unknown(what), _) | (_, Partial::Unknown(what)) => return Cases::of(Partial::Unknown(what)),
        _ if kind(left) != Some(Kind::Long) || kind(right) != Some(Kind::Long) => return Cases::failure(),
        _ => {}
    }
    match (long(left), long(right)) {
        (Some(left), Some(right)) => {
            let result = match operation {
                Arithmetic::Add => left.checked_add(right),
                Arithmetic::Subtract => left.checked_sub(right),
                Arithmetic::Multiply => left.checked_mul(right),
            };
            result.map_or_else(Cases::failure, |number| Cases::known(Value::Long(number)))
        }
        (Some(known), None) => {
            let step = match operation {
                Arithmetic::Add => Step::Add(known),
                Arithmetic::Subtract => Step::From(known),
                Arithmetic::Multiply => Step::Times(known),
            };
            stepped(right, step, Kind::Long)
        }
        (None, Some(known)) => {
            let step = match operation {
                Arithmetic::Add => Step::Add(known),
                Arithmetic::Subtract => Step::Subtract(known),
                Arithmetic::Multiply => Step::Times(known),
            };
            stepped(left, step, Kind::Long)
        }
        (None, None) => Cases::of(Partial::Unknown(SEVERAL)),
    }
}

/// What is done with two whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
}

/// Calls a function of one argument.
pub(super) fn function(function: Function, value: &Partial) -> Cases {
    match value {
        Partial::Unknown(what) => return Cases::of(Partial::Unknown(what)),
        Partial::Known(value) => return plain(value).map_or_else(Cases::failure, |value| kept(call(function, &value))),
        Partial::Attribute(attribute) if attribute.r#type == Type::Ip => {
            let Some(ranges) = ranges(function) else { return Cases::failure() };
            let within = |range: IpRange| {
                let (address, range) = (Operand::Attribute(attribute.clone()), Operand::Value(Value::Ip(range)));
                Said::If(Expr::InRange(address, range))
            };
            return said(Said::one_of(ranges.into_iter().map(within)));
        }
        Partial::Attribute(attribute) if attribute.r#type == Type::String => {
            return match function {
                Function::Datetime | Function::Decimal | Function::Duration | Function::Ip => {
                    Cases::of(Partial::Unknown("what a text means as a value of another type"))
                }
                _ => Cases::failure(),
            };
        }
        _ => {}
    }
    match (function, kind(value)) {
        (Function::ToDate, Some(Kind::Datetime)) => stepped(value, Step::Day, Kind::Datetime),
        (Function::ToTime, Some(Kind::Datetime)) => match number(value).as_ref().and_then(|number| number.shift()) {
            Some((attribute, shift)) => {
                let shift = i64::try_from(shift.rem_euclid(i128::from(DAY))).unwrap_or_default();
                Cases::of(Partial::TimeOfDay(attribute.clone(), shift))
            }
            None => Cases::of(Partial::Unknown("the time of day of what is calculated")),
        },
        (Function::ToMilliseconds, Some(Kind::Duration)) => stepped(value, Step::Add(0), Kind::Long),
        (Function::ToSeconds, Some(Kind::Duration)) => stepped(value, Step::Divide(1_000), Kind::Long),
        (Function::ToMinutes, Some(Kind::Duration)) => stepped(value, Step::Divide(60_000), Kind::Long),
        (Function::ToHours, Some(Kind::Duration)) => stepped(value, Step::Divide(3_600_000), Kind::Long),
        (Function::ToDays, Some(Kind::Duration)) => stepped(value, Step::Divide(DAY), Kind::Long),
        _ => Cases::failure(),
    }
}

/// Calls a function of two arguments.
pub(super) fn function2(function: Function2, left: &Partial, right: &Partial) -> Cases {
    match (left, right) {
        (Partial::Unknown(what), _) | (_, Partial::Unknown(what)) => return Cases::of(Partial::Unknown(what)),
        (Partial::Known(left), Partial::Known(right)) => {
            return match (plain(left), plain(right)) {
                (Some(left), Some(right)) => kept(call2(function, &left, &right)),
                _ => Cases::failure(),
            };
        }
        _ => {}
    }
    let known = |value: &Partial| match value {
        Partial::Known(value) => Kind::read(value).map(|(_, number)| number),
        _ => None,
    };
    match function {
        Function2::IsInRange => match (address(left), address(right)) {
            (Some(left), Some(right)) => said(Said::If(Expr::InRange(left, right))),
            _ => Cases::failure(),
        },
        Function2::LessThan => said(decimals(Comparison::Less, left, right)),
        Function2::LessThanOrEqual => said(decimals(Comparison::LessEqual, left, right)),
        Function2::GreaterThan => said(decimals(Comparison::Less, right, left)),
        Function2::GreaterThanOrEqual => said(decimals(Comparison::LessEqual, right, left)),
        Function2::Offset => match (kind(left), kind(right)) {
            (Some(Kind::Datetime), Some(Kind::Duration)) => match (known(left), known(right)) {
                (_, Some(span)) => stepped(left, Step::Add(span), Kind::Datetime),
                (Some(time), _) => stepped(right, Step::Add(time), Kind::Datetime),
                (None, None) => Cases::of(Partial::Unknown(SEVERAL)),
            },
            _ => Cases::failure(),
        },
        Function2::DurationSince => match (kind(left), kind(right)) {
            (Some(Kind::Datetime), Some(Kind::Datetime)) => match (known(left), known(right)) {
                (_, Some(earlier)) => stepped(left, Step::Subtract(earlier), Kind::Duration),
                (Some(later), _) => stepped(right, Step::From(later), Kind::Duration),
                (None, None) => Cases::of(Partial::Unknown(SEVERAL)),
            },
            _ => Cases::failure(),
        },
    }
}

/// What an operator says, as a value.
pub(super) fn said(said: Said) -> Cases {
    match said {
        Said::If(yes) => Cases::of_truth(super::partial::Truth::certain(yes)),
        Said::Fails => Cases::failure(),
        Said::Unknown(what) => Cases::of(Partial::Unknown(what)),
    }
}

/// The ranges in which exactly those addresses lie that a function is true of.
fn ranges(function: Function) -> Option<Vec<IpRange>> {
    let four = |first: u8, prefix| IpRange { address: IpAddr::V4(Ipv4Addr::new(first, 0, 0, 0)), prefix };
    let six = |address: Ipv6Addr, prefix| IpRange { address: IpAddr::V6(address), prefix };
    Some(match function {
        Function::IsIpv4 => vec![four(0, 0)],
        Function::IsIpv6 => vec![six(Ipv6Addr::UNSPECIFIED, 0)],
        Function::IsLoopback => vec![four(127, 8), six(Ipv6Addr::LOCALHOST, 128)],
        Function::IsMulticast => vec![four(224, 4), six(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8)],
        _ => return None,
    })
}

fn address(value: &Partial) -> Option<Operand> {
    match value {
        Partial::Known(Value::Ip(_)) => value.operand(),
        Partial::Attribute(attribute) if attribute.r#type == Type::Ip => value.operand(),
        _ => None,
    }
}

/// A value as programs have it, where it has no parts.
fn plain(value: &Value) -> Option<Plain<'_, RequestWorld<'_, '_>>> {
    Some(match value {
        Value::Bool(value) => Plain::Bool(*value),
        Value::Long(value) => Plain::Long(*value),
        Value::String(text) => Plain::Text(text),
        Value::Decimal(value) => Plain::Decimal(*value),
        Value::Ip(range) => Plain::Ip(*range),
        Value::Datetime(value) => Plain::Datetime(*value),
        Value::Duration(value) => Plain::Duration(*value),
        Value::Entity(..) | Value::Set(_) | Value::Record(_) => return None,
    })
}

fn kept<'a, E>(result: Result<Plain<'a, RequestWorld<'_, 'a>>, E>) -> Cases {
    Cases::known(match result {
        Ok(Plain::Bool(value)) => Value::Bool(value),
        Ok(Plain::Long(value)) => Value::Long(value),
        Ok(Plain::Text(text)) => Value::String(text.to_owned()),
        Ok(Plain::Decimal(value)) => Value::Decimal(value),
        Ok(Plain::Ip(range)) => Value::Ip(range),
        Ok(Plain::Datetime(value)) => Value::Datetime(value),
        Ok(Plain::Duration(value)) => Value::Duration(value),
        Ok(Plain::Entity(_) | Plain::Set(_) | Plain::Record(_)) | Err(_) => return Cases::failure(),
    })
}
