//! Data as YAML, JSON and `--set` give it: a plain tree that can cross threads. The template engine works on its own
//! graph (`crate::any`), because Go's maps are shared and mutable.

use std::collections::BTreeMap;

/// A tree of data. Numbers keep the kind that Go would give them: whole numbers from `--set` are integers, all numbers
/// that come from a values file are floats.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number (Go's `int64`).
    Int(i64),
    /// Any other number (Go's `float64`).
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// A map; keys are in the order of their bytes.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// An empty map, which is what "no values" means to a chart.
    pub fn empty_map() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// The value as JSON. Numbers that JSON cannot hold (infinities, NaN) become `null`; whole floats become integers,
    /// as Kubernetes reads them.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(it) => (*it).into(),
            Self::Int(it) => (*it).into(),
            Self::Float(it) => float_to_json(*it),
            Self::String(it) => it.clone().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.to_json()))
                .collect(),
        }
    }

    /// The value from JSON: whole numbers that fit become integers, others floats.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(it) => Self::Bool(*it),
            serde_json::Value::Number(it) => it
                .as_i64()
                .map_or_else(|| Self::Float(it.as_f64().unwrap_or(f64::NAN)), Self::Int),
            serde_json::Value::String(it) => Self::String(it.clone()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(entries) => Self::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }
}

fn float_to_json(it: f64) -> serde_json::Value {
    // Above 2^53 a float no longer tells neighbouring integers apart, but it is still one.
    const WHOLE_MAX: f64 = 9.0e18;
    if it.fract() == 0.0 && it.abs() < WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "checked: whole and within i64")]
        return (it as i64).into();
    }
    serde_json::Number::from_f64(it).map_or(serde_json::Value::Null, serde_json::Value::Number)
}
