//! Ownership of fields as server-side apply has it, lists taken as a whole: enough of the rules for the tests' server.

use serde_json::{Map, Value, json};

/// The set of fields of an object, without what names it.
pub(crate) fn set_of(value: &Value) -> Value {
    let mut value = value.clone();
    let fields = value.as_object_mut().unwrap();
    fields.retain(|name, _| !["apiVersion", "kind", "status"].contains(&name.as_str()));
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| ["labels", "annotations", "finalizers"].contains(&name.as_str()));
    }
    value
        .as_object_mut()
        .unwrap()
        .retain(|_, value| *value != json!({}));
    below(&value)
}

fn below(value: &Value) -> Value {
    match value {
        Value::Object(fields) if !fields.is_empty() => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (format!("f:{name}"), below(value)))
                .collect(),
        ),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => json!({}),
    }
}

/// Paths of the leaves of a set.
pub(crate) fn leaves(set: &Value) -> Vec<Vec<String>> {
    let Some(fields) = set.as_object().filter(|fields| !fields.is_empty()) else {
        return vec![Vec::new()];
    };
    let mut all = Vec::new();
    for (name, value) in fields {
        let name = name.strip_prefix("f:").unwrap().to_owned();
        for mut path in leaves(value) {
            path.insert(0, name.clone());
            all.push(path);
        }
    }
    all
}

/// A set of these paths.
pub(crate) fn set_from(paths: &[Vec<String>]) -> Value {
    let mut set = json!({});
    for path in paths {
        let mut at = &mut set;
        for part in path {
            at = at
                .as_object_mut()
                .unwrap()
                .entry(format!("f:{part}"))
                .or_insert(json!({}));
        }
    }
    set
}

pub(crate) fn get<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |at, part| at.get(part))
}

pub(crate) fn put(value: &mut Value, path: &[String], new: Value) {
    let (last, above) = path.split_last().unwrap();
    let mut at = value;
    for part in above {
        at = at
            .as_object_mut()
            .unwrap()
            .entry(part.clone())
            .or_insert(Value::Object(Map::new()));
    }
    at[last] = new;
}

pub(crate) fn take(value: &mut Value, path: &[String]) {
    let (last, above) = path.split_last().unwrap();
    let mut at = value;
    for part in above {
        let Some(next) = at.get_mut(part) else { return };
        at = next;
    }
    if let Some(fields) = at.as_object_mut() {
        fields.remove(last);
    }
}
