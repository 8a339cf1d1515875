//! What a plain scalar stands for: YAML 1.1's booleans, nulls, numbers; dates stay text.

use crate::go::number;

/// The tag of what a scalar resolves to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Merge,
    Timestamp,
    Str,
}

/// Resolves a plain scalar without a tag.
pub(super) fn resolve(text: &[u8]) -> Resolved {
    let Some(first) = text.first() else {
        return Resolved::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match text {
            b".nan" | b".NaN" | b".NAN" => Resolved::Float(f64::NAN),
            b".inf" | b".Inf" | b".INF" => Resolved::Float(f64::INFINITY),
            _ => float(text).map_or(Resolved::Str, Resolved::Float),
        },
        b'0'..=b'9' | b'+' | b'-' => number_or_date(text),
        b'<' if text == b"<<" => Resolved::Merge,
        _ => Resolved::Str,
    }
}

fn word(text: &[u8]) -> Resolved {
    match text {
        b"y" | b"Y" | b"yes" | b"Yes" | b"YES" | b"true" | b"True" | b"TRUE" | b"on" | b"On" | b"ON" => {
            Resolved::Bool(true)
        }
        b"n" | b"N" | b"no" | b"No" | b"NO" | b"false" | b"False" | b"FALSE" | b"off" | b"Off" | b"OFF" => {
            Resolved::Bool(false)
        }
        b"~" | b"null" | b"Null" | b"NULL" => Resolved::Null,
        _ => Resolved::Str,
    }
}

/// `strconv.ParseFloat`, which the library asks where a scalar begins with a dot.
fn float(text: &[u8]) -> Option<f64> {
    number::parse_float(std::str::from_utf8(text).ok()?)
}

fn number_or_date(text: &[u8]) -> Resolved {
    match text {
        b"+.inf" | b"+.Inf" | b"+.INF" => return Resolved::Float(f64::INFINITY),
        b"-.inf" | b"-.Inf" | b"-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Resolved::Str;
    };
    let plain = text.replace('_', "");
    if let Some(it) = number::parse_int(&plain) {
        return Resolved::Int(it);
    }
    if let Some(it) = number::parse_uint(&plain) {
        return Resolved::Uint(it);
    }
    if is_yaml_float(plain.as_bytes())
        && let Some(it) = number::parse_float(&plain)
    {
        return Resolved::Float(it);
    }
    Resolved::Str
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &[u8]) -> bool {
    let mut rest = text
        .strip_prefix(b"+")
        .or_else(|| text.strip_prefix(b"-"))
        .unwrap_or(text);
    let digits = |it: &[u8]| it.iter().take_while(|it| it.is_ascii_digit()).count();
    let whole = digits(rest);
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if whole == 0 && count == 0 {
            return false;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return false;
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// The library's dates: `2006-1-2`, with a time after `T`, `t` or a space.
fn is_timestamp(text: &[u8]) -> bool {
    let mut input = Input(text);
    let Some(year) = input.digits(4, 4) else {
        return false;
    };
    let Some(month) = input.after(b'-').and_then(|()| input.digits(1, 2)) else {
        return false;
    };
    let Some(day) = input.after(b'-').and_then(|()| input.digits(1, 2)) else {
        return false;
    };
    if !(1..=12).contains(&month) || day == 0 || day > days_in(month, year) {
        return false;
    }
    let Some(separator) = input.0.first().copied() else {
        return true;
    };
    if !matches!(separator, b'T' | b't' | b' ') {
        return false;
    }
    input.0 = &input.0[1..];
    let Some(hour) = input.digits(1, 2) else {
        return false;
    };
    let Some(minute) = input.after(b':').and_then(|()| input.digits(1, 2)) else {
        return false;
    };
    let Some(second) = input.after(b':').and_then(|()| input.digits(1, 2)) else {
        return false;
    };
    if hour > 23 || minute > 59 || second > 59 {
        return false;
    }
    if input.after(b'.').is_some() && input.digits(1, 30).is_none() {
        return false;
    }
    if separator == b' ' {
        input.0.is_empty()
    } else {
        input.zone()
    }
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self
            .0
            .iter()
            .take(most)
            .take_while(|it| it.is_ascii_digit())
            .count();
        if count < least {
            return None;
        }
        let value = self.0[..count]
            .iter()
            .fold(0_u32, |sum, it| sum.wrapping_mul(10) + u32::from(it - b'0'));
        self.0 = &self.0[count..];
        Some(value)
    }

    fn after(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn zone(&mut self) -> bool {
        match self.0.first() {
            Some(b'Z') => self.0.len() == 1,
            Some(b'+' | b'-') => {
                self.0 = &self.0[1..];
                let hour = self.digits(2, 2);
                let minute = self.after(b':').and_then(|()| self.digits(2, 2));
                hour.is_some_and(|it| it <= 24) && minute.is_some_and(|it| it <= 60) && self.0.is_empty()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_resolve_as_in_the_library() {
        for (text, resolved) in [
            ("yes", Resolved::Bool(true)),
            ("Off", Resolved::Bool(false)),
            ("~", Resolved::Null),
            ("0777", Resolved::Int(511)),
            ("0o17", Resolved::Int(15)),
            ("1_000", Resolved::Int(1000)),
            ("08", Resolved::Float(8.0)),
            ("1e3", Resolved::Float(1000.0)),
            ("5.", Resolved::Float(5.0)),
            (".5", Resolved::Float(0.5)),
            ("18446744073709551615", Resolved::Uint(u64::MAX)),
            ("1:30", Resolved::Str),
            ("2020-01-02", Resolved::Timestamp),
            ("2020-13-02", Resolved::Str),
            ("2020-01-02T03:04:05Z", Resolved::Timestamp),
            ("1.2.3", Resolved::Str),
            ("-", Resolved::Str),
            ("<<", Resolved::Merge),
            ("oNe", Resolved::Str),
        ] {
            assert_eq!(resolve(text.as_bytes()), resolved, "{text}");
        }
    }
}
