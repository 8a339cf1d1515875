//! What a release's own windlass.yaml changes for its environment, as part of the plan that people approve.

use serde_json::{Map, Value, json};

use crate::config::Environment;
use crate::digest::Digest;
use crate::machine::release::Plan;

/// The plan with a line for each setting that becomes another, and a digest that covers them. Equal settings change nothing.
#[must_use]
pub fn with_settings(plan: Plan, before: &Environment, after: &Environment) -> Plan {
    let lines = lines(before, after);
    if lines.is_empty() {
        return plan;
    }
    let digest = Digest::of_json(&json!({ "plan": plan.digest, "settings": after }));
    Plan {
        digest: digest.to_string(),
        changes: lines.into_iter().chain(plan.changes).collect(),
        ..plan
    }
}

fn lines(before: &Environment, after: &Environment) -> Vec<String> {
    let (before, after) = (fields(before), fields(after));
    let line = |(key, new): (&String, &Value)| {
        let old = before.get(key).unwrap_or(&Value::Null);
        let name = key.trim_end_matches("_ms").replace('_', "-");
        (old != new).then(|| {
            format!(
                "windlass.yaml: {name} {} becomes {}",
                shown(key, old),
                shown(key, new)
            )
        })
    };
    after.iter().filter_map(line).collect()
}

fn fields(environment: &Environment) -> Map<String, Value> {
    match serde_json::to_value(environment) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    }
}

fn shown(key: &str, value: &Value) -> String {
    match (value.as_u64(), value.as_str()) {
        (Some(ms), _) if key.ends_with("_ms") && ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        (Some(ms), _) if key.ends_with("_ms") => format!("{ms}ms"),
        (_, Some(text)) => text.to_owned(),
        _ => value.to_string(),
    }
}
