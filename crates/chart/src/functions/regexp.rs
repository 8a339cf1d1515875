//! sprig's regular expressions: Go's syntax, matched by the crate regex after a small translation.

use std::ops::Range;
use std::rc::Rc;

use super::{Function, Param, fixed};
use crate::any::{Any, Elem, List, Str};
use crate::go::runes;
use crate::template::exec::Exec;
use crate::template::failure::Fail;
use regex::bytes::{Captures, Regex};

mod translate;

const TWO: &[Param] = &[Param::Str, Param::Str];
const THREE: &[Param] = &[Param::Str, Param::Str, Param::Str];
const WITH_COUNT: &[Param] = &[Param::Str, Param::Str, Param::Int];

/// Memory that one compiled expression may take.
const SIZE_MAX: usize = 4 << 20;
/// Parts within parts of one expression, in the crate's count.
const NEST_MAX: u32 = 2_500;

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("regexMatch", TWO, |exec, mut args| {
        let (pattern, text) = (args.str(), args.str());
        Ok(Any::Bool(
            compile(exec, &pattern).is_ok_and(|it| it.is_match(&text)),
        ))
    }),
    fixed("mustRegexMatch", TWO, |exec, mut args| {
        let (pattern, text) = (args.str(), args.str());
        Ok(Any::Bool(compile(exec, &pattern)?.is_match(&text)))
    }),
    fixed("regexFind", TWO, |exec, mut args| {
        find(exec, &args.str(), &args.str(), true)
    }),
    fixed("mustRegexFind", TWO, |exec, mut args| {
        find(exec, &args.str(), &args.str(), false)
    }),
    fixed("regexFindAll", WITH_COUNT, |exec, mut args| {
        find_all(exec, &args.str(), &args.str(), args.int(), true)
    }),
    fixed("mustRegexFindAll", WITH_COUNT, |exec, mut args| {
        find_all(exec, &args.str(), &args.str(), args.int(), false)
    }),
    fixed("regexReplaceAll", THREE, |exec, mut args| {
        replace(exec, &args.str(), &args.str(), &args.str(), true)
    }),
    fixed("mustRegexReplaceAll", THREE, |exec, mut args| {
        replace(exec, &args.str(), &args.str(), &args.str(), false)
    }),
    fixed("regexReplaceAllLiteral", THREE, |exec, mut args| {
        literal(exec, &args.str(), &args.str(), &args.str(), true)
    }),
    fixed("mustRegexReplaceAllLiteral", THREE, |exec, mut args| {
        literal(exec, &args.str(), &args.str(), &args.str(), false)
    }),
    fixed("regexSplit", WITH_COUNT, |exec, mut args| {
        split(exec, &args.str(), &args.str(), args.int(), true)
    }),
    fixed("mustRegexSplit", WITH_COUNT, |exec, mut args| {
        split(exec, &args.str(), &args.str(), args.int(), false)
    }),
    fixed("regexQuoteMeta", &[Param::Str], |_, mut args| {
        let text = args.str();
        let mut out = Vec::with_capacity(text.len());
        for byte in text.iter() {
            if b"\\.+*?()|[]{}^$".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        Ok(Any::Str(out.into()))
    }),
];

/// Whether texts match a regular expression in Go's syntax; the error is Go's.
pub fn matcher(pattern: &str) -> Result<impl Fn(&str) -> bool, String> {
    let regex = regex(pattern)?;
    Ok(move |text: &str| regex.is_match(text.as_bytes()))
}

/// A regular expression in Go's syntax; the error is Go's.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    let translated = translate::translate(pattern)?;
    regex::bytes::RegexBuilder::new(&translated)
        .size_limit(SIZE_MAX)
        .nest_limit(NEST_MAX)
        .build()
        .map_err(|_| format!("error parsing regexp: expression too large: `{pattern}`"))
}

/// Whether a text is a regular expression in Go's syntax.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    translate::translate(pattern).map(drop)
}

fn compile(exec: &mut Exec<'_>, pattern: &Str) -> Result<Rc<Regex>, Fail> {
    if let Some(regex) = exec.regexes.get(pattern) {
        return Ok(regex.clone());
    }
    let regex = Rc::new(regex(&pattern.text())?);
    exec.regexes.insert(pattern.clone(), regex.clone());
    Ok(regex)
}

/// Go's `MustCompile` says more than `Compile`.
fn compiled(exec: &mut Exec<'_>, pattern: &Str, must: bool) -> Result<Rc<Regex>, Fail> {
    compile(exec, pattern).map_err(|fail| {
        if must {
            format!("regexp: Compile({}): {}", go_literal(pattern), fail.text()).into()
        } else {
            fail
        }
    })
}

fn go_literal(pattern: &Str) -> String {
    if pattern.contains(&b'`') {
        crate::go::quote::quoted(pattern)
    } else {
        format!("`{}`", pattern.text())
    }
}

