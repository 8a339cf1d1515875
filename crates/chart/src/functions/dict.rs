//! sprig's functions of maps.

use super::{Args, Function, Param, fixed, variadic};
use crate::any::{Any, Entries, List, Map};
use crate::go::print;
use crate::template::exec::Exec;
use crate::template::failure::Fail;

const MAP_AND_KEY: &[Param] = &[Param::Map, Param::Str];

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("dict", &[Param::Any], |exec, args| Ok(dict(exec, args))),
    fixed("get", MAP_AND_KEY, |_, mut args| {
        let map = args.map();
        Ok(map.get(&args.str()).unwrap_or_else(|| Any::str("")))
    }),
    fixed("set", &[Param::Map, Param::Str, Param::Any], |_, mut args| {
        let (map, key) = (args.map(), args.str());
        if map.is_nil() {
            return Err("assignment to entry in nil map".into());
        }
        map.set(key, args.any());
        Ok(Any::Map(map))
    }),
    fixed("unset", MAP_AND_KEY, |_, mut args| {
        let map = args.map();
        map.unset(&args.str());
        Ok(Any::Map(map))
    }),
    fixed("hasKey", MAP_AND_KEY, |_, mut args| {
        let map = args.map();
        Ok(Any::Bool(map.has(&args.str())))
    }),
    variadic("pluck", &[Param::Str, Param::Map], |_, mut args| {
        let key = args.str();
        let found = args.rest().into_iter().filter_map(|it| match it {
            Any::Map(map) => map.get(&key),
            _ => None,
        });
        Ok(Any::list(found.collect()))
    }),
    variadic("keys", &[Param::Map], |_, args| {
        let maps = args.rest();
        let keys = maps.iter().flat_map(|it| match it {
            Any::Map(map) => map.keys(),
            _ => Vec::new(),
        });
        Ok(Any::List(List::strings(keys)))
    }),
    fixed("values", &[Param::Map], |_, mut args| {
        Ok(Any::list(
            args.map().entries().into_iter().map(|it| it.1).collect(),
        ))
    }),
    variadic("pick", MAP_AND_KEY, |_, mut args| {
        let map = args.map();
        let picked = Map::empty();
        for key in args.rest() {
            if let Any::Str(key) = key
                && let Some(value) = map.get(&key)
            {
                picked.set(key, value);
            }
        }
        Ok(Any::Map(picked))
    }),
    variadic("omit", MAP_AND_KEY, |_, mut args| {
        let rest = args.map().shallow_copy();
        for key in args.rest() {
            if let Any::Str(key) = key {
                rest.unset(&key);
            }
        }
        Ok(Any::Map(rest))
    }),
    variadic("dig", &[Param::Any], dig),
];

fn dict(exec: &Exec<'_>, args: Args) -> Any {
    let mut entries = Entries::new();
    let mut values = args.rest().into_iter();
    while let Some(key) = values.next() {
        let key = print::strval(&key, exec.profile());
        entries.insert(key, values.next().unwrap_or_else(|| Any::str("")));
    }
    Any::Map(Map::new(entries))
}

fn dig(exec: &mut Exec<'_>, args: Args) -> Result<Any, Fail> {
    let mut values = args.rest();
    if values.len() < 3 {
        return Err("dig needs at least three arguments".into());
    }
    let mut step = values.pop().unwrap_or_default();
    let default = values.pop().unwrap_or_default();
    let mut keys = Vec::with_capacity(values.len());
    let wrong = |value: &Any, wanted: &str| -> Fail {
        let got = if value.is_nil() {
            "nil".to_owned()
        } else {
            value.type_name(exec.profile())
        };
        format!("interface conversion: interface {{}} is {got}, not {wanted}").into()
    };
    let Some(_) = step.as_table() else {
        return Err(wrong(&step, "map[string]interface {}"));
    };
    for key in values {
        let Any::Str(key) = &key else {
            return Err(wrong(&key, "string"));
        };
        keys.push(key.clone());
    }
    for key in keys {
        let Some(map) = step.as_table() else {
            return Err(wrong(&step, "map[string]interface {}"));
        };
        match map.get(&key) {
            Some(value) => step = value,
            None => return Ok(default),
        }
    }
    Ok(step)
}
