//! sprig's paths, which are Go's `path` with slashes; the `os` ones are the same on Linux.

use super::{Function, Param, fixed};
use crate::any::{Any, Str};

const ONE: &[Param] = &[Param::Str];

pub(super) static FUNCTIONS: &[Function] = &[
    fixed("base", ONE, |_, mut args| Ok(Any::Str(base(&args.str()).into()))),
    fixed("osBase", ONE, |_, mut args| {
        Ok(Any::Str(base(&args.str()).into()))
    }),
    fixed("dir", ONE, |_, mut args| Ok(Any::Str(dir(&args.str()).into()))),
    fixed("osDir", ONE, |_, mut args| Ok(Any::Str(dir(&args.str()).into()))),
    fixed("clean", ONE, |_, mut args| {
        Ok(Any::Str(clean(&args.str()).into()))
    }),
    fixed("osClean", ONE, |_, mut args| {
        Ok(Any::Str(clean(&args.str()).into()))
    }),
    fixed("ext", ONE, |_, mut args| Ok(Any::Str(ext(&args.str())))),
    fixed("osExt", ONE, |_, mut args| Ok(Any::Str(ext(&args.str())))),
    fixed("isAbs", ONE, |_, mut args| {
        Ok(Any::Bool(args.str().first() == Some(&b'/')))
    }),
    fixed("osIsAbs", ONE, |_, mut args| {
        Ok(Any::Bool(args.str().first() == Some(&b'/')))
    }),
];

/// `path.Base`.
pub(crate) fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let end = path.iter().rposition(|it| *it != b'/').map_or(0, |it| it + 1);
    let path = &path[..end];
    let start = path.iter().rposition(|it| *it == b'/').map_or(0, |it| it + 1);
    if path.is_empty() {
        b"/".to_vec()
    } else {
        path[start..].to_vec()
    }
}

fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|it| *it == b'/').map_or(0, |it| it + 1);
    clean(&path[..end])
}

fn ext(path: &[u8]) -> Str {
    let name = path.rsplit(|it| *it == b'/').next().unwrap_or(path);
    name.iter()
        .rposition(|it| *it == b'.')
        .map_or("".into(), |it| name[it..].into())
}

/// `path.Clean`.
pub(crate) fn clean(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let rooted = path[0] == b'/';
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|it| *it == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|it| *it != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
