//! Times without deployments. It is told what time it is.

use serde::{Deserialize, Serialize};

use crate::calendar;

/// Days of the week as they are written, Monday first.
pub(super) static DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// The first day of 1970 was a Thursday: the third day after a Monday.
const EPOCH_WEEKDAY: i64 = 3;
/// Longest freeze that is given by days of the week.
pub(super) const WEEKLY_MS_MAX: u64 = 7 * 86_400_000;

/// A time without deployments. A rollback is never held up by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Why; shown to whoever waits.
    pub reason: String,
    /// When.
    pub window: Window,
}

/// When a freeze is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Every week.
    Weekly {
        /// Days on which it starts; 0 is Monday.
        days: Vec<u8>,
        /// Minute of the day at which it starts.
        from_min: u16,
        /// How long it lasts.
        length_ms: u64,
        /// Minutes that the local time of day is ahead of UTC.
        offset_min: i16,
    },
    /// Once; milliseconds since the epoch, the end not included.
    Once {
        /// Start.
        start_ms: i64,
        /// End.
        end_ms: i64,
    },
}

impl Freeze {
    /// When the freeze that holds at `now_ms` ends; `None` if none holds. Milliseconds since the epoch.
    pub fn until(&self, now_ms: i64) -> Option<i64> {
        match &self.window {
            Window::Once { start_ms, end_ms } => (*start_ms <= now_ms && now_ms < *end_ms).then_some(*end_ms),
            Window::Weekly {
                days,
                from_min,
                length_ms,
                offset_min,
            } => {
                let ahead = i64::from(*offset_min) * MINUTE_MS;
                let today = (now_ms + ahead).div_euclid(DAY_MS);
                let length = i64::try_from(*length_ms).unwrap_or(i64::MAX);
                (today - 7..=today)
                    .filter(|day| {
                        days.iter()
                            .any(|wanted| i64::from(*wanted) == (day + EPOCH_WEEKDAY).rem_euclid(7))
                    })
                    .map(|day| day * DAY_MS + i64::from(*from_min) * MINUTE_MS - ahead)
                    .filter(|start| *start <= now_ms && now_ms - start < length)
                    .map(|start| start + length)
                    .max()
            }
        }
    }
}

/// `16:00` as a minute of the day.
pub(super) fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// `+02:00` as minutes.
pub(super) fn offset_min(text: &str) -> Option<i16> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let minutes = i16::try_from(minute_of_day(rest)?).ok()?;
    (minutes <= 14 * 60).then_some(sign * minutes)
}

/// `2026-12-20T00:00:00Z` as milliseconds since the epoch: RFC 3339 without fractions, `Z` or an offset.
pub(super) fn instant_ms(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    if year.len() != 4 || date.next().is_some() {
        return None;
    }
    let (year, month, day) = (year.parse::<i64>().ok()?, two_digits(month)?, two_digits(day)?);
    let clock = time.get(..8)?;
    let seconds =
        two_digits(clock.get(6..)?).filter(|seconds| *seconds < 60 && clock.as_bytes()[5] == b':')?;
    let minutes = minute_of_day(clock.get(..5)?)?;
    let offset = match time.get(8..)? {
        "Z" => 0,
        rest => offset_min(rest)?,
    };
    if !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) {
        return None;
    }
    let day = calendar::days(year, i64::from(month), i64::from(day));
    Some(day * DAY_MS + (i64::from(minutes) - i64::from(offset)) * MINUTE_MS + i64::from(seconds) * 1000)
}

fn two_digits(text: &str) -> Option<u16> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_of(year: i64, month: u16) -> u16 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
