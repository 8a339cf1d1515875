//! Durations as Go writes them: `1h30m`, `1.5h`, `90s`.

/// Longest duration that counts.
const LONGEST_MS: f64 = 100.0 * 365.0 * 86_400_000.0;

/// A duration in milliseconds; what is shorter is cut off. `None` for anything else, and for more than a hundred years.
pub(super) fn duration_ms(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|it| it.is_ascii_digit() || *it == b'.');
        let (number, after) = rest.split_at(digits.count());
        let letters = after.find(|it: char| it.is_ascii_digit() || it == '.');
        let (unit, after) = after.split_at(letters.unwrap_or(after.len()));
        let unit_ms = match unit {
            "ns" => 1e-6,
            "us" | "µs" | "μs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 6e4,
            "h" => 3.6e6,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit_ms;
        rest = after;
    }
    #[expect(clippy::cast_possible_truncation, reason = "what is shorter is cut off")]
    (total <= LONGEST_MS).then_some((sign * total) as i64)
}

/// The same, where a number alone is seconds.
pub(super) fn seconds_or_duration_ms(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1_000),
        Err(_) => duration_ms(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("90s", Some(90_000)),
            ("1ms999us", Some(1)),
            ("-2m", Some(-120_000)),
            ("0", Some(0)),
            (".5s", Some(500)),
            ("", None),
            ("5", None),
            ("2a", None),
            ("1h 30m", None),
            ("1d", None),
            ("1.2.3s", None),
            ("s", None),
            ("900000000h", None),
        ] {
            assert_eq!(duration_ms(text), expected, "{text}");
        }
        assert_eq!(seconds_or_duration_ms("5"), Some(5_000));
        assert_eq!(seconds_or_duration_ms("5m"), Some(300_000));
    }
}
