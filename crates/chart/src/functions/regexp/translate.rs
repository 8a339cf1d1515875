//! Go's syntax of regular expressions, read as Go reads it, with Go's errors, and written in that of the crate regex:
//! classes are ASCII in Go, `\Q...\E` exists, and a brace that repeats nothing is itself.

use std::fmt::Write as _;

/// Groups within groups.
const DEPTH_MAX: usize = 1_000;
/// The most that a part may be repeated, repetitions of repetitions included.
const REPEAT_MAX: u64 = 1_000;

/// The expression in the crate's syntax, or Go's error.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut reader = Reader {
        whole: pattern,
        at: 0,
        out: String::with_capacity(pattern.len() + 16),
        groups: vec![Group::default()],
        names: Vec::new(),
        folds: false,
    };
    reader.read()?;
    if reader.groups.len() > 1 {
        return Err(wrong("missing closing )", pattern));
    }
    Ok(reader.out)
}

fn wrong(what: &str, part: &str) -> String {
    format!("error parsing regexp: {what}: `{part}`")
}

/// A group that is still open.
#[derive(Default, Clone, Copy)]
struct Group {
    /// How often the last part repeats what is in it; `None` where there is nothing to repeat.
    last: Option<u64>,
    /// The most of all parts.
    most: u64,
    folds: bool,
}

struct Reader<'p> {
    whole: &'p str,
    at: usize,
    out: String,
    groups: Vec<Group>,
    names: Vec<&'p str>,
    folds: bool,
}

type Outcome = Result<(), String>;

impl<'p> Reader<'p> {
    fn rest(&self) -> &'p str {
        &self.whole[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let rune = self.rest().chars().next()?;
        self.at += rune.len_utf8();
        Some(rune)
    }

