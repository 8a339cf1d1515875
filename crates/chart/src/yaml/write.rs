//! The writer: the library's emitter, with its styles, its folding and its order of keys.

mod emit;
mod order;
mod scalar;

use crate::any::{Any, DEPTH_MAX, Map, Str};
use crate::go::number;
use crate::json;
use emit::Emitter;
use scalar::Style;

/// What a value is written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `toYaml`: through JSON, folded at 80 columns.
    Plain,
    /// `toYamlPretty`: lists are indented under their keys, nothing is folded.
    Pretty,
}

/// `toYaml`, with the final new line. It goes through JSON, so what JSON cannot hold is an error.
pub(crate) fn write(value: &Any) -> Result<Vec<u8>, String> {
    let mut writer = Writer {
        emitter: Emitter::new(Some(80)),
        dialect: Dialect::Plain,
        depth: 0,
    };
    writer.node(value, Place::ROOT)?;
    Ok(writer.emitter.finish())
}

/// `toYamlPretty`, with the final new line.
pub(crate) fn write_pretty(value: &Any) -> Vec<u8> {
    let mut writer = Writer {
        emitter: Emitter::new(None),
        dialect: Dialect::Pretty,
        depth: 0,
    };
    match writer.node(value, Place::ROOT) {
        Ok(()) => writer.emitter.finish(),
        Err(_) => Vec::new(),
    }
}

/// Where a node stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    in_mapping: bool,
    simple_key: bool,
}

impl Place {
    const ROOT: Self = Self {
        in_mapping: false,
        simple_key: false,
    };
    const ITEM: Self = Self {
        in_mapping: false,
        simple_key: false,
    };
    const VALUE: Self = Self {
        in_mapping: true,
        simple_key: false,
    };
    const KEY: Self = Self {
        in_mapping: true,
        simple_key: true,
    };
}

struct Writer {
    emitter: Emitter,
    dialect: Dialect,
    depth: usize,
}

impl Writer {
    fn node(&mut self, value: &Any, place: Place) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("yaml: exceeded max depth".to_owned());
        }
        self.within(value, place)?;
        self.depth -= 1;
        Ok(())
    }

    fn within(&mut self, value: &Any, place: Place) -> Result<(), String> {
        match value {
            Any::Nil => self.plain("null", place),
            Any::Bool(it) => self.plain(if *it { "true" } else { "false" }, place),
            Any::Int(it) | Any::Int64(it) => self.plain(&it.to_string(), place),
            Any::Uint64(it) => self.plain(&it.to_string(), place),
            Any::Uint8(it) => self.plain(&it.to_string(), place),
            Any::Float(it) => {
                let text = self.float(*it)?;
                self.plain(&text, place);
            }
            Any::Str(it) => return self.text(it, place),
            Any::Bytes(it) if self.dialect == Dialect::Plain => {
                return self.text(&crate::functions::base64(it).into(), place);
            }
            Any::Bytes(it) => {
                let items: Vec<Any> = it.iter().map(|it| Any::Uint8(*it)).collect();
                return self.sequence(&items, place);
            }
            Any::List(it) if it.is_nil() && self.dialect == Dialect::Plain => self.plain("null", place),
            Any::List(it) => return self.sequence(it.items(), place),
            Any::Map(it) if it.is_nil() && self.dialect == Dialect::Plain => self.plain("null", place),
            Any::Map(it) => return self.mapping(it, place),
            Any::Object(it) => return self.node(&it.to_json_map(), place),
        }
        Ok(())
    }

    fn plain(&mut self, text: &str, place: Place) {
        self.emitter
            .scalar(text.as_bytes(), Style::Plain, place.simple_key);
    }

    fn float(&self, value: f64) -> Result<String, String> {
        if self.dialect == Dialect::Pretty {
            return Ok(match number::format_g(value).as_str() {
                "+Inf" => ".inf".to_owned(),
                "-Inf" => "-.inf".to_owned(),
                "NaN" => ".nan".to_owned(),
                other => other.to_owned(),
            });
        }
        if !value.is_finite() {
            return Err(format!("json: unsupported value: {}", number::format_g(value)));
        }
        let json = number::format_json(value);
        if json == "-0" {
            return Ok("0".to_owned());
        }
        let whole = json.bytes().all(|it| it.is_ascii_digit() || it == b'-');
        let is_integer = whole && (json.parse::<i64>().is_ok() || json.parse::<u64>().is_ok());
        Ok(if is_integer { json } else { number::format_g(value) })
    }

    fn text(&mut self, text: &Str, place: Place) -> Result<(), String> {
        if scalar::is_plain_word(text) {
            self.emitter.word(text);
            return Ok(());
        }
        if scalar::is_plain_line(text) && self.emitter.has_room(text.len()) {
            self.emitter.word(text);
            return Ok(());
        }
        let replaced;
        let mut bytes: &[u8] = text;
        if std::str::from_utf8(bytes).is_err() {
            replaced = json::replace_invalid(bytes);
            bytes = &replaced;
        }
        if self.dialect == Dialect::Plain && !scalar::survives_json(bytes) {
            return Err("yaml: control characters are not allowed".to_owned());
        }
        let folded;
        if self.dialect == Dialect::Plain && memchr::memmem::find(bytes, NEXT_LINE).is_some() {
            folded = fold_next_lines(bytes);
            bytes = &folded;
        }
        let style = scalar::style(bytes, self.dialect == Dialect::Pretty);
        self.emitter.scalar(bytes, style, place.simple_key);
        Ok(())
    }

    fn sequence(&mut self, items: &[Any], place: Place) -> Result<(), String> {
        if items.is_empty() {
            self.emitter.indicator(b"[", true, true, false);
            self.emitter.indicator(b"]", false, false, false);
            return Ok(());
        }
        let indentless = self.dialect == Dialect::Plain && place.in_mapping && !self.emitter.is_indention();
        let outer = self.emitter.indent(indentless);
        for item in items {
            self.emitter.write_indent();
            self.emitter.indicator(b"-", true, false, true);
            self.node(item, Place::ITEM)?;
        }
        self.emitter.set_indent(outer);
        Ok(())
    }

    fn mapping(&mut self, map: &Map, _place: Place) -> Result<(), String> {
        if map.is_empty() {
            self.emitter.indicator(b"{", true, true, false);
            self.emitter.indicator(b"}", false, false, false);
            return Ok(());
        }
        if !map.enter() {
            return Err(
                "json: unsupported value: encountered a cycle via map[string]interface {}".to_owned(),
            );
        }
        let result = self.entries(map);
        map.leave();
        result
    }

    fn entries(&mut self, map: &Map) -> Result<(), String> {
        // Nothing changes a map while it is written.
        map.with(|entries| {
            let mut entries: Vec<(&Str, &Any)> = entries.iter().collect();
            entries.sort_by(|a, b| order::compare(a.0, b.0));
            self.sorted(&entries)
        })
    }

    fn sorted(&mut self, entries: &[(&Str, &Any)]) -> Result<(), String> {
        let outer = self.emitter.indent(false);
        for (key, value) in entries {
            if scalar::is_plain_word(key) {
                self.emitter.write_indent();
                self.emitter.word(key);
                self.emitter.indicator(b":", false, false, false);
                self.node(value, Place::VALUE)?;
                continue;
            }
            self.emitter.write_indent();
            if self.dialect == Dialect::Plain && !is_json_key(key) {
                return Err("yaml: did not find expected ',' or '}'".to_owned());
            }
            if scalar::is_simple_key(key) {
                self.text(key, Place::KEY)?;
                self.emitter.indicator(b":", false, false, false);
            } else {
                self.emitter.indicator(b"?", true, false, true);
                self.text(key, Place::VALUE)?;
                self.emitter.write_indent();
                self.emitter.indicator(b":", true, false, true);
            }
            self.node(value, Place::VALUE)?;
        }
        self.emitter.set_indent(outer);
        Ok(())
    }
}

