//! sprig's functions of strings. Lengths and positions are bytes, as in Go.

use super::{Args, Function, Param, fixed, variadic};
use crate::any::{Any, Flavour, List, Map, Str};
use crate::go::{print, quote, runes};
use crate::template::exec::Exec;
use crate::template::failure::{Fail, Failure};

const ONE: &[Param] = &[Param::Str];
const TWO: &[Param] = &[Param::Str, Param::Str];
const INT_AND_TEXT: &[Param] = &[Param::Int, Param::Str];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("toString", &[Param::Any], |exec, mut args| {
        Ok(Any::Str(print::strval(&args.any(), exec.profile())))
    }),
    variadic("quote", &[Param::Any], |exec, args| {
        let texts = args.rest().into_iter().filter(|it| !it.is_nil());
        let texts: Vec<_> = texts
            .map(|it| quote::quote(&print::strval(&it, exec.profile())))
            .collect();
        Ok(Any::Str(texts.join(&b' ').into()))
    }),
    variadic("squote", &[Param::Any], |exec, args| {
        let texts = args.rest().into_iter().filter(|it| !it.is_nil()).map(|it| {
            let mut text = b"'".to_vec();
            print::display(&it, &mut text, exec.profile());
            text.push(b'\'');
            text
        });
        Ok(Any::Str(texts.collect::<Vec<_>>().join(&b' ').into()))
    }),
    variadic("cat", &[Param::Any], |exec, args| {
        let texts = args.rest().into_iter().filter(|it| !it.is_nil()).map(|it| {
            let mut text = Vec::new();
            print::display(&it, &mut text, exec.profile());
            text
        });
        Ok(Any::Str(texts.collect::<Vec<_>>().join(&b' ').into()))
    }),
    fixed("indent", INT_AND_TEXT, |_, args| indent(args, b"")),
    fixed("nindent", INT_AND_TEXT, |_, args| indent(args, b"\n")),
    fixed("replace", &[Param::Str, Param::Str, Param::Str], |_, mut args| {
        let (old, new, text) = (args.str(), args.str(), args.str());
        if !old.is_empty() && runes::find(&text, &old).is_none() {
            return Ok(Any::Str(text));
        }
        Ok(Any::Str(runes::replace_all(&text, &old, &new).into()))
    }),
    fixed("plural", &[Param::Str, Param::Str, Param::Int], |_, mut args| {
        let (one, many) = (args.str(), args.str());
        Ok(Any::Str(if args.int() == 1 { one } else { many }))
    }),
    fixed("trunc", INT_AND_TEXT, |_, args| Ok(trunc(args))),
    fixed("substr", &[Param::Int, Param::Int, Param::Str], |_, args| {
        substr(args)
    }),
    fixed("trim", ONE, |_, mut args| {
        let text = args.str();
        let trimmed = runes::trim_space(&text);
        Ok(Any::Str(if trimmed.len() == text.len() {
            text
        } else {
            trimmed.into()
        }))
    }),
    fixed("trimAll", TWO, |_, args| Ok(trim_all(args))),
    fixed("trimall", TWO, |_, args| Ok(trim_all(args))),
    fixed("trimSuffix", TWO, |_, mut args| {
        let (suffix, text) = (args.str(), args.str());
        Ok(Any::Str(
            text.strip_suffix(&*suffix)
                .map_or_else(|| text.clone(), Into::into),
        ))
    }),
    fixed("trimPrefix", TWO, |_, mut args| {
        let (prefix, text) = (args.str(), args.str());
        Ok(Any::Str(
            text.strip_prefix(&*prefix)
                .map_or_else(|| text.clone(), Into::into),
        ))
    }),
    fixed("contains", TWO, |_, mut args| {
        let (part, text) = (args.str(), args.str());
        Ok(Any::Bool(runes::find(&text, &part).is_some()))
    }),
    fixed("hasPrefix", TWO, |_, mut args| {
        let (prefix, text) = (args.str(), args.str());
        Ok(Any::Bool(text.starts_with(&prefix)))
    }),
    fixed("hasSuffix", TWO, |_, mut args| {
        let (suffix, text) = (args.str(), args.str());
        Ok(Any::Bool(text.ends_with(&suffix)))
    }),
    fixed("upper", ONE, |_, mut args| Ok(map_runes(&args.str(), upper))),
    fixed("lower", ONE, |_, mut args| Ok(map_runes(&args.str(), lower))),
    fixed("repeat", INT_AND_TEXT, repeat),
    fixed("split", TWO, |_, mut args| {
        let (separator, text) = (args.str(), args.str());
        Ok(numbered(split(&text, &separator, None)))
    }),
    fixed("splitn", &[Param::Str, Param::Int, Param::Str], |_, mut args| {
        let (separator, count, text) = (args.str(), args.int(), args.str());
        let parts = if count == 0 {
            Vec::new()
        } else {
            split(&text, &separator, usize::try_from(count).ok())
        };
        Ok(numbered(parts))
    }),
    fixed("splitList", TWO, |_, mut args| {
        let (separator, text) = (args.str(), args.str());
        Ok(Any::List(List::strings(split(&text, &separator, None))))
    }),
    fixed("shuffle", ONE, |exec, mut args| Ok(shuffle(exec, &args.str()))),
];

