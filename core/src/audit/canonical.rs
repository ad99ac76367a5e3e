//! Canonical JSON: one text for each value; and values that read back as they were written.

use serde_json::{Number, Value};

/// The canonical text of a value, as the module's documentation states it.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => write_number(number, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, out);
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut members: Vec<(&String, &Value)> = object.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                separate(index, out);
                write_text(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::String(text) => write_text(text, out),
        Value::Bool(_) | Value::Null => out.push_str(&value.to_string()),
    }
}

fn separate(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn write_number(number: &Number, out: &mut String) {
    match number.as_f64() {
        Some(double) if number.is_f64() => write_double(double, &number.to_string(), out),
        _ => out.push_str(&number.to_string()),
    }
}

/// The first double that has a neighbour more than 1 away.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Lays the digits of a double out as ECMAScript does. The digits themselves are serde_json's: the fewest that read as
/// this double, of those the closest, of those the even one. (The standard library's are not always the even one.)
fn write_double(double: f64, text: &str, out: &mut String) {
    if double == 0.0 {
        out.push('0');
        return;
    }
    if double < 0.0 {
        out.push('-');
    }
    let (mantissa, exponent) =
        text.trim_start_matches('-').split_once('e').unwrap_or((text.trim_start_matches('-'), "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let joined = format!("{before}{after}");
    let digits = joined.trim_start_matches('0');
    // The double is 0.<digits> times ten to the power of this.
    let leading_zeros = joined.len() - digits.len();
    let point = exponent.parse::<i64>().unwrap_or_default() + before.len() as i64 - leading_zeros as i64;
    let digits = digits.trim_end_matches('0');
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    if double.abs() < EXACT && point > 0 {
        match usize::try_from(point).ok().and_then(|point| digits.split_at_checked(point)) {
            Some((whole, "")) => out.push_str(whole),
            Some((whole, fraction)) => out.push_str(&format!("{whole}.{fraction}")),
            None => out.push_str(&format!("{digits}{}", zeros(point - digits.len() as i64))),
        }
    } else if (-5..=0).contains(&point) {
        out.push_str(&format!("0.{}{digits}", zeros(-point)));
    } else {
        let sign = if point > 0 { '+' } else { '-' };
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let dot = if rest.is_empty() { "" } else { "." };
        out.push_str(&format!("{first}{dot}{rest}e{sign}{}", (point - 1).unsigned_abs()));
    }
}

/// Depth at which what is nested becomes text. Readers of JSON stop at 128, and a row lies within others.
const MAX_DEPTH: usize = 100;

/// A value that every reader reads back as it was written, so that a hash over it holds after the way through the
/// database: serde_json reads some numbers of 16 digits and more as the double beside the nearest.
///
/// A number that does not read back as itself becomes the one that it is read as, or text where that does not end;
/// objects and arrays nested deeper than 100 become their JSON text.
pub(super) fn settle(value: Value) -> Value {
    settle_at(value, 1)
}

fn settle_at(value: Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => Value::String(value.to_string()),
        Value::Array(items) => items.into_iter().map(|item| settle_at(item, depth + 1)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, settle_at(value, depth + 1))).collect()
        }
        Value::Number(number) if number.is_f64() => settle_number(number),
        other => other,
    }
}

fn settle_number(mut number: Number) -> Value {
    for _ in 0..8 {
        match serde_json::from_str::<Value>(&number.to_string()) {
            Ok(Value::Number(read)) if read == number => return Value::Number(number),
            Ok(Value::Number(read)) => number = read,
            _ => break,
        }
    }
    Value::String(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn doubles_are_written_as_ecmascript_writes_them() {
        // From RFC 8785, appendix B, as far as they lie below 2⁵³.
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (5e-324, "5e-324"),
            (-5e-324, "-5e-324"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (0.000_001, "0.000001"),
            (9.999_999_999_999_997e-7, "9.999999999999997e-7"),
            (333_333_333.333_333_3, "333333333.3333333"),
            (-0.000_003_333_333_333_333_333_3, "-0.0000033333333333333333"),
            (f64::from_bits(0x4314_3ff3_c1cb_0959), "1424953923781206.2"),
            (100.0, "100"),
            (-1.5, "-1.5"),
            (123.456, "123.456"),
            (0.1, "0.1"),
        ];
        for (double, text) in cases {
            assert_eq!(canonical(&json!(double)), text);
        }
        // Ours above: no double looks like a whole number that it is not.
        assert_eq!(canonical(&json!(EXACT)), "9.007199254740992e+15");
        assert_eq!(canonical(&json!(f64::MAX)), "1.7976931348623157e+308");
        assert_eq!(canonical(&json!(1e23)), "1e+23");
        assert_eq!(canonical(&json!(i64::MAX)), "9223372036854775807");
        assert_eq!(canonical(&json!(u64::MAX)), "18446744073709551615");
    }

    #[test]
    fn members_are_in_order_of_utf16_at_every_depth() {
        // From RFC 8785, section 3.2.3.
        let value = json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": {"b": [], "a": {}}});
        let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":{\"a\":{},\"b\":[]},\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(&value), expected);
        let text = json!("\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}\u{8}\u{c}\t");
        assert_eq!(canonical(&text), "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\\b\\f\\t\"");
    }

    #[test]
    fn what_is_nested_too_deep_becomes_text() {
        let nested = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
        assert_eq!(settle(nested(MAX_DEPTH)), nested(MAX_DEPTH));
        let settled = settle(nested(MAX_DEPTH + 40));
        assert_eq!(serde_json::from_str::<Value>(&settled.to_string()).unwrap(), settled);
    }

    proptest! {
        #[test]
        fn every_double_reads_back_from_its_text(double in any::<f64>()) {
            prop_assume!(double.is_finite());
            prop_assert_eq!(canonical(&json!(double)).parse::<f64>().unwrap(), double);
        }

        #[test]
        fn a_settled_number_reads_back_as_it_was_written(double in any::<f64>(), small in -1e6..1e6) {
            for double in [double, small] {
                let settled = settle(json!(double));
                let read: Value = serde_json::from_str(&settled.to_string()).unwrap();
                prop_assert_eq!(&read, &settled);
                prop_assert_eq!(canonical(&read), canonical(&settled));
                // An exact reader agrees; and whatever happened, it happened to the last digits alone.
                if let Some(number) = settled.as_f64() {
                    prop_assert_eq!(settled.to_string().parse::<f64>().unwrap(), number);
                    prop_assert!((number - double).abs() <= double.abs() * 1e-14);
                }
            }
            prop_assert!(settle(json!(small)).is_number());
        }
    }
}