/// Whether the scanner takes the key within JSON for one: short enough, and on one line.
fn is_json_key(key: &[u8]) -> bool {
    json::quoted_length(key) <= KEY_MAX && memchr::memmem::find(key, NEXT_LINE).is_none()
}

/// A longer key of the JSON in between is no key to the library's scanner.
const KEY_MAX: usize = 1_024;

/// U+0085, which ends a line in YAML but stays as it is in JSON.
const NEXT_LINE: &[u8] = "\u{85}".as_bytes();

/// What the reader of the JSON in between makes of U+0085: a line end within quotes, one is a space, more are line ends.
fn fold_next_lines(text: &[u8]) -> Vec<u8> {
    let blank = |it: &u8| *it == b' ';
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, NEXT_LINE) {
        let line = &rest[..at];
        out.extend_from_slice(&line[..line.iter().rposition(|it| !blank(it)).map_or(0, |it| it + 1)]);
        rest = &rest[at + NEXT_LINE.len()..];
        let mut breaks = 0;
        loop {
            let skip = rest.iter().position(|it| !blank(it)).unwrap_or(rest.len());
            rest = &rest[skip..];
            let Some(after) = rest.strip_prefix(NEXT_LINE) else {
                break;
            };
            rest = after;
            breaks += 1;
        }
        if breaks == 0 {
            out.push(b' ');
        }
        out.extend(std::iter::repeat_n(b'\n', breaks));
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let written = write(&Any::str(text)).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn odd_texts_are_written_as_the_library_does() {
        check("<<", "<<\n");
        check("\u{FEFF}s t", "\"\\uFEFF\\x73\\x20\\x74\"\n");
        check("nel\u{85}x", "nel x\n");
        check("a \u{85} \u{85} b", "|-\n  a\n  b\n");
    }

    #[test]
    fn tabs_stand_in_blocks_where_nothing_is_folded() {
        let text = Any::str("tab\t\nx");
        assert_eq!(write(&text).unwrap(), b"\"tab\\t\\nx\"\n");
        assert_eq!(write_pretty(&text), b"|-\n  tab\t\n  x\n");
    }
}
