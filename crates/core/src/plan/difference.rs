//! How two manifests of one object differ, in words.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::Object;

/// Reasons of one change; more are counted.
const REASONS_MAX: usize = 6;
/// Characters of a value in a reason.
const VALUE_MAX: usize = 60;
/// What stands for a value that nobody may see.
const MASK: &str = "(secret)";
/// Fields by which entries of a list are told apart, as in Kubernetes' merge keys.
const LIST_KEYS: [&str; 5] = ["name", "containerPort", "port", "mountPath", "key"];
/// Words in the name of a variable whose value is not shown.
const SENSITIVE: [&str; 6] = ["SECRET", "PASSWORD", "TOKEN", "PRIVATE", "CREDENTIAL", "API_KEY"];

/// What is worth saying of a new object.
pub(super) fn introduction(object: &Object) -> Vec<String> {
    object.workload().map_or_else(Vec::new, |workload| {
        workload
            .containers()
            .iter()
            .map(|container| format!("image {}", image(container.image())))
            .collect()
    })
}

/// Why the new manifest is another; empty when it is not.
pub(super) fn reasons(old: &Object, new: &Object) -> Vec<String> {
    let mut found = Vec::new();
    walk(&mut Path::of(new), old.value(), new.value(), &mut found);
    let more = found.len().saturating_sub(REASONS_MAX);
    found.truncate(REASONS_MAX);
    if more > 0 {
        found.push(format!("{more} more"));
    }
    found
}

/// Where in a manifest.
struct Path {
    parts: Vec<String>,
    secret: bool,
}

impl Path {
    fn of(object: &Object) -> Self {
        Self {
            parts: Vec::new(),
            secret: object.is("", "Secret"),
        }
    }

    fn text(&self) -> String {
        let from = usize::from(self.parts.first().is_some_and(|part| part == "spec"));
        let text = self.parts[from..].join(".");
        let pod = text.strip_prefix("template.spec.").unwrap_or(&text);
        let pod = pod.strip_prefix("containers.").unwrap_or(pod);
        pod.to_owned()
    }

    /// Whether the value here is not for everybody's eyes.
    fn hides(&self) -> bool {
        let name = |part: &String| {
            let part = part.to_ascii_uppercase();
            SENSITIVE.iter().any(|word| part.contains(word))
        };
        let data = ["data", "stringData"];
        (self.secret
            && self
                .parts
                .first()
                .is_some_and(|part| data.contains(&part.as_str())))
            || self.parts.iter().any(name) && !self.parts.iter().any(|part| part == "valueFrom")
    }
}

fn walk(path: &mut Path, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                step(path, key, old.get(key), new.get(key), found);
            }
        }
        (Value::Array(olds), Value::Array(news)) => match (keyed(olds), keyed(news)) {
            (Some(old), Some(new)) => {
                let count = found.len();
                let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
                keys.sort();
                keys.dedup();
                for key in keys {
                    step(path, key, old.get(key).copied(), new.get(key).copied(), found);
                }
                if found.len() == count {
                    found.push(format!("{}: another order", path.text()));
                }
            }
            _ => found.push(said(
                path,
                Some(&Value::Array(olds.clone())),
                Some(&Value::Array(news.clone())),
            )),
        },
        _ => found.push(said(path, Some(old), Some(new))),
    }
}

fn step(path: &mut Path, key: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<String>) {
    path.parts.push(key.to_owned());
    match (old, new) {
        (Some(old), Some(new)) => walk(path, old, new, found),
        (old, new) => found.push(said(path, old, new)),
    }
    path.parts.pop();
}

/// The entries of a list by what names them; `None` where something is unnamed or named twice.
fn keyed(list: &[Value]) -> Option<BTreeMap<String, &Value>> {
    let mut out = BTreeMap::new();
    for entry in list {
        let key = LIST_KEYS.iter().find_map(|key| entry.get(key))?;
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        if out.insert(key, entry).is_some() {
            return None;
        }
    }
    Some(out)
}

fn said(path: &Path, old: Option<&Value>, new: Option<&Value>) -> String {
    let at = path.text();
    if path.parts.last().is_some_and(|part| part == "image")
        && let (Some(Value::String(old)), Some(Value::String(new))) = (old, new)
    {
        return format!("image {} -> {}", image(old), image(new));
    }
    if at.ends_with("checksum/config") {
        return "its configuration changed".to_owned();
    }
    let show = |value: &Value| {
        if path.hides() {
            return MASK.to_owned();
        }
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // An address may carry a password.
        if text.contains("://") && text.contains('@') {
            return MASK.to_owned();
        }
        shortened(&text)
    };
    match (old, new) {
        (Some(_), Some(_)) if path.hides() => format!("{at} changed {MASK}"),
        (Some(old), Some(new)) => format!("{at} {} -> {}", show(old), show(new)),
        (None, Some(new)) => format!("{at} added: {}", show(new)),
        (Some(_), None) => format!("{at} removed"),
        (None, None) => at,
    }
}

/// An image as people know it: without the registry, with as much of a digest as tells it apart.
fn image(reference: &str) -> String {
    let short = reference.rsplit('/').next().unwrap_or(reference);
    match short.split_once("@sha256:") {
        Some((name, digest)) => format!("{name}@{}", digest.get(..12).unwrap_or(digest)),
        None => short.to_owned(),
    }
}

/// One line, of bounded length.
fn shortened(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(VALUE_MAX)
        .collect();
    if text.chars().count() > VALUE_MAX {
        format!("{line}...")
    } else {
        line
    }
}
