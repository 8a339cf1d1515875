//! A part of a manifest that remembers where it is, so that what is wrong with it can be named.

use serde_json::{Map, Value};

use super::Wrong;

/// A value of a manifest, and the path to it: `application.yaml: spec.source`.
#[derive(Debug, Clone)]
pub(super) struct Part<'v> {
    place: String,
    value: &'v Value,
}

static NULL: Value = Value::Null;

impl<'v> Part<'v> {
    /// The whole of a manifest.
    pub(super) fn root(file: &str, value: &'v Value) -> Self {
        Self {
            place: format!("{file}:"),
            value,
        }
    }

    pub(super) fn place(&self) -> &str {
        self.place.trim_end_matches(':')
    }

    pub(super) fn value(&self) -> &'v Value {
        self.value
    }

    /// Another value at the same place.
    pub(super) fn with<'w>(&self, value: &'w Value) -> Part<'w> {
        Part {
            place: self.place.clone(),
            value,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        !self.value.is_null()
    }

    /// A field; one that is not there is null.
    pub(super) fn get(&self, key: &str) -> Self {
        let dot = if self.place.ends_with(':') { ' ' } else { '.' };
        Self {
            place: format!("{}{dot}{key}", self.place),
            value: self.value.get(key).unwrap_or(&NULL),
        }
    }

    pub(super) fn wrong(&self, cause: impl Into<String>, hint: impl Into<String>) -> Wrong {
        Wrong::new(self.place(), cause, hint)
    }

    fn is_no(&self, what: &str) -> Wrong {
        self.wrong(
            format!("it is no {what}"),
            "Argo CD's CustomResourceDefinition says which field is what",
        )
    }

    /// A text; numbers and flags count as theirs, as `targetRevision: 1.0` is meant.
    pub(super) fn text(&self) -> Result<Option<String>, Wrong> {
        match self.value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(number) => Ok(Some(number.to_string())),
            Value::Bool(flag) => Ok(Some(flag.to_string())),
            Value::Array(_) | Value::Object(_) => Err(self.is_no("text")),
        }
    }

    /// A text; empty where there is none.
    pub(super) fn word(&self) -> Result<String, Wrong> {
        Ok(self.text()?.unwrap_or_default())
    }

    pub(super) fn flag(&self, default: bool) -> Result<bool, Wrong> {
        match self.value {
            Value::Null => Ok(default),
            Value::Bool(flag) => Ok(*flag),
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Err(self.is_no("`true` or `false`"))
            }
        }
    }

    pub(super) fn number(&self) -> Result<Option<u64>, Wrong> {
        if self.value.is_null() {
            return Ok(None);
        }
        let number = self.value.as_u64();
        number.map(Some).ok_or_else(|| self.is_no("whole number from 0"))
    }

    pub(super) fn list(&self) -> Result<Vec<Part<'v>>, Wrong> {
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => Ok((0..)
                .zip(items)
                .map(|(at, value): (usize, _)| Part {
                    place: format!("{}[{at}]", self.place),
                    value,
                })
                .collect()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(self.is_no("list"))
            }
        }
    }

    pub(super) fn words(&self) -> Result<Vec<String>, Wrong> {
        self.list()?.iter().map(Self::word).collect()
    }

    pub(super) fn map(&self) -> Result<Option<&'v Map<String, Value>>, Wrong> {
        match self.value {
            Value::Null => Ok(None),
            Value::Object(map) => Ok(Some(map)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(self.is_no("map")),
        }
    }

    /// The entries of a map of texts.
    pub(super) fn texts(&self) -> Result<std::collections::BTreeMap<String, String>, Wrong> {
        let keys = self.map()?.into_iter().flat_map(Map::keys);
        keys.map(|key| Ok((key.clone(), self.get(key).word()?))).collect()
    }

    /// Fields that are there and not among `known`.
    pub(super) fn others(&self, known: &[&str]) -> Result<Vec<Part<'v>>, Wrong> {
        let keys = self.map()?.into_iter().flat_map(Map::keys);
        let others = keys.filter(|key| !known.contains(&key.as_str()));
        Ok(others
            .map(|key| self.get(key))
            .filter(|it| !is_nothing(it.value))
            .collect())
    }

    /// Refuses fields that are not among `known`: they would change what is deployed.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Wrong> {
        match self.others(known)?.first() {
            None => Ok(()),
            Some(other) => Err(other.wrong(
                "Windlass does not know this field, which may change what is deployed",
                "take it out, or render that part into the repository",
            )),
        }
    }
}

/// What says nothing: null, false, and empty texts, lists and maps.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
