//! Spans of time as Go writes them: `5m0s`, `1h30m`, `1.5s`.

use std::time::Duration;

/// Reads a span; negative ones are none.
pub(super) fn read(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut all = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !(it.is_ascii_digit() || it == '.'))?;
        let (number, more) = rest.split_at(end);
        let end = more
            .find(|it: char| it.is_ascii_digit() || it == '.')
            .unwrap_or(more.len());
        let (unit, more) = more.split_at(end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let span = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        all = all.checked_add(span)?;
        rest = more;
    }
    (!text.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read;

    #[test]
    fn spans_are_read_as_go_reads_them() {
        assert_eq!(read("5m0s"), Some(Duration::from_mins(5)));
        assert_eq!(read("1h1.5s"), Some(Duration::from_millis(3_601_500)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        for wrong in ["", "5", "m", "-5s", "5x", "5s5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
