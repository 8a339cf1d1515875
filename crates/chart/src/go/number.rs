//! Go's `strconv` for numbers: shortest floats in the formats `e`, `f` and `g`, and parsing with base prefixes.

/// Decimal digits of a float and the position of the decimal point: `0.d1d2d3 * 10^point`.
struct Digits {
    digits: String,
    point: i32,
}

fn shortest(value: f64) -> Digits {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    if value == 0.0 {
        Digits {
            digits: "0".to_owned(),
            point: 1,
        }
    } else {
        Digits { digits, point }
    }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// The exponent form below 1e-4 and from `10^threshold` on.
fn general(value: f64, threshold: i32) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let Digits { digits, point } = shortest(value);
    let exponent = point - 1;
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if exponent < -4 || exponent >= threshold {
        return format!("{sign}{}", exponent_form(&digits, exponent));
    }
    format!("{sign}{}", plain_form(&digits, point))
}

fn exponent_form(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{dot}{rest}e{sign}{:02}", exponent.abs())
}

fn plain_form(digits: &str, point: i32) -> String {
    let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if point <= 0 {
        return format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)));
    }
    if point >= length {
        return format!(
            "{digits}{}",
            "0".repeat(usize::try_from(point - length).unwrap_or(0))
        );
    }
    let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
    format!("{whole}.{fraction}")
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`, which `%v` prints: `1e+06` for a million.
pub(crate) fn format_g(value: f64) -> String {
    general(value, EXPONENT_OF_SHORTEST_G)
}

/// Go's `%g` of a shortest float switches to the exponent form at this exponent.
const EXPONENT_OF_SHORTEST_G: i32 = 6;

/// Floats up to here have no fraction that a whole number would not have.
const WHOLE_MAX: f64 = 1e15;

/// A whole number that is no negative zero, as every form without exponent writes it.
fn whole(value: f64) -> Option<String> {
    if value.fract() != 0.0 || value.abs() >= WHOLE_MAX || value == 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole, and far below the largest"
    )]
    let number = value as i64;
    Some(number.to_string())
}

/// As `encoding/json` writes floats: the exponent form below 1e-6 and from 1e21 on, without a leading zero.
pub(crate) fn format_json(value: f64) -> String {
    if let Some(text) = whole(value) {
        return text;
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let Digits { digits, point } = shortest(value);
        let text = exponent_form(&digits, point - 1);
        let sign = if value.is_sign_negative() { "-" } else { "" };
        // e-09 becomes e-9; e+21 stays.
        let text = match text.find("e-0") {
            Some(at) => format!("{}{}", &text[..at + 2], &text[at + 3..]),
            None => text,
        };
        return format!("{sign}{text}");
    }
    format_f(value)
}

/// `strconv.FormatFloat(value, 'f', -1, 64)`.
pub(crate) fn format_f(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let Digits { digits, point } = shortest(value);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", plain_form(&digits, point))
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`: how the YAML library writes a float that is a key.
pub(crate) fn format_g32(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the library asks for 32 bits")]
    let narrow = value as f32;
    if narrow.is_nan() || narrow.is_infinite() {
        return special(f64::from(narrow)).unwrap_or("NaN").to_owned();
    }
    let text = format!("{narrow:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let negative = mantissa.starts_with('-');
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if negative { "-" } else { "" };
    if narrow == 0.0 {
        return format!("{sign}0");
    }
    if !(-4..EXPONENT_OF_SHORTEST_G).contains(&exponent) {
        return format!("{sign}{}", exponent_form(&digits, exponent));
    }
    format!("{sign}{}", plain_form(&digits, exponent + 1))
}

/// `%e`, `%f`, `%g` with a precision.
pub(crate) fn format_precise(value: f64, verb: u8, precision: usize) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    match verb.to_ascii_lowercase() {
        b'f' => format!("{value:.precision$}"),
        b'e' => fix_exponent(&format!("{value:.precision$e}")),
        _ => {
            let precision = precision.max(1);
            let digits = precision - 1;
            let text = format!("{value:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let negative = mantissa.starts_with('-');
            let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
            let digits = digits.trim_end_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            let sign = if negative { "-" } else { "" };
            let limit = i32::try_from(precision).unwrap_or(i32::MAX);
            if exponent < -4 || exponent >= limit {
                return format!("{sign}{}", exponent_form(digits, exponent));
            }
            format!("{sign}{}", plain_form(digits, exponent + 1))
        }
    }
}

/// `strconv.FormatFloat(value, 'x', precision, 64)`: `0x1.8p+00`.
pub(crate) fn format_hex(value: f64, precision: Option<usize>) -> String {
    const FRACTION_BITS: u32 = 52;
    const DIGITS: usize = 13;
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let bits = value.abs().to_bits();
    let (mut exponent, mut mantissa) = (
        i64::try_from(bits >> FRACTION_BITS).unwrap_or(0) - 1023,
        bits & ((1 << FRACTION_BITS) - 1),
    );
    if exponent == -1023 && mantissa != 0 {
        // Small ones have no leading one of their own.
        let shift = mantissa.leading_zeros() - (63 - FRACTION_BITS);
        exponent = -1022 - i64::from(shift);
        mantissa <<= shift;
    } else if value != 0.0 {
        mantissa |= 1 << FRACTION_BITS;
    } else {
        exponent = 0;
    }
    if let Some(digits) = precision.filter(|it| *it < DIGITS) {
        // To the nearest, and of two that are as near to the even one.
        let dropped = 4 * (DIGITS - digits);
        let (rest, half) = (mantissa & ((1 << dropped) - 1), 1 << (dropped - 1));
        mantissa >>= dropped;
        mantissa += u64::from(rest > half || (rest == half && mantissa & 1 == 1));
        mantissa <<= dropped;
        if mantissa >> (FRACTION_BITS + 1) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let (first, fraction) = (mantissa >> FRACTION_BITS, mantissa & ((1 << FRACTION_BITS) - 1));
    let digits = format!("{fraction:013x}");
    let digits = match precision {
        None => digits.trim_end_matches('0').to_owned(),
        Some(wanted) if wanted <= DIGITS => digits[..wanted].to_owned(),
        Some(wanted) => format!("{digits:0<wanted$}"),
    };
    let dot = if digits.is_empty() { "" } else { "." };
    let down = if exponent < 0 { '-' } else { '+' };
    format!("{sign}0x{first}{dot}{digits}p{down}{:02}", exponent.abs())
}

fn fix_exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `strconv.ParseUint(text, 0, 64)`.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    let (digits, radix) = split_base(text)?;
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// `strconv.ParseInt(text, 0, 64)`.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let size = parse_uint(rest)?;
    if negative {
        0_i64.checked_sub_unsigned(size)
    } else {
        i64::try_from(size).ok()
    }
}

/// Strips the base prefix and underscores, where Go allows them.
fn split_base(text: &str) -> Option<(String, u32)> {
    let bytes = text.as_bytes();
    let (body, radix, prefixed) = match bytes {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16, true),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8, true),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2, true),
        [b'0', _, ..] => (&text[1..], 8, true),
        _ => (text, 10, false),
    };
    if !body.contains('_') {
        return Some((body.to_owned(), radix));
    }
    let good = !body.ends_with('_') && !body.contains("__") && (prefixed || !body.starts_with('_'));
    good.then(|| (body.replace('_', ""), radix))
}

