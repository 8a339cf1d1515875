//! Go's `fmt`: `print`, `printf` with all verbs, and `%v` of every kind of value.

mod format;

use super::{number, quote, runes};
use crate::any::{Any, Flavour, Object, Str};
use crate::profile::Profile;

pub(crate) use format::printf;

/// Nesting of printed values; deeper ones are cut, so that a map that contains itself ends.
const DEPTH_MAX: usize = 1_000;

/// Flags, width and precision of one verb.
#[expect(
    clippy::struct_excessive_bools,
    reason = "Go's flags are independent of each other"
)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    plus_v: bool,
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

pub(super) struct Printer {
    out: Vec<u8>,
    flags: Flags,
    profile: Profile,
    erroring: bool,
}

/// `%v` without anything: what an action prints.
pub(crate) fn display(value: &Any, out: &mut Vec<u8>, profile: Profile) {
    match value {
        Any::Str(it) => out.extend_from_slice(it),
        Any::Bool(it) => out.extend_from_slice(if *it { b"true" } else { b"false" }),
        Any::Int(it) | Any::Int64(it) => out.extend_from_slice(it.to_string().as_bytes()),
        Any::Float(it) => out.extend_from_slice(number::format_g(*it).as_bytes()),
        _ => {
            let mut printer = Printer::new(profile);
            printer.value(value, 'v', 0);
            out.extend_from_slice(&printer.out);
        }
    }
}

/// sprig's `strval`: strings, bytes and stringers as they are, everything else as `%v`.
pub(crate) fn strval(value: &Any, profile: Profile) -> Str {
    match value {
        Any::Str(it) | Any::Bytes(it) => it.clone(),
        _ => {
            let mut out = Vec::new();
            display(value, &mut out, profile);
            out.into()
        }
    }
}

/// `fmt.Sprint`: spaces between operands when neither is a string.
pub(crate) fn sprint(values: &[Any], profile: Profile) -> Vec<u8> {
    let mut out = Vec::new();
    let mut previous_string = false;
    for (at, value) in values.iter().enumerate() {
        let string = matches!(value, Any::Str(_));
        if at > 0 && !string && !previous_string {
            out.push(b' ');
        }
        display(value, &mut out, profile);
        previous_string = string;
    }
    out
}

