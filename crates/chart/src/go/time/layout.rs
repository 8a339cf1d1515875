//! Go's layouts: the reference time is Mon Jan 2 15:04:05 MST 2006.

use windlass_core::calendar::{DAYS, MONTHS};

use super::{Abbreviation, Civil, Time};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    /// `Z0700` and the like: a `Z` for UTC, colon or none, with minutes or not.
    Iso {
        z: bool,
        colon: bool,
        minutes: bool,
    },
    /// `.000` or `.999`: digits, and whether trailing zeros are dropped.
    Fraction {
        digits: usize,
        trim: bool,
    },
}

/// The longest parts first where one begins with another.
const PARTS: &[(&str, Part)] = &[
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::Weekday),
    ("MST", Part::Zone),
    ("2006", Part::LongYear),
    ("__2", Part::UnderYearDay),
    ("_2", Part::UnderDay),
    ("002", Part::ZeroYearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::NumMonth),
    ("2", Part::Day),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::UpperPm),
    ("pm", Part::LowerPm),
    (
        "-07:00",
        Part::Iso {
            z: false,
            colon: true,
            minutes: true,
        },
    ),
    (
        "-0700",
        Part::Iso {
            z: false,
            colon: false,
            minutes: true,
        },
    ),
    (
        "-07",
        Part::Iso {
            z: false,
            colon: false,
            minutes: false,
        },
    ),
    (
        "Z07:00",
        Part::Iso {
            z: true,
            colon: true,
            minutes: true,
        },
    ),
    (
        "Z0700",
        Part::Iso {
            z: true,
            colon: false,
            minutes: true,
        },
    ),
    (
        "Z07",
        Part::Iso {
            z: true,
            colon: false,
            minutes: false,
        },
    ),
];

/// The text before the first part, the part, and what follows.
fn next(layout: &str) -> Option<(&str, Part, &str)> {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        if let Some(digits) = rest.strip_prefix(['.', ',']) {
            for (digit, trim) in [('0', false), ('9', true)] {
                let count = digits.chars().take_while(|it| *it == digit).count();
                let after = &digits[count..];
                if count > 0 && !after.starts_with(|it: char| it.is_ascii_digit()) {
                    return Some((&layout[..at], Part::Fraction { digits: count, trim }, after));
                }
            }
        }
        for (text, part) in PARTS {
            if let Some(after) = rest.strip_prefix(text) {
                if *part == Part::UnderDay && rest.starts_with("_2006") {
                    return Some((&layout[..=at], Part::LongYear, &rest[5..]));
                }
                let word = matches!(part, Part::Month | Part::Weekday);
                if word && after.starts_with(|it: char| it.is_ascii_lowercase()) {
                    continue;
                }
                return Some((&layout[..at], *part, after));
            }
        }
    }
    None
}

