//! Helm's coalescing of values: over the charts' defaults, table by table, nulls deleting what is below them.

use crate::any::{Any, Entries, Map};
use crate::error::ChartError;
use crate::profile::Profile;
use crate::tree::Branch;

/// Whether nulls delete what is below them (Helm's coalescing) or stay (its merging).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// A null removes the key.
    Delete,
    /// A null is a value as others.
    Keep,
}

/// The user's values over those of the chart and its dependencies.
pub(crate) fn coalesce_values(
    branch: &Branch,
    values: &Map,
    nulls: Nulls,
    profile: Profile,
) -> Result<Map, ChartError> {
    let target = values.deep_copy();
    let target = if target.is_nil() { Map::empty() } else { target };
    Coalesce { profile }.chart(branch, &target, nulls)?;
    Ok(target)
}

/// `src` below `dst`, table by table.
pub(crate) fn coalesce_tables(dst: &Map, src: &Map, nulls: Nulls) {
    tables(dst, src, nulls);
}

struct Coalesce {
    profile: Profile,
}

impl Coalesce {
    fn chart(&self, branch: &Branch, target: &Map, nulls: Nulls) -> Result<(), ChartError> {
        self.own(branch, target, nulls);
        for child in &branch.children {
            let key = child.name.as_bytes();
            let section = match target.get(key) {
                None => {
                    let section = Map::empty();
                    target.set(child.name.as_str(), Any::Map(section.clone()));
                    section
                }
                Some(value) => {
                    let Some(section) = value.as_table().cloned() else {
                        let shown = crate::go::print::printf(b"%t", &[value], self.profile);
                        let shown = String::from_utf8_lossy(&shown).into_owned();
                        return Err(ChartError::Values(format!(
                            "type mismatch on {}: {shown}",
                            child.name
                        )));
                    };
                    section
                }
            };
            globals(&section, target);
            self.chart(child, &section, nulls)?;
        }
        Ok(())
    }

    fn own(&self, branch: &Branch, target: &Map, nulls: Nulls) {
        for (key, default) in branch.values.deep_copy().entries() {
            match target.get(&key) {
                Some(Any::Nil) if nulls == Nulls::Delete => {
                    target.unset(&key);
                }
                Some(value) => {
                    if let (Some(dst), Some(src)) = (value.as_table(), default.as_table()) {
                        let is_child = branch.children.iter().any(|it| it.name.as_bytes() == &*key);
                        let nulls = if is_child { Nulls::Keep } else { nulls };
                        if nulls == Nulls::Delete && self.profile == Profile::Helm4 {
                            drop_nulls(src);
                        }
                        tables(dst, src, nulls);
                    }
                }
                None => {
                    if nulls == Nulls::Delete && self.profile == Profile::Helm4 {
                        if default.is_nil() {
                            continue;
                        }
                        if let Some(table) = default.as_table() {
                            drop_nulls(table);
                        }
                    }
                    target.set(key, default);
                }
            }
        }
    }
}

fn drop_nulls(map: &Map) {
    for (key, value) in map.entries() {
        if value.is_nil() {
            map.unset(&key);
        } else if let Some(table) = value.as_table() {
            drop_nulls(table);
        }
    }
}

const GLOBAL: &str = "global";

/// The parent's globals into a child's section; the parent's win.
fn globals(section: &Map, parent: &Map) {
    let table = |map: &Map| match map.get(GLOBAL.as_bytes()) {
        None => Some(Map::empty()),
        Some(value) => value.as_table().cloned(),
    };
    let (Some(target), Some(source)) = (table(section), table(parent)) else {
        return;
    };
    for (key, value) in source.entries() {
        let old = target.get(&key);
        let old_table = old.as_ref().and_then(Any::as_table);
        match (value.as_table(), old_table) {
            (Some(table), Some(old)) => {
                let copy = table.shallow_copy();
                tables(&copy, old, Nulls::Keep);
                target.set(key, Any::Map(copy));
            }
            (Some(table), None) if old.is_none() => target.set(key, Any::Map(table.shallow_copy())),
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => target.set(key, value),
        }
    }
    section.set(GLOBAL, Any::Map(target));
}

/// `coalesceTablesFullKey`.
fn tables(dst: &Map, src: &Map, nulls: Nulls) {
    if src.is_nil() || dst.is_nil() {
        return;
    }
    let originally: Entries = src.entries().into_iter().filter(|it| !it.1.is_nil()).collect();
    for (key, value) in dst.entries() {
        if value.is_nil() {
            src.set(key, Any::Nil);
        }
    }
    for (key, value) in src.entries() {
        match dst.get(&key) {
            None => dst.set(key, value),
            Some(Any::Nil) if nulls == Nulls::Delete && originally.contains_key(&key) => {
                dst.unset(&key);
            }
            Some(old) => {
                if let (Some(old), Some(new)) = (old.as_table(), value.as_table()) {
                    tables(old, new, nulls);
                }
            }
        }
    }
}
