//! Which dependencies take part: aliases, tags, conditions; then the values that parents import from them.

use crate::any::{Any, Map};
use crate::error::ChartError;
use crate::metadata::Dependency;
use crate::profile::Profile;
use crate::tree::Branch;
use crate::values::coalesce::{self, Nulls};
use crate::version::{Constraints, Version};
use crate::{Chart, Value};

/// A chart as it takes part in a render, with the charts within it.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Its own name or its alias.
    pub name: String,
    /// Default values, imported ones included.
    pub values: Value,
    /// What Chart.yaml lists, disabled ones left out.
    pub listed: Vec<Dependency>,
    /// The charts within it that are enabled.
    pub children: Vec<Participant>,
}

/// Which charts take part under the user's values, after aliases, tags, conditions and imported values.
pub fn participants(chart: &Chart, values: &Value, profile: Profile) -> Result<Participant, ChartError> {
    let mut root = Branch::new(chart, profile);
    let values = match Any::from(values) {
        Any::Map(map) => map,
        _ => Map::empty(),
    };
    process(&mut root, &values, profile)?;
    Ok(participant(&root))
}

fn participant(branch: &Branch) -> Participant {
    Participant {
        name: branch.name.clone(),
        values: Any::Map(branch.values.clone()).to_value(),
        listed: branch.listed.clone(),
        children: branch.children.iter().map(participant).collect(),
    }
}

/// Helm's `ProcessDependencies`.
pub(crate) fn process(branch: &mut Branch, values: &Map, profile: Profile) -> Result<(), ChartError> {
    enable(branch, values, "", profile)?;
    import(branch, profile)
}

/// Charts that Chart.yaml lists and that are not there.
pub(crate) fn missing(branch: &Branch) -> Vec<String> {
    let found = |it: &&Dependency| {
        branch
            .chart
            .dependencies()
            .iter()
            .any(|chart| chart.name() == it.name)
    };
    branch
        .listed
        .iter()
        .filter(|it| !found(it))
        .map(|it| it.name.clone())
        .collect()
}

/// Whether a version fits a constraint; anything that is neither fits nothing.
pub fn is_compatible(constraint: &str, version: &str) -> bool {
    match (Constraints::new(constraint), Version::new(version)) {
        (Ok(constraint), Ok(version)) => constraint.check(&version),
        _ => false,
    }
}

fn matches(branch: &Branch, dependency: &Dependency) -> bool {
    branch.name == dependency.name && is_compatible(&dependency.version, &branch.chart.metadata().version)
}

fn enable(branch: &mut Branch, values: &Map, path: &str, profile: Profile) -> Result<(), ChartError> {
    if branch.listed.is_empty() {
        return Ok(());
    }
    let mut children: Vec<Branch> = branch
        .children
        .iter()
        .filter(|child| !branch.listed.iter().any(|it| matches(child, it)))
        .cloned()
        .collect();
    for dependency in &mut branch.listed {
        if let Some(child) = branch.children.iter().find(|it| matches(it, dependency)) {
            let mut child = child.clone();
            if !dependency.alias.is_empty() {
                child.name.clone_from(&dependency.alias);
            }
            children.push(child);
        }
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
    }
    branch.children = children;
    let values = coalesce::coalesce_values(branch, values, Nulls::Delete, profile)?;
    let mut disabled = Vec::new();
    for dependency in &branch.listed {
        let by_tags = by_tags(dependency, &values);
        if !by_condition(dependency, &values, path).unwrap_or(by_tags) {
            disabled.push(dependency.name.clone());
        }
    }
    branch.children.retain(|it| !disabled.contains(&it.name));
    branch.listed.retain(|it| !disabled.contains(&it.name));
    for child in &mut branch.children {
        let path = format!("{path}{}.", child.name);
        enable(child, &values, &path, profile)?;
    }
    Ok(())
}

/// Any true tag enables; else any false one disables.
fn by_tags(dependency: &Dependency, values: &Map) -> bool {
    let Some(Any::Map(tags)) = values.get(b"tags") else {
        return true;
    };
    let mut seen_false = false;
    for tag in &dependency.tags {
        match tags.get(tag.as_bytes()) {
            Some(Any::Bool(true)) => return true,
            Some(Any::Bool(false)) => seen_false = true,
            _ => {}
        }
    }
    !seen_false
}

/// The first of the condition's paths that is a boolean decides.
fn by_condition(dependency: &Dependency, values: &Map, path: &str) -> Option<bool> {
    dependency
        .condition
        .trim()
        .split(',')
        .filter(|it| !it.is_empty())
        .find_map(
            |condition| match path_value(values, &format!("{path}{condition}")) {
                Some(Any::Bool(it)) => Some(it),
                _ => None,
            },
        )
}

fn path_value(values: &Map, path: &str) -> Option<Any> {
    let mut parts: Vec<&str> = path.split('.').collect();
    let last = parts.pop()?;
    let mut table = values.clone();
    for part in parts {
        table = match table.get(part.as_bytes())? {
            Any::Map(map) => map,
            _ => return None,
        };
    }
    table.get(last.as_bytes())
}

fn table(values: &Map, path: &str) -> Option<Map> {
    match path_value(values, path)? {
        Any::Map(map) => Some(map),
        _ => None,
    }
}

/// From the leaves up: the values that a chart imports from its dependencies, below its own.
fn import(branch: &mut Branch, profile: Profile) -> Result<(), ChartError> {
    for child in &mut branch.children {
        import(child, profile)?;
    }
    if branch.listed.is_empty() {
        return Ok(());
    }
    let values = coalesce::coalesce_values(branch, &Map::empty(), Nulls::Keep, profile)?;
    let imported = Map::empty();
    for dependency in &branch.listed {
        for wish in &dependency.import_values {
            let (child, parent) = match wish {
                crate::Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                crate::Value::Map(map) => {
                    let part = |key: &str| {
                        let value = map.get(key).map_or(Any::Nil, Any::from);
                        String::from_utf8_lossy(&crate::go::print::sprint(&[value], profile)).into_owned()
                    };
                    (part("child"), part("parent"))
                }
                _ => continue,
            };
            if let Some(found) = table(&values, &format!("{}.{child}", dependency.name)) {
                coalesce::coalesce_tables(&imported, &at_path(&parent, found), Nulls::Keep);
            }
        }
    }
    if imported.is_empty() {
        branch.values = values;
        return Ok(());
    }
    let own = values.deep_copy();
    coalesce::coalesce_tables(&own, &imported, Nulls::Keep);
    branch.values = own;
    Ok(())
}

fn at_path(path: &str, data: Map) -> Map {
    if path == "." {
        return data;
    }
    path.split('.').rev().fold(data, |inner, part| {
        let outer = Map::empty();
        outer.set(part, Any::Map(inner));
        outer
    })
}