    fn since(&self, start: usize) -> &'p str {
        &self.whole[start..self.at]
    }

    fn group(&mut self) -> &mut Group {
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    /// Something that can be repeated was read.
    fn part(&mut self, repeats: u64) {
        let group = self.group();
        group.last = Some(repeats);
        group.most = group.most.max(repeats);
    }

    fn read(&mut self) -> Outcome {
        let mut repetition = None;
        while let Some(rune) = self.rest().chars().next() {
            let start = self.at;
            let before = repetition.take();
            match rune {
                '(' if self.rest().starts_with("(?") => self.flags()?,
                '(' => {
                    self.at += 1;
                    self.open("(")?;
                }
                ')' => self.close()?,
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    self.group().last = None;
                }
                '^' | '$' | '.' => {
                    self.at += 1;
                    self.out.push(rune);
                    self.part(1);
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.at += 1;
                    self.repeat(start, before, None)?;
                    repetition = Some(before.unwrap_or(start));
                }
                '{' => {
                    if let Some((least, most)) = self.braces() {
                        let out_of_range = least.is_none_or(|it| it > REPEAT_MAX)
                            || most
                                .is_some_and(|most| most > REPEAT_MAX || least.is_some_and(|it| it > most));
                        if out_of_range {
                            return Err(wrong("invalid repeat count", self.since(start)));
                        }
                        self.repeat(start, before, Some((least.unwrap_or(0), most)))?;
                        repetition = Some(before.unwrap_or(start));
                    } else {
                        self.at += 1;
                        self.literal('{');
                    }
                }
                '\\' => self.escaped()?,
                _ => {
                    self.at += rune.len_utf8();
                    self.literal(rune);
                }
            }
        }
        Ok(())
    }

    fn literal(&mut self, rune: char) {
        push_rune(&mut self.out, rune);
        self.part(1);
    }

    fn open(&mut self, written: &str) -> Outcome {
        if self.groups.len() > DEPTH_MAX {
            return Err(wrong("expression nests too deeply", self.whole));
        }
        self.out.push_str(written);
        self.groups.push(Group {
            folds: self.folds,
            ..Group::default()
        });
        Ok(())
    }

    fn close(&mut self) -> Outcome {
        if self.groups.len() < 2 {
            return Err(wrong("unexpected )", self.whole));
        }
        let group = self.groups.pop().unwrap_or_default();
        self.at += 1;
        self.out.push(')');
        self.folds = group.folds;
        self.part(group.most.max(1));
        Ok(())
    }

    /// After `*`, `+`, `?` or a count in braces.
    fn repeat(&mut self, start: usize, before: Option<usize>, count: Option<(u64, Option<u64>)>) -> Outcome {
        let lazy = self.rest().starts_with('?');
        if lazy {
            self.at += 1;
        }
        if let Some(before) = before {
            return Err(wrong("invalid nested repetition operator", self.since(before)));
        }
        let Some(repeats) = self.group().last else {
            return Err(wrong(
                "missing argument to repetition operator",
                self.since(start),
            ));
        };
        if let Some((least, most)) = count {
            let times = most.unwrap_or(least);
            let repeats = if times == 0 {
                1
            } else {
                repeats.saturating_mul(times)
            };
            if times >= 2 && repeats > REPEAT_MAX {
                return Err(wrong("invalid repeat count", self.since(start)));
            }
            self.part(repeats);
        }
        let written = self.since(start);
        self.out.push_str(written);
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,3}`; a number that is too large for any is none.
    fn braces(&mut self) -> Option<(Option<u64>, Option<u64>)> {
        let inner = self.rest().strip_prefix('{')?;
        let end = inner.find('}')?;
        let number = |text: &str| {
            let leading = text.len() > 1 && text.starts_with('0');
            let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
            (digits && !leading).then(|| text.parse::<u64>().ok().filter(|_| text.len() < 9))
        };
        let (least, most) = match inner[..end].split_once(',') {
            None => {
                let count = number(&inner[..end])?;
                (count, count)
            }
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => match number(most)? {
                Some(most) => (number(least)?, Some(most)),
                None => (number(least)?.and(None), None),
            },
        };
        self.at += end + 2;
        Some((least, most))
    }

    /// After `(?`: a name, or flags with or without a group.
    fn flags(&mut self) -> Outcome {
        let start = self.at;
        let rest = self.rest();
        let named = [("(?P<", 4), ("(?<", 3)];
        if let Some((_, skip)) = named
            .iter()
            .find(|it| rest.starts_with(it.0) && rest.len() > it.1)
        {
            let Some(end) = rest.find('>') else {
                return Err(wrong("invalid named capture", rest));
            };
            let name = rest.get(*skip..end).unwrap_or_default();
            if name.is_empty() || !name.bytes().all(|it| it == b'_' || it.is_ascii_alphanumeric()) {
                return Err(wrong("invalid named capture", &rest[..=end]));
            }
            self.at += end + 1;
            // The crate's names begin with a letter, and each is there once.
            if self.names.contains(&name) {
                return self.open("(");
            }
            self.names.push(name);
            return self.open(&format!("(?P<_{name}>"));
        }
        self.at += 2;
        let (mut on, mut off, mut negative, mut seen) = (String::new(), String::new(), false, false);
        loop {
            let rune = self.next();
            match rune {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => {
                    seen = true;
                    on.retain(|it| it != flag);
                    off.retain(|it| it != flag);
                    if negative { off.push(flag) } else { on.push(flag) }
                }
                Some('-') if !negative => (negative, seen) = (true, false),
                Some(end @ (':' | ')')) if !negative || seen => {
                    let minus = if off.is_empty() { "" } else { "-" };
                    let folds = (self.folds || on.contains('i')) && !off.contains('i');
                    if end == ':' {
                        self.open(&format!("(?{on}{minus}{off}:"))?;
                    } else if !on.is_empty() || !off.is_empty() {
                        let _ = write!(self.out, "(?{on}{minus}{off})");
                    }
                    self.folds = folds;
                    return Ok(());
                }
                _ => return Err(wrong("invalid or unsupported Perl syntax", self.since(start))),
            }
        }
    }

    fn escaped(&mut self) -> Outcome {
        let start = self.at;
        match self.rest()[1..].chars().next() {
            Some('A') => self.assertion("\\A"),
            Some('b') => self.assertion("(?-u:\\b)"),
            Some('B') => self.assertion("(?-u:\\B)"),
            Some('z') => self.assertion("\\z"),
            Some('C') => return Err(wrong("invalid escape sequence", "\\C")),
            Some('Q') => {
                let rest = &self.rest()[2..];
                let (literal, skip) = match rest.find("\\E") {
                    Some(end) => (&rest[..end], end + 4),
                    None => (rest, rest.len() + 2),
                };
                for rune in literal.chars() {
                    self.literal(rune);
                }
                self.at += skip;
            }
            _ => {
                let mut class = String::new();
                if self.set(&mut class)? {
                    self.out.push_str(&class);
                    self.part(1);
                } else {
                    let rune = self.escape(start)?;
                    self.literal(rune);
                }
            }
        }
        Ok(())
    }

    fn assertion(&mut self, written: &str) {
        self.at += 2;
        self.out.push_str(written);
        self.part(1);
    }

    /// `\d`, `\pL`, `\p{Greek}`: a set of runes, in brackets of its own.
    fn set(&mut self, out: &mut String) -> Result<bool, String> {
        let rest = self.rest();
        let perl = match rest.get(..2).unwrap_or_default() {
            "\\d" => "[0-9]",
            "\\D" => "[^0-9]",
            "\\w" => "[0-9A-Za-z_]",
            "\\W" => "[^0-9A-Za-z_]",
            "\\s" => "[\\t\\n\\f\\r ]",
            "\\S" => "[^\\t\\n\\f\\r ]",
            "\\p" | "\\P" => return self.unicode(out),
            _ => return Ok(false),
        };
        self.at += 2;
        out.push_str(perl);
        Ok(true)
    }

    fn unicode(&mut self, out: &mut String) -> Result<bool, String> {
        let start = self.at;
        let mut negative = self.rest().starts_with("\\P");
        self.at += 2;
        let name = match self.next() {
            None => return Err(wrong("invalid character class range", self.since(start))),
            Some('{') => {
                let Some(end) = self.rest().find('}') else {
                    return Err(wrong("invalid character class range", &self.whole[start..]));
                };
                let name = &self.rest()[..end];
                self.at += end + 1;
                name
            }
            Some(rune) => &self.whole[self.at - rune.len_utf8()..self.at],
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negative = !negative;
                name
            }
            None => name,
        };
        let letter = if negative { 'P' } else { 'p' };
        let written = format!("\\{letter}{{{name}}}");
        // The names of both are those of the standard, and the crate's are what can be asked.
        let known =
            name == "Any" || name.starts_with(|it: char| it.is_ascii_uppercase()) && !name.contains('=');
        if !known || regex::Regex::new(&written).is_err() {
            return Err(wrong("invalid character class range", self.since(start)));
        }
        let _ = write!(out, "[{written}]");
        Ok(true)
    }

    /// One rune after a backslash.
    fn escape(&mut self, start: usize) -> Result<char, String> {
        self.at += 1;
        let Some(rune) = self.next() else {
            return Err("error parsing regexp: trailing backslash at end of expression: ``".to_owned());
        };
        let found = match rune {
            '0'..='7' => {
                let next_is_octal = self.rest().starts_with(|it: char| ('0'..='7').contains(&it));
                if rune != '0' && !next_is_octal {
                    None
                } else {
                    let mut value = u32::from(rune) - u32::from('0');
                    for _ in 0..2 {
                        let Some(digit) = self.rest().chars().next().and_then(|it| it.to_digit(8)) else {
                            break;
                        };
                        value = value * 8 + digit;
                        self.at += 1;
                    }
                    char::from_u32(value)
                }
            }
            'x' => self.hexadecimal(),
            'a' => Some('\u{7}'),
            'f' => Some('\u{C}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{B}'),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(other),
            _ => None,
        };
        found.ok_or_else(|| wrong("invalid escape sequence", self.since(start)))
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let first = self.next()?;
        if first != '{' {
            let second = self.next()?;
            return char::from_u32(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut value = None;
        loop {
            match self.next()? {
                '}' => return char::from_u32(value?),
                rune => {
                    let next = value.unwrap_or(0) * 16 + rune.to_digit(16)?;
                    if next > u32::from(char::MAX) {
                        return None;
                    }
                    value = Some(next);
                }
            }
        }
    }

    fn class(&mut self) -> Outcome {
        let start = self.at;
        self.at += 1;
        let mut out = String::from("[");
        if self.rest().starts_with('^') {
            self.at += 1;
            out.push('^');
        }
        let mut first = true;
        while first || !self.rest().starts_with(']') {
            first = false;
            if self.rest().starts_with("[:")
                && let Some(end) = self.rest()[2..].find(":]")
            {
                let name = &self.rest()[..end + 4];
                if regex::Regex::new(&format!("[{name}]")).is_err() {
                    return Err(wrong("invalid character class range", name));
                }
                out.push_str(name);
                self.at += name.len();
                continue;
            }
            if self.rest().starts_with('\\') && self.set(&mut out)? {
                continue;
            }
            let range = self.at;
            let low = self.class_rune(start)?;
            let rest = self.rest();
            let mut high = low;
            if rest.starts_with('-') && rest.len() >= 2 && !rest.starts_with("-]") {
                self.at += 1;
                high = self.class_rune(start)?;
                if high < low {
                    return Err(wrong("invalid character class range", self.since(range)));
                }
            }
            let _ = write!(out, "\\x{{{:X}}}", u32::from(low));
            if high != low {
                let _ = write!(out, "-\\x{{{:X}}}", u32::from(high));
            }
        }
        self.at += 1;
        out.push(']');
        self.out.push_str(&out);
        self.part(1);
        Ok(())
    }

    fn class_rune(&mut self, class: usize) -> Result<char, String> {
        if self.rest().starts_with('\\') {
            return self.escape(self.at);
        }
        self.next()
            .ok_or_else(|| wrong("missing closing ]", &self.whole[class..]))
    }
}

fn push_rune(out: &mut String, rune: char) {
    if rune.is_ascii_alphanumeric()
        || !rune.is_ascii()
        || matches!(rune, '_' | ' ' | '/' | ':' | '"' | ',' | '=')
    {
        out.push(rune);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(rune));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_after_a_set_is_itself() {
        for (pattern, text, expected) in [
            (r"^[\w-\.]+$", "my-master.group", true),
            (r"^[\w-\.]+$", "a b", false),
            (r"^[[:alpha:]-_]+$", "a-_", true),
            (r"^[\d-]+$", "1-2", true),
            (r"^[a-c]+$", "abc", true),
            (r"^[a-c]+$", "a-c", false),
            (r"^a{,2}{$", "a{,2}{", true),
            (r"^\Qa.b\E+$", "a.bb", true),
            (r"^(?:(?i)a)b$", "Ab", true),
            (r"^(?:(?i)a)b$", "AB", false),
            (r"^[]a]+$", "]a", true),
            (r"^\x{41}\101$", "AA", true),
        ] {
            let regex = regex::Regex::new(&translate(pattern).unwrap()).unwrap();
            assert_eq!(regex.is_match(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn errors_are_gos() {
        for (pattern, expected) in [
            ("(", "missing closing ): `(`"),
            ("a)", "unexpected ): `a)`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("a|+?", "missing argument to repetition operator: `+?`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("[a", "missing closing ]: `[a`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("(a{100}){11}", "invalid repeat count: `{11}`"),
            (r"\y", r"invalid escape sequence: `\y`"),
            (r"\1", r"invalid escape sequence: `\1`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?<n", "invalid named capture: `(?<n`"),
            (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
        ] {
            let error = translate(pattern).unwrap_err();
            assert_eq!(error, format!("error parsing regexp: {expected}"));
        }
    }
}
