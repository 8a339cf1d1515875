//! sprig's merges, which are the library mergo's: what is empty in the destination is taken from the source, and with
//! `mergeOverwrite` everything is.

use super::{Args, Function, Param, variadic};
use crate::any::{Any, DEPTH_MAX, Map};

const MAPS: &[Param] = &[Param::Map, Param::Map];

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("merge", MAPS, |_, args| Ok(merge_all(args, false))),
    variadic("mustMerge", MAPS, |_, args| Ok(merge_all(args, false))),
    variadic("mergeOverwrite", MAPS, |_, args| Ok(merge_all(args, true))),
    variadic("mustMergeOverwrite", MAPS, |_, args| Ok(merge_all(args, true))),
];

fn merge_all(mut args: Args, overwrite: bool) -> Any {
    let mut target = args.map();
    for source in args.rest() {
        let Any::Map(source) = source else { continue };
        if target.is_nil() && !source.is_nil() {
            target = Map::empty();
        }
        if !target.is_nil() {
            merge(&target, &source, overwrite, 0);
        }
    }
    Any::Map(target)
}

/// mergo's `deepMerge` of two maps.
fn merge(target: &Map, source: &Map, overwrite: bool, depth: usize) {
    if depth > DEPTH_MAX || target.is_same(source) || !target.enter() {
        return;
    }
    for (key, new) in source.entries() {
        if new.is_nil()
            || matches!(&new, Any::Map(it) if it.is_nil())
            || matches!(&new, Any::List(it) if it.is_nil())
        {
            if overwrite {
                target.set(key, new);
            }
            continue;
        }
        let old = target.get(&key);
        match (&old, &new) {
            (Some(Any::Map(old)), Any::Map(new)) if !old.is_empty() => {
                merge(old, new, overwrite, depth + 1);
                continue;
            }
            (Some(Any::Map(old)), Any::Map(new)) if !old.is_nil() => merge(old, new, overwrite, depth + 1),
            (Some(old), Any::List(_)) if old.truth() => {
                if overwrite {
                    target.set(key, new);
                }
                continue;
            }
            _ => {}
        }
        if overwrite || old.is_none_or(|it| !it.truth()) {
            target.set(key, new);
        }
    }
    target.leave();
}
