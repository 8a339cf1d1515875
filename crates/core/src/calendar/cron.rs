//! Schedules of cron with five fields: minute, hour, day of the month, month, day of the week. As the parser that Argo CD
//! uses reads them: `*`, `?`, lists, ranges, steps, names of months and days; where both days are given, either counts.

use serde::{Deserialize, Serialize};

use super::{date, weekday};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// A schedule that has no time within these days has none.
const DAYS_MAX: i64 = 5 * 366;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    /// One bit for each value.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether both kinds of days must fit: one of them is `*`.
    both: bool,
}

impl Cron {
    /// Reads `0 22 * * 1-5`; what is wrong with it otherwise.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, of_week] = fields.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}", fields.len()));
        };
        let (days, any_day) = field(day, 1, 31, &[])?;
        let (weekdays, any_weekday) = field(of_week, 0, 6, &WEEKDAYS)?;
        Ok(Self {
            minutes: field(minute, 0, 59, &[])?.0,
            hours: field(hour, 0, 23, &[])?.0,
            days,
            months: field(month, 1, 12, &MONTHS)?.0,
            weekdays,
            both: any_day || any_weekday,
        })
    }

    /// The first time after `after_ms`, both by the clock on the wall in milliseconds since the epoch; `None` where there is
    /// none within five years.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let first = after_ms.div_euclid(MINUTE_MS) + 1;
        let today = (first * MINUTE_MS).div_euclid(DAY_MS);
        (today..=today + DAYS_MAX)
            .filter(|day| self.is_on(*day))
            .find_map(|day| {
                let from = first.max(day * DAY_MS / MINUTE_MS) - day * DAY_MS / MINUTE_MS;
                let minute = (from..24 * 60)
                    .find(|minute| has(self.hours, minute / 60) && has(self.minutes, minute % 60))?;
                Some(day * DAY_MS + minute * MINUTE_MS)
            })
    }

    fn is_on(&self, day: i64) -> bool {
        let (_, month, of_month) = date(day);
        if !has(self.months, month) {
            return false;
        }
        let (by_month, by_week) = (has(self.days, of_month), has(self.weekdays, weekday(day)));
        if self.both {
            by_month && by_week
        } else {
            by_month || by_week
        }
    }
}

fn has(bits: u64, at: i64) -> bool {
    (0..64).contains(&at) && bits >> at & 1 == 1
}

/// The values of a field, and whether it is `*`.
fn field(text: &str, min: u8, max: u8, names: &[&str]) -> Result<(u64, bool), String> {
    let (mut bits, mut any) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = match part.split_once('/') {
            Some((_, step)) if step.contains('/') => return Err(format!("too many slashes: {part}")),
            Some((range, step)) => (range, Some(number(step)?)),
            None => (part, None),
        };
        let value = |text: &str| match names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
            Some(at) => Ok(u8::try_from(at).unwrap_or(0) + min),
            None => number(text),
        };
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => {
                any |= step.is_none_or(|it| it <= 1);
                (min, max)
            }
            Some((_, to)) if to.contains('-') => return Err(format!("too many hyphens: {part}")),
            Some((from, to)) => (value(from)?, value(to)?),
            // `5/10` goes on to the end.
            None if step.is_some() => (value(range)?, max),
            None => (value(range)?, value(range)?),
        };
        let step = step.unwrap_or(1);
        if from < min || to > max || from > to || step == 0 {
            return Err(format!("`{part}` is not within {min} to {max}"));
        }
        for at in (from..=to).step_by(usize::from(step)) {
            bits |= 1 << at;
        }
    }
    if bits == 0 {
        return Err(format!("`{text}` says no time"));
    }
    Ok((bits, any))
}

fn number(text: &str) -> Result<u8, String> {
    let digits = text.bytes().all(|it| it.is_ascii_digit());
    let read = text.parse().ok().filter(|_| digits);
    read.ok_or_else(|| format!("`{text}` is no number that fits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::days;

    /// Date and time without a zone.
    fn at(text: &str) -> i64 {
        let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
        days(part(0..4), part(5..7), part(8..10)) * DAY_MS + (part(11..13) * 60 + part(14..16)) * MINUTE_MS
    }

    #[test]
    fn the_next_time_is_found() {
        // 2026-02-28 is a Saturday.
        for (schedule, after, expected) in [
            ("* * * * *", "2026-02-28 12:00", "2026-02-28 12:01"),
            ("0 22 * * *", "2026-02-28 22:00", "2026-03-01 22:00"),
            ("0 22 * * *", "2026-02-28 21:59", "2026-02-28 22:00"),
            ("*/15 10-11 * * ?", "2026-02-28 11:45", "2026-03-01 10:00"),
            ("5/20 1 * * *", "2026-02-28 01:26", "2026-02-28 01:45"),
            ("0 0 * * mon-FRI", "2026-02-28 12:00", "2026-03-02 00:00"),
            ("0 0 29 feb *", "2026-02-28 12:00", "2028-02-29 00:00"),
            // Either day counts where both are given.
            ("0 0 3 * 0", "2026-02-28 12:00", "2026-03-01 00:00"),
            ("0 0 3 * 0", "2026-03-01 12:00", "2026-03-03 00:00"),
            ("0 0 1-7 * *", "2026-03-07 12:00", "2026-04-01 00:00"),
            ("0 8,20 * 12 *", "2026-02-28 12:00", "2026-12-01 08:00"),
        ] {
            let found = Cron::parse(schedule).unwrap().next(at(after));
            assert_eq!(found, Some(at(expected)), "{schedule} after {after}");
        }
        assert_eq!(Cron::parse("0 0 31 2 *").unwrap().next(0), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for (schedule, cause) in [
            ("* * * *", "exactly 5 fields, found 4"),
            ("60 * * * *", "not within 0 to 59"),
            ("* * 0 * *", "not within 1 to 31"),
            ("* * * * 7", "not within 0 to 6"),
            ("5-1 * * * *", "not within"),
            ("*/0 * * * *", "not within"),
            ("* * * nope *", "no number"),
            ("+1 * * * *", "no number"),
            ("1-2-3 * * * *", "hyphens"),
            ("1/2/3 * * * *", "slashes"),
            (", * * * *", "no time"),
            ("@daily", "exactly 5 fields"),
        ] {
            let said = Cron::parse(schedule).unwrap_err();
            assert!(said.contains(cause), "{schedule}: {said}");
        }
    }
}
