//! Go's own functions that neither compare nor decide: print, index, len, html, js, urlquery, call.

use super::{Args, Function, Lazy, Param, fixed, variadic};
use crate::any::{Any, Flavour};
use crate::go::{print, runes};
use crate::template::exec::Exec;
use crate::template::failure::Fail;

pub(super) static FUNCTIONS: &[Function] = &[
    Function {
        lazy: Lazy::Call,
        ..variadic("call", &[Param::Reflect, Param::Reflect], |_, _| {
            Err("call of nil".into())
        })
    },
    variadic("html", &[Param::Any], |exec, args| {
        Ok(Any::Str(html(&text(exec, args)).into()))
    }),
    variadic("index", &[Param::Reflect, Param::Reflect], |exec, args| {
        index(exec, args)
    }),
    variadic("js", &[Param::Any], |exec, args| {
        Ok(Any::Str(js(&text(exec, args)).into()))
    }),
    fixed("len", &[Param::Reflect], |exec, args| len(exec, args)),
    variadic("print", &[Param::Any], |exec, args| {
        Ok(Any::Str(print::sprint(&args.rest(), exec.profile()).into()))
    }),
    variadic("printf", &[Param::Str, Param::Any], |exec, mut args| {
        let format = args.str();
        Ok(Any::Str(
            print::printf(&format, &args.rest(), exec.profile()).into(),
        ))
    }),
    variadic("println", &[Param::Any], |exec, args| {
        let mut out = Vec::new();
        for (at, value) in args.rest().iter().enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            print::display(value, &mut out, exec.profile());
        }
        out.push(b'\n');
        Ok(Any::Str(out.into()))
    }),
    variadic("urlquery", &[Param::Any], |exec, args| {
        Ok(Any::Str(super::url::query_escape(&text(exec, args)).into()))
    }),
];

/// Go's `evalArgs`.
fn text(exec: &Exec<'_>, args: Args) -> Vec<u8> {
    let values: Vec<Any> = args
        .rest()
        .into_iter()
        .map(|it| if it.is_nil() { Any::str("<no value>") } else { it })
        .collect();
    print::sprint(&values, exec.profile())
}

fn len(exec: &Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let value = args.any();
    let length = match &value {
        Any::Str(it) | Any::Bytes(it) => it.len(),
        Any::List(it) => it.len(),
        Any::Map(it) => it.len(),
        Any::Nil if exec.holds_nothing => return Err("len of nil pointer".into()),
        Any::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        _ => return Err(format!("len of type {}", value.type_name(exec.profile())).into()),
    };
    Ok(Any::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(exec: &Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let mut item = args.any();
    if item.is_nil() {
        return Err("index of untyped nil".into());
    }
    for key in args.rest() {
        item = match &item {
            Any::Str(text) | Any::Bytes(text) => {
                let at = position(exec, &key, text.len())?;
                Any::Uint8(*text.get(at).ok_or_else(|| out_of_range("string", at))?)
            }
            Any::List(list) => {
                let at = position(exec, &key, list.len())?;
                list.items()
                    .get(at)
                    .cloned()
                    .ok_or_else(|| out_of_range("slice", at))?
            }
            Any::Map(map) => {
                let Any::Str(key) = &key else {
                    return Err(if key.is_nil() {
                        "value is nil; should be of type string".into()
                    } else {
                        format!(
                            "value has type {}; should be string",
                            key.type_name(exec.profile())
                        )
                        .into()
                    });
                };
                map.get(key).unwrap_or_else(|| match map.flavour() {
                    Flavour::Any | Flavour::Values => Any::Nil,
                    Flavour::Str => Any::str(""),
                    Flavour::Files => Any::Bytes("".into()),
                })
            }
            Any::Nil => return Err("index of nil pointer".into()),
            other => {
                return Err(format!("can't index item of type {}", other.type_name(exec.profile())).into());
            }
        };
    }
    Ok(item)
}

fn out_of_range(what: &str, at: usize) -> Fail {
    let _ = at;
    format!("reflect: {what} index out of range").into()
}

/// Go's `indexArg`: up to the length itself.
fn position(exec: &Exec<'_>, key: &Any, length: usize) -> Result<usize, Fail> {
    let at = match key {
        Any::Int(it) | Any::Int64(it) => *it,
        Any::Uint64(it) => i64::try_from(*it).unwrap_or(-1),
        Any::Uint8(it) => i64::from(*it),
        Any::Nil => return Err("cannot index slice/array with nil".into()),
        _ => {
            return Err(format!(
                "cannot index slice/array with type {}",
                key.type_name(exec.profile())
            )
            .into());
        }
    };
    usize::try_from(at)
        .ok()
        .filter(|it| *it <= length)
        .ok_or_else(|| format!("index out of range: {at}").into())
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        let escaped: &[u8] = match byte {
            0 => "\u{FFFD}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            _ => std::slice::from_ref(byte),
        };
        out.extend_from_slice(escaped);
    }
    out
}

fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, rune, width) in runes::runes(text) {
        match rune {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '<' => out.extend_from_slice(b"\\u003C"),
            '>' => out.extend_from_slice(b"\\u003E"),
            '&' => out.extend_from_slice(b"\\u0026"),
            '=' => out.extend_from_slice(b"\\u003D"),
            _ if rune < ' ' || !rune.is_ascii() && !runes::is_print(rune) => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(rune)).as_bytes());
            }
            _ => out.extend_from_slice(&text[at..at + width]),
        }
    }
    out
}
