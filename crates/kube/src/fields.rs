//! Who manages which field of an object: the `fieldsV1` sets of `metadata.managedFields` (structured merge diff, version 4),
//! held against the fields that somebody wants. It knows no schema: how a list is keyed is written in the set itself.

use serde_json::{Map, Value};

/// Paths in a message; more are counted.
const PATHS_MAX: usize = 5;

/// Whether a manager's set covers every field of `wanted`. Empty values count as covered: the server leaves them out.
pub(crate) fn covers(set: &Value, wanted: &Value) -> bool {
    uncovered(set, wanted).is_empty()
}

/// The fields of `wanted` that a manager's set does not cover, as paths for people: `.spec.selector.version`.
pub(crate) fn uncovered(set: &Value, wanted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Value::Object(fields) = wanted else {
        return found;
    };
    for (name, value) in fields.iter().filter(|(name, _)| !is_identity(name)) {
        if name == "metadata" {
            let below = set.get("f:metadata");
            let parts = value.as_object().into_iter().flatten();
            for (part, value) in parts.filter(|(part, _)| !is_name(part)) {
                let own = below.and_then(|below| below.get(format!("f:{part}")));
                look(own, value, &format!(".metadata.{part}"), &mut found);
            }
        } else {
            look(
                set.get(format!("f:{name}")),
                value,
                &format!(".{name}"),
                &mut found,
            );
        }
    }
    found
}

/// `wanted` without the fields in `taken`, and how they are called. What names an object or an entry of a list stays.
pub(crate) fn without(wanted: &Value, taken: &Value) -> (Value, Vec<String>) {
    let mut left = wanted.clone();
    let mut found = Vec::new();
    let (Value::Object(fields), Value::Object(taken)) = (&mut left, taken) else {
        return (left, found);
    };
    for name in fields
        .keys()
        .filter(|name| !is_identity(name))
        .cloned()
        .collect::<Vec<_>>()
    {
        let Some(theirs) = taken.get(&format!("f:{name}")) else {
            continue;
        };
        if cut(fields.get_mut(&name), theirs, &format!(".{name}"), &mut found) {
            fields.remove(&name);
        }
    }
    (left, found)
}

/// What is in one set and not in the other. A field that the other manages as a whole, such as a Service's selector, is
/// managed with all that is below it.
pub(crate) fn minus(set: &Value, other: &Value) -> Value {
    let Some(fields) = set.as_object() else {
        return Value::Object(Map::new());
    };
    let mut left = Map::new();
    for (name, below) in fields {
        match other.get(name) {
            None => {
                left.insert(name.clone(), below.clone());
            }
            Some(Value::Object(whole)) if whole.is_empty() => {}
            Some(theirs) => {
                let rest = minus(below, theirs);
                if rest.as_object().is_some_and(|rest| !rest.is_empty()) {
                    left.insert(name.clone(), rest);
                }
            }
        }
    }
    Value::Object(left)
}

/// Paths in one line.
pub(crate) fn listed(paths: &[String]) -> String {
    let shown = paths
        .iter()
        .take(PATHS_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match paths.len().saturating_sub(PATHS_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn is_identity(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind")
}

fn is_name(part: &str) -> bool {
    matches!(part, "name" | "namespace")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.iter().all(is_empty),
        Value::Object(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn look(set: Option<&Value>, wanted: &Value, path: &str, found: &mut Vec<String>) {
    if is_empty(wanted) {
        return;
    }
    let Some(set) = set else {
        found.push(path.to_owned());
        return;
    };
    let Some(below) = set.as_object().filter(|below| below.keys().any(|key| key != ".")) else {
        // A leaf: a scalar, or a map or list that is managed as a whole.
        return;
    };
    match wanted {
        Value::Object(fields) => {
            for (name, value) in fields {
                look(
                    below.get(&format!("f:{name}")),
                    value,
                    &format!("{path}.{name}"),
                    found,
                );
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                let (key, name) = entry_of(below, entry);
                look(
                    key.and_then(|key| below.get(key)),
                    entry,
                    &format!("{path}[{name}]"),
                    found,
                );
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The key under which a set has an entry of a list, and how the entry is called.
fn entry_of<'a>(set: &'a Map<String, Value>, entry: &Value) -> (Option<&'a String>, String) {
    let matches = |key: &&String| {
        if let Some(text) = key.strip_prefix("k:") {
            let Ok(Value::Object(parts)) = serde_json::from_str(text) else {
                return false;
            };
            // A part that the entry leaves out has a default, such as a port's protocol.
            return parts
                .iter()
                .all(|(name, value)| entry.get(name).is_none_or(|found| found == value));
        }
        key.strip_prefix("v:")
            .is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| value == *entry))
    };
    let key = set.keys().find(matches);
    let name = [
        "name",
        "containerPort",
        "port",
        "mountPath",
        "ip",
        "key",
        "topologyKey",
        "type",
    ]
    .iter()
    .find_map(|part| entry.get(part))
    .unwrap_or(entry);
    (key, name.as_str().map_or_else(|| name.to_string(), str::to_owned))
}

/// Cuts from a value what `theirs` has. Says whether all of it is to go.
fn cut(value: Option<&mut Value>, theirs: &Value, path: &str, found: &mut Vec<String>) -> bool {
    let Some(value) = value else { return false };
    let Some(below) = theirs
        .as_object()
        .filter(|below| below.keys().any(|key| key != "."))
    else {
        // Owning a map only as a place for fields of one's own is no claim on what others put there.
        if value.is_object() && !is_empty(value) && theirs.get(".").is_some() {
            return false;
        }
        found.push(path.to_owned());
        return true;
    };
    match value {
        Value::Object(fields) => {
            for name in fields.keys().cloned().collect::<Vec<_>>() {
                if let Some(theirs) = below.get(&format!("f:{name}"))
                    && cut(fields.get_mut(&name), theirs, &format!("{path}.{name}"), found)
                {
                    fields.remove(&name);
                }
            }
            false
        }
        Value::Array(entries) => {
            for entry in entries {
                let (key, name) = entry_of(below, entry);
                let Some(key) = key else { continue };
                let keys: Map<String, Value> = key
                    .strip_prefix("k:")
                    .and_then(|text| serde_json::from_str(text).ok())
                    .unwrap_or_default();
                let theirs = without_keys(&below[key], &keys);
                cut(Some(entry), &theirs, &format!("{path}[{name}]"), found);
            }
            false
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A set without the fields that name the entry.
fn without_keys(set: &Value, keys: &Map<String, Value>) -> Value {
    let mut set = set.clone();
    if let Some(fields) = set.as_object_mut() {
        fields.retain(|name, _| {
            name.strip_prefix("f:")
                .is_none_or(|name| !keys.contains_key(name))
        });
        // Something stays, so that the rest is not taken for a leaf.
        fields.insert("f:".to_owned(), Value::Object(Map::new()));
    }
    set
}

#[cfg(test)]
#[path = "fields/tests.rs"]
mod tests;
