//! The writer.

use crate::any::{Any, DEPTH_MAX, Map, Object};
use crate::go::{number, runes};

/// `json.Marshal`.
pub(crate) fn write(value: &Any) -> Result<Vec<u8>, String> {
    Writer {
        out: Vec::new(),
        depth: 0,
        html: true,
        indent: None,
    }
    .all(value)
}

/// `json.MarshalIndent` with two spaces.
pub(crate) fn write_pretty(value: &Any) -> Result<Vec<u8>, String> {
    Writer {
        out: Vec::new(),
        depth: 0,
        html: true,
        indent: Some(0),
    }
    .all(value)
}

/// An encoder that leaves HTML characters alone.
pub(crate) fn write_raw(value: &Any) -> Result<Vec<u8>, String> {
    Writer {
        out: Vec::new(),
        depth: 0,
        html: false,
        indent: None,
    }
    .all(value)
}

/// The number of characters of a text as JSON, its quotes included.
pub(crate) fn quoted_length(text: &[u8]) -> usize {
    if text.len() < 128 {
        return text.len();
    }
    let mut writer = Writer {
        out: Vec::new(),
        depth: 0,
        html: true,
        indent: None,
    };
    writer.text(text);
    runes::count(&writer.out)
}

/// Invalid UTF-8 as replacement characters, one a byte.
pub(crate) fn replace_invalid(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (_, rune, _) in runes::runes(text) {
        runes::push(&mut out, rune);
    }
    out
}

struct Writer {
    out: Vec<u8>,
    depth: usize,
    html: bool,
    indent: Option<usize>,
}

impl Writer {
    fn all(mut self, value: &Any) -> Result<Vec<u8>, String> {
        self.value(value)?;
        Ok(self.out)
    }

    fn value(&mut self, value: &Any) -> Result<(), String> {
        match value {
            Any::Nil => self.raw("null"),
            Any::Bool(it) => self.raw(if *it { "true" } else { "false" }),
            Any::Int(it) | Any::Int64(it) => self.raw(&it.to_string()),
            Any::Uint64(it) => self.raw(&it.to_string()),
            Any::Uint8(it) => self.raw(&it.to_string()),
            Any::Float(it) if !it.is_finite() => {
                return Err(format!("json: unsupported value: {}", number::format_g(*it)));
            }
            Any::Float(it) => self.raw(&number::format_json(*it)),
            Any::Str(it) => self.text(it),
            Any::Bytes(it) => self.text(crate::functions::base64(it).as_bytes()),
            Any::List(it) if it.is_nil() => self.raw("null"),
            Any::List(it) => return self.list(it.items()),
            Any::Map(it) if it.is_nil() => self.raw("null"),
            Any::Map(it) => {
                if !it.enter() {
                    return Err(
                        "json: unsupported value: encountered a cycle via map[string]interface {}".to_owned(),
                    );
                }
                let result = self.map(it);
                it.leave();
                return result;
            }
            Any::Object(it) => {
                return match &**it {
                    Object::Complex(..) => Err("json: unsupported type: complex128".to_owned()),
                    Object::Semver(_) | Object::Time(_) => self.value(&it.to_json_map()),
                    _ => self.entries(&it.json_fields()),
                };
            }
        }
        Ok(())
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn line(&mut self) {
        if let Some(depth) = self.indent {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * depth, b' ');
        }
    }

    fn deeper(&mut self, by: isize) {
        self.indent = self.indent.map(|it| it.saturating_add_signed(by));
    }

    fn enter(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err("json: unsupported value: it is nested too deeply".to_owned())
        } else {
            Ok(())
        }
    }

    fn list(&mut self, items: &[Any]) -> Result<(), String> {
        self.enter()?;
        self.out.push(b'[');
        self.deeper(1);
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.line();
            self.value(item)?;
        }
        self.deeper(-1);
        if !items.is_empty() {
            self.line();
        }
        self.depth -= 1;
        self.out.push(b']');
        Ok(())
    }

    fn map(&mut self, map: &Map) -> Result<(), String> {
        self.entries(&map.entries())
    }

    fn entries<K: AsRef<[u8]>>(&mut self, entries: &[(K, Any)]) -> Result<(), String> {
        self.enter()?;
        self.out.push(b'{');
        self.deeper(1);
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.line();
            self.text(key.as_ref());
            self.out.push(b':');
            if self.indent.is_some() {
                self.out.push(b' ');
            }
            self.value(value)?;
        }
        self.deeper(-1);
        if !entries.is_empty() {
            self.line();
        }
        self.depth -= 1;
        self.out.push(b'}');
        Ok(())
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for (at, rune, width) in runes::runes(text) {
            match rune {
                '"' => self.raw("\\\""),
                '\\' => self.raw("\\\\"),
                '\n' => self.raw("\\n"),
                '\r' => self.raw("\\r"),
                '\t' => self.raw("\\t"),
                '\u{08}' => self.raw("\\b"),
                '\u{0C}' => self.raw("\\f"),
                '<' | '>' | '&' if self.html => self.raw(&format!("\\u{:04x}", u32::from(rune))),
                '\u{2028}' | '\u{2029}' => self.raw(&format!("\\u{:04x}", u32::from(rune))),
                _ if rune < ' ' => self.raw(&format!("\\u{:04x}", u32::from(rune))),
                runes::REPLACEMENT if width == 1 => self.raw("\\ufffd"),
                _ => self.out.extend_from_slice(&text[at..at + width]),
            }
        }
        self.out.push(b'"');
    }
}