pub(super) fn format(time: Time, layout: &str) -> String {
    let civil = time.civil();
    let mut out = String::new();
    let mut rest = layout;
    while let Some((before, part, after)) = next(rest) {
        out.push_str(before);
        out.push_str(&show(time, &civil, part));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn show(time: Time, civil: &Civil, part: Part) -> String {
    let month = MONTHS[usize::try_from(civil.month.clamp(1, 12) - 1).unwrap_or(0)];
    let weekday = DAYS[usize::try_from(civil.weekday % 7).unwrap_or(0)];
    let hour12 = if civil.hour.is_multiple_of(12) {
        12
    } else {
        civil.hour % 12
    };
    match part {
        Part::LongMonth => month.to_owned(),
        Part::Month => month[..3].to_owned(),
        Part::NumMonth => civil.month.to_string(),
        Part::ZeroMonth => format!("{:02}", civil.month),
        Part::LongWeekday => weekday.to_owned(),
        Part::Weekday => weekday[..3].to_owned(),
        Part::Day => civil.day.to_string(),
        Part::UnderDay => format!("{:2}", civil.day),
        Part::ZeroDay => format!("{:02}", civil.day),
        Part::UnderYearDay => format!("{:3}", civil.year_day),
        Part::ZeroYearDay => format!("{:03}", civil.year_day),
        Part::Hour => format!("{:02}", civil.hour),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => civil.minute.to_string(),
        Part::ZeroMinute => format!("{:02}", civil.minute),
        Part::Second => civil.second.to_string(),
        Part::ZeroSecond => format!("{:02}", civil.second),
        Part::LongYear => format!("{:04}", civil.year),
        Part::Year => format!("{:02}", civil.year.rem_euclid(100)),
        Part::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Part::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Part::Zone if time.zone == Abbreviation::NONE => zone(time.offset, false, true),
        Part::Zone => time.zone.text().to_owned(),
        Part::Iso { z: true, .. } if time.offset == 0 => "Z".to_owned(),
        Part::Iso { colon, minutes, .. } => zone(time.offset, colon, minutes),
        Part::Fraction { digits, trim } => {
            let text = format!("{:09}", time.nanos);
            let mut text = text[..digits.min(9)].to_owned();
            if trim {
                text.truncate(text.trim_end_matches('0').len());
                if text.is_empty() {
                    return text;
                }
            }
            format!(".{text}")
        }
    }
}

fn zone(offset: i32, colon: bool, minutes: bool) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let size = offset.unsigned_abs();
    let colon = if colon { ":" } else { "" };
    let rest = if minutes {
        format!("{colon}{:02}", size / 60 % 60)
    } else {
        String::new()
    };
    format!("{sign}{:02}{rest}", size / 3600)
}

/// `time.Parse`.
pub(crate) fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let fail = |layout_part: &str, rest: &str| {
        let quoted = |it: &str| crate::go::quote::quoted(it.as_bytes());
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quoted(text),
            quoted(layout),
            quoted(rest),
            quoted(layout_part)
        )
    };
    let beyond = |what: &str| {
        let text = crate::go::quote::quoted(text.as_bytes());
        format!("parsing time {text}: {what} out of range")
    };
    let mut civil = Civil {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        weekday: 0,
        year_day: 1,
    };
    let (mut nanos, mut offset, mut pm, mut named) = (0, 0, None, "");
    let (mut pattern, mut rest) = (layout, text);
    while let Some((before, part, after)) = next(pattern) {
        rest = rest.strip_prefix(before).ok_or_else(|| fail(before, rest))?;
        let shown = &pattern[before.len()..pattern.len() - after.len()];
        let taken = take(part, rest, &mut civil, &mut nanos, &mut offset, &mut pm)
            .ok_or_else(|| out_of_range(part, rest).map_or_else(|| fail(shown, rest), beyond))?;
        if part == Part::Zone {
            named = &rest[..taken];
        }
        rest = &rest[taken..];
        if matches!(part, Part::Second | Part::ZeroSecond)
            && rest.starts_with('.')
            && !matches!(next(after), Some(("", Part::Fraction { .. }, _)))
        {
            let digits: String = rest[1..].chars().take_while(char::is_ascii_digit).collect();
            if !digits.is_empty() {
                nanos = format!("{digits:0<9}")[..9].parse().unwrap_or(0);
                rest = &rest[1 + digits.len()..];
            }
        }
        pattern = after;
    }
    rest = rest.strip_prefix(pattern).ok_or_else(|| fail(pattern, rest))?;
    if !rest.is_empty() {
        let quoted = |it: &str| crate::go::quote::quoted(it.as_bytes());
        return Err(format!(
            "parsing time {}: extra text: {}",
            quoted(text),
            quoted(rest)
        ));
    }
    match pm {
        Some(true) if civil.hour < 12 => civil.hour += 12,
        Some(false) if civil.hour == 12 => civil.hour = 0,
        _ => {}
    }
    if civil.day > days_in(civil.month, civil.year) {
        return Err(beyond("day"));
    }
    let time = Time::from_civil(&civil, nanos, offset);
    // A name says nothing of where its zone is.
    let zone = match named {
        "" | "UTC" => time.zone,
        name => Abbreviation::new(name),
    };
    Ok(Time { zone, ..time })
}

/// What is a number of two digits, as it should be, and larger than it may be.
fn out_of_range(part: Part, text: &str) -> Option<&'static str> {
    digits(text, 2, 2)?;
    match part {
        Part::NumMonth | Part::ZeroMonth => Some("month"),
        Part::Day | Part::UnderDay | Part::ZeroDay => Some("day"),
        Part::Hour | Part::Hour12 | Part::ZeroHour12 => Some("hour"),
        Part::Minute | Part::ZeroMinute => Some("minute"),
        Part::Second | Part::ZeroSecond => Some("second"),
        _ => None,
    }
}

