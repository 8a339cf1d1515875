//! A process that is root in its container is one bug away from being root on the node.

use serde_json::Value;
use windlass_core::config::Severity;

use super::{Rule, Scene, flag};

pub(super) const RULE: Rule = Rule {
    name: "non-root",
    severity: Severity::High,
    remedy: "set `runAsNonRoot: true` and a `runAsUser` above 0 in the pod's or the container's `securityContext`",
    check,
};

fn check(scene: &Scene<'_>, say: &mut dyn FnMut(String)) {
    for (place, pod, container) in scene.containers() {
        // The container's word wins over the pod's.
        let of = |pointer: &str| {
            let own = container.value().pointer(pointer);
            own.or_else(|| {
                pod.value()
                    .pointer("/spec")
                    .and_then(|spec| spec.pointer(pointer))
            })
        };
        let user = of("/securityContext/runAsUser").and_then(Value::as_i64);
        if user == Some(0) {
            say(format!("{place} runs as root"));
        } else if of("/securityContext/runAsNonRoot").and_then(Value::as_bool) != Some(true) {
            let said = flag(container.value(), "/securityContext/runAsNonRoot");
            let why = if said == Some(false) {
                "is allowed to run"
            } else {
                "may run"
            };
            say(format!("{place} {why} as root"));
        }
    }
}
