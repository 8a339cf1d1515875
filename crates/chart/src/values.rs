//! Values: the user's over the parent's over the chart's own.

pub(crate) mod coalesce;
pub mod set;

use std::collections::BTreeMap;

use crate::any::Any;
use crate::tree::Branch;
use crate::warnings::Warn;
use crate::{Chart, ChartError, Limits, Profile, Value, json, load, yaml};

pub use coalesce::Nulls;

/// Merges `more` over `base`: maps deeply, everything else replaces.
pub fn merge(base: &mut BTreeMap<String, Value>, more: BTreeMap<String, Value>) {
    for (key, value) in more {
        match (base.get_mut(&key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => merge(old, new),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The user's values over the defaults of a chart and its dependencies: what templates see as `.Values`.
pub fn coalesced(chart: &Chart, values: &Value, nulls: Nulls, profile: Profile) -> Result<Value, ChartError> {
    let Any::Map(map) = Any::from(values) else {
        return Err(ChartError::Values("the values are no map".to_owned()));
    };
    let all = coalesce::coalesce_values(&Branch::new(chart, profile), &map, nulls, Warn::nobody(profile))?;
    Ok(Any::Map(all).to_value())
}

/// `base` over `below`, table by table.
pub fn coalesce_tables(base: &Value, below: &Value, nulls: Nulls) -> Value {
    let (over, under) = (Any::from(base), Any::from(below));
    if let (Any::Map(over), Any::Map(under)) = (&over, &under) {
        // No warning, so it matters not whose words it would have.
        coalesce::coalesce_tables(over, under, nulls, Warn::nobody(Profile::Helm4));
    }
    over.to_value()
}

/// Reads a values file: one map, or several documents that are merged in order (helm 3 looks at the first).
pub fn read_file(text: &[u8], profile: Profile, limits: &Limits) -> Result<BTreeMap<String, Value>, String> {
    if text.len() > limits.input_bytes_max {
        return Err(format!(
            "it has {} bytes, {} are allowed",
            text.len(),
            limits.input_bytes_max
        ));
    }
    let parts = match profile {
        Profile::Helm3 => vec![text],
        Profile::Helm4 => load::split_documents(text),
    };
    let mut all = BTreeMap::new();
    for part in parts {
        let wrap = |what: String| match profile {
            Profile::Helm3 => what,
            Profile::Helm4 => format!("cannot unmarshal yaml document: {what}"),
        };
        let document =
            yaml::read(part, limits).map_err(|it| wrap(format!("error converting YAML to JSON: {it}")))?;
        match document.to_value() {
            Value::Map(map) => merge(&mut all, map),
            Value::Null => {}
            other => return Err(wrap(load::not_a_map(&other))),
        }
    }
    Ok(all)
}

/// Reads JSON as values are read: every number is a float. The error is Go's.
pub fn read_json(text: &str) -> Result<Value, String> {
    json::read(text.as_bytes()).map(|it: Any| it.to_value())
}