fn days_in(month: u32, year: i64) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<(u32, usize)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    Some((text[..count].parse().ok()?, count))
}

/// Reads one part; gives the bytes it took.
#[expect(clippy::too_many_lines, reason = "one arm for each part of a layout")]
fn take(
    part: Part,
    text: &str,
    civil: &mut Civil,
    nanos: &mut u32,
    offset: &mut i32,
    pm: &mut Option<bool>,
) -> Option<usize> {
    let within = |(value, count): (u32, usize), low: u32, high: u32| {
        (low..=high).contains(&value).then_some((value, count))
    };
    match part {
        Part::LongMonth | Part::Month => {
            let length = |name: &&str| if part == Part::Month { 3 } else { name.len() };
            let at = MONTHS.iter().position(|it| {
                text.get(..length(it))
                    .is_some_and(|text| text.eq_ignore_ascii_case(&it[..length(it)]))
            })?;
            civil.month = u32::try_from(at).ok()? + 1;
            Some(length(&MONTHS[at]))
        }
        Part::LongWeekday | Part::Weekday => {
            let length = |name: &&str| if part == Part::Weekday { 3 } else { name.len() };
            DAYS.iter()
                .find(|it| {
                    text.get(..length(it))
                        .is_some_and(|text| text.eq_ignore_ascii_case(&it[..length(it)]))
                })
                .map(length)
        }
        Part::NumMonth | Part::ZeroMonth => {
            let (value, count) = within(
                digits(text, if part == Part::ZeroMonth { 2 } else { 1 }, 2)?,
                1,
                12,
            )?;
            civil.month = value;
            Some(count)
        }
        Part::Day | Part::UnderDay | Part::ZeroDay => {
            let blank = usize::from(part == Part::UnderDay && text.starts_with(' '));
            let (value, count) = within(
                digits(&text[blank..], if part == Part::ZeroDay { 2 } else { 1 }, 2)?,
                1,
                31,
            )?;
            civil.day = value;
            Some(blank + count)
        }
        Part::UnderYearDay | Part::ZeroYearDay => digits(text.trim_start(), 1, 3).map(|it| it.1),
        Part::Hour | Part::Hour12 | Part::ZeroHour12 => {
            let (value, count) = within(digits(text, if part == Part::Hour12 { 1 } else { 2 }, 2)?, 0, 23)?;
            civil.hour = value;
            Some(count)
        }
        Part::Minute | Part::ZeroMinute => {
            let (value, count) = within(digits(text, if part == Part::Minute { 1 } else { 2 }, 2)?, 0, 59)?;
            civil.minute = value;
            Some(count)
        }
        Part::Second | Part::ZeroSecond => {
            let (value, count) = within(digits(text, if part == Part::Second { 1 } else { 2 }, 2)?, 0, 59)?;
            civil.second = value;
            Some(count)
        }
        Part::LongYear => {
            let (value, count) = digits(text, 4, 4)?;
            civil.year = i64::from(value);
            Some(count)
        }
        Part::Year => {
            let (value, count) = digits(text, 2, 2)?;
            civil.year = i64::from(if value >= 69 { value + 1900 } else { value + 2000 });
            Some(count)
        }
        Part::UpperPm | Part::LowerPm => {
            *pm = Some(match text.get(..2)? {
                "PM" | "pm" => true,
                "AM" | "am" => false,
                _ => return None,
            });
            Some(2)
        }
        Part::Zone => {
            let count = text.bytes().take_while(u8::is_ascii_uppercase).count();
            (count >= 3).then_some(count)
        }
        Part::Iso { z: true, .. } if text.starts_with('Z') => Some(1),
        Part::Iso { colon, minutes, .. } => {
            let sign = match text.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, _) = digits(&text[1..], 2, 2)?;
            let mut seconds = hours * 3600;
            let mut count = 3;
            if minutes {
                let at = 3 + usize::from(colon);
                seconds += digits(text.get(at..)?, 2, 2)?.0 * 60;
                count = at + 2;
            }
            *offset = sign * i32::try_from(seconds).ok()?;
            Some(count)
        }
        Part::Fraction { digits: _, trim: _ } => {
            let rest = text.strip_prefix(['.', ','])?;
            let found: String = rest.chars().take_while(char::is_ascii_digit).collect();
            *nanos = format!("{found:0<9}").get(..9)?.parse().ok()?;
            Some(1 + found.len())
        }
    }
}
