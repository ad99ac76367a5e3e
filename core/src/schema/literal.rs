//! Cedar's extension types as text: what its constructors read, to the letter.

use chrono::{NaiveDate, NaiveTime};
use std::net::IpAddr;

/// An address with the length of its prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpRange {
    /// The address as written.
    pub address: IpAddr,
    /// The length of the prefix: 32 or 128 for a single address.
    pub prefix: u8,
}

const DAY: i64 = 86_400_000;

impl IpRange {
    /// Whether every address of the range is a loopback address.
    pub(crate) fn is_within_loopback(&self) -> bool {
        self.address.is_loopback() && self.prefix >= if self.address.is_ipv4() { 8 } else { 128 }
    }

    /// Whether every address of the range is a multicast address.
    pub(crate) fn is_within_multicast(&self) -> bool {
        self.address.is_multicast() && self.prefix >= if self.address.is_ipv4() { 4 } else { 8 }
    }

    /// Whether every address of the range is one of the other's.
    pub(crate) fn is_in_range(&self, other: &Self) -> bool {
        match (self.address, other.address) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                let ((first, last), (from, until)) = (self.bounds(), other.bounds());
                from <= first && last <= until
            }
            _ => false,
        }
    }

    /// The first and the last address as numbers.
    fn bounds(&self) -> (u128, u128) {
        let (address, bits) = match self.address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let host = bits - u32::from(self.prefix).min(bits);
        let mask = if host == 128 { u128::MAX } else { (1 << host) - 1 };
        (address & !mask, address | mask)
    }
}

/// `decimal("…")` in ten-thousandths: digits on both sides of a point, at most four behind it.
pub(crate) fn read_decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.')?;
    let (negative, digits) = match whole.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, whole),
    };
    if !all_digits(digits) || !all_digits(fraction) || fraction.len() > 4 {
        return None;
    }
    let scaled = whole.parse::<i64>().ok()?.checked_mul(10_000)?;
    let part = format!("{fraction:0<4}").parse::<i64>().ok()?;
    if negative { scaled.checked_sub(part) } else { scaled.checked_add(part) }
}

/// `ip("…")`: an address or a range; IPv4 within IPv6 notation is refused.
pub(crate) fn read_ip(text: &str) -> Option<IpRange> {
    let twice = |character| text.matches(character).nth(1).is_some();
    if text.len() > 43 || (twice(':') && twice('.')) {
        return None;
    }
    let Some((address, prefix)) = text.split_once('/') else {
        let address: IpAddr = text.parse().ok()?;
        return Some(IpRange { address, prefix: if address.is_ipv4() { 32 } else { 128 } });
    };
    let address: IpAddr = address.parse().ok()?;
    let (most, length) = if address.is_ipv4() { (32, 2) } else { (128, 3) };
    let canonical = prefix.len() <= length && all_digits(prefix) && (prefix == "0" || !prefix.starts_with('0'));
    let prefix: u8 = prefix.parse().ok().filter(|prefix| canonical && *prefix <= most)?;
    Some(IpRange { address, prefix })
}

/// `datetime("…")` in milliseconds since 1970: a date, perhaps with time, milliseconds and offset.
pub(crate) fn read_datetime(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = fields(date, "dddd-dd-dd")?;
    let [year, month, day] = date.as_slice() else { return None };
    let date = NaiveDate::from_ymd_opt(i32::try_from(*year).ok()?, *month, *day)?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    let (time, rest) = rest.split_at_checked(9)?;
    let time = fields(time, "Tdd:dd:dd")?;
    let [hour, minute, second] = time.as_slice() else { return None };
    let (millisecond, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (digits, zone) = rest.split_at_checked(3)?;
            (fields(digits, "ddd")?.first().copied()?, zone)
        }
        None => (0, rest),
    };
    let time = NaiveTime::from_hms_milli_opt(*hour, *minute, *second, millisecond)?;
    let local = date.and_time(time).and_utc().timestamp_millis();
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign @ ("+" | "-"), digits) => {
            let digits = fields(digits, "dddd")?.first().copied()?;
            let (hours, minutes) = (digits / 100, digits % 100);
            if hours >= 24 || minutes >= 60 {
                return None;
            }
            let offset = i64::from(hours * 60 + minutes) * 60_000;
            if sign == "+" { offset } else { -offset }
        }
        _ => return None,
    };
    local.checked_sub(offset)
}

/// `duration("…")` in milliseconds: units in falling order, each at most once.
pub(crate) fn read_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut parts = [0_i64; 5];
    let units = [("d", DAY), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    for ((unit, scale), part) in units.into_iter().zip(&mut parts) {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let Some(after) = after.strip_prefix(unit) else { continue };
        if number.is_empty() || (unit == "m" && after.starts_with('s')) {
            continue;
        }
        // In 128 bits: the least duration has no positive twin.
        let magnitude = i128::from(number.parse::<u64>().ok()?);
        let signed = if negative { -magnitude } else { magnitude };
        // Only milliseconds may reach the least i64; a larger unit's number must be an i64 itself.
        let within = i64::try_from(if unit == "ms" { signed } else { magnitude }).ok()?;
        let scaled = within.checked_mul(scale)?;
        *part = if negative && unit != "ms" { scaled.checked_neg()? } else { scaled };
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    // From the smallest unit up, as Cedar does: the order decides where a sum overflows on the way.
    parts.iter().rev().try_fold(0_i64, |sum, part| sum.checked_add(*part))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The numbers of a text of exactly this form, in which `d` stands for a digit.
fn fields(text: &str, form: &str) -> Option<Vec<u32>> {
    if text.len() != form.len() {
        return None;
    }
    let mut numbers: Vec<u32> = vec![];
    let mut within = false;
    for (byte, expected) in text.bytes().zip(form.bytes()) {
        match expected {
            b'd' if byte.is_ascii_digit() => {
                let digit = u32::from(byte - b'0');
                match numbers.last_mut() {
                    Some(number) if within => *number = *number * 10 + digit,
                    _ => numbers.push(digit),
                }
                within = true;
            }
            _ if expected != b'd' && byte == expected => within = false,
            _ => return None,
        }
    }
    Some(numbers)
}
