//! The parameters of one Application: a tree for Go templates, and the same flattened for plain ones.

use serde_json::{Map, Value};

use super::template::Mode;

/// Parameters by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Params {
    /// For Go templates as it was; for plain ones each value is text, and its name has dots.
    pub(super) map: Map<String, Value>,
}

impl Params {
    pub(super) fn new(map: Map<String, Value>, mode: Mode) -> Self {
        match mode {
            Mode::Go { .. } => Self { map },
            Mode::Plain => Self {
                map: flat(&Value::Object(map)),
            },
        }
    }

    /// What templates write for a parameter; in a tree its name has dots.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        if let Some(value) = self.map.get(key) {
            return Some(written(value));
        }
        let mut names = key.split('.');
        let first = self.map.get(names.next()?)?;
        let value = names.try_fold(first, |value, name| value.get(name))?;
        Some(written(value))
    }
}

/// Maps and lists by dotted names: `a.b`, `a.0`.
fn flat(value: &Value) -> Map<String, Value> {
    fn go(name: &str, value: &Value, all: &mut Map<String, Value>) {
        let within = |key: &str| {
            if name.is_empty() {
                key.to_owned()
            } else {
                format!("{name}.{key}")
            }
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| go(&within(key), value, all)),
            Value::Array(items) => {
                for (at, value) in items.iter().enumerate() {
                    go(&within(&at.to_string()), value, all);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                all.insert(name.to_owned(), Value::String(written(value)));
            }
        }
    }
    let mut all = Map::new();
    go("", value, &mut all);
    all
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The fields of a map; anything else has none.
pub(super) fn fields(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value {
        map
    } else {
        Map::new()
    }
}

/// A name as objects may have it: lower-case letters, digits, dots and dashes.
pub(super) fn normalized(name: &str) -> String {
    const LENGTH_MAX: usize = 253;
    let lower = name.to_lowercase();
    let plain = lower.chars().map(|it| {
        let is_good = it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, '-' | '.');
        if is_good { it } else { '-' }
    });
    let plain: String = plain.take(LENGTH_MAX).collect();
    plain.trim_matches(['-', '.']).to_owned()
}
