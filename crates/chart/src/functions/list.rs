//! sprig's functions of lists.

use super::{Args, Function, NIL_DEREFERENCE, Param, fixed, math, variadic};
use crate::any::{Any, Elem, List};
use crate::functions::defaults::empty;
use crate::go::print;
use crate::template::exec::Exec;
use crate::template::failure::Fail;

const ONE: &[Param] = &[Param::Any];
const TWO: &[Param] = &[Param::Any, Param::Any];
const SIZE_AND_LIST: &[Param] = &[Param::Int, Param::Any];

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("list", ONE, |_, args| Ok(Any::list(args.rest()))),
    variadic("tuple", ONE, |_, args| Ok(Any::list(args.rest()))),
    fixed("append", TWO, |_, args| push(args)),
    fixed("push", TWO, |_, args| push(args)),
    fixed("mustAppend", TWO, |_, args| push(args)),
    fixed("mustPush", TWO, |_, args| push(args)),
    fixed("prepend", TWO, |_, args| prepend(args)),
    fixed("mustPrepend", TWO, |_, args| prepend(args)),
    fixed("first", ONE, |_, args| {
        one(args, "Cannot find first on", <[Any]>::first)
    }),
    fixed("mustFirst", ONE, |_, args| {
        one(args, "Cannot find first on", <[Any]>::first)
    }),
    fixed("last", ONE, |_, args| {
        one(args, "Cannot find last on", <[Any]>::last)
    }),
    fixed("mustLast", ONE, |_, args| {
        one(args, "Cannot find last on", <[Any]>::last)
    }),
    fixed("rest", ONE, |_, args| {
        part(args, "Cannot find rest on", |items| &items[1..])
    }),
    fixed("mustRest", ONE, |_, args| {
        part(args, "Cannot find rest on", |items| &items[1..])
    }),
    fixed("initial", ONE, |_, args| {
        part(args, "Cannot find initial on", |items| &items[..items.len() - 1])
    }),
    fixed("mustInitial", ONE, |_, args| {
        part(args, "Cannot find initial on", |items| &items[..items.len() - 1])
    }),
    fixed("reverse", ONE, |_, args| reverse(args)),
    fixed("mustReverse", ONE, |_, args| reverse(args)),
    fixed("compact", ONE, |_, args| compact(args)),
    fixed("mustCompact", ONE, |_, args| compact(args)),
    fixed("uniq", ONE, |_, args| uniq(args)),
    fixed("mustUniq", ONE, |_, args| uniq(args)),
    variadic("without", TWO, |_, args| without(args)),
    variadic("mustWithout", TWO, |_, args| without(args)),
    fixed("has", TWO, |_, args| has(args)),
    fixed("mustHas", TWO, |_, args| has(args)),
    variadic("slice", TWO, slice),
    variadic("mustSlice", TWO, slice),
    variadic("concat", ONE, |_, args| concat(args)),
    fixed("chunk", SIZE_AND_LIST, |_, args| chunk(args)),
    fixed("mustChunk", SIZE_AND_LIST, |_, args| chunk(args)),
    fixed("sortAlpha", ONE, |exec, mut args| {
        let value = args.any();
        let mut texts = match &value {
            Any::List(_) | Any::Bytes(_) => strings(&value, exec),
            _ => vec![print::strval(&value, exec.profile())],
        };
        texts.sort();
        Ok(Any::List(List::strings(texts)))
    }),
    fixed("join", &[Param::Str, Param::Any], |exec, mut args| {
        let separator = args.str();
        let texts = strings(&args.any(), exec);
        let texts: Vec<&[u8]> = texts.iter().map(|it| &**it).collect();
        Ok(Any::Str(texts.join(&*separator).into()))
    }),
    fixed("toStrings", ONE, |exec, mut args| {
        Ok(Any::List(List::strings(strings(&args.any(), exec))))
    }),
];

/// sprig's `strslice`: the texts of a list's elements without nils; anything else is one text.
fn strings(value: &Any, exec: &Exec<'_>) -> Vec<crate::any::Str> {
    match value {
        Any::Nil => Vec::new(),
        Any::List(it) => it
            .items()
            .iter()
            .filter(|it| !it.is_nil())
            .map(|it| print::strval(it, exec.profile()))
            .collect(),
        Any::Bytes(it) => it.iter().map(|it| it.to_string().into()).collect(),
        _ => vec![print::strval(value, exec.profile())],
    }
}

/// The items of a list, or sprig's complaint.
fn items(value: Any, complaint: &str) -> Result<Vec<Any>, Fail> {
    match value {
        Any::List(it) => Ok(it.into_items()),
        Any::Bytes(it) => Ok(it.iter().map(|it| Any::Uint8(*it)).collect()),
        Any::Nil => Err(NIL_DEREFERENCE.into()),
        other => Err(format!("{complaint} type {}", other.kind()).into()),
    }
}