/// `strconv.ParseFloat(text, 64)`; values out of range are refused as Go refuses them.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => {
            return Some(if negative {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            });
        }
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if let Some(digits) = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        let value = hexadecimal(digits)?;
        return Some(if negative { -value } else { value });
    }
    let digits_only;
    let (mut text, mut body) = (text, body);
    if body.contains('_') {
        // Underscores may stand between two digits.
        let bytes = body.as_bytes();
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let parted = |at: usize| bytes[at] != b'_' || at > 0 && digit(at - 1) && digit(at + 1);
        if !(0..bytes.len()).all(parted) {
            return None;
        }
        digits_only = text.replace('_', "");
        text = &digits_only;
        body = text.strip_prefix(['+', '-']).unwrap_or(text);
    }
    if !body.bytes().any(|it| it.is_ascii_digit())
        || !body
            .bytes()
            .all(|it| it.is_ascii_digit() || matches!(it, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(value)
}

/// `1.8p3`: digits of base 16 and a power of 2, which Go wants.
fn hexadecimal(text: &str) -> Option<f64> {
    const DIGITS_MAX: usize = 13;
    let (mantissa, power) = text.split_once(['p', 'P'])?;
    let power: i32 = power.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    // More digits than a float has would have to be rounded; nobody writes them.
    if digits.is_empty() || digits.trim_start_matches('0').len() > DIGITS_MAX {
        return None;
    }
    let mut value = 0.0;
    for digit in digits.chars() {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = power.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    let value = value * 2.0_f64.powi(shift);
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_floats_are_read() {
        for (text, expected) in [
            ("0x1p60", Some(1_152_921_504_606_846_976.0)),
            ("0x1.8p1", Some(3.0)),
            ("-0X10P-2", Some(-4.0)),
            ("0x1", None),
            ("0xp1", None),
            ("1_000.5", Some(1000.5)),
            ("1__0", None),
            ("_1", None),
        ] {
            assert_eq!(parse_float(text), expected, "{text}");
        }
    }

    #[test]
    fn floats_print_as_go_prints_them() {
        for (value, text) in [
            (1_000_000.0, "1e+06"),
            (12_345_678.0, "1.2345678e+07"),
            (123_456.0, "123456"),
            (1e21, "1e+21"),
            (0.00001, "1e-05"),
            (1.0, "1"),
            (0.5, "0.5"),
            (-1.5, "-1.5"),
            (100.0, "100"),
        ] {
            assert_eq!(format_g(value), text);
        }
        assert_eq!(format_json(1e21), "1e+21");
        assert_eq!(format_json(1e-7), "1e-7");
        assert_eq!(format_json(12_345_678_901_234_567_890.0), "12345678901234567000");
        assert_eq!(format_precise(1.5, b'f', 2), "1.50");
        assert_eq!(parse_int("0777"), Some(511));
        assert_eq!(parse_int("0o17"), Some(15));
        assert_eq!(parse_int("-0x10"), Some(-16));
        assert_eq!(parse_int("08"), None);
        assert_eq!(parse_int("1_000"), Some(1000));
    }
}
