//! Go's durations.

use std::fmt;

/// Nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Duration(pub(crate) i64);

impl Duration {
    /// `Round(time.Second)`: halves away from zero.
    pub(crate) fn round_to_second(self) -> Self {
        const SECOND: i64 = 1_000_000_000;
        let rest = self.0 % SECOND;
        let whole = self.0 - rest;
        Self(if rest.abs() * 2 >= SECOND {
            whole + SECOND * rest.signum()
        } else {
            whole
        })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000 {
            return write!(f, "{sign}{nanos}ns");
        }
        if nanos < 1_000_000 {
            return write!(f, "{sign}{}µs", fraction(nanos, 1_000));
        }
        if nanos < 1_000_000_000 {
            return write!(f, "{sign}{}ms", fraction(nanos, 1_000_000));
        }
        let seconds = nanos / 1_000_000_000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let rest = fraction(nanos - (seconds / 60) * 60 * 1_000_000_000, 1_000_000_000);
        if hours > 0 {
            write!(f, "{sign}{hours}h{minutes}m{rest}s")
        } else if minutes > 0 {
            write!(f, "{sign}{minutes}m{rest}s")
        } else {
            write!(f, "{sign}{rest}s")
        }
    }
}

fn fraction(value: u64, unit: u64) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// `time.ParseDuration`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || {
        format!(
            "time: invalid duration {}",
            crate::go::quote::quoted(text.as_bytes())
        )
    };
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Duration(0));
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|it: char| !it.is_ascii_digit() && it != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().map_err(|_| invalid())?;
        rest = &rest[end..];
        let end = rest
            .find(|it: char| it.is_ascii_digit() || it == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            "" => {
                let text = crate::go::quote::quoted(text.as_bytes());
                return Err(format!("time: missing unit in duration {text}"));
            }
            unit => {
                let unit = crate::go::quote::quoted(unit.as_bytes());
                let text = crate::go::quote::quoted(text.as_bytes());
                return Err(format!("time: unknown unit {unit} in duration {text}"));
            }
        };
        total += number * unit;
        rest = &rest[end..];
    }
    if total > 9.2e18 {
        return Err(invalid());
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let nanos = total.round() as i64;
    Ok(Duration(if negative { -nanos } else { nanos }))
}
