//! Between the plain tree and the graph that templates work on.

use super::{Any, DEPTH_MAX, Entries, Flavour, List, Map};
use crate::Value;

impl From<&Value> for Any {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Bool(it) => Self::Bool(*it),
            Value::Int(it) => Self::Int64(*it),
            Value::Float(it) => Self::Float(*it),
            Value::String(it) => Self::Str(it.as_str().into()),
            Value::List(items) => Self::List(List::new(items.iter().map(Self::from).collect())),
            Value::Map(entries) => Self::Map(Map::from(entries)),
        }
    }
}

impl From<&std::collections::BTreeMap<String, Value>> for Map {
    fn from(entries: &std::collections::BTreeMap<String, Value>) -> Self {
        let entries: Entries = entries
            .iter()
            .map(|(key, value)| (key.as_str().into(), Any::from(value)))
            .collect();
        Self::new(entries)
    }
}

impl Any {
    /// The plain tree: objects become null, bytes their text.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Nil | Self::Object(_) => Value::Null,
            Self::Bool(it) => Value::Bool(*it),
            Self::Int(it) | Self::Int64(it) => Value::Int(*it),
            Self::Uint64(it) => i64::try_from(*it).map_or(Value::Null, Value::Int),
            Self::Uint8(it) => Value::Int(i64::from(*it)),
            Self::Float(it) => Value::Float(*it),
            Self::Str(it) | Self::Bytes(it) => Value::String(it.text().into_owned()),
            Self::List(it) => Value::List(it.items().iter().map(Self::to_value).collect()),
            Self::Map(it) => it.tree(Self::to_value).map_or(Value::Null, Value::Map),
        }
    }

    /// A copy that shares nothing that can change.
    pub(crate) fn deep_copy(&self) -> Self {
        self.copy(0)
    }

    fn copy(&self, depth: usize) -> Self {
        match self {
            _ if depth > DEPTH_MAX => self.clone(),
            Self::List(it) if it.is_nil() => self.clone(),
            Self::List(it) => Self::List(List::typed(
                it.elem(),
                it.items().iter().map(|it| it.copy(depth + 1)).collect(),
            )),
            Self::Map(it) => Self::Map(it.copy(depth)),
            _ => self.clone(),
        }
    }
}

impl Map {
    /// The entries as a plain tree; `None` for a map that is within itself.
    fn tree(&self, of: impl Fn(&Any) -> Value) -> Option<std::collections::BTreeMap<String, Value>> {
        if !self.enter() {
            return None;
        }
        let tree = self.with(|entries| {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (key.text().into_owned(), of(value)))
                .collect()
        });
        self.leave();
        Some(tree)
    }

    /// A copy that shares nothing that can change.
    pub(crate) fn deep_copy(&self) -> Self {
        self.copy(0)
    }

    fn copy(&self, depth: usize) -> Self {
        if self.is_nil() || self.flavour() == Flavour::Files || !self.enter() {
            return self.clone();
        }
        let entries = self.with(|entries| {
            entries
                .iter()
                .map(|(key, it)| (key.clone(), it.copy(depth + 1)))
                .collect()
        });
        self.leave();
        Self::flavoured(self.flavour(), entries)
    }
}
