//! `format`: what the validator knows of dates, addresses and names, with its words for what is wrong. It goes further
//! than the RFCs in some places and not as far in others; equalled is what it does.

use std::net::Ipv6Addr;

use crate::any::Any;
use crate::functions::{regexp, url};
use crate::go::quote::quote_rune;
use crate::go::time;

type Outcome = Result<(), String>;
type Check = fn(&str) -> Outcome;

/// A format that is checked.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(super) name: &'static str,
    check: Check,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const FORMATS: [(&str, Check); 19] = [
    ("json-pointer", json_pointer),
    ("relative-json-pointer", relative_json_pointer),
    ("uuid", uuid),
    ("duration", duration),
    ("period", period),
    ("ipv4", ipv4),
    ("ipv6", ipv6),
    ("hostname", hostname),
    ("email", email),
    ("date", date),
    ("time", clock),
    ("date-time", date_time),
    ("uri", uri),
    ("iri", uri),
    ("uri-reference", uri_reference),
    ("iri-reference", uri_reference),
    ("uri-template", uri_template),
    ("semver", semver),
    ("regex", regexp::check),
];

impl Format {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (name, check) = FORMATS.iter().find(|it| it.0 == name)?;
        Some(Self { name, check: *check })
    }

    /// What is wrong with a value; only texts have formats.
    pub(crate) fn problem(self, value: &Any) -> Option<String> {
        match value {
            Any::Str(text) => (self.check)(&text.text()).err(),
            _ => None,
        }
    }
}

fn fail(what: impl Into<String>) -> Outcome {
    Err(what.into())
}

fn shown(rune: char) -> String {
    String::from_utf8_lossy(&quote_rune(rune)).into_owned()
}

/// `strconv.Atoi`, errors included.
fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        let text = crate::go::quote::quoted(text.as_bytes());
        return Err(format!("strconv.Atoi: parsing {text}: invalid syntax"));
    }
    text.parse().map_err(|_| {
        let text = crate::go::quote::quoted(text.as_bytes());
        format!("strconv.Atoi: parsing {text}: value out of range")
    })
}

/// How many digits a text begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn json_pointer(text: &str) -> Outcome {
    if text.is_empty() {
        return Ok(());
    }
    if !text.starts_with('/') {
        return fail("not starting with /");
    }
    for token in text.split('/') {
        let mut escape = false;
        for rune in token.chars() {
            if escape && !matches!(rune, '0' | '1') {
                return fail("~ must be followed by 0 or 1");
            }
            escape = !escape && rune == '~';
        }
        if escape {
            return fail("~ must be followed by 0 or 1");
        }
    }
    Ok(())
}

fn relative_json_pointer(text: &str) -> Outcome {
    let count = digits(text);
    if count == 0 {
        return fail("must start with non-negative integer");
    }
    if count > 1 && text.starts_with('0') {
        return fail("starts with zero");
    }
    match &text[count..] {
        "#" => Ok(()),
        rest => json_pointer(rest),
    }
}

