//! Objects as the tests write them.

use serde_json::{Value, json};

/// A Deployment whose pods carry these annotations.
pub(crate) fn deployment(name: &str, replicas: u32, annotations: &Value) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": pod(name, annotations, "Always"),
        }
    })
}

/// A Job that does not try again.
pub(crate) fn job(name: &str, annotations: &Value) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": pod(name, annotations, "Never")},
    })
}

fn pod(name: &str, annotations: &Value, restart: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}, "annotations": annotations},
        "spec": {
            "restartPolicy": restart,
            "containers": [{"name": "main", "image": "registry.invalid/some:1"}],
        }
    })
}
