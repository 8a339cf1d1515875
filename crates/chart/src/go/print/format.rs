//! `fmt.Sprintf`: flags, widths, precisions, argument indices, and Go's complaints about misuse.

use super::{Any, Flags, Printer};
use crate::go::runes;
use crate::profile::Profile;

/// Widths and precisions above this are no numbers to Go.
const NUMBER_MAX: usize = 1_000_000;

/// `fmt.Sprintf(format, arguments...)`.
pub(crate) fn printf(format: &[u8], arguments: &[Any], profile: Profile) -> Vec<u8> {
    let printer = Printer::new(profile);
    let mut run = Run {
        printer,
        format,
        at: 0,
        arguments,
        next: 0,
        reordered: false,
        good: true,
    };
    run.all();
    run.printer.out
}

struct Run<'a> {
    printer: Printer,
    format: &'a [u8],
    at: usize,
    arguments: &'a [Any],
    next: usize,
    reordered: bool,
    /// The last argument index in brackets was usable.
    good: bool,
}

impl Run<'_> {
    fn all(&mut self) {
        while self.at < self.format.len() {
            let rest = &self.format[self.at..];
            let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            self.printer.out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            if self.at < self.format.len() {
                self.at += 1;
                if !self.verb() {
                    break;
                }
            }
        }
        self.extra();
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// One verb, after its percent sign. False at the end of the format.
    fn verb(&mut self) -> bool {
        self.good = true;
        self.printer.flags = Flags::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => self.printer.flags.sharp = true,
                b'0' => self.printer.flags.zero = true,
                b'+' => self.printer.flags.plus = true,
                b'-' => self.printer.flags.minus = true,
                b' ' => self.printer.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let after_index = self.index();
        let after_index = self.width(after_index);
        let after_index = self.precision(after_index);
        if !after_index {
            self.index();
        }
        let Some((verb, width)) = runes::decode(&self.format[self.at..]) else {
            self.printer.text("%!(NOVERB)");
            return false;
        };
        self.at += width;
        self.put(verb);
        true
    }

    fn put(&mut self, verb: char) {
        if verb == '%' {
            self.printer.out.push(b'%');
            return;
        }
        if !self.good {
            self.complain(verb, "(BADINDEX)");
            return;
        }
        let Some(value) = self.arguments.get(self.next) else {
            self.complain(verb, "(MISSING)");
            return;
        };
        self.next += 1;
        let flags = &mut self.printer.flags;
        if verb == 'v' {
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        match verb {
            'T' => {
                let name = value.type_name(self.printer.profile);
                self.printer.pad(name.as_bytes());
            }
            'w' => self.printer.bad_verb(value, 'w'),
            _ => self.printer.value(value, verb, 0),
        }
    }

    fn complain(&mut self, verb: char, what: &str) {
        self.printer.text("%!");
        runes::push(&mut self.printer.out, verb);
        self.printer.text(what);
    }

    /// `[n]`: the index of the next argument. True when there was one.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(end) = rest.iter().position(|it| *it == b']') else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let number = std::str::from_utf8(&rest[1..end])
            .ok()
            .and_then(|it| it.parse::<usize>().ok());
        self.at += end + 1;
        match number {
            Some(number) if number >= 1 && number <= self.arguments.len() => {
                self.next = number - 1;
                true
            }
            Some(_) => {
                self.good = false;
                true
            }
            None => {
                self.good = false;
                false
            }
        }
    }

    fn width(&mut self, after_index: bool) -> bool {
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.integer() {
                Some(width) => {
                    self.printer.flags.width = Some(width.unsigned_abs());
                    if width < 0 {
                        self.printer.flags.minus = true;
                        self.printer.flags.zero = false;
                    }
                }
                None => self.printer.text("%!(BADWIDTH)"),
            }
            return false;
        }
        self.printer.flags.width = self.number();
        if after_index && self.printer.flags.width.is_some() {
            self.good = false;
        }
        after_index
    }

    fn precision(&mut self, after_index: bool) -> bool {
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return after_index;
        }
        self.at += 1;
        if after_index {
            self.good = false;
        }
        let after_index = self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            self.printer.flags.precision = self.integer().and_then(|it| usize::try_from(it).ok());
            if self.printer.flags.precision.is_none() {
                self.printer.text("%!(BADPREC)");
            }
            return false;
        }
        self.printer.flags.precision = Some(self.number().unwrap_or(0));
        after_index
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.format[start..self.at]).ok()?;
        digits.parse().ok().filter(|it| *it <= NUMBER_MAX)
    }

    /// The next argument as a width or precision.
    fn integer(&mut self) -> Option<isize> {
        let value = self.arguments.get(self.next)?;
        self.next += 1;
        let number = match value {
            Any::Int(it) | Any::Int64(it) => isize::try_from(*it).ok()?,
            Any::Uint64(it) => isize::try_from(*it).ok()?,
            Any::Uint8(it) => isize::from(*it),
            _ => return None,
        };
        (number.unsigned_abs() <= NUMBER_MAX).then_some(number)
    }

    fn extra(&mut self) {
        if self.reordered || self.next >= self.arguments.len() {
            return;
        }
        self.printer.flags = Flags::default();
        self.printer.text("%!(EXTRA ");
        for (at, value) in self.arguments[self.next..].iter().enumerate() {
            if at > 0 {
                self.printer.text(", ");
            }
            if value.is_nil() {
                self.printer.text("<nil>");
            } else {
                let name = value.type_name(self.printer.profile);
                self.printer.text(&name);
                self.printer.out.push(b'=');
                self.printer.value(value, 'v', 0);
            }
        }
        self.printer.out.push(b')');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_go_does() {
        let list = Any::list(vec![Any::Int(1), Any::str("b"), Any::Nil]);
        for (format, arguments, text) in [
            ("%d-%s", vec![Any::Int(3), Any::str("x")], "3-x"),
            ("%d", vec![Any::Float(3.0)], "%!d(float64=3)"),
            ("%s", vec![Any::Nil], "%!s(<nil>)"),
            ("%s", vec![Any::Int64(5)], "%!s(int64=5)"),
            ("%v|%q", vec![list, Any::str("a\"b")], "[1 b <nil>]|\"a\\\"b\""),
            (
                "%05d|%-5d|%+d",
                vec![Any::Int(42), Any::Int(42), Any::Int(42)],
                "00042|42   |+42",
            ),
            (
                "%.2f|%8.3f|%08.3f",
                vec![Any::Float(1.25), Any::Float(2.5), Any::Float(-2.5)],
                "1.25|   2.500|-002.500",
            ),
            ("%s", vec![], "%!s(MISSING)"),
            ("x", vec![Any::Int(1)], "x%!(EXTRA int=1)"),
            ("%[2]s %[1]s", vec![Any::str("a"), Any::str("b")], "b a"),
            ("100%", vec![], "100%!(NOVERB)"),
            (
                "%x %X %c %U",
                vec![Any::Int(255), Any::str("hi"), Any::Int(65), Any::Int(0x1F600)],
                "ff 6869 A U+1F600",
            ),
            ("%T %5t", vec![Any::Float(1.0), Any::Bool(true)], "float64  true"),
            ("%5.1s|%-4s|", vec![Any::str("abc"), Any::str("é")], "    a|é   |"),
        ] {
            let got = String::from_utf8(printf(format.as_bytes(), &arguments, Profile::Helm4)).unwrap();
            assert_eq!(got, text, "{format}");
        }
    }
}
