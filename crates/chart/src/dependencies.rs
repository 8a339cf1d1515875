//! Which dependencies take part: aliases, tags, conditions; then the values that parents import from them.

use crate::any::{Any, Map};
use crate::error::ChartError;
use crate::metadata::Dependency;
use crate::profile::Profile;
use crate::tree::Branch;
use crate::values::coalesce::{self, Nulls};
use crate::version::{Constraints, Version};
use crate::warnings::{Line, Saying, Warn};
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
    process(&mut root, &values, Warn::nobody(profile))?;
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
pub(crate) fn process(branch: &mut Branch, values: &Map, warn: Warn<'_>) -> Result<(), ChartError> {
    enable(branch, values, "", warn)?;
    import(branch, warn)
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

fn enable(branch: &mut Branch, values: &Map, path: &str, warn: Warn<'_>) -> Result<(), ChartError> {
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
    let values = coalesce::coalesce_values(branch, values, Nulls::Delete, warn)?;
    let mut disabled = Vec::new();
    // Helm looks at all tags before any condition, which shows in its warnings.
    let by_tags: Vec<bool> = branch
        .listed
        .iter()
        .map(|it| by_tags(it, &values, warn))
        .collect();
    for (dependency, by_tags) in branch.listed.iter().zip(by_tags) {
        if !by_condition(dependency, &values, path, warn).unwrap_or(by_tags) {
            disabled.push(dependency.name.clone());
        }
    }
    branch.children.retain(|it| !disabled.contains(&it.name));
    branch.listed.retain(|it| !disabled.contains(&it.name));
    for child in &mut branch.children {
        let path = format!("{path}{}.", child.name);
        enable(child, &values, &path, warn)?;
    }
    Ok(())
}

/// Any true tag enables; else any false one disables.
fn by_tags(dependency: &Dependency, values: &Map, warn: Warn<'_>) -> bool {
    let Some(Any::Map(tags)) = values.get(b"tags") else {
        return true;
    };
    let (mut seen_true, mut seen_false) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag.as_bytes()) {
            Some(Any::Bool(true)) => seen_true = true,
            Some(Any::Bool(false)) => seen_false = true,
            Some(_) => no_bool(warn, "dependencies.go:95", ("tag", "Tag"), tag, &dependency.name),
            None => {}
        }
    }
    seen_true || !seen_false
}

/// The first of the condition's paths that is a boolean decides.
fn by_condition(dependency: &Dependency, values: &Map, path: &str, warn: Warn<'_>) -> Option<bool> {
    dependency
        .condition
        .trim()
        .split(',')
        .filter(|it| !it.is_empty())
        .find_map(
            |condition| match path_value(values, &format!("{path}{condition}")) {
                Some(Any::Bool(it)) => Some(it),
                Some(Any::Map(_)) | None => None,
                Some(_) => {
                    let words = ("path", "Condition path");
                    no_bool(warn, "dependencies.go:64", words, condition, &dependency.name);
                    None
                }
            },
        )
}

/// A tag or a condition is no boolean.
fn no_bool(warn: Warn<'_>, place: &'static str, words: (&'static str, &str), what: &str, chart: &str) {
    warn.say(|| Saying {
        place,
        helm3: format!(
            "Warning: {} '{what}' for chart {chart} returned non-bool value",
            words.1
        ),
        helm4: Line::warn(
            "returned non-bool value",
            vec![(words.0, what.to_owned()), ("chart", chart.to_owned())],
        ),
    });
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

/// The table at a path, or the part of the path that is none.
fn table<'p>(values: &Map, path: &'p str) -> Result<Map, &'p str> {
    path.split('.')
        .try_fold(values.clone(), |table, part| match table.get(part.as_bytes()) {
            Some(Any::Map(map)) => Ok(map),
            _ => Err(part),
        })
}

/// From the leaves up: the values that a chart imports from its dependencies, below its own.
fn import(branch: &mut Branch, warn: Warn<'_>) -> Result<(), ChartError> {
    for child in &mut branch.children {
        import(child, warn)?;
    }
    if branch.listed.is_empty() {
        return Ok(());
    }
    let values = coalesce::coalesce_values(branch, &Map::empty(), Nulls::Keep, warn)?;
    let imported = Map::empty();
    for dependency in &branch.listed {
        for wish in &dependency.import_values {
            let (child, parent) = match wish {
                Value::String(name) => (format!("exports.{name}"), ".".to_owned()),
                Value::Map(map) => {
                    let part = |key: &str| {
                        let value = map.get(key).map_or(Any::Nil, Any::from);
                        String::from_utf8_lossy(&crate::go::print::sprint(&[value], warn.profile()))
                            .into_owned()
                    };
                    (part("child"), part("parent"))
                }
                _ => continue,
            };
            match table(&values, &format!("{}.{child}", dependency.name)) {
                Ok(found) => {
                    coalesce::coalesce_tables(&imported, &at_path(&parent, found), Nulls::Keep, warn);
                }
                Err(part) => no_table(warn, wish, &dependency.name, part),
            }
        }
    }
    if imported.is_empty() {
        branch.values = values;
        return Ok(());
    }
    let own = values.deep_copy();
    coalesce::coalesce_tables(&own, &imported, Nulls::Keep, warn);
    branch.values = own;
    Ok(())
}

/// What is to be imported is not there.
fn no_table(warn: Warn<'_>, wish: &Value, chart: &str, part: &str) {
    warn.say(|| {
        let error = format!("{} is not a table", crate::go::quote::quoted(part.as_bytes()));
        if matches!(wish, Value::Map(_)) {
            return Saying {
                place: "dependencies.go:270",
                helm3: format!("Warning: ImportValues missing table from chart {chart}: {error}"),
                helm4: Line::warn(
                    "ImportValues missing table from chart",
                    vec![("chart", chart.to_owned()), ("error", error)],
                ),
            };
        }
        Saying {
            place: "dependencies.go:287",
            helm3: format!("Warning: ImportValues missing table: {error}"),
            helm4: Line::warn("ImportValues missing table", vec![("error", error)]),
        }
    });
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