fn indent(mut args: Args, before: &[u8]) -> Result<Any, Fail> {
    const WIDTH_MAX: usize = 1_000_000;
    let width = args.int();
    let text = args.str();
    let Ok(width) = usize::try_from(width) else {
        return Err("strings: negative Repeat count".into());
    };
    if width > WIDTH_MAX {
        return Err(Failure::limit(format!(
            "an indentation of {width} is asked for, {WIDTH_MAX} is allowed"
        )));
    }
    let lines = 1 + memchr::memchr_iter(b'\n', &text).count();
    let mut out = Vec::with_capacity(before.len() + text.len() + lines.saturating_mul(width).min(WIDTH_MAX));
    out.extend_from_slice(before);
    let mut rest = &*text;
    loop {
        out.resize(out.len() + width, b' ');
        match memchr::memchr(b'\n', rest) {
            Some(at) => {
                out.extend_from_slice(&rest[..=at]);
                rest = &rest[at + 1..];
            }
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Ok(Any::Str(out.into()))
}

fn trunc(mut args: Args) -> Any {
    let count = args.int();
    let text = args.str();
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let at = |it: i64| usize::try_from(it).unwrap_or(0);
    Any::Str(if count < 0 && length + count > 0 {
        text[at(length + count)..].into()
    } else if count >= 0 && length > count {
        text[..at(count)].into()
    } else {
        text
    })
}

fn substr(mut args: Args) -> Result<Any, Fail> {
    let (start, end, text) = (args.int(), args.int(), args.str());
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let (from, to) = if start < 0 {
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    if to < 0 || to > length {
        return Err(format!("runtime error: slice bounds out of range [:{to}] with length {length}").into());
    }
    if from > to {
        return Err(format!("runtime error: slice bounds out of range [{from}:{to}]").into());
    }
    let at = |it: i64| usize::try_from(it).unwrap_or(0);
    Ok(Any::Str(text[at(from)..at(to)].into()))
}

fn trim_all(mut args: Args) -> Any {
    let (cut, text) = (args.str(), args.str());
    let cut: Vec<char> = runes::runes(&cut).map(|it| it.1).collect();
    let kept: Vec<(usize, usize)> = runes::runes(&text)
        .filter(|it| !cut.contains(&it.1))
        .map(|it| (it.0, it.0 + it.2))
        .collect();
    match (kept.first(), kept.last()) {
        (Some(first), Some(last)) => Any::Str(text[first.0..last.1].into()),
        _ => Any::str(""),
    }
}

/// `unicode.ToUpper` of one rune: never more than one.
pub(super) fn upper(rune: char) -> char {
    if rune.is_ascii() {
        return rune.to_ascii_uppercase();
    }
    let mut upper = rune.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => rune,
    }
}

/// `unicode.ToLower` of one rune.
pub(super) fn lower(rune: char) -> char {
    if rune.is_ascii() {
        return rune.to_ascii_lowercase();
    }
    let mut lower = rune.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => rune,
    }
}

fn map_runes(text: &[u8], change: fn(char) -> char) -> Any {
    let mut out = Vec::with_capacity(text.len());
    if text.is_ascii() {
        // A rune may become one of more bytes, as any other.
        for byte in text {
            let rune = change(char::from(*byte));
            match u8::try_from(rune) {
                Ok(byte) if byte.is_ascii() => out.push(byte),
                _ => runes::push(&mut out, rune),
            }
        }
        return Any::Str(out.into());
    }
    for (_, rune, _) in runes::runes(text) {
        runes::push(&mut out, change(rune));
    }
    Any::Str(out.into())
}

fn repeat(exec: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let (count, text) = (args.int(), args.str());
    let Ok(count) = usize::try_from(count) else {
        return Err("strings: negative Repeat count".into());
    };
    let limit = exec.setting.limits.output_bytes_max;
    match text.len().checked_mul(count) {
        Some(length) if length <= limit => Ok(Any::Str(text.repeat(count).into())),
        _ => Err(Failure::limit(format!(
            "repeating {} bytes {count} times passes {limit} bytes",
            text.len()
        ))),
    }
}

/// `strings.SplitN`; an empty separator splits into runes.
pub(super) fn split(text: &[u8], separator: &[u8], count: Option<usize>) -> Vec<Str> {
    let most = count.unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut rest = text;
    if separator.is_empty() {
        while let Some((_, width)) = runes::decode(rest) {
            if parts.len() + 1 == most {
                parts.push(rest.into());
                return parts;
            }
            parts.push(rest[..width].into());
            rest = &rest[width..];
        }
        return parts;
    }
    while parts.len() + 1 < most {
        let Some(at) = runes::find(rest, separator) else {
            break;
        };
        parts.push(rest[..at].into());
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest.into());
    parts
}

/// Parts by the keys `_0`, `_1`, ...
fn numbered(parts: Vec<Str>) -> Any {
    let entries = parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| (format!("_{at}").into(), Any::Str(part)));
    Any::Map(Map::flavoured(Flavour::Str, entries.collect()))
}

fn shuffle(exec: &mut Exec<'_>, text: &[u8]) -> Any {
    let mut all: Vec<char> = runes::runes(text).map(|it| it.1).collect();
    for at in (1..all.len()).rev() {
        let mut bytes = [0; 8];
        exec.random_bytes(&mut bytes);
        let other = usize::try_from(u64::from_le_bytes(bytes) % (at as u64 + 1)).unwrap_or(0);
        all.swap(at, other);
    }
    all.into_iter().collect::<String>().into()
}