fn push(mut args: Args) -> Result<Any, Fail> {
    let mut items = items(args.any(), "Cannot push on")?;
    items.push(args.any());
    Ok(Any::list(items))
}

fn prepend(mut args: Args) -> Result<Any, Fail> {
    let mut items = items(args.any(), "Cannot prepend on")?;
    items.insert(0, args.any());
    Ok(Any::list(items))
}

fn one(mut args: Args, complaint: &str, pick: fn(&[Any]) -> Option<&Any>) -> Result<Any, Fail> {
    Ok(pick(&items(args.any(), complaint)?).cloned().unwrap_or_default())
}

fn part(mut args: Args, complaint: &str, pick: fn(&[Any]) -> &[Any]) -> Result<Any, Fail> {
    let items = items(args.any(), complaint)?;
    if items.is_empty() {
        return Ok(Any::List(List::nil(Elem::Any)));
    }
    Ok(Any::list(pick(&items).to_vec()))
}

fn reverse(mut args: Args) -> Result<Any, Fail> {
    let mut items = items(args.any(), "Cannot find reverse on")?;
    items.reverse();
    Ok(Any::list(items))
}

fn compact(mut args: Args) -> Result<Any, Fail> {
    let mut items = items(args.any(), "Cannot compact on")?;
    items.retain(|it| !empty(it));
    Ok(Any::list(items))
}

fn uniq(mut args: Args) -> Result<Any, Fail> {
    let mut unique: Vec<Any> = Vec::new();
    for item in items(args.any(), "Cannot find uniq on")? {
        if !unique.iter().any(|it| it.deep_equal(&item)) {
            unique.push(item);
        }
    }
    Ok(Any::list(unique))
}

fn without(mut args: Args) -> Result<Any, Fail> {
    let mut items = items(args.any(), "Cannot find without on")?;
    let omitted = args.rest();
    items.retain(|item| !omitted.iter().any(|it| it.deep_equal(item)));
    Ok(Any::list(items))
}

fn has(mut args: Args) -> Result<Any, Fail> {
    let needle = args.any();
    let haystack = args.any();
    if haystack.is_nil() {
        return Ok(Any::Bool(false));
    }
    Ok(Any::Bool(
        items(haystack, "Cannot find has on")?
            .iter()
            .any(|it| it.deep_equal(&needle)),
    ))
}

fn slice(_: &mut Exec<'_>, mut args: Args) -> Result<Any, Fail> {
    let value = args.any();
    let elem = match &value {
        Any::List(it) => it.elem(),
        _ => Elem::Any,
    };
    let items = match value {
        Any::List(it) => it.into_items(),
        Any::Bytes(it) => it.iter().map(|it| Any::Uint8(*it)).collect(),
        Any::Nil => return Err(NIL_DEREFERENCE.into()),
        other => return Err(format!("list should be type of slice or array but {}", other.kind()).into()),
    };
    if items.is_empty() {
        return Ok(Any::Nil);
    }
    let bounds = args.rest();
    let start = bounds.first().map_or(0, math::to_int64);
    let end = bounds
        .get(1)
        .map_or(i64::try_from(items.len()).unwrap_or(i64::MAX), math::to_int64);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    match range {
        Some((start, end)) if start <= end && end <= items.len() => {
            Ok(Any::List(List::typed(elem, items[start..end].to_vec())))
        }
        _ => Err("reflect.Value.Slice: slice index out of bounds".into()),
    }
}

fn concat(args: Args) -> Result<Any, Fail> {
    let mut all = Vec::new();
    for list in args.rest() {
        match list {
            Any::List(it) => all.extend(it.into_items()),
            Any::Bytes(it) => all.extend(it.iter().map(|it| Any::Uint8(*it))),
            Any::Nil => return Err(NIL_DEREFERENCE.into()),
            other => return Err(format!("Cannot concat type {} as list", other.kind()).into()),
        }
    }
    Ok(if all.is_empty() {
        Any::List(List::nil(Elem::Any))
    } else {
        Any::list(all)
    })
}

fn chunk(mut args: Args) -> Result<Any, Fail> {
    let size = args.int();
    let items = match args.any() {
        Any::List(it) => it.into_items(),
        Any::Bytes(it) => it.iter().map(|it| Any::Uint8(*it)).collect(),
        Any::Nil => return Err(NIL_DEREFERENCE.into()),
        other => return Err(format!("Cannot chunk type {}", other.kind()).into()),
    };
    match usize::try_from(size) {
        Ok(size) if size > 0 => {
            let chunks = items.chunks(size).map(|it| Any::list(it.to_vec())).collect();
            Ok(Any::List(List::typed(Elem::List, chunks)))
        }
        _ => Err("runtime error: makeslice: len out of range".into()),
    }
}
