//! The time of day and spans of time, as people read them. It is told the time.

use crate::calendar::date;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Two units at most: `85 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`.
pub fn span(ms: i64) -> String {
    let two = |large: i64, name: &str, small: i64, small_name: &str| match ms % large / small {
        0 => format!("{} {name}", ms / large),
        rest => format!("{} {name} {rest} {small_name}", ms / large),
    };
    match ms {
        ..SECOND => format!("{} ms", ms.max(0)),
        SECOND..MINUTE => format!("{} s", ms / SECOND),
        MINUTE..HOUR => two(MINUTE, "min", SECOND, "s"),
        HOUR..DAY => two(HOUR, "h", MINUTE, "min"),
        DAY.. => two(DAY, "d", HOUR, "h"),
    }
}

/// How long ago, or `in` how long.
pub fn relative(at_ms: i64, now_ms: i64) -> String {
    if at_ms > now_ms {
        format!("in {}", span(at_ms - now_ms))
    } else {
        format!("{} ago", span(now_ms - at_ms))
    }
}

/// `12:03:44`, in UTC; with the date when it is not from the last half day.
pub fn at(ms: i64, now_ms: i64) -> String {
    let time = ms.rem_euclid(DAY);
    let clock = format!(
        "{:02}:{:02}:{:02}",
        time / HOUR,
        time % HOUR / MINUTE,
        time % MINUTE / SECOND
    );
    if (now_ms - ms).abs() < DAY / 2 {
        return clock;
    }
    let (year, month, day) = date(ms.div_euclid(DAY));
    format!("{year}-{month:02}-{day:02} {clock}")
}

#[cfg(test)]
mod tests {
    use super::{at, relative, span};

    #[test]
    fn spans_and_times_read_as_people_say_them() {
        let spans: Vec<String> = [85, 12_400, 200_000, 180_000, 7_500_000, 349_200_000]
            .map(span)
            .into();
        assert_eq!(
            spans,
            ["85 ms", "12 s", "3 min 20 s", "3 min", "2 h 5 min", "4 d 1 h"]
        );
        assert_eq!(at(1_709_210_096_000, 1_709_210_096_000), "12:34:56");
        assert_eq!(at(1_709_210_096_000, 0), "2024-02-29 12:34:56");
        assert_eq!(relative(5_000, 2_000), "in 3 s");
        assert_eq!(relative(2_000, 5_000), "3 s ago");
    }
}
