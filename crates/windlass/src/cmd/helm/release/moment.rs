//! Moments as records keep them (RFC 3339) and as Helm prints them.

use windlass_core::calendar::{self, DAYS, MONTHS};

/// A moment with the offset that it was written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    year: i64,
    month: usize,
    day: i64,
    clock: String,
    /// Digits after the point, none at the end that say nothing.
    fraction: String,
    /// `Z`, `+01:00`.
    offset: String,
}

/// A moment in milliseconds since 1970, as records keep it.
pub(super) fn rfc3339(ms: i64) -> String {
    let text = windlass_chart::rfc3339(ms.div_euclid(1_000));
    let fraction = format!("{:03}", ms.rem_euclid(1_000));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return text;
    }
    format!("{}.{fraction}Z", text.trim_end_matches('Z'))
}

impl Moment {
    /// Reads `2026-01-02T15:04:05.5+01:00`; `None` for what is none, as the empty text of a moment that never was.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T')?;
        let mut date = date.split('-');
        let year = date.next()?.parse().ok()?;
        let month: usize = date.next()?.parse().ok()?;
        let day = date.next()?.parse().ok()?;
        let end = time.find(['Z', '+', '-'])?;
        let (time, offset) = time.split_at(end);
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        ((1..=12).contains(&month) && clock.len() == 8).then(|| Self {
            year,
            month,
            day,
            clock: clock.to_owned(),
            fraction: fraction.trim_end_matches('0').to_owned(),
            offset: offset.to_owned(),
        })
    }

    /// `Fri Jan  2 15:04:05 2026`, as C's `asctime` writes it.
    pub(super) fn ansi(&self) -> String {
        let weekday = usize::try_from(calendar::weekday(self.days())).unwrap_or(0);
        format!(
            "{} {} {:>2} {} {}",
            &DAYS[weekday][..3],
            &MONTHS[self.month - 1][..3],
            self.day,
            self.clock,
            self.year
        )
    }

    /// `2026-01-02 15:04:05.5 +0100 +0100`, as Go prints a time.
    pub(super) fn go(&self) -> String {
        let point = if self.fraction.is_empty() { "" } else { "." };
        let zone = if self.offset == "Z" {
            "+0000 UTC".to_owned()
        } else {
            let offset = self.offset.replace(':', "");
            format!("{offset} {offset}")
        };
        format!(
            "{}-{:02}-{:02} {}{point}{} {zone}",
            self.year, self.month, self.day, self.clock, self.fraction
        )
    }

    /// As RFC 3339 without a fraction.
    pub(super) fn seconds(&self) -> String {
        format!(
            "{}-{:02}-{:02}T{}{}",
            self.year, self.month, self.day, self.clock, self.offset
        )
    }

    /// Days since 1970-01-01.
    fn days(&self) -> i64 {
        calendar::days(self.year, i64::try_from(self.month).unwrap_or(1), self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, rfc3339};

    #[test]
    fn moments_are_printed_as_go_prints_them() {
        let moment = Moment::read("2026-01-02T15:04:05.500+01:00").unwrap();
        assert_eq!(moment.ansi(), "Fri Jan  2 15:04:05 2026");
        assert_eq!(moment.go(), "2026-01-02 15:04:05.5 +0100 +0100");
        assert_eq!(moment.seconds(), "2026-01-02T15:04:05+01:00");
        let moment = Moment::read("2024-02-29T00:00:00Z").unwrap();
        assert_eq!(moment.ansi(), "Thu Feb 29 00:00:00 2024");
        assert_eq!(moment.go(), "2024-02-29 00:00:00 +0000 UTC");
        assert_eq!(Moment::read(""), None);
    }

    #[test]
    fn milliseconds_become_text_that_is_read_again() {
        assert_eq!(rfc3339(1_767_366_245_050), "2026-01-02T15:04:05.05Z");
        assert_eq!(rfc3339(1_767_366_245_000), "2026-01-02T15:04:05Z");
        assert_eq!(
            Moment::read(&rfc3339(1_767_366_245_050)).unwrap().ansi(),
            "Fri Jan  2 15:04:05 2026"
        );
    }
}
