//! Methods that Go's types have and templates may call.

use super::{Function, Param, fixed};
use crate::any::{Any, Elem, Entries, Flavour, List, Map, Object, Str};
use crate::functions::encode::base64;
use crate::functions::path;
use crate::path_match::Glob;
use crate::profile::Profile;
use crate::template::failure::{Fail, Failure};
use crate::yaml;

/// The method of `value` with this name.
pub(crate) fn method(value: &Any, name: &[u8], profile: Profile) -> Option<&'static Function> {
    let table: &'static [Function] = match value {
        Any::Map(map) if map.flavour() == Flavour::Files => FILES,
        Any::Map(map) if map.flavour() == Flavour::Values => VALUES,
        Any::List(list) if list.elem() == Elem::Versions => VERSIONS,
        Any::Object(object) => match &**object {
            Object::KubeVersion(_) => KUBE_VERSION,
            Object::Semver(_) => super::semver::METHODS,
            Object::Time(_) => super::date::METHODS,
            _ => return None,
        },
        _ => return None,
    };
    table
        .iter()
        .find(|it| it.name.as_bytes() == name && it.only.is_none_or(|it| it == profile))
}

const NONE: &[Param] = &[];
const ONE: &[Param] = &[Param::Str];

static VERSIONS: &[Function] = &[fixed("Has", ONE, |_, mut args| {
    let versions = args.any();
    let wanted = args.str();
    let Any::List(versions) = versions else {
        return Ok(Any::Bool(false));
    };
    Ok(Any::Bool(
        versions
            .items()
            .iter()
            .any(|it| matches!(it, Any::Str(it) if *it == wanted)),
    ))
})];

static KUBE_VERSION: &[Function] = &[
    fixed("String", NONE, |_, mut args| {
        Ok(kube(&args.any(), |it| it.normalised.clone()))
    }),
    fixed("GitVersion", NONE, |_, mut args| {
        Ok(kube(&args.any(), |it| it.version.clone()))
    }),
];

fn kube(value: &Any, look: impl Fn(&crate::any::KubeVersion) -> Str) -> Any {
    if let Any::Object(object) = value
        && let Object::KubeVersion(version) = &**object
    {
        return Any::Str(look(version));
    }
    Any::Nil
}

static VALUES: &[Function] = &[
    fixed("AsMap", NONE, |_, mut args| {
        let map = args.map();
        Ok(Any::Map(if map.is_empty() {
            Map::empty()
        } else {
            map.as_plain()
        }))
    }),
    fixed("YAML", NONE, |_, mut args| {
        Ok(Any::Str(yaml::write(&args.any())?.into()))
    }),
    fixed("Table", ONE, |_, mut args| {
        let map = args.map();
        table(&map, &args.str()).map(Any::Map)
    }),
    fixed("PathValue", ONE, |_, mut args| {
        let map = args.map();
        path_value(&map, &args.str())
    }),
];

fn table(map: &Map, path: &Str) -> Result<Map, Fail> {
    let mut map = map.clone();
    for part in path.split(|it| *it == b'.') {
        match map.get(part) {
            Some(Any::Map(it)) => map = it,
            _ => return Err(format!("{:?} is not a table", String::from_utf8_lossy(part)).into()),
        }
    }
    Ok(map.as_values())
}

fn path_value(map: &Map, path: &Str) -> Result<Any, Fail> {
    if path.is_empty() {
        return Err("YAML path cannot be empty".into());
    }
    let (before, key) = match memchr::memrchr(b'.', path) {
        Some(at) => (Some(Str::from(&path[..at])), &path[at + 1..]),
        None => (None, &**path),
    };
    let missing = || -> Fail { format!("{:?} is not a value", String::from_utf8_lossy(key)).into() };
    let holder = match before {
        Some(before) => table(map, &before).map_err(|_| missing())?,
        None => map.clone(),
    };
    match holder.get(key) {
        Some(value) if value.as_table().is_none() => Ok(value),
        _ => Err(missing()),
    }
}

static FILES: &[Function] = &[
    fixed("Get", ONE, |_, mut args| {
        let files = args.map();
        Ok(Any::Str(bytes(&files, &args.str())))
    }),
    fixed("GetBytes", ONE, |_, mut args| {
        let files = args.map();
        Ok(Any::Bytes(bytes(&files, &args.str())))
    }),
    fixed("Glob", ONE, |_, mut args| {
        let files = args.map();
        let glob = Glob::new(&args.str()).unwrap_or_else(Glob::everything);
        let matching: Entries = files
            .entries()
            .into_iter()
            .filter(|it| glob.matches(&it.0))
            .collect();
        Ok(Any::Map(Map::flavoured(Flavour::Files, matching)))
    }),
    fixed("AsConfig", NONE, |_, mut args| {
        Ok(by_base_name(&args.map(), |it| Any::Str(it.clone())))
    }),
    fixed("AsSecrets", NONE, |_, mut args| {
        Ok(by_base_name(&args.map(), |it| Any::str(base64(it))))
    }),
    fixed("Lines", ONE, |exec, mut args| {
        let files = args.map();
        let path = args.str();
        if !files.has(&path) {
            return Ok(Any::List(List::strings(Vec::<Str>::new())));
        }
        let text = bytes(&files, &path);
        lines(&text, exec.profile())
    }),
];

fn bytes(files: &Map, path: &Str) -> Str {
    match files.get(path) {
        Some(Any::Bytes(it) | Any::Str(it)) => it,
        _ => "".into(),
    }
}

fn by_base_name(files: &Map, content: impl Fn(&Str) -> Any) -> Any {
    let map = Map::empty();
    for (name, value) in files.entries() {
        if let Any::Bytes(it) = &value {
            map.set(path::base(&name), content(it));
        }
    }
    let mut text = yaml::write(&Any::Map(map)).unwrap_or_default();
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Any::Str(text.into())
}

/// Helm 4 drops one final new line, helm 3 keeps the empty line after it.
fn lines(text: &Str, profile: Profile) -> Result<Any, Fail> {
    let mut text: &[u8] = text;
    if text.is_empty() {
        return Err(Failure::plain("runtime error: index out of range [-1]"));
    }
    if profile == Profile::Helm4 || text.last() == Some(&b'\n') {
        text = text.strip_suffix(b"\n").unwrap_or(text);
    }
    Ok(Any::List(List::strings(
        text.split(|it| *it == b'\n').map(Str::from),
    )))
}
