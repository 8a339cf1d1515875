//! TOML as text, as the library BurntSushi/toml writes it: simple values first, then tables, keys in the order of their bytes.

use std::fmt::Write;

use crate::any::{Any, Map};
use crate::go::number;

/// The text, or the library's complaint.
pub(crate) fn write(value: &Any) -> Result<String, String> {
    let mut out = Vec::new();
    match value {
        Any::Map(map) => table(&mut out, map, &mut Vec::new())?,
        Any::Nil | Any::Object(_) => {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        Any::List(_) if is_table(value) => {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        // What has no key is written without one.
        _ => inline(&mut out, value)?,
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn is_table(value: &Any) -> bool {
    match value {
        Any::Map(_) => true,
        Any::List(list) => !list.is_empty() && list.items().iter().all(|it| matches!(it, Any::Map(_))),
        _ => false,
    }
}

fn table(out: &mut Vec<u8>, map: &Map, path: &mut Vec<String>) -> Result<(), String> {
    if !map.enter() {
        return Err("toml: a map contains itself".to_owned());
    }
    let entries = map.entries();
    let indent = "  ".repeat(path.len());
    for (key, value) in entries.iter().filter(|it| !is_table(&it.1) && !it.1.is_nil()) {
        out.extend_from_slice(format!("{indent}{} = ", quoted_key(key)).as_bytes());
        inline(out, value)?;
        out.push(b'\n');
    }
    for (key, value) in entries.iter().filter(|it| is_table(&it.1)) {
        path.push(quoted_key(key));
        let name = path.join(".");
        let indent = "  ".repeat(path.len().saturating_sub(1));
        match value {
            Any::Map(inner) => {
                if path.len() == 1 && !out.is_empty() {
                    out.push(b'\n');
                }
                out.extend_from_slice(format!("{indent}[{name}]\n").as_bytes());
                table(out, inner, path)?;
            }
            Any::List(list) => {
                for inner in list.items() {
                    if !out.is_empty() {
                        out.push(b'\n');
                    }
                    out.extend_from_slice(format!("{indent}[[{name}]]\n").as_bytes());
                    if let Any::Map(inner) = inner {
                        table(out, inner, path)?;
                    }
                }
            }
            _ => {}
        }
        path.pop();
    }
    map.leave();
    Ok(())
}

fn quoted_key(key: &[u8]) -> String {
    let bare = !key.is_empty()
        && key
            .iter()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-'));
    let text = String::from_utf8_lossy(key);
    if bare { text.into_owned() } else { quoted(&text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for rune in text.chars() {
        match rune {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{08}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{0C}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            _ if rune < ' ' || rune == '\u{7F}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(rune));
            }
            _ => out.push(rune),
        }
    }
    out.push('"');
    out
}

fn inline(out: &mut Vec<u8>, value: &Any) -> Result<(), String> {
    match value {
        Any::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
        Any::Bool(it) => out.extend_from_slice(it.to_string().as_bytes()),
        Any::Int(it) | Any::Int64(it) => out.extend_from_slice(it.to_string().as_bytes()),
        Any::Uint64(it) => out.extend_from_slice(it.to_string().as_bytes()),
        Any::Uint8(it) => out.extend_from_slice(it.to_string().as_bytes()),
        Any::Float(it) => {
            let text = match number::format_g(*it).as_str() {
                "NaN" => "nan".to_owned(),
                "+Inf" => "inf".to_owned(),
                "-Inf" => "-inf".to_owned(),
                text if text.contains(['.', 'e']) => text.to_owned(),
                text => format!("{text}.0"),
            };
            out.extend_from_slice(text.as_bytes());
        }
        Any::Str(it) => out.extend_from_slice(quoted(&it.text()).as_bytes()),
        Any::Bytes(it) => {
            let items: Vec<String> = it.iter().map(ToString::to_string).collect();
            out.extend_from_slice(format!("[{}]", items.join(", ")).as_bytes());
        }
        Any::List(list) => {
            out.push(b'[');
            for (at, item) in list.items().iter().enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                inline(out, item)?;
            }
            out.push(b']');
        }
        Any::Map(map) => {
            out.push(b'{');
            let entries = map.entries();
            let (tables, plain): (Vec<_>, Vec<_>) = entries.iter().partition(|it| is_table(&it.1));
            let kept = plain.into_iter().chain(tables).filter(|it| !it.1.is_nil());
            for (at, (key, value)) in kept.enumerate() {
                if at > 0 {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(format!("{} = ", quoted_key(key)).as_bytes());
                inline(out, value)?;
            }
            out.push(b'}');
        }
        Any::Object(it) => return inline(out, &it.to_json_map()),
    }
    Ok(())
}