fn uuid(text: &str) -> Outcome {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != LENGTHS.len() {
        return fail("must have 5 elements");
    }
    for (at, (group, length)) in groups.iter().zip(LENGTHS).enumerate() {
        if group.len() != length {
            return fail(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(rune) = group.chars().find(|it| !it.is_ascii_hexdigit()) {
            return fail(format!("non-hex character {}", shown(rune)));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Outcome {
    let Some(rest) = text.strip_prefix('P') else {
        return fail("must start with P");
    };
    if rest.is_empty() {
        return fail("nothing after P");
    }
    if let Some(weeks) = rest.strip_suffix('W') {
        return match digits(weeks) {
            _ if weeks.is_empty() => fail("no number in week"),
            count if count < weeks.len() => fail("invalid week"),
            _ => Ok(()),
        };
    }
    let all = ["YMD", "HMS"];
    for (at, part) in rest.split('T').enumerate() {
        if at != 0 && part.is_empty() {
            return fail("no time elements");
        }
        let Some(units) = all.get(at) else {
            return fail("more than one T");
        };
        units_in_order(part, units)?;
    }
    Ok(())
}

fn units_in_order(mut part: &str, all: &str) -> Outcome {
    let mut units = all;
    while !part.is_empty() {
        let count = digits(part);
        if count == 0 {
            return fail("missing number");
        }
        let Some(unit) = part[count..].chars().next() else {
            return fail("missing unit");
        };
        let Some(at) = units.find(unit) else {
            let what = if all.contains(unit) {
                format!("unit {} out of order", shown(unit))
            } else {
                format!("invalid unit {}", shown(unit))
            };
            return fail(what);
        };
        units = &units[at + 1..];
        part = &part[count + unit.len_utf8()..];
    }
    Ok(())
}

fn ipv4(text: &str) -> Outcome {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return fail("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return fail("leading zeros");
        }
        if !(0..=255).contains(&number(group)?) {
            return fail("decimal must be between 0 and 255");
        }
    }
    Ok(())
}

fn ipv6(text: &str) -> Outcome {
    if !text.contains(':') {
        return fail("missing colon");
    }
    let (address, zone) = text.split_once('%').map_or((text, None), |it| (it.0, Some(it.1)));
    if address.parse::<Ipv6Addr>().is_err() {
        let shown = crate::go::quote::quoted(text.as_bytes());
        return fail(format!("ParseAddr({shown}): unable to parse IP"));
    }
    match zone {
        Some("") => {
            let shown = crate::go::quote::quoted(text.as_bytes());
            fail(format!("ParseAddr({shown}): zone must be a non-empty string"))
        }
        Some(_) => fail("zone id is not a part of ipv6 address"),
        None => Ok(()),
    }
}

fn hostname(text: &str) -> Outcome {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return fail("more than 253 characters long");
    }
    for label in text.split('.') {
        if !(1..=63).contains(&label.len()) {
            return fail("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return fail("label starts with hyphen");
        }
        if label.ends_with('-') {
            return fail("label ends with hyphen");
        }
        if let Some(rune) = label.chars().find(|it| !it.is_ascii_alphanumeric() && *it != '-') {
            return fail(format!("invalid character {}", shown(rune)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Outcome {
    if text.len() > 254 {
        return fail("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return fail("missing @");
    };
    if local.len() > 64 {
        return fail("local part more than 64 characters long");
    }
    local_part(local)?;
    if let Some(address) = domain.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|it| format!("invalid ipv6 address: {it}")),
            None => ipv4(address).map_err(|it| format!("invalid ipv4 address: {it}")),
        };
    }
    hostname(domain).map_err(|it| format!("invalid domain: {it}"))
}

fn local_part(local: &str) -> Outcome {
    if local.len() > 1 && local.starts_with('"') {
        let inner = local.get(1..local.len() - 1).unwrap_or_default();
        if inner.contains(['\\', '"']) {
            return fail("backslash and quote are not allowed within quoted local part");
        }
        return Ok(());
    }
    if local.starts_with('.') {
        return fail("starts with dot");
    }
    if local.ends_with('.') {
        return fail("ends with dot");
    }
    if local.contains("..") {
        return fail("consecutive dots");
    }
    let good = |it: char| it.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(it);
    match local.chars().find(|it| !good(*it)) {
        Some(rune) => fail(format!("invalid character {}", shown(rune))),
        None => Ok(()),
    }
}

fn date(text: &str) -> Outcome {
    time::parse("2006-01-02", text).map(drop)
}

fn clock(text: &str) -> Outcome {
    if text.len() < 9 {
        return fail("less than 9 characters long");
    }
    let bytes = text.as_bytes();
    if bytes[2] != b':' || bytes[5] != b':' {
        return fail("missing colon in correct place");
    }
    let part = |range: std::ops::Range<usize>| {
        let part = text.get(range).ok_or("invalid hour/min/sec")?;
        let value = number(part).map_err(|_| "invalid hour/min/sec")?;
        if value < 0 {
            return Err("non-positive hour/min/sec");
        }
        Ok(value)
    };
    let (mut hour, mut minute, second) = (part(0..2)?, part(3..5)?, part(6..8)?);
    if hour > 23 || minute > 59 || second > 60 {
        return fail("hour/min/sec out of range");
    }
    let mut rest = text.get(8..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return fail("no digits in second fraction");
        }
        rest = &fraction[count..];
    }
    if !matches!(rest, "z" | "Z") {
        let of_day = hour * 60 + minute + offset(rest)?;
        let of_day = if of_day < 0 { of_day + 24 * 60 } else { of_day };
        (hour, minute) = (of_day / 60, of_day % 60);
    }
    if second >= 60 && (hour != 23 || minute != 59) {
        return fail("invalid leap second");
    }
    Ok(())
}

/// Minutes that are to be added for UTC.
fn offset(text: &str) -> Result<i64, String> {
    if text.len() != 6 {
        return Err("offset must be 6 characters long".to_owned());
    }
    let sign = match text.as_bytes()[0] {
        b'+' => -1,
        b'-' => 1,
        _ => return Err("offset must begin with plus/minus".to_owned()),
    };
    if text.as_bytes()[3] != b':' {
        return Err("missing colon in offset in correct place".to_owned());
    }
    let part = |range: std::ops::Range<usize>| {
        let part = text.get(range).ok_or("invalid hour/min in offset")?;
        let value = number(part).map_err(|_| "invalid hour/min in offset")?;
        if value < 0 {
            return Err("non-positive hour/min in offset");
        }
        Ok(value)
    };
    let (hours, minutes) = (part(1..3)?, part(4..6)?);
    if hours > 23 || minutes > 59 {
        return Err("hour/min in offset out of range".to_owned());
    }
    Ok(sign * (hours * 60 + minutes))
}

fn date_time(text: &str) -> Outcome {
    if text.len() < 20 {
        return fail("less than 20 characters long");
    }
    if !matches!(text.as_bytes()[10], b't' | b'T') {
        return fail("11th character must be t or T");
    }
    let (day, rest) = (text.get(..10), text.get(11..));
    date(day.unwrap_or_default()).map_err(|it| format!("invalid date element: {it}"))?;
    clock(rest.unwrap_or_default()).map_err(|it| format!("invalid time element: {it}"))
}

fn parsed(text: &str) -> Result<url::Url, String> {
    let parsed = url::parse(text.as_bytes())?;
    let host = parsed.hostname();
    if host.contains(&b':') {
        if !parsed.host.contains(&b'[') || !parsed.host.contains(&b']') {
            return Err("ipv6 address not enclosed in brackets".to_owned());
        }
        ipv6(&String::from_utf8_lossy(&host)).map_err(|it| format!("invalid ipv6 address: {it}"))?;
    }
    Ok(parsed)
}

fn uri(text: &str) -> Outcome {
    if parsed(text)?.scheme.is_empty() {
        return fail("relative url");
    }
    Ok(())
}

fn uri_reference(text: &str) -> Outcome {
    if text.contains('\\') {
        return fail("contains \\");
    }
    parsed(text).map(drop)
}

fn uri_template(text: &str) -> Outcome {
    let parsed = parsed(text)?;
    for part in parsed.raw_path.split(|it| *it == b'/') {
        let part = url::path_unescape(part).map_err(|it| format!("percent decode failed: {it}"))?;
        let mut open = false;
        for byte in part {
            match byte {
                b'{' | b'}' if (byte == b'{') == open => return fail("nested curly braces"),
                b'{' | b'}' => open = !open,
                _ => {}
            }
        }
        if open {
            return fail("no matching closing brace");
        }
    }
    Ok(())
}

fn period(text: &str) -> Outcome {
    let Some((start, end)) = text.split_once('/') else {
        return fail("missing slash");
    };
    let of = |what: &'static str| move |it: String| format!("invalid {what}: {it}");
    if start.starts_with('P') {
        duration(start).map_err(of("start duration"))?;
        return date_time(end).map_err(of("end date-time"));
    }
    date_time(start).map_err(of("start date-time"))?;
    if end.starts_with('P') {
        return duration(end).map_err(of("end duration"));
    }
    date_time(end).map_err(of("end date-time"))
}

fn semver(text: &str) -> Outcome {
    let (text, build) = text.split_once('+').map_or((text, None), |it| (it.0, Some(it.1)));
    let foreign = |part: &str| part.chars().find(|it| !it.is_ascii_alphanumeric() && *it != '-');
    if let Some(build) = build {
        if build.is_empty() {
            return fail("build is empty");
        }
        for part in build.split('.') {
            if part.is_empty() {
                return fail("build identifier is empty");
            }
            if let Some(rune) = foreign(part) {
                return fail(format!("invalid character {} in build identifier", shown(rune)));
            }
        }
    }
    let (text, before) = text.split_once('-').map_or((text, None), |it| (it.0, Some(it.1)));
    for part in before.into_iter().flat_map(|it| it.split('.')) {
        if part.is_empty() {
            return fail("pre-release identifier is empty");
        }
        if let Some(rune) = foreign(part) {
            return fail(format!(
                "invalid character {} in pre-release identifier",
                shown(rune)
            ));
        }
        if part.len() > 1 && part.starts_with('0') && digits(part) == part.len() {
            return fail("pre-release numeric identifier starts with zero");
        }
    }
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() != 3 {
        return fail("versionCore must have 3 numbers separated by dot");
    }
    for (part, name) in parts.into_iter().zip(["major", "minor", "patch"]) {
        if part.is_empty() {
            return fail(format!("{name} is empty"));
        }
        if part.len() > 1 && part.starts_with('0') {
            return fail(format!("{name} starts with zero"));
        }
        if digits(part) != part.len() {
            return fail(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that fit, and those that do not with what is said of them.
    fn check(name: &str, good: &[&str], bad: &[(&str, &str)]) {
        let format = Format::of_name(name).unwrap();
        for text in good {
            assert_eq!(format.problem(&Any::str(*text)), None, "{name}: {text}");
        }
        for (text, what) in bad {
            let found = format.problem(&Any::str(*text));
            assert_eq!(found.as_deref(), Some(*what), "{name}: {text}");
        }
    }

    #[test]
    fn formats_say_what_is_wrong() {
        check(
            "uuid",
            &["123e4567-e89b-12d3-a456-426614174000"],
            &[
                ("1", "must have 5 elements"),
                ("123e4567-e89b-12d3-a456-42661417400x", "non-hex character 'x'"),
            ],
        );
        check(
            "ipv4",
            &["10.0.0.1"],
            &[
                ("10.0.0", "expected four decimals"),
                ("10.0.0.01", "leading zeros"),
                ("10.0.0.256", "decimal must be between 0 and 255"),
                ("10.0.0.a", "strconv.Atoi: parsing \"a\": invalid syntax"),
            ],
        );
        check(
            "ipv6",
            &["::1", "fe80::1:2"],
            &[
                ("1", "missing colon"),
                ("fe80::1%eth0", "zone id is not a part of ipv6 address"),
            ],
        );
        check(
            "hostname",
            &["a.example.", "x-1.y"],
            &[
                ("a..b", "label must be 1 to 63 characters long"),
                ("-a", "label starts with hyphen"),
                ("a_b", "invalid character '_'"),
            ],
        );
        check(
            "email",
            &["a.b@example.com", "\"a b\"@[10.0.0.1]"],
            &[
                ("a", "missing @"),
                ("a..b@c", "consecutive dots"),
                ("a@b_c", "invalid domain: invalid character '_'"),
            ],
        );
        check(
            "date-time",
            &["2024-02-29T23:59:60Z", "2024-01-01t00:00:00.5+01:00"],
            &[
                ("2024-01-01", "less than 20 characters long"),
                (
                    "2024-01-01T24:00:00Z",
                    "invalid time element: hour/min/sec out of range",
                ),
            ],
        );
    }

    #[test]
    fn more_formats_say_what_is_wrong() {
        check(
            "duration",
            &["P1DT2H", "P3W"],
            &[("1D", "must start with P"), ("P1M2Y", "unit 'Y' out of order")],
        );
        check("uri", &["https://a.b/c"], &[("/a", "relative url")]);
        check(
            "semver",
            &["1.2.3-a.1+b"],
            &[
                ("1.2", "versionCore must have 3 numbers separated by dot"),
                ("1.02.3", "minor starts with zero"),
            ],
        );
        check("json-pointer", &["", "/a~0b"], &[("a", "not starting with /")]);
        assert!(Format::of_name("unknown").is_none());
    }
}
