//! Helm's coalescing of values: over the charts' defaults, table by table, nulls deleting what is below them.

use crate::any::{Any, Entries, Map};
use crate::error::ChartError;
use crate::profile::Profile;
use crate::tree::Branch;
use crate::warnings::Warn;

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
    warn: Warn<'_>,
) -> Result<Map, ChartError> {
    let target = values.deep_copy();
    let target = if target.is_nil() { Map::empty() } else { target };
    Coalesce { warn }.chart(branch, &target, None, nulls)?;
    Ok(target)
}

/// `src` below `dst`, table by table.
pub(crate) fn coalesce_tables(dst: &Map, src: &Map, nulls: Nulls, warn: Warn<'_>) {
    Coalesce { warn }.tables(dst, src, None, nulls);
}

/// Where a value is, for warnings.
#[derive(Clone, Copy)]
struct Place<'p> {
    within: Option<&'p Place<'p>>,
    key: &'p [u8],
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(within) = self.within {
            write!(f, "{within}.")?;
        }
        f.write_str(&String::from_utf8_lossy(self.key))
    }
}

type Within<'p> = Option<&'p Place<'p>>;

const GLOBAL: &str = "global";

struct Coalesce<'w> {
    warn: Warn<'w>,
}

impl Coalesce<'_> {
    fn chart(
        &self,
        branch: &Branch,
        target: &Map,
        within: Within<'_>,
        nulls: Nulls,
    ) -> Result<(), ChartError> {
        let place = Place {
            within,
            key: branch.name.as_bytes(),
        };
        self.own(branch, target, &place, nulls);
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
                        let shown = crate::go::print::printf(b"%t", &[value], self.warn.profile());
                        let shown = String::from_utf8_lossy(&shown).into_owned();
                        return Err(ChartError::Values(format!(
                            "type mismatch on {}: {shown}",
                            child.name
                        )));
                    };
                    section
                }
            };
            self.globals(&section, target, &place);
            self.chart(child, &section, Some(&place), nulls)?;
        }
        Ok(())
    }

    fn own(&self, branch: &Branch, target: &Map, place: &Place<'_>, nulls: Nulls) {
        let is_helm4 = self.warn.profile() == Profile::Helm4;
        for (key, default) in branch.values.deep_copy().entries() {
            match target.get(&key) {
                Some(Any::Nil) if nulls == Nulls::Delete => {
                    target.unset(&key);
                }
                Some(value) => {
                    let Some(dst) = value.as_table() else {
                        continue;
                    };
                    let Some(src) = default.as_table() else {
                        if !default.is_nil() {
                            self.warn.same("coalesce.go:237", || {
                                let key = String::from_utf8_lossy(&key);
                                format!("warning: skipped value for {place}.{key}: Not a table.")
                            });
                        }
                        continue;
                    };
                    let is_child = branch.children.iter().any(|it| it.name.as_bytes() == &*key);
                    let nulls = if is_child { Nulls::Keep } else { nulls };
                    if nulls == Nulls::Delete && is_helm4 {
                        drop_nulls(src);
                    }
                    let within = Some(place);
                    self.tables(dst, src, Some(&Place { within, key: &key }), nulls);
                }
                None => {
                    if nulls == Nulls::Delete && is_helm4 {
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

    /// The parent's globals into a child's section; the parent's win.
    fn globals(&self, section: &Map, parent: &Map, place: &Place<'_>) {
        let table = |map: &Map| match map.get(GLOBAL.as_bytes()) {
            None => Some(Map::empty()),
            Some(value) => value.as_table().cloned(),
        };
        let no_table = |line, what| {
            self.warn.same(line, || {
                format!("warning: skipping globals because {what} {GLOBAL} is not a table.")
            });
        };
        let Some(target) = table(section) else {
            return no_table("coalesce.go:138", "destination");
        };
        let Some(source) = table(parent) else {
            return no_table("coalesce.go:145", "source");
        };
        for (key, value) in source.entries() {
            let old = target.get(&key);
            let old_table = old.as_ref().and_then(Any::as_table);
            match (value.as_table(), old_table) {
                (Some(table), Some(old)) => {
                    let copy = table.shallow_copy();
                    let within = Some(place);
                    self.tables(&copy, old, Some(&Place { within, key: &key }), Nulls::Keep);
                    target.set(key, Any::Map(copy));
                }
                (Some(table), None) if old.is_none() => target.set(key, Any::Map(table.shallow_copy())),
                (Some(_), None) => self.warn.same("coalesce.go:161", || {
                    let key = crate::go::quote::quoted(&key);
                    format!("Conflict: cannot merge map onto non-map for {key}. Skipping.")
                }),
                (None, Some(_)) => self.warn.same("coalesce.go:175", || {
                    format!("key {} is table. Skipping", String::from_utf8_lossy(&key))
                }),
                (None, None) => target.set(key, value),
            }
        }
        section.set(GLOBAL, Any::Map(target));
    }

    /// `coalesceTablesFullKey`.
    fn tables(&self, dst: &Map, src: &Map, within: Within<'_>, nulls: Nulls) {
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
            let place = Place { within, key: &key };
            match dst.get(&key) {
                None => dst.set(key, value),
                Some(Any::Nil) if nulls == Nulls::Delete && originally.contains_key(&key) => {
                    dst.unset(&key);
                }
                Some(old) => match (old.as_table(), value.as_table()) {
                    (Some(old), Some(new)) => self.tables(old, new, Some(&place), nulls),
                    (None, Some(_)) => self.warn.same("coalesce.go:316", || {
                        let value = shown(&value, self.warn.profile());
                        format!("warning: cannot overwrite table with non table for {place} ({value})")
                    }),
                    (Some(_), None) if !value.is_nil() => self.warn.same("coalesce.go:319", || {
                        let value = shown(&value, self.warn.profile());
                        format!(
                            "warning: destination for {place} is a table. Ignoring non-table value ({value})"
                        )
                    }),
                    (_, None) => {}
                },
            }
        }
    }
}

/// `%v`
fn shown(value: &Any, profile: Profile) -> String {
    let text = crate::go::print::sprint(std::slice::from_ref(value), profile);
    String::from_utf8_lossy(&text).into_owned()
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
