//! Values of a chart as JSON sees them, and numbers as messages write them.

pub(super) use super::json::Json;

use super::node::Number;
use crate::any::Any;
use crate::go::number;

pub(super) fn kind(value: &Any) -> &'static str {
    match value {
        Any::Nil | Any::Object(_) => "null",
        Any::Bool(_) => "boolean",
        Any::Int(_) | Any::Int64(_) | Any::Uint64(_) | Any::Uint8(_) | Any::Float(_) => "number",
        Any::Str(_) | Any::Bytes(_) => "string",
        Any::List(_) => "array",
        Any::Map(_) => "object",
    }
}

#[expect(clippy::cast_precision_loss, reason = "JSON's numbers are floats")]
pub(super) fn number(value: &Any) -> Option<f64> {
    match value {
        Any::Int(it) | Any::Int64(it) => Some(*it as f64),
        Any::Uint64(it) => Some(*it as f64),
        Any::Uint8(it) => Some(f64::from(*it)),
        Any::Float(it) => Some(*it),
        _ => None,
    }
}

/// JSON's equality: numbers by their value.
pub(super) fn equal_json(value: &Any, json: &Json) -> bool {
    match (value, json) {
        (Any::Nil, Json::Null) => true,
        (Any::Bool(a), Json::Bool(b)) => a == b,
        (Any::Str(a), Json::String(b)) => a == b,
        (Any::List(a), Json::Array(b)) => {
            a.len() == b.len() && a.items().iter().zip(b).all(|(a, b)| equal_json(a, b))
        }
        (Any::Map(a), Json::Object(b)) => {
            a.len() == b.len()
                && b.iter()
                    .all(|(key, b)| a.get(key.as_bytes()).is_some_and(|a| equal_json(&a, b)))
        }
        (a, Json::Number(b)) => number(a).is_some_and(|a| Some(a) == b.as_f64()),
        _ => false,
    }
}

fn equal(one: &Any, other: &Any) -> bool {
    match (one, other) {
        (Any::Nil, Any::Nil) => true,
        (Any::Bool(a), Any::Bool(b)) => a == b,
        (Any::Str(a), Any::Str(b)) => a == b,
        (Any::List(a), Any::List(b)) => {
            a.len() == b.len() && a.items().iter().zip(b.items()).all(|(a, b)| equal(a, b))
        }
        (Any::Map(a), Any::Map(b)) => {
            a.len() == b.len()
                && a.entries()
                    .iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal(a, &b)))
        }
        (a, b) => number(a).is_some_and(|a| Some(a) == number(b)),
    }
}

/// The first two items that are equal.
pub(super) fn duplicates(items: &[Any]) -> Option<(usize, usize)> {
    (1..items.len()).find_map(|at| {
        let first = items[..at].iter().position(|it| equal(it, &items[at]));
        first.map(|first| (first, at))
    })
}

/// Whether a number is a whole multiple of another, both taken as the decimals that they are written as.
pub(super) fn is_multiple(value: &Any, of: &Number) -> bool {
    let text = match value {
        Any::Float(it) => number::format_g(*it),
        Any::Int(it) | Any::Int64(it) => it.to_string(),
        _ => return true,
    };
    match (decimal(&text), decimal(&of.text)) {
        (Some(one), Some(other)) => {
            let places = one.1.max(other.1);
            let scaled = |it: (i128, i32)| {
                let power = 10_i128.checked_pow(u32::try_from(places - it.1).ok()?)?;
                it.0.checked_mul(power)
            };
            match (scaled(one), scaled(other)) {
                (Some(_), Some(0)) => true,
                (Some(one), Some(other)) => one % other == 0,
                _ => true,
            }
        }
        _ => true,
    }
}

/// A decimal as a whole number and how many of its digits are behind the point.
fn decimal(text: &str) -> Option<(i128, i32)> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent: i32 = exponent.parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let number = format!("{whole}{fraction}").parse().ok()?;
    Some((number, places))
}

/// A number of a schema as it is written.
pub(super) fn written(number: &serde_json::Number) -> String {
    number.to_string()
}

/// A whole number as the validator's English writes it: `65,535`.
pub(super) fn grouped(number: impl std::fmt::Display) -> String {
    let text = number.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.as_str()),
    };
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number as the validator's English writes it: `1.5`, `65,535`, `1.5×10⁰⁷`.
pub(super) fn localized(number: f64) -> String {
    let text = number::format_g(number);
    if let Some((digits, exponent)) = text.split_once('e') {
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ("⁻", exponent),
            None => ("", exponent.trim_start_matches('+')),
        };
        let raised: String = exponent.chars().map(superscript).collect();
        return format!("{digits}×10{sign}{raised}");
    }
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
        None => grouped(&text),
    }
}

fn superscript(digit: char) -> char {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digit.to_digit(10).map_or(digit, |it| DIGITS[it as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_english() {
        assert_eq!(grouped(65_535), "65,535");
        assert_eq!(grouped(-1_000), "-1,000");
        assert_eq!(localized(0.5), "0.5");
        assert_eq!(localized(65_535.25), "65,535.25");
        assert_eq!(localized(1.5e7), "1.5×10⁰⁷");
    }

    #[test]
    fn multiples_are_exact() {
        let of = |text: &str| Number {
            value: 0.0,
            text: text.to_owned(),
        };
        assert!(is_multiple(&Any::Float(0.3), &of("0.1")));
        assert!(is_multiple(&Any::Float(1e6), &of("10")));
        assert!(!is_multiple(&Any::Float(0.35), &of("0.1")));
        assert!(!is_multiple(&Any::Int64(7), &of("2")));
    }
}
