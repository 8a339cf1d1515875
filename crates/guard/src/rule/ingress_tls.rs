//! Without TLS whoever is on the way reads customers' passwords and sessions.

use serde_json::Value;
use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "ingress-tls",
    severity: Severity::High,
    remedy: "list the host below `spec.tls` with the Secret of its certificate",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    if !scene.production {
        return;
    }
    for ingress in scene
        .objects
        .iter()
        .filter(|object| object.is("networking.k8s.io", "Ingress"))
    {
        let list = |pointer: &str| {
            ingress
                .value()
                .pointer(pointer)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let covered: Vec<&str> = list("/spec/tls")
            .filter_map(|tls| tls.get("hosts")?.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for host in list("/spec/rules").filter_map(|rule| rule.get("host")?.as_str()) {
            let by_wildcard = |cover: &&str| {
                let parent = host.split_once('.').map(|(_, parent)| parent);
                cover
                    .strip_prefix("*.")
                    .is_some_and(|domain| parent == Some(domain))
            };
            if !covered.contains(&host) && !covered.iter().any(by_wildcard) {
                say(format!("Ingress/{} serves {host} without TLS", ingress.name()));
            }
        }
    }
}
