//! Go's times: layouts, durations, zones by their names. The local zone is UTC: a render must not depend on the
//! machine's.

mod duration;
mod layout;

use std::fmt;

use windlass_core::calendar::{self, zone};

pub(crate) use duration::{Duration, parse_duration};
pub(crate) use layout::parse;

/// A moment in seconds since 1970 as RFC 3339 writes it: `2026-01-02T15:04:05Z`.
pub fn rfc3339(seconds: i64) -> String {
    Time::from_unix(seconds).rfc3339_nano()
}

/// An instant in a zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// Seconds since 1970.
    pub(crate) seconds: i64,
    /// Nanoseconds within the second.
    pub(crate) nanos: u32,
    /// Seconds east of Greenwich.
    pub(crate) offset: i32,
    /// What the zone is called at this instant.
    pub(crate) zone: Abbreviation,
}

/// `UTC`, `CEST`, `-03`; empty where a zone is only its offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abbreviation([u8; 8]);

impl Abbreviation {
    pub(crate) const UTC: Self = Self(*b"UTC\0\0\0\0\0");
    pub(crate) const NONE: Self = Self([0; 8]);

    /// Longer names than there are in the world are cut.
    pub(crate) fn new(name: &str) -> Self {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        Self(bytes)
    }

    pub(crate) fn text(&self) -> &str {
        let end = self.0.iter().position(|it| *it == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        (self.seconds, self.nanos) == (other.seconds, other.nanos)
    }
}

/// A civil date and time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
    /// 0 is Sunday.
    pub(crate) weekday: u32,
    /// From 1.
    pub(crate) year_day: u32,
}

const DAY: i64 = 86_400;

impl Time {
    /// Go's zero time: the first of January of the year 1.
    pub(crate) const ZERO: Self = Self {
        seconds: -62_135_596_800,
        nanos: 0,
        offset: 0,
        zone: Abbreviation::UTC,
    };

    pub(crate) fn from_unix(seconds: i64) -> Self {
        Self {
            seconds,
            nanos: 0,
            offset: 0,
            zone: Abbreviation::UTC,
        }
    }

    pub(crate) fn from_millis(millis: i64) -> Self {
        let nanos = u32::try_from(millis.rem_euclid(1_000) * 1_000_000).unwrap_or(0);
        Self {
            seconds: millis.div_euclid(1_000),
            nanos,
            offset: 0,
            zone: Abbreviation::UTC,
        }
    }

    pub(crate) fn utc(self) -> Self {
        Self {
            offset: 0,
            zone: Abbreviation::UTC,
            ..self
        }
    }

    /// The same instant in the zone of that name; in UTC where there is no such zone.
    pub(crate) fn in_zone(self, name: &str) -> Self {
        let (offset, zone) = zone::at(name, self.seconds).unwrap_or((0, "UTC"));
        let zone = Abbreviation::new(zone);
        Self { offset, zone, ..self }
    }

    pub(crate) fn add(self, duration: Duration) -> Self {
        let nanos = i64::from(self.nanos) + duration.0 % 1_000_000_000;
        let seconds = self.seconds + duration.0 / 1_000_000_000 + nanos.div_euclid(1_000_000_000);
        Self {
            seconds,
            nanos: u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0),
            ..self
        }
    }

    /// `AddDate`: months and days beyond their ends run on.
    pub(crate) fn add_date(self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let month = i64::from(civil.month) - 1 + months;
        let year = civil.year + years + month.div_euclid(12);
        let month = u32::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
        let day = days_from_civil(year, month, 1) + i64::from(civil.day) - 1 + days;
        let within = (self.seconds + i64::from(self.offset)).rem_euclid(DAY);
        Self {
            seconds: day * DAY + within - i64::from(self.offset),
            ..self
        }
    }

    pub(crate) fn since(self, other: Self) -> Duration {
        let seconds = self
            .seconds
            .saturating_sub(other.seconds)
            .saturating_mul(1_000_000_000);
        Duration(seconds.saturating_add(i64::from(self.nanos) - i64::from(other.nanos)))
    }

    pub(crate) fn civil(self) -> Civil {
        let local = self.seconds + i64::from(self.offset);
        let days = local.div_euclid(DAY);
        let rest = u32::try_from(local.rem_euclid(DAY)).unwrap_or(0);
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: u32::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
            year_day: u32::try_from(days - days_from_civil(year, 1, 1) + 1).unwrap_or(1),
        }
    }

    pub(crate) fn from_civil(civil: &Civil, nanos: u32, offset: i32) -> Self {
        let days = days_from_civil(civil.year, civil.month, civil.day);
        let rest = i64::from(civil.hour) * 3600 + i64::from(civil.minute) * 60 + i64::from(civil.second);
        Self {
            seconds: days * DAY + rest - i64::from(offset),
            nanos,
            offset,
            zone: if offset == 0 {
                Abbreviation::UTC
            } else {
                Abbreviation::NONE
            },
        }
    }

    pub(crate) fn format(self, layout: &str) -> String {
        layout::format(self, layout)
    }

    pub(crate) fn rfc3339_nano(self) -> String {
        self.format("2006-01-02T15:04:05.999999999Z07:00")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

/// Days since 1970 of a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    calendar::days(year, i64::from(month), i64::from(day))
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let (year, month, day) = calendar::date(days);
    let small = |part: i64| u32::try_from(part).unwrap_or(1);
    (year, small(month), small(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_and_durations() {
        let time = Time::from_unix(1_700_000_000);
        assert_eq!(time.format("2006-01-02T15:04:05Z07:00"), "2023-11-14T22:13:20Z");
        assert_eq!(time.format("Mon Jan _2 3:04PM 2006"), "Tue Nov 14 10:13PM 2023");
        assert_eq!(time.to_string(), "2023-11-14 22:13:20 +0000 UTC");
        assert_eq!(parse("2006-01-02", "2023-11-14").unwrap().seconds, 1_699_920_000);
        assert_eq!(
            parse_duration("1h15m30.918s").unwrap().to_string(),
            "1h15m30.918s"
        );
        assert_eq!(Time::ZERO.format("2006-01-02"), "0001-01-01");
        assert_eq!(time.civil().year_day, 318);
    }
}
