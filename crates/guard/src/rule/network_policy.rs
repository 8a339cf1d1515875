//! A pod that no policy selects may be reached by everything in the cluster, and reach everything.

use serde_json::Value;
use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "network-policy",
    severity: Severity::Medium,
    remedy: "add a NetworkPolicy that selects the pods and names who may talk to them",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    let policies: Vec<_> = scene
        .objects
        .iter()
        .filter(|object| object.is("networking.k8s.io", "NetworkPolicy"))
        .collect();
    for (object, pod) in scene.pods() {
        let labels = pod.labels();
        let selects = |selector: Option<&Value>| {
            let wanted = selector
                .and_then(|selector| selector.get("matchLabels"))
                .and_then(Value::as_object);
            let fits = |(key, value): (&String, &Value)| labels.get(key.as_str()).copied() == value.as_str();
            // Expressions are taken to fit: a false alarm would be worse than a missed one.
            wanted.is_none_or(|wanted| wanted.iter().all(fits))
        };
        if !policies
            .iter()
            .any(|policy| selects(policy.value().pointer("/spec/podSelector")))
        {
            say(format!(
                "{} is selected by no NetworkPolicy",
                object.reference().short()
            ));
        }
    }
}