fn find(exec: &mut Exec<'_>, pattern: &Str, text: &Str, must: bool) -> Result<Any, Fail> {
    let regex = compiled(exec, pattern, must)?;
    Ok(Any::Str(
        regex.find(text).map_or("".into(), |it| it.as_bytes().into()),
    ))
}

/// Go's matches: an empty one right after another match does not count.
fn matches<M>(all: impl Iterator<Item = M>, span: impl Fn(&M) -> Range<usize>, count: i64) -> Vec<M> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut end = None;
    let mut found = Vec::new();
    for one in all {
        let whole = span(&one);
        let accepted = !(whole.is_empty() && end == Some(whole.start));
        end = Some(whole.end);
        if accepted {
            if found.len() == most {
                break;
            }
            found.push(one);
        }
    }
    found
}

/// Where the matches are; their groups, which cost several times as much, are not looked for.
fn spans(regex: &Regex, text: &[u8], count: i64) -> Vec<Range<usize>> {
    matches(regex.find_iter(text).map(|it| it.range()), Clone::clone, count)
}

fn find_all(exec: &mut Exec<'_>, pattern: &Str, text: &Str, count: i64, must: bool) -> Result<Any, Fail> {
    let regex = compiled(exec, pattern, must)?;
    let found = spans(&regex, text, count);
    if found.is_empty() {
        return Ok(Any::List(List::nil(Elem::Str)));
    }
    Ok(Any::List(List::strings(
        found.into_iter().map(|it| text.part(it)),
    )))
}

fn replace(exec: &mut Exec<'_>, pattern: &Str, text: &Str, with: &Str, must: bool) -> Result<Any, Fail> {
    if memchr::memchr(b'$', with).is_none() {
        return literal(exec, pattern, text, with, must);
    }
    let regex = compiled(exec, pattern, must)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = 0;
    let whole = |it: &Captures<'_>| it.get(0).map_or(0..0, |it| it.range());
    for captures in matches(regex.captures_iter(text), whole, -1) {
        let Some(whole) = captures.get(0) else { continue };
        out.extend_from_slice(&text[rest..whole.start()]);
        expand(&captures, with, &mut out);
        rest = whole.end();
    }
    out.extend_from_slice(&text[rest..]);
    Ok(Any::Str(out.into()))
}

/// Go's `Expand`: `$1`, `${1}`, `$name`, `$$`.
fn expand(captures: &Captures<'_>, with: &[u8], out: &mut Vec<u8>) {
    let mut rest = with;
    while let Some(at) = memchr::memchr(b'$', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.first() == Some(&b'$') {
            out.push(b'$');
            rest = &rest[1..];
            continue;
        }
        let (name, after) = if let Some(inner) = rest.strip_prefix(b"{") {
            match memchr::memchr(b'}', inner) {
                Some(end) => (&inner[..end], &inner[end + 1..]),
                None => (&[][..], rest),
            }
        } else {
            let is_name = |it: char| it == '_' || runes::is_letter(it) || runes::is_digit(it);
            let end = runes::runes(rest)
                .find(|it| !is_name(it.1))
                .map_or(rest.len(), |it| it.0);
            (&rest[..end], &rest[end..])
        };
        if name.is_empty() {
            out.push(b'$');
            continue;
        }
        rest = after;
        let name = String::from_utf8_lossy(name);
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(&format!("_{name}")),
        };
        out.extend_from_slice(group.map_or(&[], |it| it.as_bytes()));
    }
    out.extend_from_slice(rest);
}

fn literal(exec: &mut Exec<'_>, pattern: &Str, text: &Str, with: &Str, must: bool) -> Result<Any, Fail> {
    let regex = compiled(exec, pattern, must)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = 0;
    for whole in spans(&regex, text, -1) {
        out.extend_from_slice(&text[rest..whole.start]);
        out.extend_from_slice(with);
        rest = whole.end;
    }
    out.extend_from_slice(&text[rest..]);
    Ok(Any::Str(out.into()))
}

/// Go's `Split`.
fn split(exec: &mut Exec<'_>, pattern: &Str, text: &Str, count: i64, must: bool) -> Result<Any, Fail> {
    let regex = compiled(exec, pattern, must)?;
    if count == 0 {
        return Ok(Any::List(List::nil(Elem::Str)));
    }
    if !pattern.is_empty() && text.is_empty() {
        return Ok(Any::List(List::strings([""])));
    }
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts: Vec<Str> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for whole in spans(&regex, text, count) {
        if parts.len() + 1 == most {
            break;
        }
        end = whole.start;
        if whole.end != 0 {
            parts.push(text.part(begin..end));
        }
        begin = whole.end;
    }
    if end != text.len() {
        parts.push(text[begin..].into());
    }
    Ok(Any::List(List::strings(parts)))
}