impl Printer {
    fn new(profile: Profile) -> Self {
        Self {
            out: Vec::new(),
            flags: Flags::default(),
            profile,
            erroring: false,
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `printArg` and `printValue`.
    fn value(&mut self, value: &Any, verb: char, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Any::Nil if verb == 'v' => self.pad(b"<nil>"),
            Any::Bool(it) if matches!(verb, 't' | 'v') => self.pad(if *it { b"true" } else { b"false" }),
            Any::Int(it) | Any::Int64(it) => self.integer(it.unsigned_abs(), *it < 0, verb, value),
            Any::Uint64(it) => self.integer(*it, false, verb, value),
            Any::Uint8(it) => self.integer(u64::from(*it), false, verb, value),
            Any::Float(it) => self.float(*it, verb, value),
            Any::Str(it) => self.string(it, verb, value),
            Any::Bytes(it) => self.bytes(it, verb, value),
            Any::List(it) => {
                let items = it.items();
                if self.flags.sharp_v {
                    self.go_list(value, items, depth);
                    return;
                }
                self.out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b' ');
                    }
                    self.nested(item, verb, depth);
                }
                self.out.push(b']');
            }
            Any::Map(it) => {
                if !it.enter() {
                    return;
                }
                self.map(value, &it.entries(), it.flavour(), verb, depth);
                it.leave();
            }
            Any::Object(it) => self.object(it, verb, depth),
            Any::Nil | Any::Bool(_) => self.bad_verb(value, verb),
        }
    }

    /// A value within another: a nil prints `<nil>` whatever the verb.
    fn nested(&mut self, value: &Any, verb: char, depth: usize) {
        if value.is_nil() {
            self.text(if self.flags.sharp_v {
                "interface {}(nil)"
            } else {
                "<nil>"
            });
        } else {
            self.value(value, verb, depth + 1);
        }
    }

    fn map(&mut self, whole: &Any, entries: &[(Str, Any)], flavour: Flavour, verb: char, depth: usize) {
        let go_syntax = self.flags.sharp_v;
        if go_syntax {
            self.text(&whole.type_name(self.profile));
            self.out.push(b'{');
        } else {
            self.text("map[");
        }
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 {
                self.text(if go_syntax { ", " } else { " " });
            }
            self.string(key, verb, &Any::Str(key.clone()));
            self.out.push(b':');
            if flavour == Flavour::Any || flavour == Flavour::Values {
                self.nested(value, verb, depth);
            } else {
                self.value(value, verb, depth + 1);
            }
        }
        self.out.push(if go_syntax { b'}' } else { b']' });
    }

    fn go_list(&mut self, whole: &Any, items: &[Any], depth: usize) {
        self.text(&whole.type_name(self.profile));
        self.out.push(b'{');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            self.nested(item, 'v', depth);
        }
        self.out.push(b'}');
    }

    fn object(&mut self, object: &Object, verb: char, depth: usize) {
        if let Some(text) = object.stringer()
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && !self.flags.sharp_v
        {
            self.string(&text, verb, &Any::Str(text.clone()));
            return;
        }
        if let Object::Complex(real, imaginary) = object {
            return self.complex(*real, *imaginary, verb);
        }
        if depth == 0 && object.kind() == "ptr" {
            self.out.push(b'&');
        } else if object.kind() == "ptr" {
            self.text("0xc000000000");
            return;
        }
        self.out.push(b'{');
        let embedded = object.embedded_fields();
        if embedded > 0 {
            if self.flags.plus_v {
                self.text("Metadata:");
            }
            self.out.push(b'{');
        }
        for (at, (name, value)) in object.printed_fields().iter().enumerate() {
            if at > 0 && at == embedded {
                self.out.push(b'}');
            }
            if at > 0 {
                self.out.push(b' ');
            }
            if self.flags.plus_v {
                self.text(name);
                self.out.push(b':');
            }
            self.nested(value, verb, depth);
        }
        self.out.push(b'}');
    }

    fn bad_verb(&mut self, value: &Any, verb: char) {
        if self.erroring {
            return;
        }
        self.erroring = true;
        self.text("%!");
        runes::push(&mut self.out, verb);
        self.out.push(b'(');
        if value.is_nil() {
            self.text("<nil>");
        } else {
            self.text(&value.type_name(self.profile));
            self.out.push(b'=');
            self.value(value, 'v', 0);
        }
        self.out.push(b')');
        self.erroring = false;
    }

    fn pad(&mut self, text: &[u8]) {
        let missing = self.flags.width.unwrap_or(0).saturating_sub(runes::count(text));
        if missing == 0 {
            self.out.extend_from_slice(text);
        } else if self.flags.minus {
            self.out.extend_from_slice(text);
            self.out.extend(std::iter::repeat_n(b' ', missing));
        } else {
            let filler = if self.flags.zero { b'0' } else { b' ' };
            self.out.extend(std::iter::repeat_n(filler, missing));
            self.out.extend_from_slice(text);
        }
    }

    fn string(&mut self, text: &[u8], verb: char, value: &Any) {
        let text = match self.flags.precision {
            Some(limit) if matches!(verb, 's' | 'v' | 'q') => {
                let end = runes::runes(text).nth(limit).map_or(text.len(), |it| it.0);
                &text[..end]
            }
            _ => text,
        };
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.pad(text),
            'q' => self.quoted(text),
            'x' | 'X' => self.hexadecimal(text, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        if self.flags.sharp
            && !text.contains(&b'`')
            && !text.iter().any(|it| *it < b' ' && *it != b'\t' || *it == 0x7F)
        {
            let raw = [b"`", text, b"`"].concat();
            self.pad(&raw);
        } else if self.flags.plus {
            self.pad(&quote::quote_ascii(text));
        } else {
            self.pad(&quote::quote(text));
        }
    }

    fn hexadecimal(&mut self, text: &[u8], verb: char) {
        let length = self.flags.precision.unwrap_or(text.len()).min(text.len());
        let prefix = if verb == 'x' { "0x" } else { "0X" };
        let mut digits = String::new();
        for (at, byte) in text[..length].iter().enumerate() {
            if self.flags.space && at > 0 {
                digits.push(' ');
            }
            if self.flags.sharp && (at == 0 || self.flags.space) {
                digits.push_str(prefix);
            }
            let hex = if verb == 'x' {
                format!("{byte:02x}")
            } else {
                format!("{byte:02X}")
            };
            digits.push_str(&hex);
        }
        self.pad(digits.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, value: &Any) {
        match verb {
            'v' | 'd' => {
                self.out.push(b'[');
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b' ');
                    }
                    self.integer(u64::from(*byte), false, 'd', &Any::Uint8(*byte));
                }
                self.out.push(b']');
            }
            's' | 'x' | 'X' | 'q' => self.string(bytes, verb, value),
            _ => {
                self.out.push(b'[');
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b' ');
                    }
                    self.value(&Any::Uint8(*byte), verb, 1);
                }
                self.out.push(b']');
            }
        }
    }

    fn integer(&mut self, size: u64, negative: bool, verb: char, value: &Any) {
        match verb {
            'v' | 'd' => self.digits(&size.to_string(), negative, ""),
            'b' => self.digits(&format!("{size:b}"), negative, "0b"),
            'o' => self.digits(&format!("{size:o}"), negative, "0"),
            'O' => {
                self.flags.sharp = true;
                self.digits(&format!("{size:o}"), negative, "0o");
            }
            'x' => self.digits(&format!("{size:x}"), negative, "0x"),
            'X' => self.digits(&format!("{size:X}"), negative, "0X"),
            'c' | 'q' | 'U' => {
                let rune = if negative {
                    None
                } else {
                    u32::try_from(size).ok().and_then(char::from_u32)
                };
                let rune = rune.unwrap_or(runes::REPLACEMENT);
                if verb == 'c' {
                    let mut text = Vec::new();
                    runes::push(&mut text, rune);
                    self.pad(&text);
                } else if verb == 'q' {
                    self.pad(&quote::quote_rune(rune));
                } else {
                    self.pad(format!("U+{size:04X}").as_bytes());
                }
            }
            _ => self.bad_verb(value, verb),
        }
    }

    fn digits(&mut self, digits: &str, negative: bool, prefix: &str) {
        let sign = if negative {
            "-"
        } else if self.flags.plus {
            "+"
        } else if self.flags.space {
            " "
        } else {
            ""
        };
        let prefix = if self.flags.sharp { prefix } else { "" };
        let mut length = self.flags.precision.unwrap_or(0);
        if self.flags.precision == Some(0) && digits == "0" {
            let zero = std::mem::take(&mut self.flags.zero);
            self.pad(b"");
            self.flags.zero = zero;
            return;
        }
        if self.flags.precision.is_none() && self.flags.zero && !self.flags.minus {
            length = self.flags.width.unwrap_or(0).saturating_sub(sign.len());
        }
        let zeros = "0".repeat(length.saturating_sub(digits.len()));
        let text = format!("{sign}{prefix}{zeros}{digits}");
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text.as_bytes());
        self.flags.zero = zero;
    }

    /// `(1+2i)`: the second part always has its sign.
    fn complex(&mut self, real: f64, imaginary: f64, verb: char) {
        let whole = Any::object(Object::Complex(real, imaginary));
        if !"vgGfFeE".contains(verb) {
            return self.bad_verb(&whole, verb);
        }
        self.out.push(b'(');
        self.float(real, verb, &whole);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(imaginary, verb, &whole);
        self.flags.plus = plus;
        self.text("i)");
    }

    fn float(&mut self, value: f64, verb: char, whole: &Any) {
        let precision = self.flags.precision;
        let text = match (verb, precision) {
            ('v' | 'g' | 'G', None) => number::format_g(value),
            ('v' | 'g' | 'G', Some(precision)) => number::format_precise(value, b'g', precision),
            ('f' | 'F', _) => number::format_precise(value, b'f', precision.unwrap_or(6)),
            ('e' | 'E', _) => number::format_precise(value, b'e', precision.unwrap_or(6)),
            ('x' | 'X', precision) => number::format_hex(value, precision),
            _ => return self.bad_verb(whole, verb),
        };
        let text = if matches!(verb, 'E' | 'G' | 'X') {
            text.to_uppercase()
        } else {
            text
        };
        let (sign, body) = match text.as_bytes().first() {
            Some(b'-') => ("-", &text[1..]),
            Some(b'+') => ("+", &text[1..]),
            _ => ("+", text.as_str()),
        };
        let sign = match sign {
            "+" if self.flags.plus => "+",
            "+" if self.flags.space => " ",
            "+" if body == "Inf" => "+",
            "+" => "",
            other => other,
        };
        let finite = value.is_finite();
        if self.flags.zero && !self.flags.minus && finite {
            let length = self.flags.width.unwrap_or(0).saturating_sub(sign.len());
            let zeros = "0".repeat(length.saturating_sub(body.len()));
            self.text(&format!("{sign}{zeros}{body}"));
            return;
        }
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(format!("{sign}{body}").as_bytes());
        self.flags.zero = zero;
    }
}
