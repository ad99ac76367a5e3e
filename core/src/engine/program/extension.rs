//! The functions of Cedar's extension types.

use super::evaluate::Failure;
use super::node::{Function, Function2};
use super::value::{Value, World};
use crate::schema::literal::{read_datetime, read_decimal, read_duration, read_ip};

const DAY: i64 = 86_400_000;

/// Calls a function of one argument.
pub(crate) fn call<'a, W: World<'a>>(function: Function, value: &Value<'a, W>) -> Result<Value<'a, W>, Failure> {
    let text = || match value {
        Value::Text(text) => Ok(*text),
        _ => Err(Failure::Type),
    };
    let ip = || match value {
        Value::Ip(range) => Ok(*range),
        _ => Err(Failure::Type),
    };
    let datetime = || match value {
        Value::Datetime(time) => Ok(*time),
        _ => Err(Failure::Type),
    };
    let duration = || match value {
        Value::Duration(span) => Ok(*span),
        _ => Err(Failure::Type),
    };
    Ok(match function {
        Function::Datetime => Value::Datetime(read_datetime(text()?).ok_or(Failure::Extension)?),
        Function::Decimal => Value::Decimal(read_decimal(text()?).ok_or(Failure::Extension)?),
        Function::Duration => Value::Duration(read_duration(text()?).ok_or(Failure::Extension)?),
        Function::Ip => Value::Ip(read_ip(text()?).ok_or(Failure::Extension)?),
        Function::IsIpv4 => Value::Bool(ip()?.address.is_ipv4()),
        Function::IsIpv6 => Value::Bool(ip()?.address.is_ipv6()),
        Function::IsLoopback => Value::Bool(ip()?.is_within_loopback()),
        Function::IsMulticast => Value::Bool(ip()?.is_within_multicast()),
        Function::ToDate => {
            let time = datetime()?;
            Value::Datetime(time.checked_sub(time.rem_euclid(DAY)).ok_or(Failure::Extension)?)
        }
        Function::ToTime => Value::Duration(datetime()?.rem_euclid(DAY)),
        Function::ToMilliseconds => Value::Long(duration()?),
        Function::ToSeconds => Value::Long(duration()? / 1_000),
        Function::ToMinutes => Value::Long(duration()? / 60_000),
        Function::ToHours => Value::Long(duration()? / 3_600_000),
        Function::ToDays => Value::Long(duration()? / DAY),
    })
}

/// Calls a function of two arguments.
pub(crate) fn call2<'a, W: World<'a>>(
    function: Function2,
    left: &Value<'a, W>,
    right: &Value<'a, W>,
) -> Result<Value<'a, W>, Failure> {
    let decimals = |holds: fn(&i64, &i64) -> bool| match (left, right) {
        (Value::Decimal(left), Value::Decimal(right)) => Ok(Value::Bool(holds(left, right))),
        _ => Err(Failure::Type),
    };
    match (function, left, right) {
        (Function2::IsInRange, Value::Ip(left), Value::Ip(right)) => Ok(Value::Bool(left.is_in_range(right))),
        (Function2::Offset, Value::Datetime(time), Value::Duration(span)) => {
            time.checked_add(*span).map(Value::Datetime).ok_or(Failure::Extension)
        }
        (Function2::DurationSince, Value::Datetime(later), Value::Datetime(earlier)) => {
            later.checked_sub(*earlier).map(Value::Duration).ok_or(Failure::Extension)
        }
        (Function2::LessThan, ..) => decimals(i64::lt),
        (Function2::LessThanOrEqual, ..) => decimals(i64::le),
        (Function2::GreaterThan, ..) => decimals(i64::gt),
        (Function2::GreaterThanOrEqual, ..) => decimals(i64::ge),
        (Function2::IsInRange | Function2::Offset | Function2::DurationSince, ..) => Err(Failure::Type),
    }
}
