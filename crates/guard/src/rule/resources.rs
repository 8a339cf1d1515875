//! A container without limits can take a node down; one without requests is placed anywhere and thrown out first.

use windlass_core::config::Severity;

use super::{Rule, Scene};

pub(super) const RULE: Rule = Rule {
    name: "resources",
    severity: Severity::Medium,
    remedy: "set `resources.requests` for cpu and memory, and `resources.limits.memory`",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, _, container) in scene.containers() {
        let resources = container.resources();
        let mut missing = Vec::new();
        for name in ["cpu", "memory"] {
            if !resources.requests.contains_key(name) && !resources.limits.contains_key(name) {
                missing.push(format!("requests.{name}"));
            }
        }
        if !resources.limits.contains_key("memory") {
            missing.push("limits.memory".to_owned());
        }
        if !missing.is_empty() {
            say(format!("{place} does not set {}", missing.join(", ")));
        }
    }
}
